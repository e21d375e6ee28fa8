"""Validates a function's body in one pass, by the algorithm in the specification's appendix."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from tinycontainer.errors import InadmissibleCode

from .. import opcodes as op
from ..body import read_opcode, skip_immediates
from ..opcodes import IMMEDIATES, Immediates
from ..reader import FunctionType, Reader
from .context import ModuleContext
from .numbers import read_signed
from .signatures import NEEDS_MEMORY, SIGNATURES
from .value_types import (
    FUNCREF,
    I32,
    NUMBERS,
    REFERENCES,
    UNKNOWN,
    VALUE_TYPES,
    name_type,
)

MAX_LOCALS: Final = 50_000
"""Parameters included; as many as other engines allow."""
_NO_TYPE: Final = 0x40
_FUNCTION_LEVEL: Final = 0


@dataclass(slots=True)
class _Level:
    """A block, a branch of an ``if``, or the function itself.

    Attributes:
        opcode: that has opened it; 0 for the function.
        block: what it takes and gives.
        height: of the stack below it.
        is_unreachable: whether what comes until its end is never reached.
    """

    opcode: int
    block: FunctionType
    height: int
    is_unreachable: bool = False

    @property
    def label(self) -> tuple[int, ...]:
        """What a branch to it needs."""
        return self.block.parameters if self.opcode == op.LOOP else self.block.results


def validate_body(context: ModuleContext, function_type: FunctionType, reader: Reader) -> None:
    """Validate the body of a function.

    Args:
        context: what its module declares.
        function_type: of the function.
        reader: over exactly the body.

    Raises:
        InadmissibleCode: it is malformed or not valid; with the offset.
    """
    _Body(context, function_type, reader).run()


class _Body:
    def __init__(self, context: ModuleContext, function_type: FunctionType, reader: Reader) -> None:
        self._context = context
        self._reader = reader
        self._locals = [*function_type.parameters]
        self._results = function_type.results
        self._stack: list[int] = []
        self._levels = [_Level(_FUNCTION_LEVEL, FunctionType((), function_type.results), 0)]
        self._start = reader.offset
        self._rules: dict[int, Callable[[], None]] = {
            op.UNREACHABLE: self._let_unreachable,
            op.BLOCK: self._open_block,
            op.LOOP: self._open_loop,
            op.IF: self._open_if,
            op.ELSE: self._turn_to_else,
            op.END: self._close,
            op.BR: self._branch,
            op.BR_IF: self._branch_if,
            op.BR_TABLE: self._branch_by_table,
            op.RETURN: self._return,
            op.CALL: self._call,
            op.CALL_INDIRECT: self._call_indirect,
            op.DROP: self._drop,
            op.SELECT: self._select,
            op.SELECT_TYPED: self._select_typed,
            op.LOCAL_GET: self._get_local,
            op.LOCAL_SET: self._set_local,
            op.LOCAL_TEE: self._tee_local,
            op.GLOBAL_GET: self._get_global,
            op.GLOBAL_SET: self._set_global,
            op.TABLE_GET: self._get_element,
            op.TABLE_SET: self._set_element,
            op.REF_NULL: self._make_null,
            op.REF_IS_NULL: self._test_null,
            op.REF_FUNC: self._refer_to_function,
            op.DATA_DROP: self._drop_data,
            op.ELEM_DROP: self._drop_elements,
            op.TABLE_INIT: self._init_table,
            op.TABLE_COPY: self._copy_table,
            op.TABLE_GROW: self._grow_table,
            op.TABLE_SIZE: self._size_table,
            op.TABLE_FILL: self._fill_table,
        }

    def run(self) -> None:
        self._read_locals()
        reader, rules = self._reader, self._rules
        while self._levels:
            self._start = reader.offset
            opcode = read_opcode(reader)
            rule = rules.get(opcode)
            if rule is None:
                self._apply(opcode)
            else:
                rule()
        if reader.remaining:
            raise reader.fail("bytes follow the end of the function")

    def _read_locals(self) -> None:
        reader = self._reader
        for _ in range(reader.read_count("groups of locals")):
            start = reader.offset
            number = reader.read_u32()
            value_type = _read_value_type(reader)
            if len(self._locals) + number > MAX_LOCALS:
                raise reader.fail(f"more than {MAX_LOCALS} parameters and locals", start)
            self._locals += [value_type] * number

    def _apply(self, opcode: int) -> None:
        """Check an instruction whose types follow from its opcode."""
        context, reader = self._context, self._reader
        if opcode in NEEDS_MEMORY and not context.memories:
            raise self._fail("there is no memory")
        signature = SIGNATURES[opcode]
        if signature.alignment is not None:
            if reader.read_u32() > signature.alignment:
                raise self._fail(f"the alignment is above 2 ** {signature.alignment}")
            reader.read_u32()
        elif opcode == op.I32_CONST:
            read_signed(reader, 32)
        elif opcode == op.I64_CONST:
            read_signed(reader, 64)
        elif opcode == op.MEMORY_INIT:
            self._require_data(reader.read_u32())
            self._read_zero()
        elif IMMEDIATES[opcode] is not Immediates.NONE:
            skip_immediates(reader, opcode)
        for value_type in signature.taken:
            self._pop(value_type)
        if signature.given is not None:
            self._stack.append(signature.given)

    # The stack of operands

    def _pop(self, wanted: int) -> int:
        level = self._levels[-1]
        if len(self._stack) == level.height:
            if level.is_unreachable:
                return wanted
            raise self._fail(f"{name_type(wanted)} is wanted, and nothing is there")
        found = self._stack.pop()
        if found != wanted and UNKNOWN not in (wanted, found):
            raise self._fail(f"{name_type(wanted)} is wanted, and {name_type(found)} is there")
        return found

    def _pop_all(self, wanted: Sequence[int]) -> None:
        for value_type in reversed(wanted):
            self._pop(value_type)

    # Blocks

    def _open(self, opcode: int, block: FunctionType) -> None:
        self._pop_all(block.parameters)
        self._levels.append(_Level(opcode, block, len(self._stack)))
        self._stack += block.parameters

    def _end_level(self) -> _Level:
        level = self._levels[-1]
        self._pop_all(level.block.results)
        if len(self._stack) != level.height:
            raise self._fail("there is more on the stack than the block gives")
        return self._levels.pop()

    def _let_unreachable(self) -> None:
        level = self._levels[-1]
        del self._stack[level.height :]
        level.is_unreachable = True

    def _open_block(self) -> None:
        self._open(op.BLOCK, self._read_block_type())

    def _open_loop(self) -> None:
        self._open(op.LOOP, self._read_block_type())

    def _open_if(self) -> None:
        block = self._read_block_type()
        self._pop(I32)
        self._open(op.IF, block)

    def _turn_to_else(self) -> None:
        if self._levels[-1].opcode != op.IF:
            raise self._fail("an else without its if")
        block = self._end_level().block
        self._levels.append(_Level(op.ELSE, block, len(self._stack)))
        self._stack += block.parameters

    def _close(self) -> None:
        level = self._end_level()
        if level.opcode == op.IF and level.block.parameters != level.block.results:
            raise self._fail("an if without else gives other values than it takes")
        self._stack += level.block.results

    def _read_block_type(self) -> FunctionType:
        reader = self._reader
        first = reader.data[reader.offset] if reader.remaining else reader.read_byte()
        if first == _NO_TYPE:
            reader.offset += 1
            return FunctionType()
        if first in VALUE_TYPES:
            reader.offset += 1
            return FunctionType((), (first,))
        index = read_signed(reader, 33)
        if not 0 <= index < len(self._context.types):
            raise self._fail(f"there is no type {index}")
        return self._context.types[index]

    # Branches and calls

    def _find_label(self) -> tuple[int, ...]:
        depth = self._reader.read_u32()
        if depth >= len(self._levels):
            raise self._fail(f"there is no label {depth}")
        return self._levels[-1 - depth].label

    def _branch(self) -> None:
        self._pop_all(self._find_label())
        self._let_unreachable()

    def _branch_if(self) -> None:
        label = self._find_label()
        self._pop(I32)
        self._pop_all(label)
        self._stack += label

    def _branch_by_table(self) -> None:
        labels = [self._find_label() for _ in range(self._reader.read_count("labels"))]
        default = self._find_label()
        self._pop(I32)
        for label in dict.fromkeys(labels):  # the same types need no second look
            if len(label) != len(default):
                raise self._fail("labels of a table take different numbers of values")
            self._look_at(label)
        self._pop_all(default)
        self._let_unreachable()

    def _look_at(self, wanted: Sequence[int]) -> None:
        """Check what is on the stack, and leave it as it is."""
        self._stack += reversed([self._pop(value_type) for value_type in reversed(wanted)])

    def _return(self) -> None:
        self._pop_all(self._results)
        self._let_unreachable()

    def _call(self) -> None:
        index = self._reader.read_u32()
        if index >= len(self._context.functions):
            raise self._fail(f"there is no function {index}")
        self._call_type(self._context.function_type(index))

    def _call_indirect(self) -> None:
        index = self._reader.read_u32()
        if self._find_table() != FUNCREF:
            raise self._fail("the table holds no functions")
        if index >= len(self._context.types):
            raise self._fail(f"there is no type {index}")
        self._pop(I32)
        self._call_type(self._context.types[index])

    def _call_type(self, called: FunctionType) -> None:
        self._pop_all(called.parameters)
        self._stack += called.results

    # Values of any type

    def _drop(self) -> None:
        self._pop(UNKNOWN)

    def _select(self) -> None:
        self._pop(I32)
        first = self._pop(UNKNOWN)
        second = self._pop(first)
        chosen = second if first == UNKNOWN else first
        if chosen != UNKNOWN and chosen not in NUMBERS:
            raise self._fail("a select between references must name their type")
        self._stack.append(chosen)

    def _select_typed(self) -> None:
        if self._reader.read_count("types") != 1:
            raise self._fail("a select gives one value")
        value_type = _read_value_type(self._reader)
        self._pop(I32)
        self._pop(value_type)
        self._pop(value_type)
        self._stack.append(value_type)

    # Variables

    def _find_local(self) -> int:
        index = self._reader.read_u32()
        if index >= len(self._locals):
            raise self._fail(f"there is no local {index}")
        return self._locals[index]

    def _get_local(self) -> None:
        self._stack.append(self._find_local())

    def _set_local(self) -> None:
        self._pop(self._find_local())

    def _tee_local(self) -> None:
        value_type = self._find_local()
        self._pop(value_type)
        self._stack.append(value_type)

    def _find_global(self, *, is_set: bool) -> int:
        index = self._reader.read_u32()
        if index >= len(self._context.globals):
            raise self._fail(f"there is no global {index}")
        found = self._context.globals[index]
        if is_set and not found.is_mutable:
            raise self._fail(f"global {index} cannot be set")
        return found.value_type

    def _get_global(self) -> None:
        self._stack.append(self._find_global(is_set=False))

    def _set_global(self) -> None:
        self._pop(self._find_global(is_set=True))

    # References and tables

    def _make_null(self) -> None:
        value_type = self._reader.read_byte()
        if value_type not in REFERENCES:
            raise self._fail(f"{value_type:#x} is no reference type")
        self._stack.append(value_type)

    def _test_null(self) -> None:
        found = self._pop(UNKNOWN)
        if found != UNKNOWN and found not in REFERENCES:
            raise self._fail(f"a reference is wanted, and {name_type(found)} is there")
        self._stack.append(I32)

    def _refer_to_function(self) -> None:
        index = self._reader.read_u32()
        if index >= len(self._context.functions):
            raise self._fail(f"there is no function {index}")
        if index not in self._context.references:
            raise self._fail(f"nothing outside functions declares a reference to function {index}")
        self._stack.append(FUNCREF)

    def _find_table(self) -> int:
        index = self._reader.read_u32()
        if index >= len(self._context.tables):
            raise self._fail(f"there is no table {index}")
        return self._context.tables[index]

    def _find_elements(self, index: int) -> int:
        if index >= len(self._context.elements):
            raise self._fail(f"there is no segment {index} of elements")
        return self._context.elements[index]

    def _get_element(self) -> None:
        held = self._find_table()
        self._pop(I32)
        self._stack.append(held)

    def _set_element(self) -> None:
        self._pop(self._find_table())
        self._pop(I32)

    def _init_table(self) -> None:
        segment = self._reader.read_u32()
        held = self._find_table()
        if self._find_elements(segment) != held:
            raise self._fail("the segment holds another type than the table")
        self._pop_all((I32, I32, I32))

    def _copy_table(self) -> None:
        if self._find_table() != self._find_table():
            raise self._fail("the tables hold different types")
        self._pop_all((I32, I32, I32))

    def _grow_table(self) -> None:
        self._pop_all((self._find_table(), I32))
        self._stack.append(I32)

    def _size_table(self) -> None:
        self._find_table()
        self._stack.append(I32)

    def _fill_table(self) -> None:
        self._pop_all((I32, self._find_table(), I32))

    def _drop_elements(self) -> None:
        self._find_elements(self._reader.read_u32())

    def _drop_data(self) -> None:
        self._require_data(self._reader.read_u32())

    def _require_data(self, index: int) -> None:
        count = self._context.data_count
        if count is None:
            raise self._fail("the section that counts segments of data is missing")
        if index >= count:
            raise self._fail(f"there is no segment {index} of data")

    def _read_zero(self) -> None:
        if self._reader.read_byte():
            raise self._fail("a zero byte belongs here")

    def _fail(self, problem: str) -> InadmissibleCode:
        return self._reader.fail(problem, self._start)


def _read_value_type(reader: Reader) -> int:
    value_type = reader.read_byte()
    if value_type not in VALUE_TYPES:
        raise reader.fail(f"{value_type:#x} is no value type", reader.offset - 1)
    return value_type
