"""The static rules of our profile of SUIT: what is outside is refused by its name and place.

The profile installs, replaces or deletes whole containers. It leaves out what a device of that kind
does not need (dependencies, copy and swap, slots, nested manifests), so that less can go wrong.
Nothing in here runs a command or asks a device.

Where a command may be, as far as the draft leaves it open: what checks the device (vendor, class
and device conditions), set-component-index, override-parameters and try-each may be everywhere;
image-match and abort everywhere but in the shared sequence, which runs before there is an image;
fetch and write where payloads arrive; invoke and unlink in the sequence that exists for them.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from tinycontainer.interfaces.updating import IDENTIFIER_BYTES, UpdateSection
from tinycontainer.text import show

from .components import parse_component
from .decoder import SHARED_SEQUENCE
from .labels import (
    ENVELOPE_TAG,
    SHA_256,
    CommonMember,
    EnvelopeMember,
    Label,
    ManifestMember,
    Parameter,
    name_of,
)
from .model import (
    Argument,
    CommandSequence,
    ParameterValue,
    SuitDigest,
    UpdateCommand,
    UpdateEnvelope,
    UpdateManifest,
)

MAX_CONTAINERS: Final = 16
MAX_URI_BYTES: Final = 255
MAX_POLICY: Final = 15
"""A reporting policy is four bits; we report as the device does, whatever it says."""
MAX_SEQUENCE_NUMBER: Final = (1 << 63) - 1
"""What events and their readers take."""
_SHA_256_BYTES: Final = 32
_NO_COMMAND: Final = "a sequence without a command"

_EVERYWHERE: Final = frozenset(
    {
        Label.VENDOR_IDENTIFIER,
        Label.CLASS_IDENTIFIER,
        Label.DEVICE_IDENTIFIER,
        Label.SET_COMPONENT_INDEX,
        Label.OVERRIDE_PARAMETERS,
        Label.TRY_EACH,
    }
)
_CHECKING: Final = _EVERYWHERE | {Label.IMAGE_MATCH, Label.ABORT}
_FETCHING: Final = _CHECKING | {Label.FETCH, Label.WRITE}

ALLOWED: Final[Mapping[str, frozenset[Label]]] = {
    SHARED_SEQUENCE: _EVERYWHERE,
    "payload-fetch": _FETCHING,
    "install": _FETCHING,
    "validate": _CHECKING,
    "invoke": _CHECKING | {Label.INVOKE},
    "uninstall": _CHECKING | {Label.UNLINK},
}
"""The commands of each sequence, by the sequence's name; sequences of other names are refused."""

_ONLY_WITH_INSTALL: Final = (
    ManifestMember.PAYLOAD_FETCH,
    ManifestMember.VALIDATE,
    ManifestMember.INVOKE,
)
_MEMBERS: Final[Mapping[str, type[IntEnum]]] = {
    "envelope": EnvelopeMember,
    "manifest": ManifestMember,
    "common": CommonMember,
}


@dataclass(frozen=True, slots=True)
class Objection:
    """Something in an envelope that our profile does not have.

    Attributes:
        place: where, such as ``install[3]`` or ``common.components[2]``.
        offset: of it, in bytes from the beginning of the envelope.
        problem: what is wrong there.
    """

    place: str
    offset: int
    problem: str


def objections(envelope: UpdateEnvelope, manifest: UpdateManifest) -> Iterator[Objection]:
    """All that our profile has against an envelope; nothing if it belongs to it.

    Args:
        envelope: as it was decoded.
        manifest: that of the envelope.
    """
    if not envelope.is_tagged:
        yield Objection("envelope", 0, f"the tag {ENVELOPE_TAG} before it is missing")
    yield from _unknown_members(envelope, manifest)
    yield from _digest(envelope)
    yield from _sequence_number(manifest)
    yield from _members(envelope, manifest)
    yield from _components(manifest)
    for name, commands in _sequences(manifest):
        yield from _beginning(manifest, name, commands)
        yield from _commands(name, commands, len(manifest.components))


def _unknown_members(envelope: UpdateEnvelope, manifest: UpdateManifest) -> Iterator[Objection]:
    for member in (*envelope.unknown, *manifest.unknown):
        name = name_of(_MEMBERS[member.place], member.label)
        yield Objection(member.place, member.offset, f"the member {name} is not in the profile")


def _digest(envelope: UpdateEnvelope) -> Iterator[Objection]:
    if problem := _sha_256(envelope.digest):
        yield Objection("authentication-wrapper", envelope.digest_offset, f"it {problem}")


def _sequence_number(manifest: UpdateManifest) -> Iterator[Objection]:
    if manifest.sequence_number > MAX_SEQUENCE_NUMBER:
        problem = f"is beyond {MAX_SEQUENCE_NUMBER}"
        yield _of_member(manifest, ManifestMember.SEQUENCE_NUMBER, problem)


def _members(envelope: UpdateEnvelope, manifest: UpdateManifest) -> Iterator[Objection]:
    """What the members say against each other, and severed ones that the envelope lacks."""
    present = {*manifest.sequences, *manifest.severed}
    for member in sorted(present - {ManifestMember.TEXT, ManifestMember.COSWID}):
        if name_of(ManifestMember, member) not in ALLOWED:
            yield _of_member(manifest, member, "is not in the profile")
        elif member in manifest.missing:
            yield _of_member(manifest, member, "is severed, and the envelope does not carry it")
    if ManifestMember.UNINSTALL not in present:
        if ManifestMember.INSTALL not in present:
            problem = "neither install nor uninstall is there"
            yield Objection("manifest", envelope.manifest_offset, problem)
        return
    for member in (ManifestMember.INSTALL, *_ONLY_WITH_INSTALL):
        if member in present:
            yield _of_member(manifest, member, "cannot be there beside uninstall")


def _of_member(manifest: UpdateManifest, member: ManifestMember, problem: str) -> Objection:
    name = name_of(ManifestMember, member)
    return Objection(name, manifest.offsets.get(name, 0), f"the member {name} {problem}")


def _components(manifest: UpdateManifest) -> Iterator[Objection]:
    """Whether the components are the three sections of each container, once each."""
    found: dict[bytes, set[UpdateSection]] = {}
    for index, identifier in enumerate(manifest.components):
        place = f"common.components[{index}]"
        offset = manifest.offsets.get(place, 0)
        try:
            uid, section = parse_component(identifier)
        except ValueError as error:
            yield Objection(place, offset, str(error))
            continue
        if section in found.setdefault(uid, set()):
            yield Objection(place, offset, f"{section} of {show(uid)} is there twice")
        found[uid].add(section)
    yield from _whole_containers(manifest, found)


def _whole_containers(
    manifest: UpdateManifest, found: Mapping[bytes, set[UpdateSection]]
) -> Iterator[Objection]:
    place = "common.components"
    offset = manifest.offsets.get(place, manifest.offsets.get("common", 0))
    if not manifest.components:
        yield Objection(place, offset, "no component is there")
    if len(found) > MAX_CONTAINERS:
        problem = f"{len(found)} containers; at most {MAX_CONTAINERS} are allowed"
        yield Objection(place, offset, problem)
    for uid, sections in found.items():
        for section in UpdateSection:
            if section not in sections:
                yield Objection(place, offset, f"{section} of {show(uid)} is missing")


def _sequences(manifest: UpdateManifest) -> Iterator[tuple[str, CommandSequence]]:
    """The sequences of our profile with their names."""
    yield SHARED_SEQUENCE, manifest.shared
    for member, commands in manifest.sequences.items():
        name = name_of(ManifestMember, member)
        if name in ALLOWED:
            yield name, commands


def _beginning(
    manifest: UpdateManifest, name: str, commands: CommandSequence
) -> Iterator[Objection]:
    """With several components, a sequence has to say which of them it begins with."""
    if not commands:
        if name in manifest.offsets:
            yield Objection(name, manifest.offsets[name], _NO_COMMAND)
    elif len(manifest.components) > 1 and commands[0].label != Label.SET_COMPONENT_INDEX:
        problem = "a sequence begins with set-component-index where components are several"
        yield Objection(commands[0].place, commands[0].offset, problem)


def _commands(name: str, commands: CommandSequence, components: int) -> Iterator[Objection]:
    for command in commands:
        if command.label in ALLOWED[name]:
            problems = _problems_of(command, components)
            yield from (Objection(command.place, command.offset, each) for each in problems)
        else:
            yield _not_allowed(name, command)
        if command.label == Label.TRY_EACH:
            for alternative in _alternatives(command.argument):
                yield from _commands(name, alternative, components)


def _not_allowed(sequence: str, command: UpdateCommand) -> Objection:
    known = any(command.label in labels for labels in ALLOWED.values())
    where = f"cannot be in {sequence}" if known else "is not in the profile"
    name = name_of(Label, command.label)
    return Objection(command.place, command.offset, f"the command {name} {where}")


def _alternatives(argument: Argument) -> Iterator[CommandSequence]:
    """The sequences of a try-each."""
    for each in argument if isinstance(argument, tuple) else ():
        if isinstance(each, tuple):
            yield each


def _problems_of(command: UpdateCommand, components: int) -> Iterator[str]:
    """What is wrong with the argument of a command that is allowed where it is."""
    argument = command.argument
    if command.label == Label.SET_COMPONENT_INDEX:
        yield from _index_problems(argument, components)
    elif command.label == Label.TRY_EACH:
        yield from _alternative_problems(argument)
    elif isinstance(argument, Mapping):
        yield from _parameter_problems(argument)
    elif isinstance(argument, int) and argument > MAX_POLICY:
        yield f"the reporting policy {argument} is beyond {MAX_POLICY}"


def _index_problems(argument: Argument, components: int) -> Iterator[str]:
    if argument is True:
        return
    indices = argument if isinstance(argument, tuple) else (argument,)
    for index in indices:
        if not isinstance(index, int) or index >= components:
            yield f"component {index} is not there; there are {components}"
    if len(set(indices)) != len(indices):
        yield "a component is named twice"


def _alternative_problems(argument: Argument) -> Iterator[str]:
    sequences = tuple(_alternatives(argument))
    if not sequences:
        yield "there is no sequence to try, only null"
    if not all(sequences):
        yield _NO_COMMAND


def _parameter_problems(values: Mapping[int, ParameterValue]) -> Iterator[str]:
    for number, value in values.items():
        name = name_of(Parameter, number)
        if number in _JUDGES:
            problem = _JUDGES[number](value)
        else:
            problem = "" if number in _FREE else "is not in the profile"
        if problem:
            yield f"the parameter {name} {problem}"


def _identifier(value: ParameterValue) -> str:
    if isinstance(value, bytes) and len(value) == IDENTIFIER_BYTES:
        return ""
    return f"is not {IDENTIFIER_BYTES} bytes"


def _sha_256(value: ParameterValue) -> str:
    if not isinstance(value, SuitDigest) or value.algorithm != SHA_256:
        return f"is not a digest by SHA-256 ({SHA_256})"
    return "" if len(value.value) == _SHA_256_BYTES else f"is not {_SHA_256_BYTES} bytes"


def _uri(value: ParameterValue) -> str:
    if isinstance(value, str) and 1 <= len(value.encode()) <= MAX_URI_BYTES:
        return ""
    return f"is not text of 1 to {MAX_URI_BYTES} bytes"


_JUDGES: Final[Mapping[int, Callable[[ParameterValue], str]]] = {
    Parameter.VENDOR_IDENTIFIER: _identifier,
    Parameter.CLASS_IDENTIFIER: _identifier,
    Parameter.DEVICE_IDENTIFIER: _identifier,
    Parameter.IMAGE_DIGEST: _sha_256,
    Parameter.URI: _uri,
}
"""What is wrong with the value of a parameter; nothing if it is good."""

_FREE: Final = frozenset({Parameter.IMAGE_SIZE, Parameter.CONTENT})
"""Parameters of which every value is good that the decoder takes."""
