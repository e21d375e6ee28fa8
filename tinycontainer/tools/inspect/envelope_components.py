"""What the commands of a manifest say of each component, without a device that carries them out.

A try-each is read as if all its sequences were carried out, one after the other.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from tinycontainer.suit.envelope.components import parse_component
from tinycontainer.suit.envelope.labels import Label, Parameter
from tinycontainer.suit.envelope.model import (
    CommandSequence,
    ComponentId,
    ParameterValue,
    SuitDigest,
    UpdateCommand,
    UpdateManifest,
)
from tinycontainer.text import show

_SHOWN_PART_BYTES: Final = 80


def name_component(identifier: ComponentId) -> str:
    """A component as ``uid section``, or the bytes of its identifier; fit to be shown."""
    try:
        uid, section = parse_component(identifier)
    except ValueError:
        return name_parts(identifier)
    return f"{show(uid)} {section}"


def name_parts(parts: ComponentId) -> str:
    """A component identifier that is none of our profile, fit to be shown."""
    return "/".join(f"h'{part[:_SHOWN_PART_BYTES].hex()}'" for part in parts) or "no name"


@dataclass(slots=True)
class ComponentUse:
    """What a manifest says of one component.

    Attributes:
        uris: where it is fetched from, in order.
        digests: what an image-match compares it with, in order.
    """

    uris: list[str] = field(default_factory=list)
    digests: list[SuitDigest] = field(default_factory=list)


def read_uses(manifest: UpdateManifest) -> tuple[ComponentUse, ...]:
    """What a manifest says of each component, in their order.

    Args:
        manifest: any; indices of components that are not there are passed over.
    """
    reader = _UseReader(len(manifest.components))
    for commands in sequences_of(manifest):
        reader.follow(commands, (0,) if manifest.components else ())
    return tuple(reader.uses)


def fetched_components(manifest: UpdateManifest) -> dict[str, tuple[int, ...]]:
    """Which components a manifest fetches from each URI."""
    found: dict[str, tuple[int, ...]] = {}
    for index, use in enumerate(read_uses(manifest)):
        for uri in use.uris:
            found[uri] = (*found.get(uri, ()), index)
    return found


def values_of(manifest: UpdateManifest, parameter: Parameter) -> Iterator[ParameterValue]:
    """All values that a manifest sets for a parameter, in the order in which they are set."""
    for commands in sequences_of(manifest):
        yield from _values_in(commands, parameter)


def sequences_of(manifest: UpdateManifest) -> tuple[CommandSequence, ...]:
    """All sequences of a manifest, the shared one first."""
    return manifest.shared, *manifest.sequences.values()


def _values_in(commands: CommandSequence, parameter: Parameter) -> Iterator[ParameterValue]:
    for command in commands:
        if isinstance(command.argument, Mapping) and parameter in command.argument:
            yield command.argument[parameter]
        for sequence in _attempts(command):
            yield from _values_in(sequence, parameter)


def _attempts(command: UpdateCommand) -> Iterator[CommandSequence]:
    """The sequences of a try-each."""
    for each in command.argument if isinstance(command.argument, tuple) else ():
        if isinstance(each, tuple):
            yield each


class _UseReader:
    def __init__(self, count: int) -> None:
        self.uses = [ComponentUse() for _ in range(count)]
        self._parameters: list[dict[int, ParameterValue]] = [{} for _ in range(count)]

    def follow(self, commands: CommandSequence, selected: tuple[int, ...]) -> None:
        for command in commands:
            if command.label == Label.SET_COMPONENT_INDEX:
                selected = self._select(command)
            for index in selected:
                self._note(command, index)
            for sequence in _attempts(command):
                self.follow(sequence, selected)

    def _select(self, command: UpdateCommand) -> tuple[int, ...]:
        argument = command.argument
        if argument is True:
            return tuple(range(len(self.uses)))
        indices = argument if isinstance(argument, tuple) else (argument,)
        return tuple(each for each in indices if isinstance(each, int) and each < len(self.uses))

    def _note(self, command: UpdateCommand, index: int) -> None:
        parameters, use = self._parameters[index], self.uses[index]
        if isinstance(command.argument, Mapping):
            parameters |= command.argument
        uri, digest = parameters.get(Parameter.URI), parameters.get(Parameter.IMAGE_DIGEST)
        if command.label == Label.FETCH and isinstance(uri, str) and uri not in use.uris:
            use.uris.append(uri)
        is_match = command.label == Label.IMAGE_MATCH
        if is_match and isinstance(digest, SuitDigest) and digest not in use.digests:
            use.digests.append(digest)
