"""Both engines admit the same modules, though one compiles a rewritten form of them."""

from random import Random

import pytest
from support.engines import ENGINES
from support.wasm.corpus import SAMPLES
from support.wasm.modules import (
    CODE,
    FUNCREF,
    GLOBAL,
    I32,
    TABLE,
    TYPE,
    body,
    build,
    function_type,
    join,
    split,
    vector,
)

from tinycontainer.errors import InadmissibleCode
from tinycontainer.interfaces.runtime import Runtime, RuntimeLimits

LIMITS = RuntimeLimits()
OFTEN = (*range(0x12), 0x1A, 0x20, 0x41, 0x60, 0x70, 0x7E, 0x7F)
PYWASM, WASMTIME = ENGINES["pywasm"](), ENGINES["wasmtime"]()


def verdict(runtime: Runtime, code: bytes) -> str:
    try:
        runtime.admit(code, LIMITS)
    except InadmissibleCode as refusal:
        return str(refusal)
    return "admitted"


def damaged(code: bytes, chance: Random) -> bytes:
    """The module with some bytes of one section changed to what often stands there."""
    sections = split(code)
    bodies = [place for place, (number, _) in enumerate(sections) if number == CODE]
    place = chance.choice((*bodies, chance.randrange(len(sections))))
    number, payload = sections[place][0], bytearray(sections[place][1])
    for _ in range(chance.randint(1, 3)):
        payload[chance.randrange(len(payload))] = chance.choice((*payload, *OFTEN))
    sections[place] = number, bytes(payload)
    return join(sections)


@pytest.mark.parametrize(
    "count",
    [pytest.param(1_000, id="some"), pytest.param(50_000, id="many", marks=pytest.mark.long)],
)
def test_damaged_modules_have_one_verdict_on_both_engines(count: int) -> None:
    chance = Random(count)
    sources = [*(sample.code for sample in SAMPLES.values()), build()]
    verdicts = set()
    for _ in range(count):
        code = damaged(chance.choice(sources), chance)
        expected = verdict(PYWASM, code)
        assert verdict(WASMTIME, code) == expected, code.hex()
        verdicts.add(expected.partition(":")[0].partition(" ")[0])
    assert {"admitted", "byte", "not"} <= verdicts


_CALL_ITSELF = b"\x10\0\x1a"


@pytest.mark.clause("TC-RT-09")
@pytest.mark.parametrize("beyond", range(4))
@pytest.mark.parametrize(
    ("code", "changes", "kind"),
    [
        (b"\x41\0\x03%c\x0b", {}, "type"),
        (b"\x41\0\x11%c\0", {TABLE: vector(FUNCREF + b"\0\1")}, "type"),
        (b"\x23%c\x1a" + _CALL_ITSELF + b"\x41\0", {}, "global"),
        (b"\x42\0\x24%c" + _CALL_ITSELF + b"\x41\0", {}, "global"),
    ],
    ids=["a block type", "a type of a call", "a global that is read", "a global that is written"],
)
def test_what_only_a_rewritten_module_has_cannot_be_named(
    code: bytes, changes: dict[int, bytes | None], kind: str, beyond: int
) -> None:
    """Types and a global are added behind the module's own."""
    types = vector(function_type(b"", I32))
    globals_ = vector(I32 + b"\0\x41\0\x0b")
    module = build(
        {TYPE: types, GLOBAL: globals_, **changes, CODE: vector(body(code % (1 + beyond)))}
    )
    expected = verdict(PYWASM, module)
    assert f"unknown {kind}" in expected
    assert verdict(WASMTIME, module) == expected
