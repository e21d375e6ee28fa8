#!/bin/sh
# Build the modules of the suite: the two forms of the puppet (for every device, and with the C
# firmware's imports only), the small ones, those for rBPF, and those that speak TinyML with the
# model sine-int8.tflite of the examples. Needs clang and lld with the targets wasm32 and bpf, and a
# Python with this project; the results are committed. The bundles are made from them by
# `python -m tinycontainer.conformance.recipes specs/conformance`.
set -eu
cd "$(dirname "$0")"
python=${PYTHON:-python3}
build() {
    clang --target=wasm32 -std=c11 -Oz -fno-inline -Wall -Wextra -Werror -nostdlib -ffreestanding \
        -fvisibility=hidden -I../../../examples/include \
        -Wl,--no-entry -Wl,--export-dynamic -Wl,--strip-all \
        -Wl,--initial-memory=65536 -Wl,-z,stack-size=4096 -Wl,--stack-first "$@"
}
build -o puppet.wasm puppet.c
build -DFIRMWARE -o puppet-firmware.wasm puppet.c

model=../../../examples/models/sine-int8.tflite
cp "$model" sine.tflite
hash=$("$python" -c "import hashlib, sys
print(*hashlib.sha256(open(sys.argv[1], 'rb').read()).digest(), sep=',')" "$model")
build -DPART=1 -o tinyml-frames.wasm tinyml.c
build -DPART=2 -o tinyml-model.wasm tinyml.c
build -DPART=3 -DMODEL_HASH="$hash" -o tinyml-kept.wasm tinyml.c
build -DPART=4 -o tinyml-state.wasm tinyml.c
(cd ../../../tests && "$python" -m support.tinyml.summing_model ../specs/conformance/containers/sum.tflite)

chmod a-x ./*.wasm

rbpf() { # name, source, options
    name=$1 source=$2
    shift 2
    clang --target=bpfel -mcpu=v2 -std=c11 -Os -Wall -Wextra -Werror -nostdlib -ffreestanding \
        -mllvm -inline-threshold=10000 -I../../../examples/include "$@" -c "$source" -o "$name.o"
    "$python" -m tinycontainer build "$name.o" --out "$name.rbf" --force
    rm "$name.o" "$name.debug"
}
rbpf rbpf-life rbpf-life.c
rbpf rbpf-calls rbpf-calls.c
rbpf rbpf-write-context rbpf-fault.c -DFAULT=1
rbpf rbpf-no-region rbpf-fault.c -DFAULT=2
rbpf rbpf-division rbpf-fault.c -DFAULT=3
rbpf rbpf-endless rbpf-fault.c -DFAULT=4
"$python" - <<'END'
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
# rBPF files, each with one thing wrong: magic, flags, length, the last instruction, an instruction
# of version 3, r10 as destination, a jump into nowhere, an unknown helper.
def rbpf(*text: str, head: bytes = b"rBPF", flags: int = 0, behind: bytes = b"") -> bytes:
    code = b"".join(map(bytes.fromhex, text))
    numbers = (0, flags, 0, 0, len(code), 0)
    return head + b"".join(n.to_bytes(4, "little") for n in numbers) + code + behind


end, zero = "95 00 00 00 00 00 00 00", "b7 00 00 00 00 00 00 00"
for name, content in {
    "minimal": rbpf(zero, end),
    "magic": rbpf(zero, end, head=b"RBPF"),
    "flags": rbpf(zero, end, flags=1),
    "length": rbpf(zero, end, behind=b"\0"),
    "no-return": rbpf(end, zero),
    "version-3": rbpf(zero, "16 00 00 00 00 00 00 00", end),
    "register": rbpf(zero, "b7 0a 00 00 00 00 00 00", end),
    "jump": rbpf(zero, "05 00 07 00 00 00 00 00", end),
    "call": rbpf(zero, "85 00 00 00 01 00 00 00", end),
}.items():
    Path(f"rbpf-{name}.rbf").write_bytes(content)
END
