"""The native functions that a module may import, with their exact types.

Module ``env``. The first five masked calls and ``logger`` are the firmware's (heartbeat is exported
to containers only here); ``data_size`` and ``data_read`` give a container its own data section.
"""

from typing import Final

from .reader import I32, FunctionType

MODULE: Final = "env"


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
