"""The interface of runtimes (virtual machines), and the values that cross it.

A third party adds a runtime by an entry point in the group ``tinycontainer.runtimes``, named
``TYPE.NAME`` (``wasm.pywasm``), whose object is a `RuntimeFactory`. `tinycontainer.testing` holds a
check that any runtime can be put through.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol, TypeAlias, runtime_checkable

from .integers import INT32_MAX, INT32_MIN
from .meter import Meter


class Hook(StrEnum):
    """The functions of a container that the device calls."""

    START = "start"
    LOOP = "loop"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Completed:
    """The hook ended by itself.

    Attributes:
        value: what a loop returned, a signed 32-bit number; 0 for the other hooks.
    """

    value: int = 0


@dataclass(frozen=True, slots=True)
class Preempted:
    """The budget is gone; the hook goes on at the next resume."""


MAX_TRAP_FRAMES: Final = 32
"""The most frames that a trap may have."""
FUNCTION_NUMBERS: Final = range(1 << 32)
"""What `TrapFrame.function` can be."""


@dataclass(frozen=True, slots=True)
class TrapFrame:
    """A place in a container's code at which a call in progress was when its hook trapped.

    Attributes:
        function: of WebAssembly the function's index in the module as it was signed, imported
            functions counted; of rBPF the number of the hook's entry in the function table, or 0.
        offset: of the instruction, in bytes from the beginning of the code as it was signed: the
            one that trapped, and in the outer calls the one that calls (TC-RT-27, TC-BPF-18).
    """

    function: int
    offset: int


def are_frames(frames: object, code_bytes: int) -> bool:
    """Whether what a runtime gave as the frames of a trap is that, and each lies in the code.

    Args:
        frames: anything.
        code_bytes: length of the code that trapped.
    """
    offsets = range(code_bytes)
    # A subclass of int may compare as it likes, so exact types are asked for.
    return (
        type(frames) is tuple
        and len(frames) <= MAX_TRAP_FRAMES
        and all(
            type(each) is TrapFrame
            and type(each.function) is type(each.offset) is int
            and each.function in FUNCTION_NUMBERS
            and each.offset in offsets
            for each in frames
        )
    )


@dataclass(frozen=True, slots=True)
class Trapped:
    """The hook broke and cannot go on.

    Attributes:
        code: the kind of trap, a word of the runtime's documented list.
        detail: more for the owner, possibly untrusted text.
        frames: where it broke and the calls that led there, the innermost first; the innermost
            `MAX_TRAP_FRAMES` at most. A runtime need not know any.
    """

    code: str
    detail: str = ""
    frames: tuple[TrapFrame, ...] = ()


Outcome: TypeAlias = Completed | Preempted | Trapped

PAGE_BYTES: Final = 64 * 1024
"""A page of linear memory, the unit of `RuntimeLimits.memory_pages`."""
MAX_PAGES_AND_ELEMENTS: Final = 1024
"""The most that `RuntimeLimits.memory_pages` and `RuntimeLimits.table_elements` can be."""
MAX_LOCALS: Final = 4096
"""The most that `RuntimeLimits.locals_per_function` can be."""
MAX_BLOCK_DEPTH: Final = 1024
"""The most that `RuntimeLimits.block_depth` can be."""
LOG_LINE_BYTES: Final = 256
"""How much of a line a runtime gives to `Natives.log`, at most; the device cuts it shorter. A line
ends with a zero byte (TC-RT-15, TC-BPF-17)."""
LOOP_RESULTS: Final = range(INT32_MIN, INT32_MAX + 1)
"""What a loop can return."""


@dataclass(frozen=True, slots=True)
class RuntimeLimits:
    """What one container may take of the host, whatever its code says.

    Attributes:
        code_bytes: longest code.
        memory_pages: linear memory, in pages of 64 KiB, 1 to 1024.
        table_elements: entries of a table of references, 1 to 1024.
        call_depth: nested calls, at most 1000.
        locals_per_function: parameters and local variables of one function.
        stack_values: operands on the stack of all nested calls together; they are counted where a
            straight line of code begins.
        block_depth: nested blocks of one function, at most 1024.
        floats: whether floating point is admitted.

    Raises:
        ValueError: a limit is out of its range.
    """

    code_bytes: int = 64 * 1024
    memory_pages: int = 1
    table_elements: int = 256
    call_depth: int = 256
    locals_per_function: int = 1024
    stack_values: int = 4096
    block_depth: int = MAX_BLOCK_DEPTH
    floats: bool = True

    def __post_init__(self) -> None:
        ranges = {
            "code_bytes": (8, 1 << 24),
            "memory_pages": (1, MAX_PAGES_AND_ELEMENTS),
            "table_elements": (1, MAX_PAGES_AND_ELEMENTS),
            "call_depth": (1, 1000),
            "locals_per_function": (0, MAX_LOCALS),
            "stack_values": (16, 1 << 20),
            "block_depth": (1, MAX_BLOCK_DEPTH),
        }
        for name, (lowest, highest) in ranges.items():
            value = getattr(self, name)
            if not lowest <= value <= highest:
                raise ValueError(f"{name} is {value}, not within {lowest} and {highest}")


class Natives(Protocol):
    """The service as one container sees it. No call waits and none raises.

    A call that the container's mask does not allow is bound to a stub, which notes the attempt and
    returns -1; a runtime looks each function up at every call, so a reconfiguration takes effect at
    the next one. Every call spends its cost on the meter by itself. Pointers and lengths are the
    runtime's to check, before it calls.
    """

    def heartbeat(self, /) -> int:
        """0, or -1 if refused."""
        ...

    def open(self, endpoint_id: int, /) -> int:
        """A descriptor of at least 1, -1 if refused, or a driver's negated code."""
        ...

    def close(self, fd: int, /) -> int:
        """0, or -1 if refused."""
        ...

    def read(self, fd: int, size: int, /) -> bytes | int:
        """At most ``size`` bytes (none if there is no data yet), or a negative number."""
        ...

    def write(self, fd: int, data: bytes, /) -> int:
        """How many bytes were accepted, or a negative number."""
        ...

    def log(self, line: bytes, /) -> None:
        """Put a line into the device's log."""
        ...

    def data_size(self, /) -> int:
        """Length of the container's own data section in bytes."""
        ...

    def data_read(self, offset: int, size: int, /) -> bytes:
        """Up to ``size`` bytes of the own data section; none after its end."""
        ...


class Instance(Protocol):
    """One created container. Only one hook is in progress at a time."""

    def begin(self, hook: Hook) -> None:
        """Set a hook up; nothing runs. A hook that the code does not have completes at once."""
        ...

    def resume(self) -> Outcome:
        """Run the hook until it ends or the meter is empty."""
        ...

    def abort(self) -> None:
        """Drop the hook in progress, if any; another can be begun."""
        ...

    def finalize(self) -> None:
        """Give everything back; the instance is not used again."""
        ...


class Runtime(Protocol):
    """One container type on one engine."""

    def admit(self, code: bytes, limits: RuntimeLimits) -> None:
        """Judge untrusted code, within bounded time and memory.

        Raises:
            InadmissibleCode: with the place and the reason.
        """
        ...

    def create(
        self, code: bytes, data: bytes, natives: Natives, meter: Meter, limits: RuntimeLimits
    ) -> Instance:
        """Make an instance of admitted code; none of its instructions is executed yet.

        Args:
            code: code that passed `admit` with the same limits.
            data: the container's data section.
            natives: its system calls.
            meter: what it may use.
            limits: what it may take.

        Raises:
            CreationError: the code cannot be instantiated.
        """
        ...


class Ability(StrEnum):
    """What a runtime can do beyond its interface, or do more exactly."""

    PREEMPT = "preempt"
    """A hook whose budget is gone goes on at the next resume. Without it a hook is one unit of
    work, and can only be stopped."""
    SHORT_UNITS = "short-units"
    """No unit but bulk operations and native calls costs more than 65 instructions."""
    COUNTED_STACKS = "counted-stacks"
    """Operands and blocks of nested calls are counted; without it, bounded in bytes."""
    COUNTED_TRAPS = "counted-traps"
    """A hook that traps is charged for all that it executed; without it, for less."""
    EXACT_FLOATS = "exact-floats"
    """Floating point is that of the specification, bit for bit, but for the payload of a NaN."""


@dataclass(frozen=True, slots=True)
class RuntimeDescription:
    """What a runtime says about itself.

    Attributes:
        engine: name and version of what executes.
        abilities: what it can.
        notes: what an operator should know beside that, a line each.
    """

    engine: str
    abilities: frozenset[Ability] = frozenset()
    notes: tuple[str, ...] = ()


@runtime_checkable
class Described(Protocol):
    """A runtime that can say what it is; a runtime need not."""

    def describe(self) -> RuntimeDescription:
        """What it is, and what it can."""
        ...


@runtime_checkable
class Measurable(Protocol):
    """An instance that can say how much memory it has; an instance need not."""

    def size(self) -> int:
        """Length of its memory in bytes. It is asked between two turns, and does not shrink."""
        ...


@runtime_checkable
class Inspectable(Measurable, Protocol):
    """An instance whose memory can be looked at from outside; an instance need not."""

    def load(self, pointer: int, size: int, /) -> bytes:
        """Bytes of its memory."""
        ...


RuntimeFactory: TypeAlias = Callable[[], Runtime]
"""Makes a runtime; raises `RuntimeUnavailable` where it cannot work."""
