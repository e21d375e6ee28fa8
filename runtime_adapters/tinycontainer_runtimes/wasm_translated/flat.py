"""The second form of a function, for those that nest too deep or are too long for the first.

Each straight line of code is a small function of Python, which says what line comes next. So there
is nothing that nests, and little to compile at once. One generator, which is written here and not
generated, goes from line to line. Variables and operands are in one list, ``v``.
"""

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tinycontainer.interfaces.runtime import RuntimeLimits

from .function import CHAIN_MASK, LABELS_PER_CALL
from .machine import Call, WasmMachine

END: Final = -1
"""The line after the last one."""

Values = list[Any]
RunLine = Callable[[Values, WasmMachine], int]
CompileLine = Callable[[str, str], RunLine]


@dataclass(frozen=True, slots=True)
class FlatCall:
    """A call at the end of a line.

    Attributes:
        function: index of it; None if the table says it.
        type_number: that one of the table must have.
        begin: place of the first argument among the values, where the first result is put.
        arguments: how many there are.
        operands: of the function that calls, below the arguments.
        labels: open blocks of the function that calls, itself included.
        results: how many there are.
    """

    function: int | None
    type_number: int
    begin: int
    arguments: int
    operands: int
    labels: int
    results: int


@dataclass(slots=True)
class FlatLine:
    """A straight line.

    Attributes:
        stops: whether a turn can end before it.
        cost: of it.
        price: what it costs beside that, if that depends on operands.
        operands: how many there are at its beginning, if they are counted.
        following: the line that comes next, if ``run`` does not say it.
        run: executes it, and says which line comes next; None if it does nothing.
        call: that it ends with.
        begin: offset of its first instruction in the module.
        offset: of its last one.
        name: of ``run``.
        source: of ``run``; it is compiled when the line is first executed.
        offsets: of the instruction, for each line of the source.
    """

    stops: bool
    cost: int
    price: Callable[[Values, WasmMachine], int] | None = None
    operands: int = 0
    following: int = END
    run: RunLine | None = None
    call: FlatCall | None = None
    begin: int = 0
    offset: int = 0
    name: str = ""
    source: str = ""
    offsets: "array[int]" = field(default_factory=lambda: array("I"))


@dataclass(frozen=True, slots=True)
class FlatFunction:
    """A function in this form.

    Attributes:
        index: of it.
        lines: of it; it begins with the first one.
        begins: what its own local variables and its operands begin with: a value, and of how many.
        first: place of the lowest operand among parameters, local variables and operands.
        results: how many it has.
        limits: what a container may take.
        compiles: makes ``run`` of a line from its source and its name.
    """

    index: int
    lines: Sequence[FlatLine]
    begins: Sequence[tuple[int | float | None, int]]
    first: int
    results: int
    limits: RuntimeLimits
    compiles: CompileLine


def run_flat(function: FlatFunction, m: WasmMachine, *arguments: Any) -> Call:
    """A call of such a function; see `machine.Call`.

    Args:
        function: which.
        m: the machine.
        arguments: of the function; and as for each function: how deep the call is, how many more
            operands there may be, and how many blocks are open.
    """
    *parameters, depth, room, labels = arguments
    limits = function.limits
    left = m.left - 1
    if depth > limits.call_depth or room < 0 or labels > LABELS_PER_CALL * limits.call_depth:
        m.refuse_call(left)
    values = parameters
    for value, number in function.begins:
        values += [value] * number
    first = function.first
    lines = function.lines
    at = 0
    while at != END:
        line = lines[at]
        if line.stops:
            if left <= 0:
                m.left = left
                yield None
                left = m.left
            left -= line.cost
            if line.price is not None:
                left -= line.price(values, m)
            if room < line.operands:
                m.refuse_operands()
        run = line.run
        if run is None and line.source:
            run = line.run = function.compiles(line.source, line.name)
        at = line.following if run is None else run(values, m)
        call = line.call
        if call is not None:
            m.left = left
            end = call.begin + call.arguments
            given = values[call.begin : end]
            if call.function is not None and call.function < len(m.natives):
                result = m.natives[call.function](*given)
            else:
                called = m.find_function(call.function, values[end], call.type_number)
                more = depth + 1, room - call.operands, labels + call.labels
                if depth & CHAIN_MASK:
                    result = yield from called(m, *given, *more)
                else:
                    result = yield called(m, *given, *more)
            left = m.left
            if call.results == 1:
                values[call.begin] = result
            elif call.results:
                values[call.begin : call.begin + call.results] = result
    m.left = left
    if function.results == 1:
        return values[first]
    return tuple(values[first : first + function.results]) if function.results else None
