"""Every error that the device raises on purpose, by who is at fault.

What drivers, runtimes and sinks raise is caught whatever it is, but for KeyboardInterrupt, which is
the operator's.
A caller's misuse of the API is ValueError, TypeError or RuntimeError instead.
"""

from enum import StrEnum


class TinyContainerError(Exception):
    """Root of the family."""


class MetadataError(TinyContainerError, ValueError):
    """Metadata or a bundle that is not what it should be.

    Attributes:
        place: where, such as ``endpoints[2].direction``.
        problem: what is wrong there.
    """

    def __init__(self, place: str, problem: str) -> None:
        super().__init__(f"{place}: {problem}")
        self.place = place
        self.problem = problem


class LoadReason(StrEnum):
    """Why a load or a reconfiguration was refused."""

    OUT_OF_ORDER = "out-of-order"
    SECTION_LENGTH = "section-length"
    CAPACITY = "capacity"
    NO_SLOT = "no-slot"
    BUNDLE = "bundle"
    METADATA = "metadata"
    DUPLICATE_UID = "duplicate-uid"
    RUNTIME_MISSING = "runtime-missing"
    CAP_EXCEEDED = "cap-exceeded"
    TOKEN = "token"
    PROFILE = "profile"
    CODE_INADMISSIBLE = "code-inadmissible"
    UNKNOWN_UID = "unknown-uid"
    WRONG_STATE = "wrong-state"
    TYPE_CHANGED = "type-changed"
    SEQUENCE_STORE = "sequence-store"


class LoadError(TinyContainerError):
    """A load, a start or a reconfiguration was refused; nothing has changed.

    Attributes:
        reason: the kind of refusal.
        problem: what exactly, in one line.
    """

    def __init__(self, reason: LoadReason, problem: str) -> None:
        super().__init__(f"{reason}: {problem}")
        self.reason = reason
        self.problem = problem


class InvalidTransition(TinyContainerError):
    """An event that has no place in the present state; nothing has changed."""


class UnknownContainer(TinyContainerError, KeyError):
    """No container with this uid is loaded."""

    def __str__(self) -> str:
        return str(self.args[0])


class InadmissibleCode(TinyContainerError, ValueError):
    """Code that a runtime will not run."""


class BuildRefused(TinyContainerError, ValueError):
    """Compiler output of which no code can be made.

    Attributes:
        place: where, such as ``app.c:12 in loop``; empty for the file as a whole.
        problem: what is wrong and what to do.
    """

    def __init__(self, place: str, problem: str) -> None:
        super().__init__(f"{place}: {problem}" if place else problem)
        self.place = place
        self.problem = problem


class CreationError(TinyContainerError):
    """Admitted code of which no instance could be made, such as data that does not fit memory."""


class RuntimeUnavailable(TinyContainerError):
    """A runtime that cannot work in this process, and what to do about it."""


class DriverError(TinyContainerError):
    """A driver refuses a call; the container sees the negated code.

    Args:
        code: 1 to 2**31 - 1; 1 is the general refusal.
        problem: what is wrong, for the owner's eyes only.

    Raises:
        ValueError: the code is out of range.
    """

    def __init__(self, code: int = 1, problem: str = "refused by the driver") -> None:
        super().__init__(problem)
        self.code = code
        self.problem = problem
        if not self.is_sound:
            raise ValueError(f"a driver's code is at least 1 and fits 31 bits, not {code}")

    @property
    def is_sound(self) -> bool:
        """Whether the code is still one: a driver can change it after it was checked."""
        return type(self.code) is int and 1 <= self.code < 1 << 31


class DeviceFileError(TinyContainerError, ValueError):
    """A device file, manifest or script that cannot be used.

    Attributes:
        file: which file.
        place: which key, such as ``limits.slots``; empty for the file as a whole.
        problem: what is wrong and what to do.
    """

    def __init__(self, file: str, place: str, problem: str) -> None:
        super().__init__(": ".join(part for part in (file, place, problem) if part))
        self.file = file
        self.place = place
        self.problem = problem


class LineError(TinyContainerError, ValueError):
    """A line of a file (a trace, a recording) that cannot be used.

    Attributes:
        file: which file, fit to be shown.
        line: number of the line, from 1.
        problem: what is wrong there.
    """

    def __init__(self, file: str, line: int, problem: str) -> None:
        super().__init__(f"{file}: line {line}: {problem}")
        self.file = file
        self.line = line
        self.problem = problem


class TraceFileError(LineError):
    """A trace that cannot be read."""


class RecordingError(LineError):
    """A recording that cannot be read."""


class ReplayDiverged(LineError):
    """A replay that does something else than what was recorded."""
