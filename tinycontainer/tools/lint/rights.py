"""Rights: the calls that code makes against those that its mask allows."""

from collections.abc import Iterable, Iterator
from typing import Final

from tinycontainer.interfaces.syscalls import Syscall, allowed, describe_unknown_bits, mask_of
from tinycontainer.metadata import ContainerType

from .rule import Chapter, Finding, Rule, Severity
from .subject import Audit, AuditSubject

MASK_PLACE: Final = "syscall-mask"
_FIRMWARE_NATIVES: Final = frozenset({"logger", "open", "close", "read", "write"})
"""What the C firmware exports to a container (module ``env``)."""

MISSING: Final = Rule(
    "TCL101",
    Severity.ERROR,
    "The code makes calls that the mask does not allow; the container would get -1.",
    "Allow them in the mask, or have the developer take them out of the code.",
)
UNUSED: Final = Rule(
    "TCL102",
    Severity.WARNING,
    "The mask allows calls that the code never makes.",
    "Leave them out of the mask.",
)
BEYOND: Final = Rule(
    "TCL103",
    Severity.WARNING,
    "The mask has bits beyond the five system calls; later firmware may give them a meaning.",
    "Sign a mask without these bits.",
)
EVERYTHING: Final = Rule(
    "TCL104",
    Severity.WARNING,
    "The mask allows all five calls, and no code is at hand that shows the need.",
    "Audit the container together with its code, or allow only what its maker can explain.",
)
NO_ENDPOINT: Final = Rule(
    "TCL105",
    Severity.WARNING,
    "The mask allows open, and there is no endpoint to open.",
    "Leave open, close, read and write out of the mask, or declare the endpoints.",
)
NO_OPEN: Final = Rule(
    "TCL106",
    Severity.WARNING,
    "The mask allows calls on descriptors, but not the open that would give one.",
    "Leave these calls out of the mask, or allow open.",
)
NOT_OFFERED: Final = Rule(
    "TCL107",
    Severity.NOTE,
    "The code imports native functions that the C firmware does not offer; there it cannot be"
    " linked.",
    "Build the container without them if it is to run on the firmware.",
    riot_severity=Severity.ERROR,
)
NEEDED: Final = Rule(
    "TCL108",
    Severity.NOTE,
    "There is no mask token yet; these are the calls that the code makes.",
    "Sign a mask of exactly these calls, if the endpoints deserve them.",
)


def check_rights(audit: Audit, subject: AuditSubject) -> Iterator[Finding]:
    """Compare the calls that one container's code makes with those that its mask allows."""
    yield from _check_imports(audit, subject)
    mask = audit.mask(subject)
    if mask is None:
        yield from _state_need(subject)
        return
    yield from _check_mask_alone(subject, mask)
    if subject.facts is None:
        if mask_of(Syscall) & ~mask == 0:
            yield EVERYTHING.finding(MASK_PLACE, f"allows {_names(Syscall)}")
        return
    made = calls_made(subject)
    missing = [call for call in made if not mask & call.bit]
    unused = [call for call in allowed(mask) if call not in made]
    if missing:
        message = f"the code calls {_names(missing)}, which the mask does not allow"
        yield MISSING.finding(MASK_PLACE, message)
    if unused:
        yield UNUSED.finding(MASK_PLACE, f"allows {_names(unused)}, which the code never calls")


def calls_made(subject: AuditSubject) -> tuple[Syscall, ...]:
    """The masked calls that code makes, in the order of their numbers; none if it is unknown."""
    natives = subject.facts.natives if subject.facts else frozenset()
    return tuple(call for call in Syscall if call.name.lower() in natives)


def _check_mask_alone(subject: AuditSubject, mask: int) -> Iterator[Finding]:
    unknown = describe_unknown_bits(mask)
    if unknown:
        yield BEYOND.finding(MASK_PLACE, f"the mask {mask:#04x} has {unknown}")
    on_descriptors = allowed(mask & ~Syscall.HEARTBEAT.bit)
    if Syscall.OPEN not in on_descriptors:
        if on_descriptors:
            yield NO_OPEN.finding(MASK_PLACE, f"allows {_names(on_descriptors)}, but not open")
    elif not subject.metadata.endpoints:
        yield NO_ENDPOINT.finding(
            MASK_PLACE, f"allows {_names(on_descriptors)}; 0 endpoints declared"
        )


def _check_imports(audit: Audit, subject: AuditSubject) -> Iterator[Finding]:
    if subject.facts is None:
        return
    if subject.metadata.container.type is ContainerType.BPF:
        offered = frozenset[str]()  # the firmware gives an rBPF container no helper
        module = ""
    else:
        offered = _FIRMWARE_NATIVES
        module = "env."
    beyond = sorted(subject.facts.imported - offered)
    if beyond:
        names = ", ".join(f"{module}{name}" for name in beyond)
        message = f"imports {names}, which the firmware does not offer"
        yield NOT_OFFERED.finding("code", message, riot=audit.is_riot(subject))


def _state_need(subject: AuditSubject) -> Iterator[Finding]:
    if subject.facts is not None and not subject.has_mask_token:
        made = calls_made(subject)
        yield NEEDED.finding(
            MASK_PLACE, f"the code calls {_names(made)}: mask {mask_of(made):#04x}"
        )


def _names(calls: Iterable[Syscall]) -> str:
    return ", ".join(call.name.lower() for call in calls) or "nothing"


CHAPTER: Final = Chapter(
    (
        MISSING,
        UNUSED,
        BEYOND,
        EVERYTHING,
        NO_ENDPOINT,
        NO_OPEN,
        NOT_OFFERED,
        NEEDED,
    ),
    check_rights,
)
