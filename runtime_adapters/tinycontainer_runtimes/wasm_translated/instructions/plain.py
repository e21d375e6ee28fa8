"""Instructions that do the same wherever they stand: everything but blocks, branches and calls."""

import math
from collections.abc import Callable, Mapping
from typing import Final

from ...wasm import opcodes as op
from ..decoding import Arguments, WasmInstruction
from ..room import Room
from . import floats, integers, memory


def translate_plain(room: Room, instruction: WasmInstruction) -> None:
    """Translate an instruction that is no block, no branch and no call.

    Args:
        room: gets it.
        instruction: of validated code.
    """
    opcode, arguments = instruction.opcode, instruction.arguments
    if (text := PURE.get(opcode)) is not None:
        used = room.pop_all(_operands(text))
        room.push(text.format(*(each.text for each in used)), used)
    elif (text := TRAPPING.get(opcode)) is not None:
        used = room.pop_all(_operands(text))
        room.compute(text.format(*(each.text for each in used)))
    elif opcode in op.LOADS_AND_STORES:
        _access_memory(room, opcode, arguments[1])
    else:
        _OTHERS[opcode](room, arguments)


PURE: Final = {**integers.PURE, **floats.PURE}
TRAPPING: Final = {**integers.TRAPPING, **floats.TRAPPING}


def _operands(text: str) -> int:
    return 2 if "{1}" in text else 1


def _access_memory(room: Room, opcode: int, offset: int) -> None:
    if opcode in memory.LOADS:
        room.compute(memory.LOADS[opcode].format(_address(room.pop().text, offset)))
        return
    address, value = room.pop_all(2)
    room.emit(memory.STORES[opcode].format(_address(address.text, offset), value.text))


def _address(text: str, offset: int) -> str:
    return f"{text} + {offset}" if offset else text


# Constants and variables


def _push_f32(room: Room, arguments: Arguments) -> None:
    value = floats.f32_of(arguments[0])
    room.push(f"({value!r})" if math.isfinite(value) else f"f32_of({arguments[0]})")


def _push_f64(room: Room, arguments: Arguments) -> None:
    value = floats.f64_of(arguments[0])
    room.push(f"({value!r})" if math.isfinite(value) else f"f64_of({arguments[0]})")


def _get_local(room: Room, arguments: Arguments) -> None:
    room.push_variable(room.name_local(arguments[0]))


def _set_local(room: Room, arguments: Arguments) -> None:
    room.assign(room.name_local(arguments[0]), room.pop().text)


def _tee_local(room: Room, arguments: Arguments) -> None:
    _set_local(room, arguments)
    _get_local(room, arguments)


def _set_global(room: Room, arguments: Arguments) -> None:
    room.emit(f"m.globals[{arguments[0]}] = {room.pop().text}")


def _select(room: Room, _arguments: Arguments) -> None:
    used = room.pop_all(3)
    first, second, chosen = (each.text for each in used)
    room.push(f"({first} if {chosen} else {second})", used)


# Memory and tables


def _ask_machine(
    name: str, operands: int, *, immediates: int = 1, gives: bool = False
) -> Callable[[Room, Arguments], None]:
    """What calls a method of the machine.

    Args:
        name: of the method.
        operands: how many values it takes from the stack.
        immediates: how many of the immediates it is given, before the operands.
        gives: whether it has a result.
    """

    def translate(room: Room, arguments: Arguments) -> None:
        numbers = map(str, arguments[:immediates])
        texts = (each.text for each in room.pop_all(operands))
        text = f"m.{name}({', '.join((*numbers, *texts))})"
        if gives:
            room.compute(text)
        else:
            room.emit(text)

    return translate


_OTHERS: Final[Mapping[int, Callable[[Room, Arguments], None]]] = {
    op.NOP: lambda _room, _arguments: None,
    op.DROP: lambda room, _arguments: _drop(room),
    op.SELECT: _select,
    op.SELECT_TYPED: _select,
    op.LOCAL_GET: _get_local,
    op.LOCAL_SET: _set_local,
    op.LOCAL_TEE: _tee_local,
    op.GLOBAL_GET: lambda room, arguments: room.compute(f"m.globals[{arguments[0]}]"),
    op.GLOBAL_SET: _set_global,
    op.I32_CONST: lambda room, arguments: room.push(str(arguments[0])),
    op.I64_CONST: lambda room, arguments: room.push(str(arguments[0])),
    op.F32_CONST: _push_f32,
    op.F64_CONST: _push_f64,
    op.REF_NULL: lambda room, _arguments: room.push("None"),
    op.REF_IS_NULL: lambda room, _arguments: _test_null(room),
    op.REF_FUNC: lambda room, arguments: room.push(str(arguments[0])),
    op.MEMORY_SIZE: lambda room, _arguments: room.compute("len(mem) >> 16"),
    op.MEMORY_GROW: _ask_machine("grow_memory", 1, immediates=0, gives=True),
    op.MEMORY_FILL: _ask_machine("fill_memory", 3, immediates=0),
    op.MEMORY_COPY: _ask_machine("copy_memory", 3, immediates=0),
    op.MEMORY_INIT: _ask_machine("init_memory", 3),
    op.DATA_DROP: _ask_machine("drop_data", 0),
    op.ELEM_DROP: _ask_machine("drop_elements", 0),
    op.TABLE_GET: _ask_machine("get_element", 1, immediates=0, gives=True),
    op.TABLE_SET: _ask_machine("set_element", 2, immediates=0),
    op.TABLE_SIZE: _ask_machine("size_of_table", 0, immediates=0, gives=True),
    op.TABLE_GROW: _ask_machine("grow_table", 2, immediates=0, gives=True),
    op.TABLE_FILL: _ask_machine("fill_table", 3, immediates=0),
    op.TABLE_COPY: _ask_machine("copy_table", 3, immediates=0),
    op.TABLE_INIT: _ask_machine("init_table", 3),
}


def _drop(room: Room) -> None:
    room.pop()


def _test_null(room: Room) -> None:
    used = room.pop()
    room.push(f"({used.text} is None)", (used,))
