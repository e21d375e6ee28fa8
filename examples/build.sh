#!/bin/sh
# Build the WebAssembly of all C examples. Needs clang and lld with the target wasm32; the results
# are committed, so that nobody has to build them to run or test anything. The stack lies below
# everything else, so that its overflow traps instead of overwriting data.
set -eu
cd "$(dirname "$0")"
for source in */*/*.c; do
    clang --target=wasm32 -std=c11 -Os -Wall -Wextra -Werror -nostdlib -ffreestanding \
        -fvisibility=hidden -Iinclude \
        -Wl,--no-entry -Wl,--export-dynamic -Wl,--strip-all \
        -Wl,--initial-memory=65536 -Wl,-z,stack-size=4096 -Wl,--stack-first \
        -o "${source%.c}.wasm" "$source"
    echo "${source%.c}.wasm: $(wc -c < "${source%.c}.wasm") bytes"
done
