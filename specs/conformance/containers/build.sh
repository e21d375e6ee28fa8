#!/bin/sh
# Build the two forms of the puppet: for every device, and with the C firmware's imports only. Needs
# clang and lld with the target wasm32; the results are committed.
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
wc -c puppet.wasm puppet-firmware.wasm
