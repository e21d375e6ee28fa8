"""The scan's limits: what a module may ask for is bounded, and the last admitted value is tried."""

import pytest
from support.wasm import modules as wasm
from support.wasm.modules import (
    CODE,
    DATA,
    ELEMENT,
    EXPORT,
    FUNCREF,
    FUNCTION,
    GLOBAL,
    I32,
    MEMORY,
    TABLE,
    TYPE,
    body,
    build,
    export,
    function_type,
    leb,
    loop,
    vector,
    within,
)

from tinycontainer.interfaces.runtime import RuntimeLimits
from tinycontainer_runtimes.wasm.scan import ScannedModule, scan_module

LARGE = RuntimeLimits(code_bytes=1 << 22)
ALL = 0xFFFFFFFF


def admitted(code: bytes, limits: RuntimeLimits | None = None) -> ScannedModule:
    """What the scan learns of a module, within bounded time."""
    with within(5):
        return scan_module(code, limits or RuntimeLimits())


def with_locals(*groups: int) -> bytes:
    return build({CODE: vector(body(b"\x41\0", tuple(leb(count) + I32 for count in groups)))})


# Memory and table


def with_memory(*sizes: int) -> bytes:
    return build({MEMORY: vector(bytes([len(sizes) - 1]) + b"".join(map(leb, sizes)))})


def with_table(*sizes: int) -> bytes:
    return build({TABLE: vector(FUNCREF + bytes([len(sizes) - 1]) + b"".join(map(leb, sizes)))})


@pytest.mark.parametrize("sizes", [(0,), (1,), (0, 0), (0, 1), (1, 1), (1, 2), (1, 17), (0, 65536)])
def test_memory_within_the_profile_is_admitted(sizes: tuple[int, ...]) -> None:
    maximum = sizes[1] if len(sizes) > 1 else None
    assert admitted(with_memory(*sizes)).memory == (sizes[0], maximum)


@pytest.mark.parametrize(
    ("sizes", "reason"),
    [
        ((2,), "minimum of 2 memory pages; 1 are allowed"),
        ((ALL,), "minimum of 4294967295 memory pages"),
        ((2, 65536), "minimum of 2 memory pages"),
        ((2, 1), "minimum of 2"),
    ],
)
def test_memory_beyond_the_profile_is_refused(sizes: tuple[int, ...], reason: str) -> None:
    assert reason in wasm.scan_error(with_memory(*sizes))


def test_a_larger_profile_admits_more_memory() -> None:
    assert admitted(with_memory(7, 8), RuntimeLimits(memory_pages=8)).memory == (7, 8)
    assert "8 are allowed" in wasm.scan_error(with_memory(9), RuntimeLimits(memory_pages=8))


@pytest.mark.parametrize("sizes", [(0,), (256,), (0, 0), (0, 1), (256, 256), (0, 257), (1, ALL)])
def test_a_table_within_the_profile_is_admitted(sizes: tuple[int, ...]) -> None:
    assert admitted(with_table(*sizes)).tables == 1


@pytest.mark.parametrize(
    ("sizes", "reason"),
    [
        ((257,), "minimum of 257 table elements; 256 are allowed"),
        ((ALL,), "minimum of 4294967295 table elements"),
        ((257, ALL), "minimum of 257 table elements"),
    ],
)
@pytest.mark.clause("TC-RT-10", "TC-RT-20")
def test_a_table_beyond_the_profile_is_refused(sizes: tuple[int, ...], reason: str) -> None:
    assert reason in wasm.scan_error(with_table(*sizes))


@pytest.mark.parametrize("count", [2, 1000])
def test_there_is_one_memory_and_one_table(count: int) -> None:
    assert "more than one memory" in wasm.scan_error(build({MEMORY: vector(*[b"\0\0"] * count)}))
    assert "more than one table" in wasm.scan_error(
        build({TABLE: vector(*[FUNCREF + b"\0\0"] * count)})
    )


# Locals


@pytest.mark.parametrize("groups", [(1024,), (1023, 1), (1,) * 1024, (0,) * 1300, ()])
def test_locals_within_the_limit_are_admitted(groups: tuple[int, ...]) -> None:
    assert admitted(with_locals(*groups)).bodies == 1


@pytest.mark.parametrize("groups", [(1025,), (50_000,), (ALL,), (ALL, ALL), (1,) * 1025, (1, ALL)])
@pytest.mark.clause("TC-RT-20")
def test_locals_beyond_the_limit_are_refused(groups: tuple[int, ...]) -> None:
    assert "parameters and locals; 1024 are allowed" in wasm.scan_error(with_locals(*groups))


def test_parameters_count_as_locals() -> None:
    types = {TYPE: vector(function_type(b"", I32), function_type(I32 * 8))}
    two = {FUNCTION: vector(leb(0), leb(1))}
    for count, fits in ((1016, True), (1017, False)):
        second = body(b"", (leb(count) + I32,))
        code = build(types | two | {CODE: vector(body(b"\x41\0"), second)})
        if fits:
            assert admitted(code).bodies == 2
        else:
            assert "1025 parameters and locals" in wasm.scan_error(code)


# Nesting


@pytest.mark.parametrize("opener", ["block", "loop", "(if (i32.const 1) (then"])
@pytest.mark.clause("TC-RT-20")
def test_blocks_nest_up_to_the_limit(opener: str) -> None:
    def nested(depth: int) -> bytes:
        end = ")) " if opener.startswith("(") else "end "
        return loop(f"{opener} " * depth + "i32.const 0 drop " + end * depth + "i32.const 0")

    assert admitted(nested(1024)).bodies == 1
    assert "nested 1025 deep; 1024 are allowed" in wasm.scan_error(nested(1025))
    assert admitted(nested(20), RuntimeLimits(block_depth=20)).bodies == 1
    assert "nested 21 deep; 20 are allowed" in wasm.scan_error(
        nested(21), RuntimeLimits(block_depth=20)
    )


@pytest.mark.parametrize("depth", [2000, 30_000])
def test_deep_nesting_is_no_matter_of_recursion(depth: int) -> None:
    code = build({CODE: vector(body(b"\x02\x40" * depth + b"\x0b" * depth + b"\x41\0"))})
    wasm.scan_error(code, LARGE)


# Types


@pytest.mark.clause("TC-RT-20")
def test_parameters_and_results_are_bounded() -> None:
    def with_type(parameters: int, results: int) -> bytes:
        types = vector(function_type(b"", I32), function_type(I32 * parameters, I32 * results))
        return build({TYPE: types})

    assert len(admitted(with_type(64, 16)).types) == 2
    assert "65 parameters where at most 64 are allowed" in wasm.scan_error(with_type(65, 0))
    assert "17 results where at most 16 are allowed" in wasm.scan_error(with_type(0, 17))
    assert "where at most 64 are allowed" in wasm.scan_error(with_type(60_000, 0))


@pytest.mark.clause("TC-RT-20")
@pytest.mark.parametrize(
    ("section", "item", "what", "allowed"),
    [
        (DATA, b"\0\x41\0\x0b\0", "data segments", 1024),
        (DATA, b"\1\0", "data segments", 1024),
        (ELEMENT, b"\1\0\0", "element segments", 1024),
        (GLOBAL, I32 + b"\1\x41\0\x0b", "globals", 4096),
    ],
    ids=["active data", "passive data", "passive elements", "globals"],
)
def test_what_costs_each_instance_time_is_counted(
    section: int, item: bytes, what: str, allowed: int
) -> None:
    assert admitted(build({section: vector(*[item] * allowed)})).bodies == 1
    found = wasm.scan_error(build({section: vector(*[item] * (allowed + 1))}))
    assert f"{allowed + 1} {what} where at most {allowed} are allowed" in found


def test_a_module_full_of_types_is_read_in_time() -> None:
    first, others = function_type(b"", I32), [function_type()] * 20_000
    assert len(admitted(build({TYPE: vector(first, *others)})).types) == 20_001


def test_a_type_vector_of_select_ends_within_its_function() -> None:
    select = b"\x41\0\x41\0\x41\0\x1c"
    assert admitted(build({CODE: vector(body(select + b"\x01\x7f"))})).bodies == 1
    too_many = build({CODE: vector(body(select + leb(ALL) + b"\x7f"))})
    assert "types announced, more than bytes remain" in wasm.scan_error(too_many)


def test_a_jump_table_ends_within_its_function() -> None:
    assert admitted(loop("(block (br_table " + "0 " * 60_000 + "(i32.const 0))) i32.const 0"))
    too_many = build({CODE: vector(body(b"\x41\0\x0e" + leb(ALL) + b"\0"))})
    assert "labels announced, more than bytes remain" in wasm.scan_error(too_many)


# Element segments


def segments(*sizes: int, expressions: bool = False) -> bytes:
    item = b"\xd2\0\x0b" if expressions else b"\0"
    head = b"\x05" + FUNCREF if expressions else b"\x01\0"
    return build(
        {
            TABLE: vector(FUNCREF + b"\0\x01"),
            ELEMENT: vector(*(head + leb(size) + item * size for size in sizes)),
        }
    )


@pytest.mark.parametrize("expressions", [False, True])
@pytest.mark.clause("TC-RT-20")
def test_elements_of_all_segments_together_are_bounded(expressions: bool) -> None:
    assert admitted(segments(1024, expressions=expressions)).elements == 1024
    assert admitted(segments(*[8] * 128, expressions=expressions)).elements == 1024
    for sizes in ((1025,), (512, 513), (2,) * 513, (20_000,)):
        code = segments(*sizes, expressions=expressions)
        assert "more than 1024 elements in all segments" in wasm.scan_error(code, LARGE)


def test_elements_are_bounded_by_the_profile() -> None:
    limits = RuntimeLimits(table_elements=2)
    assert admitted(segments(8), limits).elements == 8
    assert "more than 8 elements" in wasm.scan_error(segments(9), limits)


@pytest.mark.parametrize("kind", range(8))
def test_every_kind_of_element_segment_is_read(kind: int) -> None:
    offset = b"" if kind & 1 else b"\x41\0\x0b"
    table = b"\0" if kind & 3 == 2 else b""
    given = b"" if not kind & 3 else FUNCREF if kind & 4 else b"\0"
    items = vector(*[b"\xd2\0\x0b" if kind & 4 else b"\0"] * 2)
    segment = leb(kind) + table + offset + given + items
    code = build({TABLE: vector(FUNCREF + b"\0\x02"), ELEMENT: vector(segment)})
    assert admitted(code).elements == 2


# Everything large at once

RETURNS_I32 = function_type(b"", I32)
FULL: dict[str, dict[int, bytes | None]] = {
    "functions": {
        FUNCTION: vector(*[leb(0)] * 15_000),
        CODE: vector(*[body(b"\x41\0")] * 15_000),
    },
    "exports": {
        EXPORT: vector(
            export("memory", 2, 0),
            export("loop", 0, 0),
            *(export(f"{number:x}", 0, 0) for number in range(9_000)),
        )
    },
    "types": {TYPE: vector(RETURNS_I32, *[function_type(I32 * 64, I32 * 16)] * 700)},
    "instructions": {CODE: vector(body(b"\x41\0" + b"\x41\x01\x6a" * 20_000))},
    "groups of locals": {CODE: vector(body(b"\x41\0", (b"\0" + I32,) * 30_000))},
}


@pytest.mark.parametrize("what", FULL)
def test_a_full_module_is_judged_in_time(what: str) -> None:
    assert "loop" in admitted(build(FULL[what]), LARGE).exports
