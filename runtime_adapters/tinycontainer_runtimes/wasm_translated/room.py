"""Where a function's code is put: the operands that wait at translation, and the lines of Python.

An operand is an expression. It stays one as long as nothing that it reads changes; then it is
assigned to the variable of its place on the stack. Only the topmost ones wait.
"""

from array import array
from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

_MOST_CHARACTERS: Final = 160
"""Of an expression that is not assigned: what nests too deep cannot be compiled."""
_MOST_WAITING: Final = 24
"""Operands that wait; each assignment looks at all of them."""


class TooMuch(Exception):
    """A function nests deeper, or becomes longer, than Python compiles at a bounded cost."""


class Operand(NamedTuple):
    """A value on the stack.

    Attributes:
        text: an expression of Python without effects.
        reads: the variables in it.
    """

    text: str
    reads: frozenset[str] = frozenset()


class Room:
    """Operands and lines of a function.

    Args:
        name_slot: the variable of a place on the stack.
        name_local: the variable of a local.
        most_characters: of all lines together.

    Attributes:
        lines: of Python.
        offsets: of the instruction in the module, for each line.
        offset: of the instruction that is translated.
        depth: by how much the next line is indented.
    """

    def __init__(
        self,
        name_slot: Callable[[int], str],
        name_local: Callable[[int], str],
        most_characters: int,
    ) -> None:
        self._name_slot = name_slot
        self._left_characters = most_characters
        self.name_local = name_local
        self.lines: list[str] = []
        self.offsets = array("I")
        self.offset = 0
        self.depth = 1
        self._settled = 0
        """How many operands, the lowest ones, are in the variables of their places."""
        self._waiting: list[Operand] = []
        """Those above them."""

    @property
    def height(self) -> int:
        """How many operands there are."""
        return self._settled + len(self._waiting)

    def emit(self, line: str) -> None:
        """Add a line of Python.

        Raises:
            TooMuch: all lines are too long together.
        """
        self._left_characters -= self.depth + len(line) + 1
        if self._left_characters < 0:
            raise TooMuch
        self.lines.append(f"{' ' * self.depth}{line}\n")
        self.offsets.append(self.offset)

    # Operands

    def push(self, text: str, used: Iterable[Operand] = ()) -> None:
        """Put an expression on the stack.

        Args:
            text: without effects, and of variables that it was made of only.
            used: of which operands.
        """
        reads = frozenset[str]().union(*(each.reads for each in used))
        self._waiting.append(Operand(text, reads))
        if len(text) > _MOST_CHARACTERS or len(self._waiting) > _MOST_WAITING:
            self.settle_all()

    def push_variable(self, name: str) -> None:
        """Put a variable on the stack."""
        self._waiting.append(Operand(name, frozenset({name})))
        if len(self._waiting) > _MOST_WAITING:
            self.settle_all()

    def pop(self) -> Operand:
        """Take the topmost operand."""
        if self._waiting:
            return self._waiting.pop()
        self._settled -= 1
        return self._settled_operand(self._settled)

    def pop_all(self, number: int) -> list[Operand]:
        """Take the topmost operands, the lowest first."""
        return [self.pop() for _ in range(number)][::-1]

    def look_at(self, number: int) -> list[Operand]:
        """The topmost operands, the lowest first; they stay."""
        waiting = self._waiting[max(0, len(self._waiting) - number) :]
        first = self.height - number
        settled = range(first, first + number - len(waiting))
        return [*map(self._settled_operand, settled), *waiting]

    def reset(self, height: int) -> None:
        """Forget all operands; so many are in the variables of their places."""
        self._settled = height
        self._waiting.clear()

    def compute(self, text: str) -> None:
        """Let an expression that can trap, or reads what can change, be computed now."""
        name = self._name_slot(self.height)
        self.assign(name, text)
        self.push_variable(name)

    def assign(self, variable: str, text: str) -> None:
        """Assign to a variable; operands that read it are settled before."""
        for place, operand in enumerate(self._waiting):
            if variable in operand.reads:
                self._settle(place)
        self.emit(f"{variable} = {text}")

    def settle_all(self) -> None:
        """Let every operand be in the variable of its place."""
        for place in range(len(self._waiting)):
            self._settle(place)
        self._settled += len(self._waiting)
        self._waiting.clear()

    def move(self, operands: Sequence[Operand], base: int) -> None:
        """Put values into the variables of places, all at once.

        Args:
            operands: that are not on the stack any more, or stay there as they are.
            base: the place of the first.
        """
        pairs = [
            (self._name_slot(base + place), operand.text)
            for place, operand in enumerate(operands)
            if operand.text != self._name_slot(base + place)
        ]
        if pairs:
            names, texts = zip(*pairs, strict=True)
            self.emit(f"{', '.join(names)} = {', '.join(texts)}")

    def put(self, number: int) -> list[str]:
        """Say that values come into the variables of the next places: those variables."""
        self.settle_all()
        first = self._settled
        self._settled += number
        return [self._name_slot(place) for place in range(first, first + number)]

    def _settled_operand(self, place: int) -> Operand:
        name = self._name_slot(place)
        return Operand(name, frozenset({name}))

    def _settle(self, place: int) -> None:
        """Let an operand that waits be in its variable; it still counts as one that waits."""
        name = self._name_slot(self._settled + place)
        operand = self._waiting[place]
        if operand.text == name:
            return
        # An operand reads variables of its own place and of higher ones only, so this ends.
        for lower in range(place):
            if name in self._waiting[lower].reads:
                self._settle(lower)
        self.emit(f"{name} = {operand.text}")
        self._waiting[place] = Operand(name, frozenset({name}))
