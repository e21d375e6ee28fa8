"""What a module holds of the host's memory is never more than the cache counts for it."""

import gc
import json
import subprocess
import sys
import tracemalloc

import pytest
from support.wasm.modules import (
    CODE,
    EXPORT,
    FUNCREF,
    I32,
    TABLE,
    TYPE,
    Tenant,
    body,
    build,
    container,
    export,
    function_type,
    leb,
    loop,
    vector,
)

from tinycontainer.interfaces.runtime import RuntimeLimits
from tinycontainer_runtimes.wasm.validator import WasmtimeValidator
from tinycontainer_runtimes.wasm_pywasm import PywasmRuntime

LIMITS = RuntimeLimits()
_LOOP = '(func (export "loop") (result i32) i32.const 0)'


def one_body(code: bytes, groups: tuple[bytes, ...] = ()) -> bytes:
    return build({CODE: vector(body(code + b"\x41\0", groups))})


SHAPES: dict[str, bytes] = {
    "smallest": build(),
    "one-byte instructions": one_body(b"\x41\0" + b"\x45" * 4_000 + b"\x1a"),
    "lines of one instruction": one_body(b"\x42\1" + b"\x42\1\x80" * 2_000 + b"\x1a"),
    "blocks": one_body(b"\x02\x40\x41\0\x1a\x0b" * 1_500),
    "loops": one_body(b"\x03\x40\x0b\x41\0\x1a" * 1_500),
    "br_table": loop("(block (br_table " + "0 " * 8_000 + "(i32.const 0))) i32.const 0"),
    "br_tables": loop("(block (br_table 0 (i32.const 0)))" * 1_000 + "i32.const 0"),
    "calls": one_body(b"\x10\0\x1a" * 2_000),
    "indirect calls": build(
        {
            TABLE: vector(FUNCREF + b"\0\x01"),
            CODE: vector(body(b"\x41\0" + b"\x1a\x41\0\x11\0\0" * 500, (leb(255) + I32,))),
        }
    ),
    "constants": loop("(drop (i64.const 0x7123456789abcdef))" * 1_000 + "i32.const 0"),
    "groups of locals": one_body(b"", (b"\1\x7f", b"\1\x7e") * 500),
    "groups of no locals": one_body(b"", (b"\0\x7f", b"\0\x7e") * 4_000),
    "functions": container(_LOOP + "(func)" * 2_000),
    "types": build({TYPE: vector(function_type(b"", I32), *[function_type()] * 4_000)}),
    "exports": container(_LOOP + "".join(f'(func (export "a{n}"))' for n in range(1_500))),
    "globals": container(_LOOP + "(global (mut i32) (i32.const 1))" * 2_000),
    "data segments": container(_LOOP + '(data (i32.const 0) "")' * 1_000),
    "passive segments": container(_LOOP + '(data "")' * 1_000),
    "elements": container(f"(table 256 funcref) {_LOOP} (elem func {'0 ' * 1_000})"),
    "element segments": container(f"(table 256 funcref) {_LOOP}" + "(elem func)" * 1_000),
    "long names": build(
        {EXPORT: vector(export("memory", 2, 0), export("loop", 0, 0), export("n" * 9_000, 0, 0))}
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_pywasms_prepared_module_is_within_its_bound(shape: str) -> None:
    runtime = PywasmRuntime(WasmtimeValidator())
    Tenant(build(), limits=LIMITS, runtime=runtime)
    counted = runtime._cache.held_bytes
    gc.collect()
    tracemalloc.start()
    try:
        Tenant(SHAPES[shape] + b"\0\2\1x", limits=LIMITS, runtime=runtime)  # is dropped at once
        gc.collect()
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held <= runtime._cache.held_bytes - counted


_MEASURE = """
import ctypes, gc, json, sys
from tinycontainer.interfaces.runtime import RuntimeLimits
from tinycontainer_runtimes.wasm_wasmtime import create_runtime

def anonymous_bytes():
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) << 10 for line in status if line.startswith("RssAnon"))

def measure(code):
    runtime = create_runtime()
    offered = [code + bytes([0, 2, 1, number]) for number in range(9)]
    # Time enough to compile, also where others use the machine: this is about memory.
    limits = RuntimeLimits(code_bytes=1 << 20)
    runtime.admit(offered[0], limits)
    counted, before = runtime._cache.held_bytes, anonymous_bytes()
    for each in offered[1:]:
        runtime.admit(each, limits)
    assert len(runtime._cache) == 9
    return anonymous_bytes() - before, runtime._cache.held_bytes - counted

shapes = json.load(sys.stdin)
print(json.dumps({name: measure(bytes.fromhex(code)) for name, code in shapes.items()}))
"""
_SLACK_BYTES = 256 << 10
"""Of the allocator, which rounds and does not give everything back."""


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="asks Linux how much memory a process holds"
)
def test_wasmtimes_compiled_module_is_within_its_bound() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE],
        input=json.dumps({shape: code.hex() for shape, code in SHAPES.items()}),
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    measured = json.loads(done.stdout)
    assert set(measured) == set(SHAPES)
    for shape, (held, counted) in measured.items():
        assert held <= counted + _SLACK_BYTES, shape
