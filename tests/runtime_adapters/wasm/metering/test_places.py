"""The way back from a rewritten module: each of its instructions to the one that was signed."""

import pytest
from support.wasm.corpus import SAMPLES
from support.wasm.modules import loop
from support.wasm.programs import program

from tinycontainer.interfaces.runtime import RuntimeLimits
from tinycontainer_runtimes.wasm.metering.lines import Insertion, read_body
from tinycontainer_runtimes.wasm.metering.places import OriginalPlaces
from tinycontainer_runtimes.wasm.metering.rewriting import rewrite_module
from tinycontainer_runtimes.wasm.scan import scan_module

RECURSIVE = loop(
    "(call $f) i32.const 0",
    "(func $f (local i32) (local.set 0 (memory.grow (i32.const 1))) nop (call $f) (call $f))",
)
MODULES = {
    **{f"program {seed}": program(seed) for seed in range(20)},
    **{name: sample.code for name, sample in SAMPLES.items()},
    "recursive": RECURSIVE,
}


@pytest.mark.clause("TC-RT-27")
@pytest.mark.parametrize("code", MODULES.values(), ids=MODULES)
@pytest.mark.parametrize("call_depth", [1, 256])
def test_every_instruction_of_a_rewritten_body_is_one_of_the_signed_body(
    code: bytes, call_depth: int
) -> None:
    limits = RuntimeLimits(call_depth=call_depth)
    module = scan_module(code, limits)
    rewritten, places = rewrite_module(code, module, limits)
    again = scan_module(rewritten, RuntimeLimits(code_bytes=1 << 20))
    for number, (span, new_span) in enumerate(zip(module.spans, again.spans, strict=True)):
        before = read_body(code, span, limits)
        after = read_body(rewritten, new_span, limits)
        function = len(module.imports) + number
        found = [places.find(function, offset - new_span[0]) for offset in after.offsets[:-1]]
        assert found == sorted(found)
        assert list(dict.fromkeys(found)) == list(before.offsets[:-1])
        # The last one with an offset is the instruction itself; those before it were put in.
        opcodes = dict(zip(found, after.instructions, strict=True))
        assert list(opcodes.values()) == list(before.instructions)


def test_what_is_put_in_counts_as_what_follows_it_and_the_entry_as_the_first_instruction() -> None:
    places = OriginalPlaces(2)
    places.add(100, 103, [Insertion(103, b"ab"), Insertion(103, b"c"), Insertion(110, b"def")])
    places.add(120, 121, [])
    expected = [103] * 7 + [*range(104, 110), 110, 110, 110, 110, 111, 112]
    assert [places.find(2, offset) for offset in range(len(expected))] == expected
    assert [places.find(3, offset) for offset in range(4)] == [121, 121, 122, 123]


def test_what_it_holds_is_counted() -> None:
    places = OriginalPlaces(0)
    before = places.held_bytes
    places.add(10, 11, [Insertion(11, b"x")] * 1000)
    assert before + 8 * 1000 <= places.held_bytes <= before + 10 * 1000
