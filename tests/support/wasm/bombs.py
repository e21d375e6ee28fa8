"""Compile bombs: modules that fit the limits and were written to make a compiler take much.

Each shape is one thing, repeated until the module is as long as asked for.
"""

from collections.abc import Callable, Mapping

from support.wasm.modules import (
    CODE,
    DATA,
    ELEMENT,
    FUNCREF,
    FUNCTION,
    GLOBAL,
    I32,
    I64,
    TABLE,
    TYPE,
    body,
    build,
    function_type,
    leb,
    vector,
)

Make = Callable[[int], bytes]

_ROOM = 700
"""Bytes of a module beside what is repeated."""

_ONE = (leb(1) + I32,)
_ALL_LOCALS = (leb(1024) + I32,)
_A_TABLE: Mapping[int, bytes | None] = {TABLE: vector(FUNCREF + b"\0\1")}
_SIXTEEN: Mapping[int, bytes | None] = {
    TYPE: vector(
        function_type(b"", I32), function_type(b"", I32 * 16), function_type(I32 * 16, I32 * 16)
    )
}
_THREE: Mapping[int, bytes | None] = {TYPE: vector(function_type(b"", I32), function_type(I32 * 3))}
_ZERO = b"\x41\0"
_F64_ZERO = b"\x44" + bytes(8)


def _repeat(
    unit: bytes,
    before: bytes = b"",
    after: bytes = _ZERO,
    groups: tuple[bytes, ...] = (),
    changes: Mapping[int, bytes | None] | None = None,
) -> Make:
    """One function: something before, the unit as often as there is room for, something after."""

    def make(size: int) -> bytes:
        room = size - _ROOM - len(before) - len(after) - sum(map(len, groups))
        code = before + unit * (room // len(unit)) + after
        return build({**(changes or {}), CODE: vector(body(code, groups))})

    return make


def _many_functions(groups: tuple[bytes, ...] = ()) -> Make:
    one = body(_ZERO, groups)

    def make(size: int) -> bytes:
        number = (size - _ROOM) // (len(one) + 1)
        return build({FUNCTION: vector(*[leb(0)] * number), CODE: vector(*[one] * number)})

    return make


def _many(section: int, item: bytes, changes: Mapping[int, bytes | None] | None = None) -> Make:
    def make(size: int) -> bytes:
        number = (size - _ROOM) // len(item)
        return build({**(changes or {}), section: vector(*[item] * number)})

    return make


def _many_types(size: int) -> bytes:
    def differ(number: int) -> bytes:
        return bytes(0x7F - (number >> place & 1) for place in range(14))

    number = (size - _ROOM) // 17
    return build(
        {TYPE: vector(function_type(b"", I32), *map(function_type, map(differ, range(number))))}
    )


def _jump_table(size: int) -> bytes:
    labels = size - _ROOM
    table = b"\x0e" + leb(labels) + b"\0" * (labels + 1)
    return build({CODE: vector(body(b"\x02\x40" + _ZERO + table + b"\x0b" + _ZERO))})


def _joins_of_locals(size: int) -> bytes:
    """Loops in which all locals are written on one of two ways, and read afterwards."""
    names = [leb(number) for number in range(min(1024, (size - _ROOM) // 20))]
    write = b"".join(b"\x20\0\x04\x40\x41\1\x21" + name + b"\x0b" for name in names)
    read = b"".join(b"\x20" + name + b"\x1a" for name in names)
    return _repeat(
        b"\x03\x40\x20\0\x0d\0\x0b",
        b"\x03\x40",
        write + read + b"\x20\0\x0d\0\x0b" + _ZERO,
        _ALL_LOCALS,
    )(size)


BOMBS: Mapping[str, Make] = {
    "a chain of ifs with results": _repeat(
        b"\x20\0\x04\x7f\x41\1\x05\x41\2\x0b\x21\0", groups=_ONE
    ),
    "deeply nested ifs with results": _repeat(
        b"\x20\0\x04\x7f" * 1000 + _ZERO + b"\x05\x41\1\x0b" * 1000 + b"\x21\0", groups=_ONE
    ),
    "nested ifs with results": _repeat(
        b"\x20\0\x04\x7f" * 190 + _ZERO + b"\x05\x41\1\x0b" * 190 + b"\x21\0", groups=_ONE
    ),
    "ifs of many results": _repeat(
        b"\x20\0\x04\2\x05\x0b", _ZERO * 16, b"\x1a" * 15, _ONE, _SIXTEEN
    ),
    "loops of many parameters": _repeat(
        b"\x03\2\x0b\x20\0\x1a", _ZERO * 16, b"\x1a" * 15, _ONE, _SIXTEEN
    ),
    "nested loops of three parameters": _repeat(
        _ZERO * 3 + b"\x03\1" * 100 + b"\x1a" * 3 + b"\x0b" * 100, changes=_THREE
    ),
    "branches with many values": _repeat(
        b"\x02\2\x20\0\x0d\0\x0b", _ZERO * 16, b"\x1a" * 15, _ONE, _SIXTEEN
    ),
    "jump tables with many values": _repeat(
        b"\x02\2\x20\0\x0e\x10" + b"\0" * 17 + b"\x0b", _ZERO * 16, b"\x1a" * 15, _ONE, _SIXTEEN
    ),
    "a jump table of many targets": _jump_table,
    "many jump tables": _repeat(b"\x02\x40\x41\0\x0e\x1e" + b"\0" * 31 + b"\x0b"),
    "indirect calls": _repeat(b"\x41\0\x11\0\0\x1a", changes=_A_TABLE),
    "indirect calls in a chain": _repeat(b"\x11\0\0", _ZERO, b"", changes=_A_TABLE),
    "calls": _repeat(b"\x10\0\x1a"),
    "many locals and branches": _repeat(b"\x20\0\x04\x40\x0b", groups=_ALL_LOCALS),
    "joins of many locals": _joins_of_locals,
    "many locals in many functions": _many_functions((leb(1024) + I64,)),
    "many functions": _many_functions(),
    "many types": _many_types,
    "grows of memory": _repeat(b"\x40\0", _ZERO, b""),
    "grows of a table": _repeat(b"\xd0\x70\x41\1\xfc\x0f\0\x1a", changes=_A_TABLE),
    "truncations": _repeat(b"\xaa\xb7", _F64_ZERO, b"\xaa"),
    "conversions": _repeat(b"\xb5\xae", b"\x42\0", b"\xa7"),
    "square roots": _repeat(b"\x9f", _F64_ZERO, b"\xaa"),
    "divisions": _repeat(b"\x20\0\x7f", b"\x42\1", b"\xa7", (leb(1) + I64,)),
    "loads": _repeat(b"\x28\2\0", b"\x41\1", b""),
    "selects": _repeat(b"\x20\0\x20\0\x1b", b"\x20\0", b"", _ONE),
    "large constants": _repeat(b"\x42" + b"\xff" * 9 + b"\0\x1a"),
    "a pile of constants": _repeat(_ZERO, after=b"\0"),
    "returns": _repeat(b"\x20\0\x04\x40\x41\0\x0f\x0b", groups=_ONE),
    "loops without cost": _repeat(b"\x03\x40\x0b", groups=_ONE),
    "nested loops without cost": _repeat(b"\x03\x40" * 1000 + b"\x0b" * 1000, groups=_ONE),
    "blocks without cost": _repeat(b"\x02\x40\x0b"),
    "nops": _repeat(b"\1"),
    "loops": _repeat(b"\x03\x40\x20\0\x0d\0\x0b", groups=_ONE),
    "deep blocks": _repeat(
        (b"\x02\x40" * 100 + b"\x20\0\x0d\x30" * 50 + b"\x0b" * 100), groups=_ONE
    ),
    "copies of a table": _repeat(b"\x20\0\x20\0\x20\0\xfc\x0e\0\0", groups=_ONE, changes=_A_TABLE),
    "globals": _many(GLOBAL, I32 + b"\1\x41\0\x0b"),
    "empty data segments": _many(DATA, b"\0\x41\0\x0b\0"),
    "passive data segments": _many(DATA, b"\1\0"),
    "empty element segments": _many(ELEMENT, b"\0\x41\0\x0b\0", _A_TABLE),
}
"""What makes a module of about so many bytes, by its shape."""
