"""Code that was written to keep a compiler busy is admitted in bounded time, on every engine."""

import pytest
from support.engines import make_runtime
from support.wasm.modules import CODE, FUNCREF, I32, TABLE, body, build, leb, vector, within

from tinycontainer.interfaces.runtime import RuntimeLimits

pytestmark = pytest.mark.usefixtures("engine")

MANY_LOCALS = leb(255) + I32
DEAR: dict[str, bytes] = {
    "indirect calls": b"\x41\0" + b"\x1a\x41\0\x11\0\0" * 10_000,
    "calls": b"\x41\0" + b"\x1a\x10\0" * 20_000,
    "conversions": b"\x41\0" + b"\xb7\xaa" * 30_000,
    "grows": b"\x41\0" + b"\x40\0" * 30_000,
    "branches": b"\x20\0\x04\x40\x20\x01\x21\x02\x05\x20\x03\x21\x04\x0b" * 4_000 + b"\x41\0",
}
"""Function bodies that were found to keep a good compiler busy for long."""


@pytest.mark.parametrize("what", DEAR)
def test_code_that_is_dear_to_compile_is_admitted_in_time(what: str) -> None:
    code = {TABLE: vector(FUNCREF + b"\0\x01"), CODE: vector(body(DEAR[what], (MANY_LOCALS,)))}
    with within(10):
        make_runtime().admit(build(code), RuntimeLimits())
