"""What does an engine cost? Instructions, a native call, and how it reads a container's memory."""

from typing import Any

import pytest
import wasmtime
from pytest_benchmark.fixture import BenchmarkFixture
from support.engines import ENGINES, running_on
from support.wasm import Tenant, loop

CALLS = 1000
COUNTED = "(local i32) (loop {body} (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0)"
COUNTED += " (i32.const 1))) (i32.const {times})))) i32.const 0"
BODIES = {
    "a call": "(drop (call $close (i32.const 1)))",
    "a call that reads 16 bytes": (
        "(drop (call $write (i32.const 1) (i32.const 64) (i32.const 16)))"
    ),
}


def tenant(engine: str, body: str, times: int) -> Tenant:
    with running_on(engine):
        code = loop(COUNTED.format(body=body, times=times), uses=("close", "write"))
        return Tenant(code, cost=100)


@pytest.mark.benchmark(group="engine: 10,000 turns of a loop")
@pytest.mark.parametrize("engine", ENGINES)
def test_instructions(benchmark: BenchmarkFixture, engine: str) -> None:
    subject = tenant(engine, "(i32.store (i32.const 0) (local.get 0))", 10_000)
    assert benchmark(subject.loop) == 0


@pytest.mark.benchmark(group="engine: 1,000 native calls")
@pytest.mark.parametrize("what", BODIES)
@pytest.mark.parametrize("engine", ENGINES)
def test_native_calls(benchmark: BenchmarkFixture, engine: str, what: str) -> None:
    subject = tenant(engine, BODIES[what], CALLS)

    def run() -> int:
        subject.natives.calls.clear()
        return subject.loop()

    assert benchmark(run) == 0


@pytest.mark.benchmark(group="engine: 1,000 times 16 bytes of wasmtime's memory")
@pytest.mark.parametrize("how", ["adapter", "Memory.read"])
def test_memory(benchmark: BenchmarkFixture, how: str) -> None:
    """The adapter copies from the address of memory; `Memory.read` goes through three wrappers."""
    code = loop("i32.const 0")
    subject = tenant("wasmtime", "nop", 1)
    store = wasmtime.Store()
    instance = wasmtime.Instance(store, wasmtime.Module(store.engine, code), [])
    memory: Any = instance.exports(store)["memory"]

    def adapter() -> bytes:
        return [subject.instance.load(64, 16) for _ in range(CALLS)][-1]

    def wrapped() -> bytes:
        return [bytes(memory.read(store, 64, 80)) for _ in range(CALLS)][-1]

    assert benchmark(adapter if how == "adapter" else wrapped) == bytes(16)
