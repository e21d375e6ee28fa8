"""Metering and preemption on pywasm, without touching its classes.

`pywasm.Machine.evaluate` fetches an instruction, moves its index on, and looks at ``opcode``; all
its state lies on the machine's stacks. So the first instruction of every straight line of code is
replaced by one whose ``opcode`` is a property: it charges the line, or, with the budget gone, moves
the index back and raises. A second call of ``evaluate`` goes on as if nothing had happened.
"""

from collections.abc import Iterator
from typing import Any, Final

import pywasm

from tinycontainer.interfaces.meter import Meter
from tinycontainer.interfaces.runtime import RuntimeLimits

from ..wasm import opcodes
from ..wasm.lines import MAX_LINE
from ..wasm.traps import TrapCode, WasmTrap
from .floats import COMPUTED, Exact

_LABELS_PER_CALL: Final = 16
"""Nested blocks of all calls together, on average; pywasm copies them all at every branch."""


class BudgetGone(Exception):
    """The meter is empty; the machine can be resumed."""


class Gauge:
    """What the metered instructions of one instance share.

    Args:
        meter: the container's meter.
        machine: the pywasm machine that executes.
        limits: bounds of its stacks.
    """

    __slots__ = ("limits", "meter", "stack", "stack_values", "store")

    def __init__(self, meter: Meter, machine: Any, limits: RuntimeLimits) -> None:
        self.meter, self.limits = meter, limits
        self.stack, self.store = machine.stack, machine.store
        self.stack_values = limits.stack_values

    def begin(self) -> None:
        """Begin a line, or stop in front of it.

        Raises:
            BudgetGone: nothing is left.
        """
        if self.meter.left <= 0:
            self.stack.label[-1].index -= 1
            raise BudgetGone

    def top(self) -> int:
        """The i32 on top of the stack, unsigned."""
        return int(self.stack.value[-1].into_u32())


class _Line:
    """First instruction of a straight line; charges for all of it, and bounds the operands."""

    __slots__ = ("_cost", "_gauge", "args", "plain")

    def __init__(self, first: Any, cost: int, gauge: Gauge) -> None:
        self.plain: int = first.opcode
        self.args = first.args
        self._cost, self._gauge = cost, gauge

    @property
    def opcode(self) -> int:
        # The hottest path there is: `Gauge.begin`, written out.
        gauge = self._gauge
        meter = gauge.meter
        if meter.left <= 0:
            gauge.stack.label[-1].index -= 1
            raise BudgetGone
        meter.left -= self._cost
        if len(gauge.stack.value) > gauge.stack_values:
            raise WasmTrap(TrapCode.STACK_OVERFLOW)
        return self.plain


class _Entry:
    """Stands in front of a function's first line: charges for the entry, and bounds the stacks.

    It is no place to stop, the line behind it is; so a call and the entry are charged together.
    """

    __slots__ = ("_gauge", "args")

    plain = opcodes.NOP

    def __init__(self, gauge: Gauge) -> None:
        self._gauge = gauge
        self.args: list[Any] = []

    @property
    def opcode(self) -> int:
        gauge = self._gauge
        gauge.meter.left -= 1
        stack, limits = gauge.stack, gauge.limits
        # One frame below all others belongs to whoever invoked.
        if (
            len(stack.frame) - 1 > limits.call_depth
            or len(stack.value) > limits.stack_values
            or len(stack.label) > _LABELS_PER_CALL * limits.call_depth
        ):
            raise WasmTrap(TrapCode.STACK_OVERFLOW)
        return self.plain


class _Bulk(_Line):
    """A bulk operation; its length is on top of the stack."""

    __slots__ = ()

    @property
    def opcode(self) -> int:
        gauge = self._gauge
        gauge.begin()
        store = gauge.store
        in_memory = self.plain in opcodes.BULK_MEMORY
        bound = len(store.mems[0].data) if in_memory else len(store.tabl[0].elem)
        # A length beyond the bound traps, and is not charged for what it did not do.
        gauge.meter.left -= self._cost + min(gauge.top(), bound)
        return self.plain


class _Grow(_Line):
    """A grow of memory or table; the number of pages or elements is on top of the stack."""

    __slots__ = ()

    @property
    def opcode(self) -> int:
        gauge = self._gauge
        gauge.begin()
        in_memory = self.plain == opcodes.MEMORY_GROW
        grown = gauge.store.mems[0] if in_memory else gauge.store.tabl[0]
        by = gauge.top()
        fits = grown.size + by <= grown.type.limits.m
        charged = fits or by <= opcodes.FAILED_GROW_FREE_ABOVE
        gauge.meter.left -= self._cost + (by if charged else 0)
        return self.plain


class _CallIndirect(_Line):
    """A call through the table; pywasm does not say why one fails."""

    __slots__ = ()

    @property
    def opcode(self) -> int:
        gauge = self._gauge
        gauge.begin()
        gauge.meter.left -= self._cost
        elements, index = gauge.store.tabl[0].elem, gauge.top()
        if index >= len(elements):
            raise WasmTrap(TrapCode.TABLE_OUT_OF_BOUNDS)
        if elements[index].data[4] == 0:
            raise WasmTrap(TrapCode.INDIRECT_CALL_TO_NULL)
        function = gauge.store.func[elements[index].into_ref()]
        if function.type != gauge.stack.frame[-1].module.type[self.args[0]]:
            raise WasmTrap(TrapCode.BAD_SIGNATURE)
        return self.plain


class _DivideU64(_Line):
    """An i64.div_u; pywasm takes a quotient of 2**63 or more for an overflow."""

    __slots__ = ()

    @property
    def opcode(self) -> int:
        gauge = self._gauge
        gauge.begin()
        gauge.meter.left -= self._cost
        # Only a division by 1 has such a quotient, and it is the operand below.
        return opcodes.DROP if gauge.stack.value[-1].into_u64() == 1 else self.plain


_ALONE: Final[dict[int, type[_Line]]] = {
    **dict.fromkeys(opcodes.BULK_MEMORY | opcodes.BULK_TABLE, _Bulk),
    opcodes.MEMORY_GROW: _Grow,
    opcodes.TABLE_GROW: _Grow,
    opcodes.CALL_INDIRECT: _CallIndirect,
    opcodes.I64_DIV_U: _DivideU64,
}
"""Instructions that are a line of their own, because they look at their operands first."""


def plain_opcode(instruction: Any) -> int:
    """The opcode of an instruction, metered or not, without charging for it."""
    metered = isinstance(instruction, _Line | _Entry | Exact)
    opcode: int = instruction.plain if metered else instruction.opcode
    return opcode


def meter_module(module: Any, gauge: Gauge, *, exact_floats: bool = False) -> None:
    """Replace the first instruction of every line of a freshly parsed module.

    Args:
        module: a pywasm ModuleDesc that was validated.
        gauge: what its instructions share.
        exact_floats: whether floating point is corrected; see `floats`.
    """
    for function in module.func:
        body = function.expr.data
        pending = [(body, True)]
        while pending:
            instructions, stops = pending.pop()
            if stops and not instructions:
                instructions.append(pywasm.Inst(opcodes.NOP, []))
            for instruction in instructions:
                pending.extend(_nested(instruction))
            _meter_list(instructions, gauge, stops=stops)
            if exact_floats:
                instructions[:] = list(_corrected(instructions, gauge))
        body.insert(0, _Entry(gauge))


def _nested(instruction: Any) -> Iterator[tuple[list[Any], bool]]:
    """The lists within an instruction, and whether it can be stopped where they begin.

    Where a loop begins it can, also if the first line costs nothing, as on every engine.
    """
    if instruction.opcode in (opcodes.BLOCK, opcodes.LOOP, opcodes.IF):
        for instructions in instruction.args[1:]:
            yield instructions, instruction.opcode == opcodes.LOOP


def _meter_list(instructions: list[Any], gauge: Gauge, *, stops: bool) -> None:
    for start, end in list(_lines(instructions)):
        first = instructions[start]
        cost = sum(opcodes.fuel(each.opcode) for each in instructions[start:end])
        if first.opcode in _ALONE:
            instructions[start] = _ALONE[first.opcode](first, cost, gauge)
        elif cost or (stops and start == 0):
            instructions[start] = _Line(first, cost, gauge)


def _corrected(instructions: list[Any], gauge: Gauge) -> Iterator[Any]:
    for instruction in instructions:
        plain = plain_opcode(instruction)
        if plain not in COMPUTED:
            yield instruction
        elif isinstance(instruction, _Line):
            exact = Exact(pywasm.Inst(plain, instruction.args), gauge.stack)
            instruction.plain = opcodes.NOP  # it charges for its line, and no more
            yield instruction
            yield exact
        else:
            yield Exact(instruction, gauge.stack)


def _lines(instructions: list[Any]) -> Iterator[tuple[int, int]]:
    """The straight lines of an instruction list, as ranges."""
    start = 0
    for index, instruction in enumerate(instructions):
        alone = instruction.opcode in _ALONE
        if alone and start < index:
            yield start, index
            start = index
        if alone or instruction.opcode in opcodes.ENDS_LINE or index + 1 - start == MAX_LINE:
            yield start, index + 1
            start = index + 1
    if start < len(instructions):
        yield start, len(instructions)
