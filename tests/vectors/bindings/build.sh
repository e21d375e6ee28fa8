#!/bin/sh
# Build what makes every call, in each language, as `tinycontainerctl build` builds containers.
set -eu
cd "$(dirname "$0")"
examples=../../../examples
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
build() { # language, source, further sources
    language=$1
    shift
    sources=$(printf '"%s", ' "$@")
    printf '[container]\nuid = "calls"\ncode = "code.wasm"\nsyscalls = ["heartbeat", "open", "close", "read", "write"]\n' \
        > "$scratch/container.toml"
    printf '[[endpoints]]\nid = 1\npeer = "local"\npeer_endpoint = 20\ndirection = "both"\n' >> "$scratch/container.toml"
    printf '[build]\nlanguage = "%s"\nsources = [%s]\n' "$language" "$sources" >> "$scratch/container.toml"
    cp "$1" "$examples"/include/*.h "$examples"/bindings/*/tinycontainer.* "$scratch"
    tinycontainerctl build "$scratch"
    cp "$scratch/code.wasm" "calls-$language.wasm"
}
build c calls.c
build rust calls.rs tinycontainer.rs
build zig calls.zig
build assemblyscript calls.ts
