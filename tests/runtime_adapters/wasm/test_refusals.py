"""A refusal by the scan names the feature, format or function, and says what to do."""

import gzip

import pytest
from support.wasm import modules as wasm
from support.wasm.modules import (
    CODE,
    FUNCREF,
    GLOBAL,
    I32,
    IMPORT,
    MEMORY,
    TABLE,
    TYPE,
    body,
    build,
    function_type,
    leb,
    loop,
    name,
    section,
    vector,
)

from tinycontainer.interfaces.runtime import RuntimeLimits
from tinycontainer_runtimes.wasm.scan import scan_module


def producers(*names: str) -> bytes:
    values = vector(*(name(each) + name("1.0") for each in names))
    return section(0, name("producers") + vector(name("processed-by") + values))


def function_names(*names: str) -> bytes:
    subsection = vector(*(leb(index) + name(each) for index, each in enumerate(names)))
    module = b"\0" + leb(2) + name("m")
    return section(0, name("name") + module + b"\x01" + leb(len(subsection)) + subsection)


# Features (A9)

FEATURES: dict[str, tuple[bytes, str, str]] = {
    "v128.const": (build({CODE: vector(body(b"\xfd\x0c" + bytes(16)))}), "SIMD", "-mno-simd128"),
    "relaxed": (build({CODE: vector(body(b"\xfd\x80\x02"))}), "relaxed SIMD", "-relaxed-simd"),
    "v128 local": (build({CODE: vector(body(b"\x41\0", (b"\x01\x7b",)))}), "SIMD", "-simd128"),
    "v128 block": (build({CODE: vector(body(b"\x02\x7b\x0b\x41\0"))}), "SIMD", "-simd128"),
    "v128 global": (build({GLOBAL: vector(b"\x7b\0\x41\0\x0b")}), "SIMD", "-simd128"),
    "v128 parameter": (build({TYPE: vector(function_type(b"\x7b"))}), "SIMD", "-simd128"),
    "return_call": (build({CODE: vector(body(b"\x12\0"))}), "tail calls", "-mno-tail-call"),
    "return_call_indirect": (build({CODE: vector(body(b"\x13\0\0"))}), "tail calls", "-tail-call"),
    "shared memory": (build({MEMORY: vector(b"\x03\x01\x01")}), "shared memory", "-pthread"),
    "atomics": (build({CODE: vector(body(b"\xfe\x03\0"))}), "atomics", "-atomics"),
    "memory64": (build({MEMORY: vector(b"\x04\x01")}), "memory64", "--target=wasm32"),
    "table64": (build({TABLE: vector(FUNCREF + b"\x04\x01")}), "memory64", "--target=wasm32"),
    "try": (build({CODE: vector(body(b"\x06\x40\x0b"))}), "exception handling", "-fno-exceptions"),
    "try_table": (
        build({CODE: vector(body(b"\x1f\x40\0\x0b"))}),
        "exception handling",
        "panic=abort",
    ),
    "tag section": (build() + section(13, b"\0"), "exception handling", "-fno-exceptions"),
    "extended constant": (
        build({GLOBAL: vector(I32 + b"\0\x41\0\x41\0\x6a\x0b")}),
        "extended constant expressions",
        "-mno-extended-const",
    ),
    "two memories": (build({MEMORY: vector(b"\0\0", b"\0\0")}), "memory", "-multimemory"),
    "another memory": (
        build({CODE: vector(body(b"\x41\0\x28\x42\x01\0"))}),
        "multiple memories",
        "-multimemory",
    ),
    "i64.add128": (build({CODE: vector(body(b"\xfc\x13"))}), "wide arithmetic", "-wide-arithmetic"),
    "struct": (build({TYPE: vector(b"\x5f\0")}), "garbage collection", "-gc"),
    "call_ref": (
        build({CODE: vector(body(b"\x14\0"))}),
        "typed function references",
        "WebAssembly 2.0",
    ),
    "resume": (build({CODE: vector(body(b"\xe3\0"))}), "stack switching", "WebAssembly 2.0"),
    "string section": (build() + section(14, b"\0"), "strings", "WebAssembly 2.0"),
}


@pytest.mark.parametrize("what", FEATURES)
@pytest.mark.clause("TC-RT-24")
def test_a_feature_that_is_not_admitted_is_named_with_the_option_against_it(what: str) -> None:
    code, feature, option = FEATURES[what]
    reason = wasm.scan_error(code)
    assert reason.startswith("byte ")
    assert feature in reason
    assert option in reason


# Formats (A9)

FORMATS: dict[str, tuple[bytes, str, str]] = {
    "empty": (b"", "an empty file", "compiler"),
    "cut": (b"\0asm\x01", "the first 5 bytes of one", "whole file"),
    "version": (b"\0asm\x02\0\0\0", "version 2", "released compiler"),
    "component": (b"\0asm\x0d\0\x01\0" + bytes(9), "a component", "core module"),
    "AoT": (b"\0aot\x03\0\0\0", "an AoT file of WAMR", "wamrc"),
    "gzip": (gzip.compress(build()), "a gzip file", "gunzip"),
    "ELF": (b"\x7fELF\x02\x01\x01", "an ELF file", "--target=wasm32"),
    "LFS": (
        b"version https://git-lfs.github.com/spec/v1\noid",
        "a Git LFS pointer",
        "git lfs pull",
    ),
    "wat": (b"\n (module (memory 1))", "the text form", "wat2wasm"),
    "wat with a comment": (b"\xef\xbb\xbf;; x\n(module)", "the text form", "wat2wasm"),
    "base64": (b"AGFzbQEAAAA=", "base64", "base64 -d"),
    "hex": (b"0061736d01000000", "hexadecimal", "xxd"),
    "web page": (b"<!DOCTYPE html>", "a web page", "download"),
    "text": (b"int main(void)", "a text", "compiled module"),
    "bitcode": (b"BC\xc0\xde\x35", "LLVM bitcode", "-emit-llvm"),
    "archive": (b"!<arch>\n", "an archive", "link"),
    "zip": (b"PK\x03\x04", "a zip file", "unpack"),
    "rBPF": (b"rBPF\0\0\0\0", "an rBPF file", "type rbpf"),
    "other": (b"\xde\xad\xbe\xef", "de ad be ef", "compiled module"),
}


@pytest.mark.parametrize("what", FORMATS)
@pytest.mark.clause("TC-RT-24")
def test_a_file_that_is_no_module_is_named_for_what_it_is(what: str) -> None:
    content, named, remedy = FORMATS[what]
    reason = wasm.scan_error(content)
    assert reason.startswith("byte 0: not a WebAssembly module of version 1, but ")
    assert named in reason
    assert remedy in reason


# Options of compilers and of the device (A10)

MEMORY_OPTIONS = {
    "clang": "build it with clang -Wl,-z,stack-size=8192 -Wl,--initial-memory=65536",
    "rustc": "build it with rustc -C link-args='-z stack-size=8192 --initial-memory=65536'",
    "zig": "build it with zig --stack 8192 --initial-memory=65536",
    "AssemblyScript": "build it with AssemblyScript --initialMemory 1",
    "emscripten": "build it with emcc -sSTACK_SIZE=8192",
}


@pytest.mark.parametrize("compiler", MEMORY_OPTIONS)
@pytest.mark.clause("TC-RT-24")
def test_too_much_memory_names_the_options_of_its_compiler_and_of_the_device(
    compiler: str,
) -> None:
    code = build({MEMORY: vector(b"\0\x11")}) + producers(compiler)
    reason = wasm.scan_error(code)
    assert "minimum of 17 memory pages; 1 are allowed" in reason
    assert MEMORY_OPTIONS[compiler] in reason
    assert "set memory_pages = 17 in [capacity.runtime] of the device file" in reason
    assert reason.count("build it") == 1


@pytest.mark.clause("TC-RT-24")
def test_without_a_known_producer_the_options_of_every_compiler_are_given() -> None:
    two_pages = build({MEMORY: vector(b"\0\x02")})
    for code in (two_pages, two_pages + producers("unheard-of"), two_pages + section(0, b"\x09")):
        reason = wasm.scan_error(code)
        for compiler in ("clang", "rustc", "zig", "AssemblyScript"):
            assert f"{compiler} -" in reason


def test_the_more_special_producer_wins() -> None:
    code = build({MEMORY: vector(b"\0\x11")}) + producers("clang", "rustc")
    assert "build it with rustc" in wasm.scan_error(code)


@pytest.mark.parametrize(
    ("origin", "field", "option"),
    [
        ("env", "abort", "AssemblyScript --use abort="),
        ("wasi_snapshot_preview1", "fd_write", "--target wasm32-unknown-unknown"),
        ("env", "__linear_memory", "wasm-ld"),
        ("env", "memory", "without -Wl,--import-memory"),
        ("__wbindgen_placeholder__", "__wbindgen_describe", "wasm-bindgen"),
        ("env", "memset", "clang -mbulk-memory"),
        ("env", "memcpy", "-C target-feature=+bulk-memory"),
        ("env", "printf", "without --allow-undefined the linker says where"),
        ("env", "console.log", "use the calls of tinycontainer.ts"),
        ("env", "Date.now", "use the calls of tinycontainer.ts"),
        ("env", "opne", "define the function in the container"),
    ],
)
@pytest.mark.clause("TC-RT-24")
def test_an_import_that_shows_how_the_module_was_built_names_the_option(
    origin: str, field: str, option: str
) -> None:
    code = build({IMPORT: vector(name(origin) + name(field) + b"\0\0")})
    assert option in wasm.scan_error(code)


@pytest.mark.parametrize(
    ("field", "kind"), [("open", b"\0\0"), ("read", b"\0\0"), ("base", b"\3\x7f\0")]
)
def test_an_import_that_a_definition_would_not_mend_has_no_such_advice(
    field: str, kind: bytes
) -> None:
    code = build({IMPORT: vector(name("env") + name(field) + kind)})
    assert "define the function" not in wasm.scan_error(code)


def test_what_the_device_cannot_allow_is_not_suggested() -> None:
    assert "set memory_pages" not in wasm.scan_error(build({MEMORY: vector(b"\0" + leb(1025))}))
    assert "set table_elements = 300" in wasm.scan_error(
        build({TABLE: vector(FUNCREF + b"\0" + leb(300))})
    )


# Functions (A8)


def many_locals(count: int) -> bytes:
    return build({CODE: vector(body(b"\x41\0", (leb(count) + I32,)))})


@pytest.mark.clause("TC-RT-20", "TC-RT-24")
def test_too_many_locals_name_function_count_limit_and_option() -> None:
    code = many_locals(1318) + function_names("parse_packet")
    reason = wasm.scan_error(code)
    assert "function 0 (parse_packet): 1318 parameters and locals; 1024 are allowed" in reason
    assert "clang -O1" in reason
    assert "set locals_per_function = 1318 in [capacity.runtime] of the device file" in reason
    assert scan_module(code, RuntimeLimits(locals_per_function=1318)).bodies == 1
    assert "set locals" not in wasm.scan_error(many_locals(5000))


def test_an_unoptimised_function_of_318_locals_is_admitted() -> None:
    assert scan_module(many_locals(318), RuntimeLimits()).bodies == 1


@pytest.mark.clause("TC-RT-20", "TC-RT-24")
def test_too_deep_nesting_names_function_depth_limit_and_option() -> None:
    text = "block " * 30 + "end " * 30 + "i32.const 0"
    code = loop(text) + function_names("dispatch")
    reason = wasm.scan_error(code, RuntimeLimits(block_depth=20))
    assert "(dispatch): blocks nested 30 deep; 20 are allowed" in reason
    assert "set block_depth = 30 in [capacity.runtime] of the device file" in reason


def test_a_function_without_a_name_has_its_index_and_hostile_names_are_escaped() -> None:
    assert "function 0: 9999 parameters" in wasm.scan_error(many_locals(9999))
    hostile = many_locals(9999) + function_names("\x1b[31m\n" * 50)
    shown = wasm.scan_error(hostile)
    assert shown.isprintable()
    assert "\\x1b" in shown
    cut = many_locals(9999) + section(0, name("name") + b"\x01\xff\xff\x7f")
    assert "function 0: 9999" in wasm.scan_error(cut)
