"""How a container is judged: every check of a load, in the order in which a device makes them.

 1. bundle    one bundle of the right form, not longer than the device takes
 2. slot      no other load is under way, and one is free
 3. capacity  metadata, code and data fit into an empty slot
 4. metadata  it can be decoded
 5. uid       no container of this uid is loaded
 6. runtime   the device runs this type of container
 7. caps      the timing stays within the device file's caps
 8. profile, tokens, form (`verification`, steps 1 to 3)
 9. code      the runtime admits it

A load ends at the first refusal. Who only asks gets all of them, and nothing is changed by it. A
check is skipped if it cannot be made without what another one has refused. Checks 2 and 5 are those
of a device with containers in it: the controller makes 2, and says what 5 is. Clause TC-LOAD-09.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from tinycontainer import metadata as metadata_codec
from tinycontainer.errors import (
    InadmissibleCode,
    LoadError,
    LoadReason,
    MetadataError,
    RuntimeMissing,
)
from tinycontainer.interfaces.runtime import Runtime, RuntimeLimits
from tinycontainer.metadata import Bundle, ContainerType, Metadata
from tinycontainer_tokens import Profile, SequenceStore, SequenceStoreError, StepOutcome

from .limits import Capacity, Caps
from .memory import Section, Slot
from .verification import (
    Grant,
    TokenReport,
    Trust,
    add_up,
    form_refusals,
    profile_of,
    profile_refusal,
    verify_tokens,
)

CAPACITY_OF: Final = "capacity of "
"""How the name of a check of a section's size begins."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a device judges by.

    Attributes:
        capacity: what fits.
        caps: what metadata may ask for.
        trust: whom to believe.
        runtimes: what can be run, by container type.
        sequences: what was accepted before.
    """

    capacity: Capacity
    caps: Caps
    trust: Trust
    runtimes: Mapping[ContainerType, Runtime]
    sequences: SequenceStore


@dataclass(frozen=True, slots=True)
class LoadCheck:
    """One check of a load.

    Attributes:
        name: what was looked at, such as ``capacity of code``.
        outcome: how it ended.
        detail: what is wrong, or why it was skipped.
        refusal: for a failure, the error that a load would end with.
        report: for a token, the steps of its verification.
    """

    name: str
    outcome: StepOutcome
    detail: str = ""
    refusal: LoadError | None = None
    report: TokenReport | None = None

    @property
    def failed(self) -> bool:
        """Whether a load ends here."""
        return self.refusal is not None

    @property
    def reason(self) -> LoadReason | None:
        """The reason that a load would name; None if it does not end here."""
        return None if self.refusal is None else self.refusal.reason


@dataclass(frozen=True, slots=True)
class Sections:
    """A container that is to be loaded.

    Attributes:
        metadata: untrusted bytes.
        code: the code section; None if it is not at hand (tools only).
        data: the data section; None if it is not at hand (tools only).
    """

    metadata: bytes
    code: bytes | None
    data: bytes | None

    @classmethod
    def of(cls, bundle: Bundle) -> "Sections":
        """Those of a bundle."""
        return cls(bundle.metadata, bundle.code, bundle.data)

    def contents(self) -> tuple[tuple[Section, bytes | None], ...]:
        """The sections in the order in which they are loaded."""
        return (
            (Section.METADATA, self.metadata),
            (Section.CODE, self.code),
            (Section.DATA, self.data),
        )


@dataclass(frozen=True, slots=True)
class Approved:
    """A container that a device may take.

    Attributes:
        metadata: what it is.
        runtime: what runs it.
        grant: what its tokens allow.
    """

    metadata: Metadata
    runtime: Runtime
    grant: Grant


class Judgement:
    """The judgement of one container; it can be made once.

    Args:
        rules: what it is judged by.
        sections: the container.
        now_s: time in Unix seconds.
        take_uid: raises LoadError if the device cannot take this uid; None for an empty device.

    Attributes:
        metadata: the container's, once it could be decoded.
        reports: on its tokens, once they were verified.
    """

    def __init__(
        self,
        rules: Rules,
        sections: Sections,
        now_s: int,
        take_uid: Callable[[bytes], None] | None = None,
    ) -> None:
        self._rules = rules
        self._sections = sections
        self._now_s = now_s
        self._take_uid = take_uid
        self.metadata: Metadata | None = None
        self.reports: tuple[TokenReport, ...] = ()
        self._profile: Profile | None = None

    @property
    def uid(self) -> bytes:
        """What the container says that it is; empty if it could not be decoded."""
        return b"" if self.metadata is None else self.metadata.uid

    def checks(self) -> Iterator[LoadCheck]:
        """Make checks 4 to 9, one at a time."""
        # Too long metadata was refused by its section; its fields are judged all the same.
        longest_bytes = max(len(self._sections.metadata), 1)
        try:
            metadata = decode_metadata(self._sections.metadata, longest_bytes)
        except LoadError as error:
            yield refused("metadata", error)
            return
        self.metadata = metadata
        yield passed("metadata")
        if self._take_uid is not None:
            yield check("uid", self._take_uid, metadata.uid)
        yield check("runtime", require_runtime, metadata.container.type, self._rules.runtimes)
        yield from self._cap_checks(metadata)
        yield from self._token_checks(metadata)
        yield self._code_check(metadata)

    def require(self) -> Approved:
        """Make the same checks, and end at the first refusal.

        Raises:
            LoadError: that refusal.
        """
        require_all(self.checks())
        if self.metadata is None:
            raise LoadError(LoadReason.METADATA, "nothing was judged")
        grant = add_up(self.reports, self._profile, self._rules.trust)
        runtime = self._rules.runtimes[self.metadata.container.type]
        return Approved(self.metadata, runtime, grant)

    def _cap_checks(self, metadata: Metadata) -> Iterator[LoadCheck]:  # 7
        excesses = tuple(self._rules.caps.of(metadata.uid).excesses(metadata.timing))
        if not excesses:
            yield passed("caps")
        for excess in excesses:
            yield refused(f"caps: {excess.field}", excess.refusal)

    def _token_checks(self, metadata: Metadata) -> Iterator[LoadCheck]:  # 8
        rules = self._rules
        profile = self._profile = profile_of(metadata)
        not_accepted = profile_refusal(profile, rules.trust)
        yield passed("profile") if not_accepted is None else refused("profile", not_accepted)
        try:
            with refusing_without_store():
                self.reports = verify_tokens(
                    metadata,
                    self._sections.code,
                    self._sections.data,
                    rules.trust,
                    self._now_s,
                    rules.sequences,
                    profile or rules.trust.profiles[0],
                )
                objections = tuple(form_refusals(metadata, profile, rules.sequences))
        except LoadError as error:
            yield refused("sequences", error)
            return
        for report in self.reports:
            yield _token_check(report)
        if not objections:
            yield passed("form")
        for objection in objections:
            yield refused("form", objection)

    def _code_check(self, metadata: Metadata) -> LoadCheck:  # 9
        runtime = self._rules.runtimes.get(metadata.container.type)
        if runtime is None:
            return LoadCheck("code", StepOutcome.SKIPPED, "there is no runtime to judge it")
        if self._sections.code is None:
            return LoadCheck("code", StepOutcome.SKIPPED, "it is not at hand")
        limits = self._rules.capacity.runtime
        return check("code", admit, runtime, self._sections.code, limits)


def decode_bundle(content: bytes, capacity: Capacity) -> Bundle:  # 1
    """Take a bundle apart.

    Args:
        content: untrusted bytes.
        capacity: what fits.

    Raises:
        LoadError: it is too long, or no bundle.
    """
    try:
        return Bundle.decode(content, capacity.bundle_bytes)
    except MetadataError as error:
        raise LoadError.from_metadata_error(LoadReason.BUNDLE, error) from error


def capacity_checks(sections: Sections, capacity: Capacity) -> Iterator[LoadCheck]:  # 3
    """Whether a container's sections fit into an empty slot."""
    slot = Slot(0, capacity)
    code_is_in = False
    for section, content in sections.contents():
        name = CAPACITY_OF + section
        if content is None:
            problem = f"the {section} is not at hand"
            yield refused(name, LoadError(LoadReason.OUT_OF_ORDER, problem))
        elif section is Section.DATA and not code_is_in:
            # Where data begins, and so how much of it fits, depends on the code.
            yield LoadCheck(name, StepOutcome.SKIPPED, "data is placed after the code")
        else:
            fits = check(name, slot.put, section, content)
            yield fits
            code_is_in = section is Section.CODE and not fits.failed


def decode_metadata(raw: bytes, longest_bytes: int) -> Metadata:  # 4
    """Decode metadata.

    Raises:
        LoadError: it is too long, or no metadata.
    """
    try:
        return metadata_codec.decode(raw, longest_bytes)
    except MetadataError as error:
        raise LoadError.from_metadata_error(LoadReason.METADATA, error) from error


def require_runtime(
    container_type: ContainerType, runtimes: Mapping[ContainerType, Runtime]
) -> Runtime:  # 6
    """The runtime for a container type.

    Raises:
        RuntimeMissing: none of the runtimes is for this type.
    """
    runtime = runtimes.get(container_type)
    if runtime is None:
        installed = tuple(sorted(known.name.lower() for known in runtimes))
        raise RuntimeMissing(container_type.value, container_type.name.lower(), installed)
    return runtime


def admit(runtime: Runtime, code: bytes, limits: RuntimeLimits) -> None:  # 9
    """Ask a runtime whether it takes code.

    Raises:
        LoadError: it does not, or failed over it.
    """
    try:
        runtime.admit(code, limits)
    except InadmissibleCode as error:
        raise LoadError(LoadReason.CODE_INADMISSIBLE, str(error)) from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        problem = f"the runtime failed: {type(error).__name__}"
        raise LoadError(LoadReason.CODE_INADMISSIBLE, problem) from error


@contextmanager
def refusing_without_store() -> Iterator[None]:
    """Let what the sequence store cannot do be a refusal of a load.

    Raises:
        LoadError: the store failed.
    """
    try:
        yield
    except SequenceStoreError as error:
        raise LoadError(LoadReason.SEQUENCE_STORE, str(error)) from error


def require_all(checks: Iterable[LoadCheck]) -> None:
    """Make checks until one fails.

    Raises:
        LoadError: its refusal.
    """
    for each in checks:
        if each.refusal is not None:
            raise each.refusal


def check(name: str, step: Callable[..., object], *arguments: object) -> LoadCheck:
    """Make one check: a step that raises LoadError if it does not hold."""
    try:
        step(*arguments)
    except LoadError as error:
        return refused(name, error)
    return passed(name)


def passed(name: str) -> LoadCheck:
    """A check that holds."""
    return LoadCheck(name, StepOutcome.PASSED)


def refused(name: str, refusal: LoadError, report: TokenReport | None = None) -> LoadCheck:
    """A check that does not hold."""
    return LoadCheck(name, StepOutcome.FAILED, refusal.problem, refusal, report)


def _token_check(report: TokenReport) -> LoadCheck:
    if report.verification is None:
        detail = "absent, which this device accepts"
        return LoadCheck(report.place, StepOutcome.SKIPPED, detail, report=report)
    refusal = report.refusal
    if refusal is None:
        return LoadCheck(report.place, StepOutcome.PASSED, report=report)
    detail = f"step {refusal.step_number} ({refusal.check}): {refusal.detail}"
    return LoadCheck(report.place, StepOutcome.FAILED, detail, refusal, report)
