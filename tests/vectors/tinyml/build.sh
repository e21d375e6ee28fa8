#!/bin/sh
# Compile the container of the tests of boards. Needs clang and lld with the target wasm32; the result
# is committed, so that nobody has to run this to run the tests.
set -eu
cd "$(dirname "$0")"
clang --target=wasm32 -std=c11 -Os -Wall -Wextra -Werror -nostdlib -ffreestanding \
    -fvisibility=hidden -I../../../examples/include \
    -Wl,--no-entry -Wl,--export-dynamic -Wl,--strip-all \
    -Wl,--initial-memory=65536 -Wl,-z,stack-size=4096 -Wl,--stack-first -o reference.wasm reference.c
chmod a-x reference.wasm
