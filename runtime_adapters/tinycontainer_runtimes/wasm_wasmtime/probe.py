"""Whether calls can be suspended and resumed here: tried once, on a module of our own."""

from typing import Final

import wasmtime

from tinycontainer.interfaces.runtime import RuntimeLimits

from ..wasm.traps import WasmTrap
from .calls import SuspendedCall
from .capi import CApi
from .store import TANK, TenantStore

_STEP: Final = 100
_PROGRAM: Final = bytes.fromhex(
    "0061736d01000000"  # header
    "010401600000"  # type 0: () -> ()
    "03020100"  # one function of type 0
    "0503010001"  # a memory of one page
    "071202066d656d6f72790200056472696674" + "0000"  # memory, drift
    "0a0901070003400c000b0b"  # (loop br 0)
)


def can_suspend(api: CApi, engine: wasmtime.Engine) -> bool:
    """Suspend an endless loop, go on with it, drop it, and use its store again.

    Args:
        api: the C API.
        engine: the engine that is going to be used.

    Returns:
        Whether all of it went as it should.
    """
    if not api.asynchronous:
        return False
    try:
        module = wasmtime.Module(engine, _PROGRAM)
        store = TenantStore(api, engine, RuntimeLimits(), suspends=True)
        try:
            store.instantiate(module, {})
            return all(_suspends(store) for _ in range(2))
        finally:
            store.close()
    except (WasmTrap, wasmtime.WasmtimeError, RuntimeError, OSError):
        return False


def _suspends(store: TenantStore) -> bool:
    call = SuspendedCall(store, store.find_function("drift"), 0)
    try:
        for step in (1, _STEP, 3 * _STEP):
            store.suspend_after(step)
            store.fill(TANK)
            if call.advance() or not step <= TANK - store.read_fuel() <= step + _STEP:
                return False
    finally:
        call.drop()
    return True
