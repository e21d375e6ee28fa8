"""What is pywasm's own: how it is found, and that it refuses to work without assertions."""

import subprocess
import sys
from importlib.metadata import entry_points

import pytest
from support.wasm.modules import Tenant, build, wat

from tinycontainer.interfaces.runtime import Hook, Runtime, RuntimeLimits
from tinycontainer_runtimes.wasm_pywasm import create_runtime


def test_it_is_found_by_its_entry_point() -> None:
    [found] = entry_points(group="tinycontainer.runtimes", name="wasm.pywasm")
    runtime: Runtime = create_runtime()
    assert found.load() is create_runtime
    runtime.admit(build(), RuntimeLimits())


def test_python_without_assertions_is_refused_with_advice() -> None:
    script = (
        "from tinycontainer_runtimes.wasm_pywasm import create_runtime\n"
        "from tinycontainer.errors import RuntimeUnavailable\n"
        "try:\n    create_runtime()\n"
        "except RuntimeUnavailable as error:\n    print('refused:', error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-O", "-c", script],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.startswith("refused: ")
    assert "without -O" in done.stdout


@pytest.mark.parametrize(
    ("blocks", "most_calls"),
    [(51, 7), (27, 11)],
    ids=["the last entry meets the bound exactly", "the next entry is one beyond it"],
)
def test_nested_blocks_of_all_calls_are_bounded_by_16_for_each_call_that_may_nest(
    blocks: int, most_calls: int
) -> None:
    """At the k-th call the bodies so far hold 2 + (k - 1) * (blocks + 2) of 320 labels."""
    code = wat(
        '(module (memory (export "memory") 1) (global $n (mut i32) (i32.const 0))'
        ' (func (export "loop") (result i32) (call $f (global.get $n)) (i32.const 1))'
        ' (func (export "stop") (global.set $n (i32.add (global.get $n) (i32.const 1))))'
        f" (func $f (param i32) {'(block ' * blocks} (if (local.get 0)"
        f" (then (call $f (i32.sub (local.get 0) (i32.const 1))))) {')' * blocks}))"
    )
    limits = RuntimeLimits(call_depth=20, stack_values=1 << 20, block_depth=200)
    subject = Tenant(code, runtime=create_runtime(), limits=limits)
    for _ in range(most_calls):
        assert subject.loop() == 1
        subject.run(Hook.STOP)
    assert subject.trap() == "stack-overflow"
