"""How much does metering cost? The same loop on plain pywasm, and metered on the adapter."""

import io
from typing import Any

import pytest
import pywasm
import wasmtime
from pytest_benchmark.fixture import BenchmarkFixture

from tinycontainer.meter import Meter
from tinycontainer.runtime import Completed, Hook, RuntimeLimits
from tinycontainer.testing import RecordingNatives
from tinycontainer_runtimes.wasm_pywasm import create_runtime

LOOPS = 2000
CODE = bytes(
    wasmtime.wat2wasm(f"""(module (memory (export "memory") 1)
  (func (export "loop") (result i32) (local $i i32)
    (loop $again
      (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (local.get $i)))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $i) (i32.const {LOOPS}))))
    (i32.const 0)))""")
)

pytestmark = pytest.mark.benchmark(group="metering")


def test_plain_pywasm(benchmark: BenchmarkFixture) -> None:
    runtime = pywasm.Runtime()
    module: Any = runtime.instance(pywasm.ModuleDesc.from_reader(io.BytesIO(CODE)))
    assert benchmark(lambda: runtime.invocate(module, "loop", [])) == [0]


@pytest.mark.parametrize("budget", [1 << 40, 1000])
def test_metered(benchmark: BenchmarkFixture, budget: int) -> None:
    meter = Meter(lambda _used: None)
    instance = create_runtime().create(CODE, b"", RecordingNatives(meter), meter, RuntimeLimits())

    def run() -> object:
        instance.begin(Hook.LOOP)
        meter.refill(budget)
        while not isinstance(outcome := instance.resume(), Completed):
            meter.refill(budget)
        return outcome

    assert benchmark(run) == Completed(0)
