#!/bin/sh
# Build the WebAssembly of all C examples, and those listed at the end for rBPF too. Needs clang and
# lld with the targets wasm32 and bpf, and tinycontainerctl. The results are committed, so you do not
# need to build them to run or test anything; clang 14 of Debian 12 makes the very same bytes. The
# stack is below everything else, so that an overflow of it traps and does not overwrite data. With
# __heap_base and __data_end exported, WAMR on a board takes the memory that is used, not a page.
set -eu
cd "$(dirname "$0")"
for source in */*/*.c; do
    clang --target=wasm32 -std=c11 -Os -Wall -Wextra -Werror -nostdlib -ffreestanding \
        -fvisibility=hidden -Iinclude \
        -Wl,--no-entry -Wl,--export-dynamic -Wl,--strip-all \
        -Wl,--export=__heap_base -Wl,--export=__data_end \
        -Wl,--initial-memory=65536 -Wl,-z,stack-size=4096 -Wl,--stack-first \
        -o "${source%.c}.wasm" "$source"
    echo "${source%.c}.wasm: $(wc -c < "${source%.c}.wasm") bytes"
done

# rBPF cannot call a program's own functions, so everything has to be inlined.
for source in smartdronebox/mapper/mapper.c sine/sine/sine.c; do
    object=${source%.c}.o
    clang --target=bpfel -mcpu=v2 -std=c11 -Os -gline-tables-only -Wall -Wextra -Werror -nostdlib -ffreestanding \
        -fdebug-compilation-dir=. -mllvm -inline-threshold=10000 -Iinclude -c "$source" -o "$object"
    tinycontainerctl build "$object" --out "${source%.c}.rbf" --force
    rm "${source%.c}.debug"
done
rm sine/sine/sine.o  # the mapper's shows how an object becomes a container
