"""What a file is that is no WebAssembly module, by its first bytes, and what to do with it."""

from typing import Final

from tinycontainer.errors import InadmissibleCode

HEADER: Final = b"\0asm\x01\0\0\0"

_MAGIC: Final = HEADER[:4]
_COMPONENT: Final = _MAGIC + b"\x0d\0\x01\0"
_LOOKED_AT_BYTES: Final = 512

_UNPACK: Final = "unpack it, and give the module inside"
_COMPILE: Final = "compile the source for WebAssembly (clang --target=wasm32)"
_FORMATS: Final = (
    (b"\0aot", "an AoT file of WAMR", "give the module that wamrc read"),
    (b"\x7fELF", "an ELF file, machine code of one processor", _COMPILE),
    (b"MZ", "a program or library for Windows", _COMPILE),
    (b"\xcf\xfa\xed\xfe", "a Mach-O file, machine code of one processor", _COMPILE),
    (b"BC\xc0\xde", "LLVM bitcode", f"leave out -emit-llvm and -flto, or {_COMPILE}"),
    (b"!<arch>\n", "an archive of object files", "link it (wasm-ld), and give the module"),
    (b"\x1f\x8b", "a gzip file", "unpack it (gunzip), and give the module inside"),
    (b"PK\x03\x04", "a zip file", _UNPACK),
    (b"BZh", "a bzip2 file", _UNPACK),
    (b"\xfd7zXZ\0", "an xz file", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "a zstd file", _UNPACK),
    (b"rBPF", "an rBPF file", "name the type rbpf in the manifest"),
    (b"version https://git-lfs", "a Git LFS pointer", "fetch the file itself (git lfs pull)"),
    (b"AGFzbQ", "a module in base64", "decode it (base64 -d)"),
    (b"0061736d", "a module in hexadecimal", "decode it (xxd -r -p)"),
    (b"(module", "the text form of a module", "translate it (wat2wasm)"),
    (b"(;", "the text form of a module", "translate it (wat2wasm)"),
    (b";;", "the text form of a module", "translate it (wat2wasm)"),
    (b"<", "a web page or other markup, not the file itself", "download the file again"),
)
_TEXT_BYTES: Final = frozenset({*range(0x20, 0x7F), *b"\t\n\r\f"})


def refuse_format(code: bytes) -> InadmissibleCode:
    """The error for a file that does not begin with `HEADER`: what it is, and what to do."""
    found, remedy = _name_format(code)
    return InadmissibleCode(f"byte 0: not a WebAssembly module of version 1, but {found}", remedy)


def _name_format(code: bytes) -> tuple[str, str]:
    if not code:
        return "an empty file", "look whether the compiler wrote it"
    if code.startswith(_MAGIC):
        return _name_version(code)
    for start, name, remedy in _FORMATS:
        if code.startswith(start):
            return name, remedy
    text = code[:_LOOKED_AT_BYTES].removeprefix(b"\xef\xbb\xbf").lstrip()
    for start, name, remedy in _FORMATS:
        # Before a text there may be a byte order mark or blanks; before other formats nothing.
        if set(start) <= _TEXT_BYTES and text.startswith(start):
            return name, remedy
    if _TEXT_BYTES.issuperset(text):
        return "a text", "give the compiled module (a .wasm file)"
    first = code[:4].hex(" ")
    return f"a file that begins with {first}", "give the compiled module (a .wasm file)"


def _name_version(code: bytes) -> tuple[str, str]:
    if len(code) < len(HEADER):
        return f"the first {len(code)} bytes of one", "transfer the whole file"
    if code.startswith(_COMPONENT):
        return "a component", "build a core module (rustc: --target wasm32-unknown-unknown)"
    version = int.from_bytes(code[4:8], "little")
    return f"one of version {version}", "build it with a released compiler"
