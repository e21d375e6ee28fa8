#!/bin/sh
# Build the vectors with all that compilers leave for debuggers. clang 14 of Debian 12 made those here. The
# linker is called by itself, because clang runs wasm-opt where that is installed.
set -eu
cd "$(dirname "$0")"
common="-std=c11 -Os -Wall -Wextra -nostdlib -ffreestanding -fdebug-compilation-dir=. -I../../../examples/include"
link="wasm-ld --no-entry --export-dynamic --initial-memory=65536 -z stack-size=4096 --stack-first"
for version in 4 5; do
    clang --target=wasm32 $common -gdwarf-$version -fvisibility=hidden -c nested.c -o wasm.o
    $link wasm.o -o nested-dwarf$version.wasm
done
# What the linker makes if it keeps nothing for debuggers: every number in its shortest form.
$link --strip-all --compress-relocations wasm.o -o shortest.wasm
rm wasm.o
chmod a-x ./*.wasm
clang --target=bpfel -mcpu=v2 $common -g -c nested.c -o nested.o
