"""What the functions of one instance share: memory, table, globals, segments and natives."""

from collections.abc import Callable, Generator, Sequence
from typing import Any, Final

from tinycontainer.interfaces.runtime import PAGE_BYTES

from ..wasm.traps import TrapCode, WasmTrap
from .segments import InitialState, Value

Call = Generator["Call | None", Any, Any]
"""A call in progress: it yields None to stop, or a call to be made, and is sent what that gives."""

_REFUSED: Final = 0xFFFF_FFFF
"""What a grow that fails gives."""


class CallRefused(WasmTrap):
    """A call that is one too many: its function was not entered."""


class WasmMachine:
    """What the functions of one instance share.

    Args:
        state: what it begins with.
        pages: of memory at the beginning.
        most_pages: of memory.
        most_elements: of the table.
        callees: of each function, what calls it and the number of its type.

    Attributes:
        left: fuel that is left.
        memory: linear memory.
        table: references: indexes of functions, or None.
        globals: their values.
        natives: the imported functions; they take and give unsigned numbers.

    Raises:
        WasmTrap: a segment does not fit.
    """

    __slots__ = (
        "_callees",
        "_data",
        "_elements",
        "_most_elements",
        "_most_pages",
        "globals",
        "left",
        "memory",
        "natives",
        "table",
    )

    def __init__(
        self,
        state: InitialState,
        pages: int,
        most_pages: int,
        most_elements: int,
        callees: Sequence[tuple[Callable[..., Call], int]],
    ) -> None:
        self.left = 0
        self.memory = bytearray(pages * PAGE_BYTES)
        self.table: list[Value] = [None] * state.table_elements
        self.globals = [*state.globals]
        self.natives: Sequence[Callable[..., Any]] = ()
        self._most_pages = most_pages
        self._most_elements = most_elements
        self._callees = callees
        self._data = [each.content for each in state.data]
        self._elements = [each.content for each in state.elements]
        self._place(state)

    def _place(self, state: InitialState) -> None:
        """Put active segments where they belong, and drop them."""
        for number, segment in enumerate(state.elements):
            if segment.offset is not None:
                self.init_table(number, segment.offset, 0, len(segment.content))
            if segment.offset is not None or segment.is_declared:
                self.drop_elements(number)
        for number, data in enumerate(state.data):
            if data.offset is not None:
                self.init_memory(number, data.offset, 0, len(data.content))
                self.drop_data(number)

    # Traps

    def refuse_call(self, left: int) -> None:
        """Refuse a call that is one too many, or whose callers have too many operands or blocks.

        Raises:
            CallRefused: always.
        """
        self.left = left
        raise CallRefused(TrapCode.STACK_OVERFLOW)

    def refuse_operands(self) -> None:
        """Refuse more operands than all calls together may have.

        Raises:
            WasmTrap: always.
        """
        raise WasmTrap(TrapCode.STACK_OVERFLOW)

    def meet_unreachable(self) -> None:
        """Execute ``unreachable``.

        Raises:
            WasmTrap: always.
        """
        raise WasmTrap(TrapCode.UNREACHABLE)

    # Memory

    def price_pages(self, number: int) -> int:
        """What a grow of memory costs beside what all instructions cost (TC-RT-22)."""
        return number if len(self.memory) // PAGE_BYTES + number <= self._most_pages else 0

    def grow_memory(self, number: int) -> int:
        """Grow memory by pages; the number of before, or -1 as an unsigned number."""
        before = len(self.memory) // PAGE_BYTES
        if before + number > self._most_pages:
            return _REFUSED
        self.memory.extend(bytes(number * PAGE_BYTES))
        return before

    def fill_memory(self, begin: int, value: int, size: int) -> None:
        """Write one byte over and over."""
        self._require_memory(begin, size)
        self.memory[begin : begin + size] = bytes((value & 0xFF,)) * size

    def copy_memory(self, target: int, source: int, size: int) -> None:
        """Copy within memory."""
        self._require_memory(source, size)
        self._require_memory(target, size)
        self.memory[target : target + size] = self.memory[source : source + size]

    def init_memory(self, number: int, target: int, source: int, size: int) -> None:
        """Copy from a segment of data."""
        content = self._data[number]
        if source + size > len(content):
            raise WasmTrap(TrapCode.MEMORY_OUT_OF_BOUNDS)
        self._require_memory(target, size)
        self.memory[target : target + size] = content[source : source + size]

    def drop_data(self, number: int) -> None:
        """Let a segment of data be empty."""
        self._data[number] = b""

    def _require_memory(self, begin: int, size: int) -> None:
        if begin + size > len(self.memory):
            raise WasmTrap(TrapCode.MEMORY_OUT_OF_BOUNDS)

    # Table

    def find_callee(self, place: int, wanted: int) -> Callable[..., Call]:
        """What calls the function at a place of the table.

        Args:
            place: in the table.
            wanted: number of the type that it must have.

        Raises:
            WasmTrap: there is none, or one of another type.
        """
        if place >= len(self.table):
            raise WasmTrap(TrapCode.TABLE_OUT_OF_BOUNDS)
        index = self.table[place]
        if index is None:
            raise WasmTrap(TrapCode.INDIRECT_CALL_TO_NULL)
        callee, number = self._callees[int(index)]
        if number != wanted:
            raise WasmTrap(TrapCode.BAD_SIGNATURE)
        return callee

    def find_function(self, index: int | None, place: int, wanted: int) -> Callable[..., Call]:
        """What calls a function: the one of an index, or else the one at a place of the table.

        Raises:
            WasmTrap: as for `find_callee`.
        """
        return self.find_callee(place, wanted) if index is None else self._callees[index][0]

    def size_of_table(self) -> int:
        """How many elements there are."""
        return len(self.table)

    def get_element(self, place: int) -> Value:
        """An element."""
        self._require_table(place, 1)
        return self.table[place]

    def set_element(self, place: int, value: Value) -> None:
        """Put an element."""
        self._require_table(place, 1)
        self.table[place] = value

    def price_elements(self, number: int) -> int:
        """What a grow of the table costs beside what all instructions cost."""
        return number if len(self.table) + number <= self._most_elements else 0

    def grow_table(self, value: Value, number: int) -> int:
        """Grow the table; the size of before, or -1 as an unsigned number."""
        before = len(self.table)
        if before + number > self._most_elements:
            return _REFUSED
        self.table.extend([value] * number)
        return before

    def fill_table(self, begin: int, value: Value, size: int) -> None:
        """Put one element into many places."""
        self._require_table(begin, size)
        self.table[begin : begin + size] = [value] * size

    def copy_table(self, target: int, source: int, size: int) -> None:
        """Copy within the table."""
        self._require_table(source, size)
        self._require_table(target, size)
        self.table[target : target + size] = self.table[source : source + size]

    def init_table(self, number: int, target: int, source: int, size: int) -> None:
        """Copy from a segment of elements."""
        content = self._elements[number]
        if source + size > len(content):
            raise WasmTrap(TrapCode.TABLE_OUT_OF_BOUNDS)
        self._require_table(target, size)
        self.table[target : target + size] = content[source : source + size]

    def drop_elements(self, number: int) -> None:
        """Let a segment of elements be empty."""
        self._elements[number] = ()

    def _require_table(self, begin: int, size: int) -> None:
        if begin + size > len(self.table):
            raise WasmTrap(TrapCode.TABLE_OUT_OF_BOUNDS)


def bound_growth(maximum: int | None, allowed: int) -> int:
    """The lesser of a module's maximum and what the device allows."""
    return allowed if maximum is None else min(maximum, allowed)
