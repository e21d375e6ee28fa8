#!/bin/sh
# Build the modules of the suite: the two forms of the puppet (for every device, and with the C
# firmware's imports only), and the small ones. Needs clang and lld with the target wasm32, and a
# Python with this project; the results are committed. The bundles are made from them by
# `python -m tinycontainer.conformance.recipes specs/conformance`.
set -eu
cd "$(dirname "$0")"
build() {
    clang --target=wasm32 -std=c11 -Oz -fno-inline -Wall -Wextra -Werror -nostdlib -ffreestanding \
        -fvisibility=hidden -I../../../examples/include "$@" \
        -Wl,--no-entry -Wl,--export-dynamic -Wl,--strip-all \
        -Wl,--initial-memory=65536 -Wl,-z,stack-size=4096 -Wl,--stack-first puppet.c
}
build -o puppet.wasm
build -DFIRMWARE -o puppet-firmware.wasm
"${PYTHON:-python3}" - <<'END'
from pathlib import Path

from wasmtime import wat2wasm

for source in Path().glob("*.wat"):
    source.with_suffix(".wasm").write_bytes(wat2wasm(source.read_text()))
# Two that are no modules: a text, and one whose loop leaves an i64 where an i32 is declared.
Path("no-module.wasm").write_bytes(b"this is no WebAssembly")
minimal = Path("minimal.wasm").read_bytes()
if not minimal.endswith(b"\x41\x00\x0b"):
    raise SystemExit("minimal.wasm does not end with i32.const 0, end")
Path("ill-typed.wasm").write_bytes(minimal[:-3] + b"\x42\x00\x0b")
END
