#!/bin/sh
# Compile the objects that the tests of the converter read. Needs clang with the target bpf; the
# results are committed, so that nobody has to run this to run the tests.
set -eu
cd "$(dirname "$0")"
compile() { # SOURCE OBJECT FLAGS...
    source=$1 object=$2
    shift 2
    clang --target=bpfel -std=c11 -Os -Wall -Wextra -g -fdebug-compilation-dir=. "$@" \
        -c "$source" -o "$object"
}
compile fletcher32.c fletcher32.o -mcpu=v2
compile everything.c everything.o -mcpu=v2
compile everything.c everything-sections.o -mcpu=v2 -ffunction-sections -fdata-sections -gdwarf-4
compile everything.c everything-v3.o -mcpu=v3
compile tables.c tables.o -mcpu=v2
clang --target=bpfel -mcpu=v2 -c before.s -o before.o
for part in input model output; do
    compile "tinyml-$part.c" "tinyml-$part.o" -mcpu=v2 -ffreestanding -g0
done
# The recipe of the firmware: compiled for this machine, translated for BPF.
clang -std=c11 -Os -Wall -Wextra -g3 -fdebug-compilation-dir=. -emit-llvm -c tables.c -o - |
    llc -march=bpfel -mcpu=v2 -filetype=obj -o tables-recipe.o
for case in 1 2 3 4 5 6 7 8 9 12 13; do
    compile refused.c "refused-$case.o" -mcpu=v2 -DCASE=$case
done
compile refused.c refused-10.o -mcpu=v2 -fcommon -DCASE=10
compile refused.c refused-11.o -mcpu=v3 -DCASE=11
compile refused.c refused-dwarf4.o -mcpu=v2 -gdwarf-4 -DCASE=1
compile refused.c refused-no-debug.o -mcpu=v2 -g0 -DCASE=1
