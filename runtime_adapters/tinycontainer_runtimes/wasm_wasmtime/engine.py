"""wasmtime's engine, set up for many small tenants in one process, and modules that it compiled."""

import ctypes
from dataclasses import dataclass
from typing import Final

import wasmtime

from ..wasm.metering.places import OriginalPlaces
from ..wasm.scan import ScannedModule
from ..wasm.validator import PLAIN_SETTINGS, make_config
from .capi import CApi, address_of

WASM_STACK_BYTES: Final = 4 << 20
"""What nested calls of a module may take of the stack; beyond it they trap. 200 calls of ordinary
functions need half of it: without optimisation a frame has up to 15 KB (ADR 20)."""

STACK_BYTES: Final = WASM_STACK_BYTES + (3 << 19)
"""Stack of a suspended call: the module's part, and the rest for the host's own functions, which
run on it too. It is address space; only touched pages take memory."""

_NO_OPTIMISATION: Final = 0
_SINGLE_PASS: Final = 1
"""Of ``wasmtime_opt_level_t`` and ``wasmtime_regalloc_algorithm_t`` in wasmtime's ``config.h``."""

SETTINGS: Final = (
    *PLAIN_SETTINGS,
    ("consume_fuel", True),
    ("memory_reservation", 0),
    ("memory_guard_size", 0),
    ("memory_reservation_for_growth", 0),
    # A tenant chooses what is compiled: the better algorithms take minutes and a gigabyte for
    # 64 KiB of code that was written against them, these take seconds.
    ("cranelift_opt_level", _NO_OPTIMISATION),
    ("cranelift_regalloc_algorithm", _SINGLE_PASS),
    # Every access is checked by code, so no handler for SIGSEGV has to be put into the process.
    ("signals_based_traps", False),
    ("memory_init_cow", False),
    ("max_wasm_stack", WASM_STACK_BYTES),
    ("async_stack_size", STACK_BYTES),
    # The same bits of a NaN on every host.
    ("cranelift_nan_canonicalization", True),
)
"""How modules are compiled, here and in a compiler process: settings of wasmtime's ``config.h``.
They are part of the names of compiled modules on disk."""


def make_engine() -> wasmtime.Engine:
    """An engine that meters, keeps address space small and touches no signal handler."""
    return wasmtime.Engine(make_config(SETTINGS))


_BYTES_PER_MODULE: Final = 8192
_BYTES_PER_FUNCTION: Final = 320
_BYTES_PER_OTHER_BYTE: Final = 64
"""What a compiled module and its scan hold beside the image, at most. Measured are 180 for each
function, and 43 for each byte outside of function bodies, in a module of exports."""
_LARGE_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class CompiledModule:
    """What instances on wasmtime are made from; they hold the module by themselves.

    Attributes:
        scanned: what the scan learned of it.
        module: the compiled module, prepared so that instantiating runs nothing.
        places: where its code was before it was prepared.
        held_bytes: what all of it holds of the host's memory, at most.
    """

    scanned: ScannedModule
    module: wasmtime.Module
    places: OriginalPlaces
    held_bytes: int


def measure_module(
    api: CApi,
    scanned: ScannedModule,
    module: wasmtime.Module,
    places: OriginalPlaces,
    code_bytes: int,
) -> CompiledModule:
    """A compiled module with a bound of the memory that it holds.

    The image, all machine code and what data segments become, counts in full: it lies in memory
    and in no file. Everything else is bounded by counts. A test holds the bound against the memory
    of the process, for modules that consist of little but functions, exports, globals or segments.

    Args:
        api: the C API.
        scanned: what the scan learned of it.
        module: the compiled module.
        places: where its code was before it was prepared.
        code_bytes: length of the module before it was compiled.
    """
    begin = ctypes.c_void_p()
    end = ctypes.c_void_p()
    api.wasmtime_module_image_range(
        address_of(module.ptr()), ctypes.addressof(begin), ctypes.addressof(end)
    )
    held_bytes = (
        _BYTES_PER_MODULE
        + (end.value or 0)
        - (begin.value or 0)
        + places.held_bytes
        + scanned.bodies * _BYTES_PER_FUNCTION
        + (code_bytes - scanned.body_bytes) * _BYTES_PER_OTHER_BYTE
    )
    if held_bytes > _LARGE_BYTES:
        _return_free_memory()
    return CompiledModule(scanned, module, places, held_bytes)


def _return_free_memory() -> None:
    """Let the C library give free memory back to the system, where it can (glibc).

    By itself it keeps what a compiler used: 400 MiB after a hostile module of 60 KiB.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
