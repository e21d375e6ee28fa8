"""The native functions that a module may import, with their exact types.

Module ``env``. The first five masked calls and ``logger`` are the firmware's (heartbeat is exported
to containers only here); ``data_size`` and ``data_read`` give a container its own data section.
"""

from dataclasses import dataclass
from typing import Final

I32: Final = 0x7F
MODULE: Final = "env"


@dataclass(frozen=True, slots=True)
class FunctionType:
    """Parameters and results, as bytes of the binary format."""

    parameters: tuple[int, ...] = ()
    results: tuple[int, ...] = ()

    def __str__(self) -> str:
        names = {0x7F: "i32", 0x7E: "i64", 0x7D: "f32", 0x7C: "f64", 0x70: "funcref"}
        sides = (
            ", ".join(names.get(kind, f"{kind:#x}") for kind in side)
            for side in (self.parameters, self.results)
        )
        return " -> ".join(f"({side})" for side in sides)


NATIVES: Final = {
    "heartbeat": FunctionType((), (I32,)),
    "open": FunctionType((I32,), (I32,)),
    "close": FunctionType((I32,), (I32,)),
    "read": FunctionType((I32, I32, I32), (I32,)),
    "write": FunctionType((I32, I32, I32), (I32,)),
    "logger": FunctionType((I32,), ()),
    "data_size": FunctionType((), (I32,)),
    "data_read": FunctionType((I32, I32, I32), (I32,)),
}

HOOKS: Final = {
    "start": FunctionType((), ()),
    "loop": FunctionType((), (I32,)),
    "stop": FunctionType((), ()),
}
"""Exports that the device calls; ``loop`` is required."""

MEMORY_EXPORT: Final = "memory"
"""Required export: the one memory."""
