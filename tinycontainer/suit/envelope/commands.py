"""Command sequences of a manifest: conditions and directives with their arguments."""

from collections.abc import Callable, Mapping
from typing import Final

from tinycontainer_tokens import cbor

from .labels import Label, Parameter, name_of
from .model import Argument, CommandSequence, ParameterValue, Unknown, UpdateCommand
from .reading import Part
from .signatures import read_digest

MAX_COMMANDS: Final = 1_000
"""The most commands of one manifest; every sequence of a try-each counts as one more."""

MAX_NESTING: Final = 4
"""How deep one try-each may lie in another."""

_POLICIES: Final = frozenset(
    {
        Label.VENDOR_IDENTIFIER,
        Label.CLASS_IDENTIFIER,
        Label.IMAGE_MATCH,
        Label.COMPONENT_SLOT,
        Label.CHECK_CONTENT,
        Label.ABORT,
        Label.WRITE,
        Label.FETCH,
        Label.COPY,
        Label.INVOKE,
        Label.DEVICE_IDENTIFIER,
        Label.SWAP,
        Label.UNLINK,
    }
)
"""The commands whose argument is a reporting policy."""


class CommandReader:
    """Reads the command sequences of one manifest, and counts what it reads."""

    def __init__(self) -> None:
        self._left = MAX_COMMANDS

    def sequence(self, part: Part, nesting: int = 0) -> CommandSequence:
        """Read one sequence.

        Args:
            part: an array of labels and arguments in turn.
            nesting: in how many try-each it lies.

        Raises:
            EnvelopeError: it is something else, an argument has another type than its command asks
                for, or the manifest has more than 1,000 commands.
        """
        items = part.items()
        if len(items) % 2:
            raise part.refusal("the last command has no argument")
        pairs = zip(items[::2], items[1::2], strict=True)
        return tuple(
            self._command(part.at(label, f"{part.place}[{index}]"), argument, nesting)
            for index, (label, argument) in enumerate(pairs)
        )

    def _command(self, label: Part, argument: cbor.Item, nesting: int) -> UpdateCommand:
        number = label.integer()
        self._count(label)
        named = label.at(argument, f"{label.place}.{name_of(Label, number)}")
        return UpdateCommand(
            number, self._argument(number, named, nesting), label.place, label.offset
        )

    def _argument(self, label: int, part: Part, nesting: int) -> Argument:
        if label in _POLICIES:
            return part.unsigned()
        if label == Label.SET_COMPONENT_INDEX:
            return _component_index(part)
        if label == Label.OVERRIDE_PARAMETERS:
            return _parameters(part)
        if label == Label.TRY_EACH:
            return self._alternatives(part, nesting + 1)
        return Unknown(part.encoded)

    def _alternatives(self, part: Part, nesting: int) -> tuple[CommandSequence | None, ...]:
        if nesting > MAX_NESTING:
            raise part.refusal(f"nested deeper than {MAX_NESTING}")
        items = part.array()
        if not items:
            raise part.refusal("nothing to try")
        last = len(items) - 1
        return tuple(
            self._alternative(item, nesting, may_be_null=index == last)
            for index, item in enumerate(items)
        )

    def _alternative(
        self, part: Part, nesting: int, *, may_be_null: bool
    ) -> CommandSequence | None:
        self._count(part)
        if may_be_null and part.is_null():
            return None
        return self.sequence(part.inside(), nesting)

    def _count(self, part: Part) -> None:
        if self._left == 0:
            raise part.refusal(f"more than {MAX_COMMANDS} commands")
        self._left -= 1


def _component_index(part: Part) -> Argument:
    """One index, several, or true for all."""
    if part.item.value is True:
        return True
    if not part.is_array():
        return part.unsigned()
    indices = tuple(item.unsigned() for item in part.array())
    if not indices:
        raise part.refusal("no component is named")
    return indices


def _parameters(part: Part) -> Mapping[int, ParameterValue]:
    values: dict[int, ParameterValue] = {}
    for number, _, value in part.numbered():
        named = part.at(value, f"{part.place}.{name_of(Parameter, number)}")
        values[number] = _READERS.get(number, _unread)(named)
    return values


def _unread(part: Part) -> ParameterValue:
    return Unknown(part.encoded)


def _wrapped_digest(part: Part) -> ParameterValue:
    return read_digest(part.inside())


_READERS: Final[Mapping[int, Callable[[Part], ParameterValue]]] = {
    Parameter.VENDOR_IDENTIFIER: Part.byte_string,
    Parameter.CLASS_IDENTIFIER: Part.byte_string,
    Parameter.DEVICE_IDENTIFIER: Part.byte_string,
    Parameter.IMAGE_DIGEST: _wrapped_digest,
    Parameter.IMAGE_SIZE: Part.unsigned,
    Parameter.CONTENT: Part.byte_string,
    Parameter.URI: Part.text,
}
"""How the values of our profile are read; those of other parameters are kept as they are."""
