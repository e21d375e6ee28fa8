"""The scan of untrusted modules: structure, lengths, required exports and imports."""

import pytest
from support.wasm import modules as wasm
from support.wasm.modules import (
    CODE,
    COUNT,
    DATA,
    ELEMENT,
    EXPORT,
    FUNCREF,
    FUNCTION,
    GLOBAL,
    HEADER,
    I32,
    I64,
    IMPORT,
    MEMORY,
    SMALLEST,
    START,
    TABLE,
    TYPE,
    body,
    build,
    container,
    export,
    function_type,
    leb,
    loop,
    name,
    section,
    vector,
    wat,
)

from tinycontainer.interfaces.runtime import RuntimeLimits
from tinycontainer_runtimes.wasm.metering.rewriting import replace_bodies
from tinycontainer_runtimes.wasm.native_types import NATIVES
from tinycontainer_runtimes.wasm.reader import FunctionType
from tinycontainer_runtimes.wasm.scan import scan_module

LIMITS = RuntimeLimits()
ALL = 0xFFFFFFFF
NOTHING = function_type()


def custom(text: str = "", payload: bytes = b"") -> bytes:
    return section(0, name(text) + payload)


def test_the_smallest_module_is_admitted_and_understood() -> None:
    module = scan_module(build(), LIMITS)
    assert module.types == [FunctionType((), (0x7F,))]
    assert module.functions == [0]
    assert module.exports == {"memory": (2, 0), "loop": (0, 0)}
    assert (module.imports, module.start, module.memory, module.tables) == ([], None, (1, None), 0)


def test_imports_start_and_table_are_reported() -> None:
    module = scan_module(
        container(
            "(table 1 funcref) (func $s) (start $s)"
            ' (func (export "loop") (result i32) i32.const 0)',
            uses=("open", "logger"),
            memory="0 1",
        ),
        LIMITS,
    )
    assert module.imports == ["open", "logger"]
    assert module.start == 2
    assert module.memory == (0, 1)
    assert module.tables == 1
    assert str(module.function_type(0)) == "(i32) -> (i32)"
    assert module.function_type(4) is None


@pytest.mark.parametrize(
    "code",
    [
        b"",
        b"\0asm",
        b"\0asm\x02\0\0\0",
        b"\0asm\x0d\0\x01\0",
        b"\x7fELF\x01\0\0\0",
        b'(module (memory (export "memory") 1))',
        build()[1:],
    ],
    ids=["empty", "half a header", "version 2", "component", "another format", "text", "shifted"],
)
def test_only_the_header_of_a_module_is_taken(code: bytes) -> None:
    assert wasm.scan_error(code).startswith("byte 0: not a WebAssembly module of version 1")


def test_code_beyond_the_limit_is_refused_before_it_is_read() -> None:
    limits = RuntimeLimits(code_bytes=len(build()))
    scan_module(build(), limits)
    assert "at most" in wasm.scan_error(build() + b"\0", limits)


@pytest.mark.clause("TC-RT-20")
def test_thirty_two_sections_are_taken_and_not_one_more() -> None:
    rest = 32 - len(SMALLEST)
    assert scan_module(build() + custom("n") * rest, LIMITS).exports
    assert "more than 32 sections" in wasm.scan_error(build() + custom("n") * (rest + 1))


def test_custom_sections_stand_anywhere_and_are_left_out_for_engines() -> None:
    code = HEADER + custom("a", b"\xff" * 9) + build()[len(HEADER) :] + custom("b")
    scanned = scan_module(code, LIMITS)
    [(start, end)] = scanned.spans
    assert replace_bodies(code, scanned, [code[start:end]]) == build()


@pytest.mark.parametrize("tail", [b"\0", b"\x0a", b"\0\x05", b"\0\x02\x05a", b"\0\x02\x01\xff"])
def test_bytes_behind_the_last_section_are_no_section(tail: bytes) -> None:
    assert wasm.scan_error(build() + tail).startswith("byte ")


@pytest.mark.parametrize(
    ("code", "place"),
    [
        (build({MEMORY: vector(b"\x04\x01")}), 22),
        (build({FUNCTION: b"\x01\xff\xff\xff\xff\x1f"}), 18),
        (build({CODE: vector(body(b"\x06\x41\0"))}), 48),
        (build({CODE: vector(body(b"\x3f\x01"))}), 49),
        (build({GLOBAL: vector(I32 + b"\0\x01\x0b")}), 29),
        (build({GLOBAL: vector(I32 + b"\0\x41\0\x01\x0b")}), 31),
        (build() + b"\x0e\0", len(build())),
        (build() + b"\0\0", len(build()) + 2),
    ],
    ids=["limits", "index", "opcode", "zero", "constant", "constant's end", "section", "name"],
)
def test_a_refusal_names_the_place(code: bytes, place: int) -> None:
    assert wasm.scan_error(code).startswith(f"byte {place}: ")


@pytest.mark.parametrize("cut", range(len(HEADER) + 1, len(build())))
def test_a_module_that_is_cut_short_is_refused(cut: int) -> None:
    wasm.scan_error(build()[:cut])


@pytest.mark.parametrize("number", sorted(SMALLEST))
def test_a_section_that_stands_twice_is_refused(number: int) -> None:
    assert "out of order" in wasm.scan_error(build() + section(number, SMALLEST[number]))


def test_sections_out_of_order_are_refused() -> None:
    sections = [section(number, SMALLEST[number]) for number in (TYPE, FUNCTION, EXPORT, MEMORY)]
    assert "section 5 is out of order" in wasm.scan_error(HEADER + b"".join(sections))
    late_count = build({DATA: vector()}) + section(COUNT, leb(0))
    assert "section 12 is out of order" in wasm.scan_error(late_count)


@pytest.mark.parametrize("number", [15, 127, 255])
def test_unknown_sections_are_refused(number: int) -> None:
    assert f"unknown section {number}" in wasm.scan_error(build() + section(number, b"\0"))


@pytest.mark.parametrize("number", sorted(SMALLEST))
def test_bytes_behind_the_content_of_a_section_are_refused(number: int) -> None:
    assert "holds more" in wasm.scan_error(build({number: SMALLEST[number] + b"\0"}))


def test_bytes_behind_the_end_of_a_function_are_refused() -> None:
    assert "follow the end" in wasm.scan_error(build({CODE: vector(body(b"\x41\0\x0b\x01"))}))


def test_a_function_that_does_not_end_is_refused() -> None:
    assert "ends too early" in wasm.scan_error(build({CODE: vector(leb(3) + b"\0\x41\0")}))


def test_a_function_body_reaches_not_beyond_its_section() -> None:
    assert "after its section" in wasm.scan_error(build({CODE: vector(leb(99) + b"\0\x41\0\x0b")}))


@pytest.mark.parametrize(
    "changes",
    [
        {CODE: None},
        {CODE: vector()},
        {FUNCTION: None},
        {FUNCTION: vector()},
        {CODE: vector(body(b"\x41\0"), body(b"\x41\0"))},
        {FUNCTION: vector(leb(0), leb(0))},
    ],
)
def test_functions_and_bodies_go_together(changes: dict[int, bytes | None]) -> None:
    assert "differ in number" in wasm.scan_error(build(changes))


@pytest.mark.parametrize(
    "number",
    [TYPE, IMPORT, FUNCTION, TABLE, MEMORY, GLOBAL, EXPORT, ELEMENT, CODE, DATA],
)
@pytest.mark.parametrize("count", [200, ALL])
def test_no_count_is_believed_beyond_the_bytes_that_remain(number: int, count: int) -> None:
    assert "more than bytes remain" in wasm.scan_error(build({number: leb(count) + b"\0" * 9}))


def test_element_counts_are_not_believed_either() -> None:
    segment = b"\x01\0" + leb(ALL)
    assert "more than bytes remain" in wasm.scan_error(build({ELEMENT: vector(segment)}))


# LEB128 numbers


def test_five_bytes_are_enough_for_any_index() -> None:
    assert scan_module(
        build({FUNCTION: b"\x81\x80\x80\x80\0\x80\x80\x80\x80\0"}), LIMITS
    ).functions == [0]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({FUNCTION: b"\x81\x80\x80\x80\x80\0\0"}, "more than 5 bytes"),
        ({FUNCTION: b"\x01\xff\xff\xff\xff\x1f"}, "more than 32 bits"),
        ({CODE: vector(body(b"\x41" + b"\x80" * 5 + b"\0"))}, "more than 5 bytes"),
        ({CODE: vector(body(b"\x42" + b"\x80" * 10 + b"\0\x1a\x41\0"))}, "more than 10 bytes"),
        ({CODE: vector(body(b"\x02" + b"\xc0" * 5 + b"\0\x0b\x41\0"))}, "more than 5 bytes"),
        ({CODE: vector(body(b"\xfc" + b"\x80" * 5 + b"\0\x41\0"))}, "more than 5 bytes"),
    ],
)
def test_numbers_are_no_longer_than_their_type_needs(
    changes: dict[int, bytes | None], reason: str
) -> None:
    assert reason in wasm.scan_error(build(changes))


@pytest.mark.parametrize("place", ["section size", "count", "constant"])
def test_a_number_of_256_kib_is_refused_at_once(place: str) -> None:
    long = b"\x80" * (256 * 1024) + b"\0"
    codes = {
        "section size": HEADER + b"\x01" + long,
        "count": build({TYPE: long}),
        "constant": build({CODE: vector(body(b"\x41" + long))}),
    }
    assert "more than 5 bytes" in wasm.scan_error(codes[place], RuntimeLimits(code_bytes=1 << 20))


# Exports


def exports(*more: bytes, memory: bool = True, has_loop: bool = True) -> dict[int, bytes | None]:
    first = [export("memory", 2, 0)] * memory + [export("loop", 0, 0)] * has_loop
    return {EXPORT: vector(*first, *more)}


@pytest.mark.clause("TC-RT-07")
def test_memory_and_loop_are_required() -> None:
    assert "export memory" in wasm.scan_error(build(exports(memory=False)))
    assert "export memory" in wasm.scan_error(build({MEMORY: None}))
    assert "export memory" in wasm.scan_error(build({MEMORY: vector()}))
    assert "export loop" in wasm.scan_error(build(exports(has_loop=False)))
    assert "export memory" in wasm.scan_error(build({EXPORT: None}))


def test_memory_has_to_be_the_memory() -> None:
    changes = exports(export("memory", 0, 0), memory=False)
    assert "export memory" in wasm.scan_error(build(changes))
    assert "export memory" in wasm.scan_error(build(exports(export("memory", 2, 1), memory=False)))


def test_an_export_that_stands_twice_is_refused() -> None:
    assert "export loop occurs twice" in wasm.scan_error(build(exports(export("loop", 0, 0))))
    assert "occurs twice" in wasm.scan_error(build(exports(*[export("\u2028x", 0, 0)] * 2)))


@pytest.mark.parametrize(
    ("hook", "kind", "function"),
    [
        ("start", "() -> (i32)", "(result i32) i32.const 0"),
        ("start", "(i32) -> ()", "(param i32)"),
        ("stop", "() -> (i32)", "(result i32) i32.const 0"),
        ("loop", "() -> ()", ""),
        ("loop", "() -> (i64)", "(result i64) i64.const 0"),
        ("loop", "(i32) -> (i32)", "(param i32) (result i32) i32.const 0"),
        ("loop", "() -> (i32, i32)", "(result i32 i32) i32.const 0 i32.const 0"),
    ],
)
@pytest.mark.clause("TC-RT-07")
def test_hooks_have_exactly_their_types(hook: str, kind: str, function: str) -> None:
    other = "" if hook == "loop" else '(func (export "loop") (result i32) i32.const 0)'
    code = container(f'(func (export "{hook}") {function}) {other}')
    assert f"the export {hook} has type {kind}" in wasm.scan_error(code)


@pytest.mark.parametrize("hook", ["start", "loop", "stop"])
def test_a_hook_that_is_no_function_is_refused(hook: str) -> None:
    changes = exports(export(hook, 3, 0), has_loop=hook != "loop")
    changes[GLOBAL] = vector(I32 + b"\0\x41\0\x0b")
    assert f"the export {hook} has type None" in wasm.scan_error(build(changes))


def test_a_hook_that_does_not_exist_is_refused() -> None:
    assert "has type None" in wasm.scan_error(build(exports(export("loop", 0, 7), has_loop=False)))


@pytest.mark.clause("TC-RT-19")
def test_a_hook_that_is_an_imported_function_is_refused() -> None:
    code = container('(export "loop" (func $heartbeat))', uses=("heartbeat",))
    assert "export loop is an imported function" in wasm.scan_error(code)


# Imports


@pytest.mark.parametrize("wanted", sorted(NATIVES))
def test_every_native_function_can_be_imported(wanted: str) -> None:
    assert scan_module(loop("i32.const 0", uses=(wanted,)), LIMITS).imports == [wanted]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('"env" "exit" (func (param i32))', "import env.exit is not offered"),
        ('"ENV" "heartbeat" (func (result i32))', "import ENV.heartbeat is not offered"),
        ('"" "heartbeat" (func (result i32))', "is not offered"),
        ('"wasi_snapshot_preview1" "fd_write" (func)', "is not offered"),
        ('"env" "heartbeat" (func)', "has type () -> (), not () -> (i32)"),
        ('"env" "heartbeat" (func (result i64))', "has type () -> (i64)"),
        ('"env" "open" (func (param i64) (result i32))', "has type (i64) -> (i32)"),
        ('"env" "logger" (func (param i32) (result i32))', "has type (i32) -> (i32)"),
        ('"env" "heartbeat" (global i32)', "is not a function"),
        ('"env" "heartbeat" (table 1 funcref)', "is not a function"),
        ('"env" "memory" (memory 1)', "is not a function"),
    ],
)
@pytest.mark.clause("TC-RT-07")
def test_only_the_natives_with_their_types_can_be_imported(text: str, reason: str) -> None:
    code = wat(f'(module (import {text}) (func (export "loop") (result i32) i32.const 0))')
    assert reason in wasm.scan_error(code)


def test_an_import_of_a_type_that_does_not_exist_is_refused() -> None:
    wrong = name("env") + name("heartbeat") + b"\0" + leb(9)
    assert "has type None" in wasm.scan_error(build({IMPORT: vector(wrong)}))


@pytest.mark.parametrize("start", [0, 4, 0xFFFFFFFF])
def test_a_start_function_takes_and_gives_nothing_and_exists(start: int) -> None:
    reason = wasm.scan_error(build({START: leb(start)}))
    assert reason == f"the start function {start} does not exist, or has parameters or results"


def test_names_are_shown_escaped_and_cut() -> None:
    shown = wasm.scan_error(build({IMPORT: vector(name("\x1b[31m" * 50) + name("\n") + b"\0\0")}))
    assert "\\x1b[31m" in shown
    assert shown.isprintable()
    assert len(shown) < 300


@pytest.mark.parametrize("text", [b"\x02\xff\xfe", b"\x05ab", b"\xff\xff\xff\xff\x0f"])
def test_names_are_utf_8_and_end_within_their_section(text: bytes) -> None:
    assert "name" in wasm.scan_error(build({IMPORT: vector(text)}))


# Segments and constants


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({DATA: vector(leb(3) + b"\0")}, "data segment of kind 3"),
        ({ELEMENT: vector(leb(8) + b"\0")}, "element segment of kind 8"),
        ({DATA: vector(b"\0\x41\0\x0b\x05ab")}, "ends too early"),
        ({DATA: vector(b"\0\x41\0\x41\0\x6a\x0b\0")}, "is one instruction"),
        ({GLOBAL: vector(I32 + b"\0\x01\x0b")}, "not a constant expression"),
        ({GLOBAL: vector(I32 + b"\0\x10\0\x0b")}, "not a constant expression"),
        ({GLOBAL: vector(I32 + b"\x02\x41\0\x0b")}, "mutability"),
        ({GLOBAL: vector(b"\x70\x05\xd0\x70\x0b")}, "mutability"),
        ({GLOBAL: vector(b"\x79\0\x41\0\x0b")}, "value type"),
        ({TABLE: vector(I32 + b"\0\x01")}, "reference type"),
        ({TABLE: vector(FUNCREF + b"\x02\x01")}, "shared memory"),
        ({MEMORY: vector(b"\x04\x01")}, "memory64"),
        ({TYPE: vector(b"\x40\0")}, "not a function type"),
        ({TYPE: vector(NOTHING, b"\x60\x01\x79\0")}, "value type"),
        ({START: b""}, "ends too early"),
    ],
)
def test_what_no_other_check_names_is_named(changes: dict[int, bytes | None], reason: str) -> None:
    assert reason in wasm.scan_error(build(changes))


def test_the_types_of_a_native_read_as_text() -> None:
    assert (
        str(FunctionType((I32[0], I64[0]), (FUNCREF[0], 0x6F))) == "(i32, i64) -> (funcref, 0x6f)"
    )
