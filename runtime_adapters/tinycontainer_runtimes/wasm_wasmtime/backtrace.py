"""The calls in progress at a trap, as wasmtime notes them: the innermost 20, and no more."""

from ctypes import addressof
from typing import Final, TypeAlias

from wasmtime import _bindings as bindings

from tinycontainer.interfaces.runtime import TrapFrame

from ..wasm.metering.places import OriginalPlaces
from ..wasm.traps import MAX_WASM_FRAMES, TrapCode
from .capi import CApi, address_of

_UNKNOWN: Final = (1 << 64) - 1
"""What wasmtime gives for an offset that it does not know."""


Backtrace: TypeAlias = list[tuple[int, int]]
"""Function and offset in its body of each call in progress, the innermost first."""


def read_backtrace(api: CApi, trap: int | None, error: int | None) -> Backtrace:
    """The calls in progress where a call has ended.

    Args:
        api: the C API.
        trap: address of the trap that it ended with; it is not deleted.
        error: the same of an error, which is what a native function's trap becomes.
    """
    frames = bindings.wasm_frame_vec_t()
    if trap:
        api.wasm_trap_trace(trap, addressof(frames))
    elif error:
        api.wasmtime_error_wasm_trace(error, addressof(frames))
    else:
        return []
    try:
        addresses = [address_of(frames.data[place]) for place in range(frames.size)]
        return [
            (api.wasm_frame_func_index(each), api.wasm_frame_func_offset(each))
            for each in addresses
        ]
    finally:
        api.wasm_frame_vec_delete(addressof(frames))


def find_frames(
    backtrace: Backtrace, code: TrapCode, places: OriginalPlaces
) -> tuple[TrapFrame, ...]:
    """The frames of a trap in the module as it was signed (TC-RT-27).

    Args:
        backtrace: in the module as it was compiled.
        code: of the trap.
        places: the way back from there.
    """
    # One call too many: it has begun, but its function was never entered.
    begun = backtrace[1:] if code is TrapCode.STACK_OVERFLOW else backtrace
    known = [each for each in begun[:MAX_WASM_FRAMES] if each[1] != _UNKNOWN]
    return tuple(TrapFrame(function, places.find(function, offset)) for function, offset in known)
