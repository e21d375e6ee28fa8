#!/bin/sh
# Build the vectors with all that compilers leave for debuggers. clang 14 of Debian 12 made those here.
set -eu
cd "$(dirname "$0")"
common="-std=c11 -Os -Wall -Wextra -nostdlib -ffreestanding -fdebug-compilation-dir=. -I../../../examples/include"
for version in 4 5; do
    clang --target=wasm32 $common -gdwarf-$version -fvisibility=hidden -Wl,--no-entry -Wl,--export-dynamic \
        -Wl,--initial-memory=65536 -Wl,-z,stack-size=4096 -Wl,--stack-first -o nested-dwarf$version.wasm nested.c
done
clang --target=bpfel -mcpu=v2 $common -g -c nested.c -o nested.o
