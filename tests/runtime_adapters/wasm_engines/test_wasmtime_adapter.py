"""What is wasmtime's own: suspended calls, their end, the fallback, memory, and the cache."""

import gc
import json
import os
import subprocess
import sys
import weakref
from collections.abc import Callable
from importlib.metadata import entry_points
from itertools import pairwise
from pathlib import Path

import pytest
from support.engines import running_on
from support.wasm.modules import Tenant, build, container, loop

from tinycontainer.errors import RuntimeUnavailable
from tinycontainer.interfaces.runtime import (
    Ability,
    Completed,
    Hook,
    Preempted,
    RuntimeLimits,
    TrapFrame,
    Trapped,
)
from tinycontainer_runtimes.wasm.metering.places import OriginalPlaces
from tinycontainer_runtimes.wasm.metering.rewriting import RewrittenModule, rewrite_module
from tinycontainer_runtimes.wasm.scan import scan_module
from tinycontainer_runtimes.wasm_wasmtime import WasmtimeRuntime, create_runtime
from tinycontainer_runtimes.wasm_wasmtime import adapter as adapter_room
from tinycontainer_runtimes.wasm_wasmtime.disk_cache import DiskCache
from tinycontainer_runtimes.wasm_wasmtime.fuel import WHOLE_HOOK_FUEL

ENDLESS = loop("(loop br 0) i32.const 0", '(func (export "stop"))')
COUNTING = container(
    "(global $n (mut i32) (i32.const 0))"
    ' (func (export "loop") (result i32) (local i32) (local.set 0 (i32.const 50))'
    " (loop (drop (call $heartbeat)) (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))"
    " (global.set $n (i32.add (global.get $n) (i32.const 1))) global.get $n)"
    ' (func (export "stop"))',
    uses=("heartbeat",),
)


def tenant(code: bytes, runtime: WasmtimeRuntime | None = None, cost: int = 0) -> Tenant:
    return Tenant(code, runtime=runtime or create_runtime(), cost=cost)


def test_it_is_found_by_its_entry_point_and_describes_itself() -> None:
    [found] = entry_points(group="tinycontainer.runtimes", name="wasm.wasmtime")
    assert found.load() is create_runtime
    said = create_runtime().describe()
    assert said.engine.startswith("wasmtime 50.")
    assert Ability.PREEMPT in said.abilities


def test_it_works_without_assertions() -> None:
    script = (
        "from tinycontainer_runtimes.wasm_wasmtime import create_runtime\n"
        "assert False, 'gone'\nprint(create_runtime().suspends)\n"
    )
    done = subprocess.run(
        [sys.executable, "-O", "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "True\n"


# Suspended calls


def test_suspended_calls_are_dropped_in_any_order_and_their_stores_stay_usable() -> None:
    runtime = create_runtime()
    tenants = [tenant(ENDLESS, runtime) for _ in range(20)]
    for each in tenants:
        each.instance.begin(Hook.LOOP)
        assert each.turn(1000) == Preempted()
    for each in tenants[::3]:
        each.instance.abort()
        assert each.run(Hook.STOP).outcome == Completed()
        each.instance.begin(Hook.LOOP)
        assert each.turn(10) == Preempted()
    for each in tenants[::-1]:
        each.instance.finalize()
        assert (each.instance.size(), each.instance.load(0, 8)) == (0, b"")
        with pytest.raises(RuntimeError, match="finalized"):
            each.instance.begin(Hook.LOOP)


def test_what_is_forgotten_in_the_middle_of_a_hook_is_given_back() -> None:
    runtime = create_runtime()
    forgotten = []
    for _ in range(30):
        each = tenant(COUNTING, runtime)
        each.instance.begin(Hook.LOOP)
        each.turn(20)
        forgotten.append(weakref.ref(each.instance))
    del each
    gc.collect()
    assert [reference() for reference in forgotten] == [None] * 30
    assert tenant(COUNTING, runtime).loop() == 1


def test_an_instance_can_be_forgotten_while_another_one_executes() -> None:
    runtime = create_runtime()
    spare = [tenant(ENDLESS, runtime) for _ in range(5)]
    for each in spare:
        each.instance.begin(Hook.LOOP)
        each.turn(10)
    subject = tenant(COUNTING, runtime)

    def heartbeat() -> int:
        if spare:
            spare.clear()
            gc.collect()
        return 0

    subject.natives.heartbeat = heartbeat  # type: ignore[method-assign]
    assert subject.loop() == 1


def test_an_instance_refuses_to_be_managed_by_its_own_calls() -> None:
    for step in ("abort", "finalize", "resume"):
        subject = tenant(COUNTING)
        manage = getattr(subject.instance, step)
        subject.natives.heartbeat = _once(manage)  # type: ignore[method-assign]
        with pytest.raises(RuntimeError, match="own native calls"):
            subject.run()
        subject.instance.abort()
        assert subject.run(Hook.STOP).outcome == Completed()


def _once(manage: Callable[[], object]) -> Callable[[], int]:
    def heartbeat() -> int:
        manage()
        return 0

    return heartbeat


class Surprise(BaseException):
    """Something that no native function should raise."""


@pytest.mark.parametrize("error", [KeyboardInterrupt(), Surprise(), ValueError("odd")], ids=repr)
def test_what_a_native_function_raises_comes_through(error: BaseException) -> None:
    subject = tenant(COUNTING)

    def heartbeat() -> int:
        raise error

    subject.natives.heartbeat = heartbeat  # type: ignore[method-assign]
    with pytest.raises(type(error)):
        subject.run()
    subject.instance.abort()
    assert subject.run(Hook.STOP).outcome == Completed()


def test_a_native_result_beyond_32_bits_is_a_trap() -> None:
    subject = tenant(COUNTING)
    subject.natives.answers["heartbeat"] = 1 << 31
    assert subject.trap() == "engine"


def test_time_is_up_to_date_within_a_native_call() -> None:
    subject = tenant(COUNTING, cost=100)
    seen = []

    def heartbeat() -> int:
        subject.meter.settle()
        seen.append(subject.charged)
        subject.meter.spend(100)
        return 0

    subject.natives.heartbeat = heartbeat  # type: ignore[method-assign]
    subject.loop()
    assert seen[0] == 4  # entry, constant, local.set, call
    assert {later - earlier for earlier, later in pairwise(seen)} == {106}


# The fallback


def test_without_suspension_a_hook_is_one_unit_and_is_stopped_in_the_end() -> None:
    runtime = WasmtimeRuntime(suspend=False)
    said = runtime.describe()
    assert Ability.PREEMPT not in said.abilities
    assert any("cannot go on" in note for note in said.notes)
    subject = tenant(COUNTING, runtime, cost=10)
    run = subject.run(budget=1)
    assert (run.outcome, run.turns) == (Completed(1), 1)
    assert run.used == tenant(COUNTING, cost=10).run().used
    endless = tenant(ENDLESS, runtime)
    run = endless.run()
    assert isinstance(run.outcome, Trapped)
    assert run.outcome.code == "out-of-fuel"
    assert run.outcome.frames == (TrapFrame(0, ENDLESS.index(b"\x03\x40\x0c\x00")),)
    assert run.used <= WHOLE_HOOK_FUEL + 100
    assert endless.run(Hook.STOP).outcome == Completed()
    endless.instance.finalize()


@pytest.mark.parametrize("failure", ["version", "probe"])
def test_the_fallback_is_taken_where_the_probe_fails(
    failure: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if failure == "version":
        monkeypatch.setattr("tinycontainer_runtimes.wasm_wasmtime.capi.MAJOR_VERSION", 49)
    else:
        monkeypatch.setattr(adapter_room, "can_suspend", lambda api, engine: False)
    runtime = create_runtime()
    assert not runtime.suspends
    assert tenant(COUNTING, runtime).loop() == 1


# Many of them

MANY = """
import json, sys
from tinycontainer.interfaces.meter import Meter
from tinycontainer.interfaces.runtime import Hook, Preempted, RuntimeLimits
from tinycontainer.testing import RecordingNatives
from tinycontainer_runtimes.wasm_wasmtime import create_runtime

def status(name):
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith(name)) << 10

code, limits, runtime = bytes.fromhex(sys.argv[1]), RuntimeLimits(), create_runtime()
runtime.admit(code, limits)
before, space, held = status("VmRSS"), status("VmSize"), []
for _ in range(200):
    meter = Meter(lambda used: None)
    instance = runtime.create(code, b"", RecordingNatives(meter), meter, limits)
    instance.begin(Hook.LOOP)
    meter.refill(1000)
    assert instance.resume() == Preempted()
    held.append(instance)
grown, reserved, total = status("VmRSS") - before, status("VmSize") - space, status("VmRSS")
killed = 0
for instance in held:
    instance.abort()
    instance.finalize()
    killed += 1
print(json.dumps([grown, reserved, total, killed]))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
def test_two_hundred_suspended_containers_fit_and_each_is_killable() -> None:
    deep = loop(
        "(call $f (i32.const 200)) i32.const 0",
        "(func $f (param i32) (if (local.get 0) (then (call $f (i32.sub (local.get 0)"
        " (i32.const 1)))) (else (loop br 0))))",
    )
    done = subprocess.run(
        [sys.executable, "-c", MANY, deep.hex()], capture_output=True, text=True, check=True
    )
    grown, reserved, total, killed = json.loads(done.stdout)
    assert killed == 200
    assert grown <= total <= 200 << 20
    assert reserved <= 1200 << 20


# The prepared module


def test_preparing_keeps_what_a_module_is_and_hides_its_start_function() -> None:
    code = container(
        '(func $s) (start $s) (func (export "loop") (result i32) i32.const 0)'
        ' (func (export "tinycontainer:1") (result i32) i32.const 9)'
    )
    module = scan_module(code, RuntimeLimits())
    again = scan_module(rewrite_module(code, module, RuntimeLimits()).code, RuntimeLimits())
    assert again.start is None
    assert again.functions == module.functions
    assert again.exports.items() >= module.exports.items()
    assert tenant(code).loop() == 0


# The cache


def test_a_disk_cache_is_private_and_used(tmp_path: Path) -> None:
    directory = tmp_path / "cache"
    WasmtimeRuntime(cache=directory).admit(build(), RuntimeLimits())
    assert directory.stat().st_mode & 0o777 == 0o700
    [file] = directory.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    before = file.stat().st_mtime_ns
    with running_on("wasmtime"):
        assert tenant(build(), WasmtimeRuntime(cache=directory)).loop() == 0
    assert file.stat().st_mtime_ns == before


def not_rewritten(code: bytes, *_: object) -> RewrittenModule:
    places = OriginalPlaces(0)
    places.add(0, 0, ())
    return RewrittenModule(code, places)


def test_what_another_version_prepared_from_the_same_code_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tmp_path / "cache"
    monkeypatch.setattr(adapter_room, "rewrite_module", not_rewritten)
    WasmtimeRuntime(cache=directory).admit(build(), RuntimeLimits())
    monkeypatch.undo()
    WasmtimeRuntime(cache=directory).admit(build(), RuntimeLimits())
    assert len(list(directory.iterdir())) == 2


@pytest.mark.parametrize("damage", ["flipped", "cut", "writable", "link"])
def test_a_cached_file_that_is_not_what_we_wrote_is_not_used(tmp_path: Path, damage: str) -> None:
    directory = tmp_path / "cache"
    WasmtimeRuntime(cache=directory).admit(build(), RuntimeLimits())
    [file] = directory.iterdir()
    content = file.read_bytes()
    if damage == "flipped":
        file.write_bytes(content[:100] + bytes([content[100] ^ 1]) + content[101:])
    elif damage == "cut":
        file.write_bytes(content[:-1])
    elif damage == "writable":
        file.chmod(0o666)
    else:
        file.rename(tmp_path / "elsewhere")
        file.symlink_to(tmp_path / "elsewhere")
    assert tenant(build(), WasmtimeRuntime(cache=directory)).loop() == 0
    assert file.read_bytes() == content
    assert not file.is_symlink()
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_directory_that_others_can_enter_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tmp_path / "open"
    directory.mkdir()
    os.chmod(directory, 0o755)
    monkeypatch.setenv(adapter_room.CACHE_VARIABLE, str(directory))
    with pytest.raises(RuntimeUnavailable, match="has mode 755, not 700"):
        create_runtime()
    link = tmp_path / "link"
    link.symlink_to(directory)
    monkeypatch.setenv(adapter_room.CACHE_VARIABLE, str(link))
    with pytest.raises(RuntimeUnavailable, match="not a directory of our own"):
        create_runtime()
    assert DiskCache is not None
