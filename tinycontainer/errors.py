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
        file: which file, fit to be shown; empty where it is no file, or the caller knows it.
    """

    def __init__(self, place: str, problem: str, file: str = "") -> None:
        super().__init__(": ".join(part for part in (file, place, problem) if part))
        self.place = place
        self.problem = problem
        self.file = file


class EnvelopeError(TinyContainerError, ValueError):
    """A SUIT envelope that is not what it should be.

    Attributes:
        place: where, such as ``install[3]`` or ``common.components[2]``.
        offset: of what is wrong, in bytes from the beginning of the envelope.
        problem: what is wrong there.
    """

    def __init__(self, place: str, offset: int, problem: str) -> None:
        super().__init__(f"{place} (byte {offset}): {problem}")
        self.place = place
        self.offset = offset
        self.problem = problem


class SeveredMismatch(EnvelopeError):
    """An envelope carries a severed member, and its manifest names another digest for it."""


class LoadReason(StrEnum):
    """Why a load, a reconfiguration or a withdrawal was refused."""

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
    BAD_REQUEST = "bad-request"
    """A withdrawal by a token that allows something."""


class LoadError(TinyContainerError):
    """A load, a start, a reconfiguration or a withdrawal was refused; nothing has changed.

    Where a refusal compares values, a class of its own carries them: what was found and what is
    allowed. Nobody has to read them out of ``problem``.

    Attributes:
        reason: the kind of refusal.
        problem: what exactly, in one line.
    """

    def __init__(self, reason: LoadReason, problem: str) -> None:
        super().__init__(f"{reason}: {problem}")
        self.reason = reason
        self.problem = problem

    @classmethod
    def from_metadata_error(cls, reason: LoadReason, error: MetadataError) -> "LoadError":
        """A refusal of a bundle or of metadata that cannot be decoded.

        Args:
            reason: the kind of refusal.
            error: why; its place is left out where the reason already says it.
        """
        return cls(reason, error.problem if error.place == reason else str(error))


class ContainerRefused(LoadError):
    """One of several containers that were to change together was refused.

    Attributes:
        uid: of the container; empty if it is the change as a whole.
        refusal: why.
    """

    def __init__(self, uid: bytes, refusal: LoadError) -> None:
        super().__init__(refusal.reason, refusal.problem)
        self.uid = uid
        self.refusal = refusal


class SectionTooLarge(LoadError):
    """A section does not fit into its place.

    Attributes:
        section: ``metadata``, ``code`` or ``data``.
        found_bytes: its length.
        allowed_bytes: the longest that fits.
    """

    def __init__(self, section: str, found_bytes: int, allowed_bytes: int) -> None:
        problem = f"{section} of {found_bytes} bytes; {allowed_bytes} fit"
        super().__init__(LoadReason.CAPACITY, problem)
        self.section = section
        self.found_bytes = found_bytes
        self.allowed_bytes = allowed_bytes


class RuntimeMissing(LoadError):
    """No runtime of the device runs this type of container.

    Attributes:
        type_number: the type in the metadata.
        type_name: its name, in small letters.
        installed: names of the types that the device has a runtime for, sorted.
    """

    def __init__(self, type_number: int, type_name: str, installed: tuple[str, ...]) -> None:
        there = ", ".join(installed) or "none"
        problem = f"type {type_number} ({type_name}) has no runtime here; there are: {there}"
        super().__init__(LoadReason.RUNTIME_MISSING, problem)
        self.type_number = type_number
        self.type_name = type_name
        self.installed = installed


class CapExceeded(LoadError):
    """Metadata asks for more than a cap allows.

    Attributes:
        field: which cap, such as ``loop_max_ms``.
        found: what metadata asks for, in the field's unit; None for no limit.
        allowed: the most that the cap allows, in the same unit.
    """

    def __init__(self, field: str, found: float | None, allowed: float, problem: str) -> None:
        super().__init__(LoadReason.CAP_EXCEEDED, problem)
        self.field = field
        self.found = found
        self.allowed = allowed


class ProfileNotAccepted(LoadError):
    """The tokens of a container have a profile that the device does not accept.

    Attributes:
        found: their profile.
        allowed: the profiles that the device accepts, the preferred one first.
    """

    def __init__(self, found: str, allowed: tuple[str, ...]) -> None:
        super().__init__(LoadReason.PROFILE, f"this device does not accept {found} tokens")
        self.found = found
        self.allowed = allowed


class TokenNotAccepted(LoadError):
    """A token failed a step of its verification.

    Attributes:
        place: such as ``code token`` or ``endpoints[2].endpoint-token``.
        step_number: the failed step, from 1.
        check: its name.
        detail: what it expected and what it found.
    """

    def __init__(self, place: str, step_number: int, check: str, detail: str) -> None:
        super().__init__(LoadReason.TOKEN, f"{place}: step {step_number} ({check}): {detail}")
        self.place = place
        self.step_number = step_number
        self.check = check
        self.detail = detail


class TokensNotValidNow(LoadError):
    """The tokens of a container are not yet, or no longer, valid together.

    Attributes:
        now_s: the device's time in Unix seconds.
        not_before_s: when the last of them becomes valid.
        expires_s: when the first of them expires; None for never.
    """

    def __init__(self, now_s: int, not_before_s: int, expires_s: int | None) -> None:
        problem = f"a token expired at {expires_s}"
        if now_s < not_before_s:
            problem = f"a token is valid from {not_before_s}"
        super().__init__(LoadReason.TOKEN, f"{problem}; it is {now_s}")
        self.now_s = now_s
        self.not_before_s = not_before_s
        self.expires_s = expires_s


class UpdateReason(StrEnum):
    """Why an update was refused, in the order of judgement (TC-UPD-05)."""

    ENVELOPE = "envelope"
    DIGEST = "digest"
    KEY = "key"
    SIGNATURE = "signature"
    MANIFEST = "manifest"
    PROFILE = "profile"
    RIGHT = "right"
    OLDER = "older"
    REUSED_NUMBER = "reused-number"
    VENDOR = "vendor"
    CLASS = "class"
    DEVICE = "device"
    ABORTED = "aborted"
    PAYLOAD = "payload"
    CAPACITY = "capacity"
    IMAGE = "image"
    UNMATCHED = "unmatched"
    UID = "uid"
    CONTAINER = "container"


class UpdateRefused(TinyContainerError):
    """An update was refused; nothing has changed.

    Attributes:
        reason: the kind of refusal.
        place: where in the envelope, such as ``install[3]``; empty for the envelope as a whole.
        problem: what exactly, in one line.
        uid: of the container that it is about; empty if it is not about one.
        offset: in bytes from the beginning of the envelope; None if there is no such place.
        refusal: why the device does not take a container, if that is the reason.
    """

    def __init__(
        self,
        reason: UpdateReason,
        place: str,
        problem: str,
        *,
        uid: bytes = b"",
        offset: int | None = None,
        refusal: LoadError | None = None,
    ) -> None:
        super().__init__(": ".join(part for part in (reason, place, problem) if part))
        self.reason = reason
        self.place = place
        self.problem = problem
        self.uid = uid
        self.offset = offset
        self.refusal = refusal


class InvalidTransition(TinyContainerError):
    """An event that has no place in the present state; nothing has changed."""


class UnknownContainer(TinyContainerError, KeyError):
    """No container with this uid is loaded."""

    def __str__(self) -> str:
        return str(self.args[0])


class InadmissibleCode(TinyContainerError, ValueError):
    """Code that a runtime will not run.

    Attributes:
        problem: what is wrong, and where.
        remedy: what to do, such as options of a compiler or of the device; empty if not known.
    """

    def __init__(self, problem: str, remedy: str = "") -> None:
        super().__init__(f"{problem}; {remedy}" if remedy else problem)
        self.problem = problem
        self.remedy = remedy


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


class BuildFailed(TinyContainerError):
    """A container that could not be compiled: no compiler, or one that has failed.

    Attributes:
        output: what the compiler wrote, untrusted; empty if none was run.
    """

    def __init__(self, problem: str, output: str = "") -> None:
        super().__init__(problem)
        self.output = output


class DebugFileError(TinyContainerError, ValueError):
    """A debug file, or a directory of them, that cannot be used."""


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


class RecordingFull(RecordingError):
    """A recording that ends in the middle of its run, because its file has reached its bound."""


class ReplayDiverged(LineError):
    """A replay that does something else than what was recorded."""
