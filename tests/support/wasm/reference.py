"""The same module on wasmtime: what pywasm's results, fuel and traps are compared with.

It is written against wasmtime alone and shares no code with the adapters under test.
"""

from functools import cache
from hashlib import sha256
from typing import Any

import wasmtime

from support.wasm.modules import PAGE, RecordingNatives, Run, find_code, with_start_exported
from tinycontainer.interfaces.meter import Meter
from tinycontainer.interfaces.runtime import Completed, Hook, RuntimeLimits, TrapFrame, Trapped

FUEL = 1_000_000
"""Fuel of a hook unless told otherwise."""

START_FUNCTION = "the start function"

FRAMES = 16
"""Innermost calls of a trap that are compared (TC-RT-27)."""


@cache
def _engine() -> wasmtime.Engine:
    config = wasmtime.Config()
    config.consume_fuel = True
    config.cranelift_opt_level = "none"
    return wasmtime.Engine(config)


class OutOfFuel(Exception):
    """The reference stopped a hook that takes too long to be compared."""


def _code(trap: wasmtime.Trap) -> str:
    code = trap.trap_code
    if code is None or code is wasmtime.TrapCode.OUT_OF_FUEL:
        raise OutOfFuel(str(trap))
    return code.name.lower().replace("_", "-")


class Reference:
    """A container on wasmtime with fuel, and the same natives as a `Tenant`.

    Its start function is called by the START hook, so that the fuel of instantiation itself, which
    wasmtime counts too, stays apart.
    """

    def __init__(self, code: bytes, limits: RuntimeLimits | None = None, fuel: int = FUEL) -> None:
        self._fuel = fuel
        limits = limits or RuntimeLimits()
        self.natives = RecordingNatives(Meter(lambda instructions: None))
        self._store = wasmtime.Store(_engine())
        self._store.set_limits(
            memory_size=limits.memory_pages * PAGE, table_elements=limits.table_elements
        )
        self._linker = wasmtime.Linker(_engine())
        self._define()
        compiled = with_start_exported(code, START_FUNCTION)
        self._moved = find_code(code) - find_code(compiled)
        module = wasmtime.Module(_engine(), compiled)
        self._store.set_fuel(self._fuel)
        self._instance = self._linker.instantiate(self._store, module)

    def run(self, hook: Hook) -> Run:
        """Run a hook to its end."""
        self._store.set_fuel(self._fuel)
        try:
            value = self._call(hook)
        except wasmtime.Trap as trap:
            return Run(Trapped(_code(trap), "", self._frames(trap)), self._used())
        return Run(Completed(value), self._used())

    def memory(self) -> str:
        """Length and hash of its linear memory."""
        content = self.load(0, self._memory().data_len(self._store))
        return f"{len(content)} {sha256(content).hexdigest()}"

    def load(self, pointer: int, size: int) -> bytes:
        """Bytes of its linear memory."""
        return bytes(self._memory().read(self._store, pointer, pointer + size))

    def _call(self, hook: Hook) -> int:
        exports = self._instance.exports(self._store)
        names = [hook.value] if hook is not Hook.START else [START_FUNCTION, hook.value]
        value = 0
        for name in names:
            function = exports.get(name)
            if isinstance(function, wasmtime.Func):
                value = function(self._store) or 0
        return value

    def _frames(self, trap: wasmtime.Trap) -> tuple[TrapFrame, ...]:
        """Where it trapped; unknown of a stack overflow: calls nest as deep as its stack allows."""
        if trap.trap_code is wasmtime.TrapCode.STACK_OVERFLOW:
            return ()
        return tuple(
            TrapFrame(frame.func_index, frame.module_offset + self._moved)
            for frame in trap.frames[:FRAMES]
        )

    def _used(self) -> int:
        return self._fuel - self._store.get_fuel()

    def _memory(self) -> wasmtime.Memory:
        memory = self._instance.exports(self._store)["memory"]
        assert isinstance(memory, wasmtime.Memory)
        return memory

    def _define(self) -> None:
        natives, i32 = self.natives, wasmtime.ValType.i32()

        def read(caller: Any, fd: int, pointer: int, size: int) -> int:
            answer = natives.read(fd, size)
            if isinstance(answer, int):
                return answer
            caller["memory"].write(caller, answer, pointer)
            return len(answer)

        def write(caller: Any, fd: int, pointer: int, size: int) -> int:
            return natives.write(fd, bytes(caller["memory"].read(caller, pointer, pointer + size)))

        def logger(caller: Any, pointer: int) -> None:
            rest = bytes(caller["memory"].read(caller, pointer))
            natives.log(rest[: rest.index(0)])

        plain: list[tuple[str, int, Any]] = [
            ("heartbeat", 0, natives.heartbeat),
            ("open", 1, lambda endpoint: natives.open(endpoint & 0xFFFFFFFF)),
            ("close", 1, natives.close),
        ]
        for name, parameters, function in plain:
            kind = wasmtime.FuncType([i32] * parameters, [i32])
            self._linker.define_func("env", name, kind, function)
        with_memory: list[tuple[str, int, int, Any]] = [
            ("read", 3, 1, read),
            ("write", 3, 1, write),
            ("logger", 1, 0, logger),
        ]
        for name, parameters, results, function in with_memory:
            kind = wasmtime.FuncType([i32] * parameters, [i32] * results)
            self._linker.define_func("env", name, kind, function, access_caller=True)
