"""What a compiler's errors mean for somebody who writes a container."""

import re
from typing import Final

_NO_LIBRARY: Final = (
    "a container has no C library and no operating system: it has the calls of tinycontainer.h"
    " and what it brings itself"
)
_ADVICE: Final = tuple(
    (re.compile(pattern), advice)
    for pattern, advice in (
        (
            r"'?tinycontainer\.h'? file not found",
            "copy tinycontainer.h beside the source; `tinycontainerctl new` puts it there",
        ),
        (r"'[^']+\.h' file not found", f"the header is not there; {_NO_LIBRARY}"),
        (
            r"initial memory too small",
            (
                "the container's data and stack need more memory than it has: make them smaller, or"
                " set memory_pages in [build] and allow as many in [capacity.runtime] of the"
                " device file"
            ),
        ),
        (
            r"undefined symbol: (memcpy|memset|memmove|memcmp)",
            (
                "the compiler calls a function of the C library by itself: write it in the"
                ' container, or add flags = ["-mbulk-memory"] to [build]'
            ),
        ),
        (
            r"undefined symbol: __(u?div|u?mod|mul|ashl|ashr|lshr)[td]i3",
            "numbers of 128 bits need a library that a container does not have; use 64 bits",
        ),
        (
            r"undefined symbol|undefined reference",
            f"a function is called that nobody defines; {_NO_LIBRARY}",
        ),
        (
            r"call to undeclared function|implicit declaration of function",
            f"a function is called that nobody declares; {_NO_LIBRARY}",
        ),
        (
            r"too many args|stack arguments are not supported|variadic functions are not supported",
            "BPF passes at most five arguments, in registers",
        ),
        (
            r"BPF stack limit",
            (
                "rBPF has a stack of 512 bytes for all functions together: make arrays static, or"
                " smaller"
            ),
        ),
        (
            r"can't find crate for `std`|module `std`|unresolved import `std",
            "a container has no standard library: begin the crate with #![no_std]",
        ),
        (
            r"can't find crate for `core`|target may not be installed",
            "this rustc has no WebAssembly: `rustup target add wasm32-unknown-unknown`",
        ),
        (
            r"cannot find macro `(println|print|eprintln|dbg)`",
            "a container has no standard output: use tinycontainer::log, or write to an endpoint",
        ),
        (
            r"cannot find macro `(vec|format)`|(find|undeclared) type `(Vec|String|Box)`",
            "a container has no heap: use arrays, and a static of the type Kept",
        ),
        (
            r"found keyword `loop`",
            '`loop` is a reserved word: #[export_name = "loop"] pub extern "C" fn step() -> i32',
        ),
        (
            r"`#\[panic_handler\]` function required",
            "name the crate tinycontainer, which has the handler: `use tinycontainer::log;`",
        ),
        (r"error TS2307", "an imported file is not there, or its name is misspelt"),
    )
)


def explain_failure(output: str) -> str:
    """Advice on a compiler's output; empty if there is none."""
    return next((advice for pattern, advice in _ADVICE if pattern.search(output)), "")
