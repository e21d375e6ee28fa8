"""What a device can hold and what it allows; defaults, and the boards that are known by name."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from tinycontainer.errors import CapExceeded
from tinycontainer.interfaces.clock import NS_PER_MS
from tinycontainer.interfaces.runtime import RuntimeLimits
from tinycontainer.interfaces.updating import UpdateSection
from tinycontainer.metadata import Timing
from tinycontainer.metadata.codec import (
    BUNDLE_OVERHEAD_BYTES,
    MAX_METADATA_BYTES,
    MAX_SECTION_BYTES,
)

DEFAULT_SLICE_NS: Final = 10_000_000


class Policy(StrEnum):
    """How containers are ranked."""

    PRIORITY = "priority"
    """The best priority first, round-robin among equals."""
    ROUND_ROBIN = "round-robin"
    """Priorities are ignored; all are equal."""

    def rank_of(self, priority: int) -> int:
        """The rank of a container with a priority; lower is better."""
        return priority if self is Policy.PRIORITY else 0


@dataclass(frozen=True, slots=True)
class Capacity:
    """What fits into the device.

    Attributes:
        slots: containers loaded at the same time.
        metadata_bytes, code_bytes, data_bytes: longest sections.
        shared_bytes: if set, code (rounded up to 4) and data share this many bytes.
        descriptors: open on the whole device.
        descriptors_per_container: open by one container.
        transfer_bytes: of one read or write, 1 to 255.
        pipe_bytes: waiting in one direction between two containers.
        log_line_bytes: longest line; more is cut.
        records_per_second: log lines, and as many refusals, recorded of one container.
        runtime: limits of a runtime for one container.
    """

    slots: int = 8
    metadata_bytes: int = 2048
    code_bytes: int = 64 * 1024
    data_bytes: int = 64 * 1024
    shared_bytes: int | None = None
    descriptors: int = 10
    descriptors_per_container: int = 4
    transfer_bytes: int = 255
    pipe_bytes: int = 512
    log_line_bytes: int = 255
    records_per_second: int = 20
    runtime: RuntimeLimits = field(default_factory=RuntimeLimits)

    @property
    def section_limits(self) -> Mapping[UpdateSection, int]:
        """The most bytes of each section of a container."""
        return {
            UpdateSection.METADATA: self.metadata_bytes,
            UpdateSection.CODE: self.code_bytes,
            UpdateSection.DATA: self.data_bytes,
        }

    @property
    def bundle_bytes(self) -> int:
        """The largest bundle."""
        code_and_data = self.code_bytes + self.data_bytes
        if self.shared_bytes is not None:
            code_and_data = min(code_and_data, self.shared_bytes)
        return self.metadata_bytes + code_and_data + BUNDLE_OVERHEAD_BYTES


MAX_BUNDLE_BYTES: Final = MAX_METADATA_BYTES + 2 * MAX_SECTION_BYTES + BUNDLE_OVERHEAD_BYTES

BOARDS: Final[Mapping[str, Capacity]] = MappingProxyType(
    {
        "default": Capacity(),
        "desk-ml": replace(
            Capacity(), data_bytes=512 * 1024, runtime=RuntimeLimits(memory_pages=4)
        ),
        "riot-2024": replace(
            Capacity(),
            slots=3,
            metadata_bytes=1024,
            code_bytes=1024,
            data_bytes=1024,
            shared_bytes=1024,
            descriptors_per_container=10,
        ),
    }
)
"""Known boards; ``riot-2024`` is what the C firmware's README builds with, ``desk-ml`` has room for
the models of MLPerf Tiny in data sections."""


@dataclass(frozen=True, slots=True)
class Scheduling:
    """How the device shares its processor.

    Attributes:
        policy: how containers are ranked.
        slice_ns: how long a container runs before an equal has its turn.
        grace_ns: how long a stopping container may go on; also the cap of its stop hook.
        call_instructions: cost of a native call and of entering a hook, at least 1.
    """

    policy: Policy = Policy.PRIORITY
    slice_ns: int = DEFAULT_SLICE_NS
    grace_ns: int = 1000 * NS_PER_MS
    call_instructions: int = 100


@dataclass(frozen=True, slots=True)
class Cap:
    """The most that metadata may ask for; None sets no cap.

    Attributes:
        best_priority: the best (lowest) priority number.
        start_max_ms, loop_max_ms, stop_max_ms: longest hooks.
        loop_share: largest loop-max-duration over loop-period, above 0 and up to 1.
    """

    best_priority: int | None = None
    start_max_ms: int | None = None
    loop_max_ms: int | None = None
    stop_max_ms: int | None = None
    loop_share: float | None = None

    def check(self, timing: Timing) -> None:
        """Refuse timing beyond the cap; 0, which is no limit, counts as beyond.

        Raises:
            CapExceeded: for the first field that asks for more than is allowed.
        """
        for excess in self.excesses(timing):
            raise excess.refusal

    def excesses(self, timing: Timing) -> Iterator["Excess"]:
        """Everything in which timing is beyond the cap.

        Args:
            timing: as it applies; 0 is no limit, and so beyond every cap.
        """
        if self.best_priority is not None and timing.priority < self.best_priority:
            yield Excess("priority", timing.priority, self.best_priority)
        for field_name in ("start_max_ms", "loop_max_ms", "stop_max_ms"):
            allowed_ms = getattr(self, field_name)
            asked_ms = getattr(timing, field_name)
            if allowed_ms is not None and (asked_ms == 0 or asked_ms > allowed_ms):
                yield Excess(field_name, asked_ms or None, allowed_ms)
        if self.loop_share is not None:
            share = _loop_share(timing)
            if share is None or share > self.loop_share:
                yield Excess("loop share", share, self.loop_share)


def _loop_share(timing: Timing) -> float | None:
    """The part of the time that the loop may take; None for no limit."""
    if timing.loop_max_ms == 0 or timing.period_ms == 0:
        return None
    return timing.loop_max_ms / timing.period_ms


@dataclass(frozen=True, slots=True)
class Excess:
    """One field in which metadata asks for more than a cap allows.

    Attributes:
        field: ``priority``, ``start_max_ms``, ``loop_max_ms``, ``stop_max_ms`` or ``loop share``.
        found: what metadata asks for: a rank, a number of ms, a part of the time; None for no
            limit.
        allowed: the most that the cap allows, in the same unit.
    """

    field: str
    found: float | None
    allowed: float

    @property
    def found_words(self) -> str:
        """What metadata asks for, with its unit."""
        if self.found is None:
            return "no limit"
        return f"{self.found} ms" if self.field.endswith("_ms") else f"{self.found:g}"

    @property
    def allowed_words(self) -> str:
        """What the cap allows, with its unit."""
        if self.field == "priority":
            return f"{self.allowed:g} or lower rank"
        return (
            f"{self.allowed} ms" if self.field.endswith("_ms") else f"{self.allowed:g} of the time"
        )

    @property
    def refusal(self) -> CapExceeded:
        """The refusal of a load for this excess."""
        return CapExceeded(self.field, self.found, self.allowed, str(self))

    def __str__(self) -> str:
        return (
            f"{self.field}: metadata asks for {self.found_words},"
            f" the device allows {self.allowed_words}"
        )


@dataclass(frozen=True, slots=True)
class Caps:
    """Caps for all containers, and for single ones in place of these."""

    default: Cap = Cap()
    by_uid: Mapping[bytes, Cap] = field(default_factory=dict)

    def check(self, uid: bytes, timing: Timing) -> None:
        """See `Cap.check`."""
        self.of(uid).check(timing)

    def of(self, uid: bytes) -> Cap:
        """The cap of one container."""
        return self.by_uid.get(uid, self.default)
