"""Rights: the natives that code calls against the calls that its mask allows."""

from collections.abc import Iterable, Iterator
from typing import Final

from tinycontainer.interfaces.syscalls import Syscall, allowed, describe_unknown_bits, mask_of
from tinycontainer.metadata import ContainerType

from .finding import Finding, Rule, Severity, found
from .subject import Audit, AuditSubject

PLACE: Final = "syscall-mask"
FIRMWARE_NATIVES: Final = frozenset({"logger", "open", "close", "read", "write"})
"""What the C firmware exports to a container (module ``env``)."""

MISSING = Rule(
    "TCL101",
    Severity.ERROR,
    "The code makes calls that the mask does not allow; the container would get -1.",
    "Allow them in the mask, or have the developer take them out of the code.",
)
UNUSED = Rule(
    "TCL102",
    Severity.WARNING,
    "The mask allows calls that the code never makes.",
    "Leave them out of the mask.",
)
BEYOND = Rule(
    "TCL103",
    Severity.WARNING,
    "The mask has bits beyond the five system calls; later firmware may give them a meaning.",
    "Sign a mask without these bits.",
)
EVERYTHING = Rule(
    "TCL104",
    Severity.WARNING,
    "The mask allows all five calls, and no code is at hand that shows the need.",
    "Audit the container together with its code, or allow only what its maker can explain.",
)
NO_ENDPOINT = Rule(
    "TCL105",
    Severity.WARNING,
    "The mask allows open, and there is no endpoint to open.",
    "Leave open, close, read and write out of the mask, or declare the endpoints.",
)
NO_OPEN = Rule(
    "TCL106",
    Severity.WARNING,
    "The mask allows calls on descriptors, but not the open that would give one.",
    "Leave these calls out of the mask, or allow open.",
)
NOT_OFFERED = Rule(
    "TCL107",
    Severity.NOTE,
    "The code imports native functions that the C firmware does not offer; there it cannot be"
    " linked.",
    "Build the container without them if it is to run on the firmware.",
    riot_severity=Severity.ERROR,
)
NEEDED = Rule(
    "TCL108",
    Severity.NOTE,
    "There is no mask token yet; these are the calls that the code makes.",
    "Sign a mask of exactly these calls, if the endpoints deserve them.",
)

RULES: Final = (
    MISSING,
    UNUSED,
    BEYOND,
    EVERYTHING,
    NO_ENDPOINT,
    NO_OPEN,
    NOT_OFFERED,
    NEEDED,
)


def check_rights(audit: Audit, subject: AuditSubject) -> Iterator[Finding]:
    """Hold code and mask of one container against each other."""
    mask = audit.mask(subject)
    yield from _firmware(audit, subject)
    if mask is None:
        yield from _needed(subject)
        return
    yield from _mask_alone(subject, mask)
    if subject.facts is None:
        if mask_of(Syscall) & ~mask == 0:
            yield found(EVERYTHING, PLACE, f"allows {_names(Syscall)}")
        return
    made = calls_made(subject)
    missing = [call for call in made if not mask & call.bit]
    unused = [call for call in allowed(mask) if call not in made]
    if missing:
        message = f"the code calls {_names(missing)}, which the mask does not allow"
        yield found(MISSING, PLACE, message)
    if unused:
        yield found(UNUSED, PLACE, f"allows {_names(unused)}, which the code never calls")


def calls_made(subject: AuditSubject) -> tuple[Syscall, ...]:
    """The masked calls that code makes, in the order of their numbers; none if it is unknown."""
    natives = subject.facts.natives if subject.facts else frozenset()
    return tuple(call for call in Syscall if call.name.lower() in natives)


def _mask_alone(subject: AuditSubject, mask: int) -> Iterator[Finding]:
    unknown = describe_unknown_bits(mask)
    if unknown:
        yield found(BEYOND, PLACE, f"the mask {mask:#04x} has {unknown}")
    on_descriptors = allowed(mask & ~Syscall.HEARTBEAT.bit)
    if Syscall.OPEN not in on_descriptors:
        if on_descriptors:
            yield found(NO_OPEN, PLACE, f"allows {_names(on_descriptors)}, but not open")
    elif not subject.metadata.endpoints:
        yield found(NO_ENDPOINT, PLACE, f"allows {_names(on_descriptors)}; 0 endpoints declared")


def _firmware(audit: Audit, subject: AuditSubject) -> Iterator[Finding]:
    if subject.facts is None:
        return
    if subject.metadata.container.type is ContainerType.BPF:
        offered, module = frozenset[str](), ""  # the firmware wires no helper
    else:
        offered, module = FIRMWARE_NATIVES, "env."
    beyond = sorted(subject.facts.imported - offered)
    if beyond:
        names = ", ".join(f"{module}{name}" for name in beyond)
        message = f"imports {names}, which the firmware does not offer"
        yield found(NOT_OFFERED, "code", message, riot=audit.is_riot(subject))


def _needed(subject: AuditSubject) -> Iterator[Finding]:
    if subject.facts is not None and not subject.has_mask_token:
        made = calls_made(subject)
        yield found(NEEDED, PLACE, f"the code calls {_names(made)}: mask {mask_of(made):#04x}")


def _names(calls: Iterable[Syscall]) -> str:
    return ", ".join(call.name.lower() for call in calls) or "nothing"
