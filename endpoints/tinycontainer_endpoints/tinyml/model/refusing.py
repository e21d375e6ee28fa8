"""A refused model: the values that show why, and the words that are made of them when shown."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import Enum
from typing import Final

from tinycontainer.errors import TinyContainerError

from ..protocol.codes import ErrorCode
from .enumerations import Builtin
from .flaws import Flaw

_LONGEST_LIST: Final = 6


@dataclass(frozen=True, slots=True)
class Between:
    """The numbers from a lowest to a highest one, which are not all whole.

    Attributes:
        lowest: the first that is allowed.
        highest: the last that is allowed.
    """

    lowest: float
    highest: float


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the graph a flaw is.

    Attributes:
        index: the operator's number, from 0; None if no operator is meant.
        operator: which operator it is; None while that is not known.
        tensor: a tensor's number, from 0; None if none is meant.
    """

    index: int | None = None
    operator: Builtin | None = None
    tensor: int | None = None


WHOLE_MODEL: Final = Place()


class ModelRefused(TinyContainerError):
    """A model is refused. ``str`` makes a sentence of the values.

    Args:
        flaw: what is wrong.
        place: where.
        found: what the model has.
        allowed: what it may have.
        subject: which part is meant, in the schema's words or those of the quotas.
    """

    def __init__(
        self,
        flaw: Flaw,
        place: Place = WHOLE_MODEL,
        *,
        found: object = None,
        allowed: object = None,
        subject: str = "",
    ) -> None:
        super().__init__(flaw)
        self.flaw = flaw
        self.place = place
        self.found = found
        self.allowed = allowed
        self.subject = subject

    @property
    def code(self) -> ErrorCode:
        """What the container sees, negated."""
        return self.flaw.code

    def __str__(self) -> str:
        sentence = self.flaw.sentence.format(
            found=_show(self.found), allowed=_show(self.allowed), subject=self.subject
        )
        place = _show_place(self.place)
        return f"{place}: {sentence}" if place else sentence


def require(
    condition: bool,
    flaw: Flaw,
    place: Place = WHOLE_MODEL,
    *,
    found: object = None,
    allowed: object = None,
    subject: str = "",
) -> None:
    """Refuse a model unless a condition holds; the other arguments are `ModelRefused`'s.

    Raises:
        ModelRefused: it does not.
    """
    if not condition:
        raise ModelRefused(flaw, place, found=found, allowed=allowed, subject=subject)


def _show_place(place: Place) -> str:
    parts = []
    if place.index is not None:
        name = "" if place.operator is None else f" ({place.operator.name})"
        parts.append(f"operator {place.index}{name}")
    if place.tensor is not None:
        parts.append(f"tensor {place.tensor}")
    return ", ".join(parts)


def _show(value: object) -> str:
    """A value in words; lists are cut, because a tenant's can be as long as its file."""
    match value:
        case Enum():
            return value.name
        case float():
            return f"{value:.6g}"
        case Between():
            return f"{value.lowest:g} to {value.highest:g}"
        case range():
            ends = (*value[:1], *value[1:][-1:])
            return " to ".join(map(str, ends)) or "none"
        case tuple():
            shown = " x ".join(_show(each) for each in value[:_LONGEST_LIST]) or "()"
            return f"{shown} ..." if len(value) > _LONGEST_LIST else shown
        case AbstractSet():
            return ", ".join(_show(each) for each in sorted(value))
    return str(value)
