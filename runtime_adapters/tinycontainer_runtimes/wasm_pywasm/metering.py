"""Metering and preemption on pywasm, without touching its classes.

`pywasm.Machine.evaluate` fetches an instruction, moves its index on, and looks at ``opcode``; all
its state lies on the machine's stacks. So the first instruction of every straight line of code is
replaced by one whose ``opcode`` is a property: it charges the line, or, with the budget gone, moves
the index back and raises. A second call of ``evaluate`` goes on as if it had not been interrupted.
"""

from typing import Any, Final, TypeAlias

from tinycontainer.interfaces.meter import Meter
from tinycontainer.interfaces.runtime import RuntimeLimits

from ..wasm import opcodes
from ..wasm.traps import TrapCode, WasmTrap
from .floats import Exact

_LABELS_PER_CALL: Final = 16
"""Nested blocks of all calls together, on average; pywasm copies them all at every branch."""


Variables: TypeAlias = tuple[tuple[int, Any], ...]
"""Local variables in groups: how many, and the zero of their type."""


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
        self.meter = meter
        self.limits = limits
        self.stack = machine.stack
        self.store = machine.store
        self.stack_values = limits.stack_values

    def begin(self) -> None:
        """Begin a line, or stop before it.

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
        self._cost = cost
        self._gauge = gauge

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


class Entry:
    """The first instruction of every function: charges for the entry, and bounds the stacks.

    It is no place to stop, the line after it is; so a call and the entry are charged together.

    Args:
        gauge: what the instructions of the instance share.
        variables: the function's local variables. pywasm would make a value for each at every
            call, in 0.4 us; it never changes one, so all can share the zero of their type.
        function: the function's number among the module's own.

    Attributes:
        function: the same.
    """

    __slots__ = ("_gauge", "_variables", "args", "function")

    plain = opcodes.NOP

    def __init__(self, gauge: Gauge, variables: Variables, function: int) -> None:
        self.function = function
        self._gauge = gauge
        self._variables = variables
        self.args: list[Any] = []

    @property
    def opcode(self) -> int:
        """A nop, after the entry was charged."""
        gauge = self._gauge
        gauge.meter.left -= 1
        stack = gauge.stack
        limits = gauge.limits
        # The lowest frame belongs to our own call from outside.
        if (
            len(stack.frame) - 1 > limits.call_depth
            or len(stack.value) > limits.stack_values
            or len(stack.label) > _LABELS_PER_CALL * limits.call_depth
        ):
            raise WasmTrap(TrapCode.STACK_OVERFLOW)
        for number, zero in self._variables:
            stack.frame[-1].locals.data.extend([zero] * number)
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


class _Fill(_Line):
    """A memory.fill, done here: pywasm goes over the bytes one by one, for 4 ms a page."""

    __slots__ = ()

    @property
    def opcode(self) -> int:
        gauge = self._gauge
        gauge.begin()
        data = gauge.store.mems[0].data
        values = gauge.stack.value
        size = gauge.top()
        gauge.meter.left -= self._cost + min(size, len(data))
        begin = values[-3].into_u32()
        if begin + size > len(data):
            return self.plain  # which traps
        data[begin : begin + size] = values[-2].data[:1] * size
        del values[-3:]
        return opcodes.NOP


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
        # One that fails does nothing, and costs no more than any other instruction (TC-RT-22).
        fits = grown.size + by <= grown.type.limits.m
        gauge.meter.left -= self._cost + (by if fits else 0)
        return self.plain


class _CallIndirect(_Line):
    """A call through the table; pywasm does not say why one fails."""

    __slots__ = ()

    @property
    def opcode(self) -> int:
        gauge = self._gauge
        gauge.begin()
        gauge.meter.left -= self._cost
        elements = gauge.store.tabl[0].elem
        index = gauge.top()
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


Metered: TypeAlias = type[_Line]


def find_metered_kind(opcode: int) -> Metered:
    """Which instruction charges for a line that begins with this opcode."""
    if opcode == opcodes.MEMORY_FILL:
        return _Fill
    if opcode in opcodes.BULK_MEMORY or opcode in opcodes.BULK_TABLE:
        return _Bulk
    if opcode in opcodes.GROWS:
        return _Grow
    if opcode == opcodes.CALL_INDIRECT:
        return _CallIndirect
    return _DivideU64 if opcode == opcodes.I64_DIV_U else _Line


def find_plain_opcode(instruction: Any) -> int:
    """The opcode of an instruction, metered or not, without charging for it."""
    metered = isinstance(instruction, _Line | Entry | Exact)
    opcode: int = instruction.plain if metered else instruction.opcode
    return opcode
