"""One rBPF runtime for many devices: verdicts by limits, and instances that share nothing."""

import gc
import tracemalloc

import pytest
from support.rbpf.assembling import hooks, rbf
from support.wasm.modules import RecordingNatives

from tinycontainer.errors import CreationError, InadmissibleCode
from tinycontainer.interfaces.meter import Meter
from tinycontainer.interfaces.runtime import Completed, Hook, Instance, RuntimeLimits
from tinycontainer_runtimes.rbpf import create_runtime
from tinycontainer_runtimes.rbpf.adapter import RbpfRuntime
from tinycontainer_runtimes.rbpf.program import load

COUNTING = "lddwd r1, 0\nldxdw r0, [r1+0]\nadd r0, 1\nstxdw [r1+0], r0\nstxdw [r10-8], r0\nexit"


def instance(runtime: RbpfRuntime, code: bytes, limits: RuntimeLimits) -> tuple[Instance, Meter]:
    meter = Meter(lambda _used: None)
    return runtime.create(code, b"", RecordingNatives(meter), meter, limits), meter


@pytest.mark.clause("TC-RT-05")
def test_instances_of_one_program_share_nothing() -> None:
    runtime, limits = create_runtime(), RuntimeLimits()
    code = rbf(COUNTING, data=bytes(8))
    several = [instance(runtime, code, limits) for _ in range(3)]
    for expected in (1, 2, 3):
        for each, meter in several:
            each.begin(Hook.LOOP)
            meter.refill(1_000)
            assert each.resume() == Completed(expected)


def test_a_device_never_sees_the_verdict_of_one_with_other_limits() -> None:
    runtime, wide, narrow = create_runtime(), RuntimeLimits(memory_pages=2), RuntimeLimits()
    code = rbf("exit", data=bytes(65_536))
    for _ in range(2):
        runtime.admit(code, RuntimeLimits(memory_pages=2, code_bytes=1 << 20))
        with pytest.raises(InadmissibleCode, match="bytes of code"):
            runtime.admit(code, wide)
        with pytest.raises(InadmissibleCode, match="stack and data are too many"):
            runtime.admit(code, RuntimeLimits(code_bytes=1 << 20))
        with pytest.raises(CreationError):
            instance(runtime, code, narrow)


SHAPES = {
    "instructions": rbf("mov r0, 100000\n" * 4_000 + "exit"),
    "wide loads": rbf("lddw r0, 0x123456789abcdef0\n" * 4_000 + "exit"),
    "data": rbf("exit", data=bytes(60_000)),
    "functions": hooks(**{f"function{number}": "exit" for number in range(2_000)}),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_program_holds_no_more_than_is_counted(shape: str) -> None:
    limits = RuntimeLimits(code_bytes=1 << 20)
    gc.collect()
    tracemalloc.start()
    try:
        program = load(SHAPES[shape], limits)
        gc.collect()
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held <= program.held_bytes + 1_000
