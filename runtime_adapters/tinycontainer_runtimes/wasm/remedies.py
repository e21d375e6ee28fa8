"""What to do about a refused module: options of the compiler that made it, and of the device.

The module's ``producers`` section often names its compiler. Without one, the options of all known
compilers are given.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Final

from tinycontainer.errors import InadmissibleCode
from tinycontainer.text import show

from .building.sections import read_custom_sections, read_function_names
from .features import Feature
from .reader import Reader
from .refusal import ScanRefusal, Topic

_MAX_PRODUCERS: Final = 64
_SHOWN_NAME: Final = 60


class Compiler(Enum):
    """Who made a module: the name that it is shown by, and words of its producers section."""

    CLANG = ("clang", ("clang",))
    RUSTC = ("rustc", ("rustc", "rust"))
    ZIG = ("zig", ("zig",))
    ASSEMBLYSCRIPT = ("AssemblyScript", ("assemblyscript",))
    EMSCRIPTEN = ("emcc", ("emscripten", "emcc"))
    TINYGO = ("TinyGo", ("tinygo",))

    def __init__(self, words: str, marks: tuple[str, ...]) -> None:
        self.words = words
        self.marks = marks


_MEMORY_EXPORT: Final = {
    Compiler.CLANG: "-Wl,--export-memory, without -Wl,--import-memory",
    Compiler.RUSTC: "without -C link-arg=--import-memory",
    Compiler.ZIG: "--export-memory, without --import-memory",
    Compiler.ASSEMBLYSCRIPT: "without --noExportMemory and --importMemory",
    Compiler.EMSCRIPTEN: "-sSTANDALONE_WASM, without -sIMPORTED_MEMORY",
}
_OPTIONS: Final[Mapping[Topic, Mapping[Compiler, str]]] = {
    Topic.MEMORY_PAGES: {
        Compiler.CLANG: "-Wl,-z,stack-size=8192 -Wl,--initial-memory=65536",
        Compiler.RUSTC: "-C link-args='-z stack-size=8192 --initial-memory=65536'",
        Compiler.ZIG: "--stack 8192 --initial-memory=65536",
        Compiler.ASSEMBLYSCRIPT: "--initialMemory 1",
        Compiler.EMSCRIPTEN: "-sSTACK_SIZE=8192 -sINITIAL_MEMORY=65536",
    },
    Topic.LOCALS: {
        Compiler.CLANG: "-O1 or higher",
        Compiler.RUSTC: "-C opt-level=s",
        Compiler.ZIG: "-O ReleaseSmall",
        Compiler.ASSEMBLYSCRIPT: "--optimize",
        Compiler.EMSCRIPTEN: "-O1 or higher",
        Compiler.TINYGO: "-opt=z",
    },
    Topic.BLOCK_DEPTH: {
        Compiler.CLANG: "split the function, or its switch",
        Compiler.RUSTC: "split the function, or its match",
    },
    Topic.LOOP: {
        Compiler.CLANG: "-Wl,--no-entry -Wl,--export=loop",
        Compiler.RUSTC: '#[export_name = "loop"] and --crate-type cdylib',
        Compiler.ZIG: 'export fn @"loop"() i32, with -fno-entry -rdynamic',
        Compiler.ASSEMBLYSCRIPT: "export { step as loop }",
        Compiler.EMSCRIPTEN: "--no-entry -sEXPORTED_FUNCTIONS=_loop",
    },
    Topic.MEMORY: _MEMORY_EXPORT,
    Topic.IMPORTED_MEMORY: _MEMORY_EXPORT,
    Topic.ABORT: {Compiler.ASSEMBLYSCRIPT: "--use abort="},
    Topic.MEMORY_FUNCTIONS: {
        Compiler.CLANG: "-mbulk-memory",
        Compiler.RUSTC: "-C target-feature=+bulk-memory",
        Compiler.ZIG: "-mcpu=generic+bulk_memory",
    },
    Topic.WASI: {
        Compiler.CLANG: "--target=wasm32 -nostdlib",
        Compiler.RUSTC: "--target wasm32-unknown-unknown",
        Compiler.ZIG: "-target wasm32-freestanding",
        Compiler.EMSCRIPTEN: "use clang --target=wasm32 -nostdlib in its place",
        Compiler.TINYGO: "-target=wasm-unknown",
    },
}
_AGAINST: Final[Mapping[Feature, Mapping[Compiler, str]]] = {
    Feature.MEMORY64: {
        Compiler.CLANG: "--target=wasm32",
        Compiler.RUSTC: "--target wasm32-unknown-unknown",
        Compiler.ZIG: "-target wasm32-freestanding",
        Compiler.EMSCRIPTEN: "-sMEMORY64=0",
    },
    Feature.THREADS: {
        Compiler.CLANG: "-mno-atomics, without -pthread and -Wl,--shared-memory",
        Compiler.RUSTC: "-C target-feature=-atomics, without -C link-arg=--shared-memory",
        Compiler.ZIG: "-fsingle-threaded, without --shared-memory",
        Compiler.ASSEMBLYSCRIPT: "without --sharedMemory and --enable threads",
        Compiler.EMSCRIPTEN: "without -pthread",
    },
    Feature.EXCEPTIONS: {
        Compiler.CLANG: "-fno-exceptions, without -fwasm-exceptions",
        Compiler.RUSTC: "-C panic=abort",
        Compiler.EMSCRIPTEN: "-fno-exceptions -sSUPPORT_LONGJMP=0",
    },
}
_AGAINST_TOO: Final[Mapping[Feature, Mapping[Compiler, str]]] = {
    Feature.SIMD: {
        Compiler.ASSEMBLYSCRIPT: "without --enable simd",
        Compiler.EMSCRIPTEN: "without -msimd128",
    },
}
_ADVICE: Final = {
    Topic.UNDEFINED: (
        "define the function in the container; without --allow-undefined the linker says where it"
        " is called"
    ),
    Topic.UNLINKED: "this is an object file: link it (wasm-ld --no-entry --export=loop)",
    Topic.FLOATS: (
        'build it without floating point, or leave floats = "forbid" out of [capacity.runtime]'
        " in the device file"
    ),
    Topic.BROWSER: (
        "a device has none of a browser's objects: use the calls of tinycontainer.ts, such as log"
        " in place of console.log"
    ),
    Topic.JAVASCRIPT: "it is built for JavaScript: do not use wasm-bindgen for a container",
}


def complete_refusal(refusal: ScanRefusal, code: bytes) -> InadmissibleCode:
    """The refusal with the name of the function that it is in, and with what to do."""
    place = f"byte {refusal.offset}: "
    if refusal.function is not None:
        name = _find_function_name(code, refusal.function)
        named = f" ({show(name, _SHOWN_NAME)})" if name else ""
        place += f"function {refusal.function}{named}: "
    return InadmissibleCode(place + refusal.what, _find_remedy(refusal, code))


def _find_remedy(refusal: ScanRefusal, code: bytes) -> str:
    topic = refusal.topic
    if topic is None:
        return ""
    if topic in _ADVICE:
        return _ADVICE[topic]
    if isinstance(topic, Feature):
        options = _options_against(topic)
        if not options:
            return "build it for WebAssembly 2.0, without this feature"
    else:
        options = _OPTIONS.get(topic, {})
    parts = [_join_options(options, _find_compiler(code))] if options else []
    if refusal.allow is not None:
        parts.append(
            f"set {topic.value} = {refusal.allow} in [capacity.runtime] of the device file"
        )
    return ", or ".join(parts)


def _options_against(feature: Feature) -> Mapping[Compiler, str]:
    if feature in _AGAINST or not feature.llvm:
        return _AGAINST.get(feature, {})
    return {
        Compiler.CLANG: f"-mno-{feature.llvm}",
        Compiler.RUSTC: f"-C target-feature=-{feature.llvm}",
        Compiler.ZIG: f"-mcpu=generic-{feature.llvm.replace('-', '_')}",
        **_AGAINST_TOO.get(feature, {}),
    }


def _join_options(options: Mapping[Compiler, str], compiler: Compiler | None) -> str:
    """The options of the compiler that made the module, or of all if it is not known."""
    known = options
    if compiler is not None and compiler in options:
        known = {compiler: options[compiler]}
    return "build it with " + "; ".join(f"{each.words} {option}" for each, option in known.items())


# What the module says about itself in custom sections. None of it is trusted or required.


def _find_compiler(code: bytes) -> Compiler | None:
    names: set[str] = set()
    try:
        for section in read_custom_sections(code):
            if section.name == "producers":
                names |= _read_producers(section.content)
    except InadmissibleCode:
        return None  # cut short: it is not known who made it
    # Emscripten and TinyGo name clang or LLVM too, so the more special names come first.
    for compiler in (*list(Compiler)[1:], Compiler.CLANG):
        if any(mark in name for name in names for mark in compiler.marks):
            return compiler
    return None


def _find_function_name(code: bytes, index: int) -> str:
    try:
        return read_function_names(code).get(index, "")
    except InadmissibleCode:
        return ""


def _read_producers(reader: Reader) -> set[str]:
    names = set()
    for _ in range(min(reader.read_count("fields"), _MAX_PRODUCERS)):
        reader.read_name()
        for _ in range(min(reader.read_count("values"), _MAX_PRODUCERS)):
            names.add(reader.read_name().lower())
            reader.read_name()
    return names
