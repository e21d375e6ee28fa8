"""Loads and stores. What lies beyond the end of memory raises by itself."""

import struct
from typing import Final

_M32: Final = 0xFFFF_FFFF
_M64: Final = 0xFFFF_FFFF_FFFF_FFFF


def _load(kind: str) -> str:
    return f"load_{kind}(mem, {{0}})[0]"


def _load_signed(kind: str, mask: int) -> str:
    return f"{_load(kind)} & {mask}"


LOADS: Final = {
    0x28: _load("u32"),
    0x29: _load("u64"),
    0x2A: "load_f32(mem, {0})",
    0x2B: _load("f64"),
    0x2C: f"(mem[{{0}}] ^ 128) - 128 & {_M32}",
    0x2D: "mem[{0}]",
    0x2E: _load_signed("s16", _M32),
    0x2F: _load("u16"),
    0x30: f"(mem[{{0}}] ^ 128) - 128 & {_M64}",
    0x31: "mem[{0}]",
    0x32: _load_signed("s16", _M64),
    0x33: _load("u16"),
    0x34: _load_signed("s32", _M64),
    0x35: _load("u32"),
}
"""Expressions of an address, by opcode."""

STORES: Final = {
    0x36: "store_u32(mem, {0}, {1})",
    0x37: "store_u64(mem, {0}, {1})",
    0x38: "store_f32(mem, {0}, {1})",
    0x39: "store_f64(mem, {0}, {1})",
    0x3A: "mem[{0}] = {1} & 255",
    0x3B: "store_u16(mem, {0}, {1} & 65535)",
    0x3C: "mem[{0}] = {1} & 255",
    0x3D: "store_u16(mem, {0}, {1} & 65535)",
    0x3E: f"store_u32(mem, {{0}}, {{1}} & {_M32})",
}
"""Statements of an address and a value, by opcode."""

FUNCTIONS: Final = {
    "load_u16": struct.Struct("<H").unpack_from,
    "load_s16": struct.Struct("<h").unpack_from,
    "load_u32": struct.Struct("<I").unpack_from,
    "load_s32": struct.Struct("<i").unpack_from,
    "load_u64": struct.Struct("<Q").unpack_from,
    "load_f64": struct.Struct("<d").unpack_from,
    "store_u16": struct.Struct("<H").pack_into,
    "store_u32": struct.Struct("<I").pack_into,
    "store_u64": struct.Struct("<Q").pack_into,
    "store_f64": struct.Struct("<d").pack_into,
}
"""What they call, by name."""
