#!/bin/sh
# Build what `tinycontainerctl new` begins with, in all languages. Needs tinycontainerctl, clang and
# lld, rustc with the target wasm32-unknown-unknown, and the packages ziglang (PyPI) and
# assemblyscript (npm). The results are committed, so you do not need to build them. Those here are
# of clang 14 and rustc 1.63 (Debian 12), ziglang 0.17.1 and assemblyscript 0.28.20.
set -eu
cd "$(dirname "$0")"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
for language in c rust zig assemblyscript rbpf-c; do
    made="$scratch/$language"
    tinycontainerctl new "$made" --lang "$language" > /dev/null
    tinycontainerctl build "$made"
    case $language in
        rbpf-c)
            cp "$made/container.rbf" c/container.rbf
            cp "$made/container.debug" c/container-rbpf.debug
            ;;
        *) cp "$made/container.wasm" "$made/container.debug" "$language/" ;;
    esac
done
