"""A refused model: the values that show why, and the words that are made of them when shown."""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from math import isclose
from typing import Final

from tinycontainer.errors import TinyContainerError
from tinycontainer.text import show

from ..protocol.codes import ErrorCode
from .enumerations import Builtin
from .flaws import Flaw

_LONGEST_LIST: Final = 6
_HALF_A_STEP: Final = 2.0**-24
"""From one number of 32 bits to the next, at least, as a part of it."""
_MOST_SENTENCES: Final = 8
"""How many refusals become words in one sentence; `ModelRefused.reasons` has all."""


@dataclass(frozen=True, slots=True)
class Between:
    """The numbers from a lowest to a highest one, which are not all whole.

    Attributes:
        lowest: the first that is allowed.
        highest: the last that is allowed.
    """

    lowest: float
    highest: float

    def __contains__(self, number: float) -> bool:
        return self.lowest <= number <= self.highest


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the graph a flaw is.

    Attributes:
        index: the operator's number, from 0; None if no operator is meant.
        operator: which operator it is; None while that is not known.
        tensor: a tensor's number, from 0; None if none is meant.
        name: the tensor's, as the model gives it, untrusted; empty if it has none.
    """

    index: int | None = None
    operator: Builtin | None = None
    tensor: int | None = None
    name: bytes = b""


WHOLE_MODEL: Final = Place()


class ModelRefused(TinyContainerError):
    """A model is refused. ``str`` makes a sentence of the values.

    Args:
        flaw: what is wrong.
        place: where.
        found: what the model has.
        allowed: what it may have.
        subject: which part is meant, in the schema's words or those of the quotas.
        others: what else is wrong with the same model.
    """

    def __init__(
        self,
        flaw: Flaw,
        place: Place = WHOLE_MODEL,
        *,
        found: object = None,
        allowed: object = None,
        subject: str = "",
        others: Sequence["ModelRefused"] = (),
    ) -> None:
        super().__init__(flaw)
        self.flaw = flaw
        self.place = place
        self.found = found
        self.allowed = allowed
        self.subject = subject
        self.others = tuple(others)

    @property
    def reasons(self) -> tuple[str, ...]:
        """A sentence for everything that is wrong, this refusal's own first."""
        return tuple(each.sentence for each in (self, *self.others))

    @property
    def code(self) -> ErrorCode:
        """What the container sees, negated."""
        return self.flaw.code

    @property
    def sentence(self) -> str:
        """What is wrong in words, without the others."""
        sentence = self.flaw.sentence.format(
            found=_show(self.found), allowed=_show(self.allowed), subject=self.subject
        )
        place = _show_place(self.place)
        return f"{place}: {sentence}" if place else sentence

    def __str__(self) -> str:
        reasons = self.reasons
        shown = "; ".join(reasons[:_MOST_SENTENCES])
        left = len(reasons) - _MOST_SENTENCES
        return f"{shown}; and {left} more" if left > 0 else shown


class Refusals:
    """Collects what is wrong with a model, so that its maker learns all of it at once."""

    def __init__(self) -> None:
        self._found: list[ModelRefused] = []

    @property
    def found(self) -> tuple[ModelRefused, ...]:
        """What was collected, in order."""
        return tuple(self._found)

    def add(self, refusal: ModelRefused) -> None:
        """Collect a refusal."""
        self._found.append(refusal)

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """Collect a refusal that is raised within; what follows it there is not done."""
        try:
            yield
        except ModelRefused as refusal:
            self._found.append(refusal)

    def raise_found(self) -> None:
        """Raise what was collected as one refusal.

        Raises:
            ModelRefused: something was.
        """
        if self._found:
            first = self._found[0]
            raise ModelRefused(
                first.flaw,
                first.place,
                found=first.found,
                allowed=first.allowed,
                subject=first.subject,
                others=self._found[1:],
            )


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
        name = f" ({show(place.name)})" if place.name else ""
        parts.append(f"tensor {place.tensor}{name}")
    return ", ".join(parts)


def _show_number(value: float) -> str:
    """Six digits, or as many more as tell a number of 32 bits from its neighbours."""
    for digits in (6, 7, 8):
        shown = f"{value:.{digits}g}"
        if isclose(float(shown), value, rel_tol=_HALF_A_STEP):
            return shown
    return f"{value:.9g}"


def _show(value: object) -> str:
    """A value in words; lists are cut, because a tenant's can be as long as its file."""
    match value:
        case Enum():
            return value.name
        case float():
            return _show_number(value)
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
