"""wasmtime's engine, set up for many small tenants in one process."""

from typing import Final

import wasmtime
from wasmtime import _bindings as bindings

from ..wasm.validator import plain_config

WASM_STACK_BYTES: Final = 512 * 1024
"""What nested calls of a module may take of the stack; beyond it they trap."""

STACK_BYTES: Final = 2 * 1024 * 1024
"""Stack of a suspended call: the module's part, and the rest for the host's own functions, which
run on it too. It is address space; memory is taken by what was touched only."""

SETTINGS: Final = f"settings 1, stack {WASM_STACK_BYTES}"
"""Told apart in the names of compiled modules; to be changed with anything below."""

_SINGLE_PASS: Final = 1
"""Of ``wasmtime_regalloc_algorithm_t`` in wasmtime's ``config.h``."""


def make_engine() -> wasmtime.Engine:
    """An engine that meters, keeps address space small and touches no signal handler."""
    config = plain_config()
    config.consume_fuel = True
    config.memory_reservation = 0
    config.memory_guard_size = 0
    config.memory_reservation_for_growth = 0
    # A tenant chooses what is compiled: the better algorithms take minutes and a gigabyte for
    # 64 KiB of code that was written against them, these take seconds.
    config.cranelift_opt_level = "none"
    pointer = config.ptr()
    bindings.wasmtime_config_cranelift_regalloc_algorithm_set(pointer, _SINGLE_PASS)
    # Every access is checked by code, so no handler for SIGSEGV has to be put into the process.
    bindings.wasmtime_config_signals_based_traps_set(pointer, False)
    bindings.wasmtime_config_memory_init_cow_set(pointer, False)
    bindings.wasmtime_config_max_wasm_stack_set(pointer, WASM_STACK_BYTES)
    bindings.wasmtime_config_async_stack_size_set(pointer, STACK_BYTES)
    # The same bits of a NaN on every host.
    bindings.wasmtime_config_cranelift_nan_canonicalization_set(pointer, True)
    return wasmtime.Engine(config)
