"""Which compiler of a machine can make a container: all that are found are asked, in turn.

A program of the right name is not enough: Debian's rustc can make WebAssembly where another rustc
on the same search path cannot.
"""

import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import takewhile
from pathlib import Path
from typing import Final

from tinycontainer.errors import BuildFailed
from tinycontainer.text import show

from .programs import Programs


class BuildTarget(StrEnum):
    """A language, and what it is compiled to."""

    C = "C"
    C_FOR_RBPF = "C for rBPF"
    RUST = "Rust"
    ZIG = "Zig"
    ASSEMBLYSCRIPT = "AssemblyScript"


class CompilerKind(StrEnum):
    """Whose options a compiler takes."""

    CLANG = "clang"
    ZIG_CC = "zig cc"
    RUSTC = "rustc"
    ZIG = "zig"
    ASC = "asc"


@dataclass(frozen=True, slots=True)
class UsableCompiler:
    """A compiler that can make what is wanted.

    Attributes:
        kind: whose options it takes.
        command: what begins it.
        linker: of clang, for WebAssembly.
    """

    kind: CompilerKind
    command: tuple[str, ...]
    linker: str = ""


RUST_TARGET: Final = "wasm32-unknown-unknown"

_PACKAGES: Final[Mapping[BuildTarget, str]] = {
    BuildTarget.C: "install Debian's packages clang and lld, or `pip install ziglang`",
    BuildTarget.C_FOR_RBPF: "install Debian's package clang, or `pip install ziglang`",
    BuildTarget.RUST: (
        "install Debian's packages rustc and libstd-rust-dev-wasm32, or"
        f" `rustup target add {RUST_TARGET}`"
    ),
    BuildTarget.ZIG: "`pip install ziglang`",
    BuildTarget.ASSEMBLYSCRIPT: "`npm install assemblyscript` in the container's directory",
}

_Candidate = UsableCompiler | str
"""A compiler that can be used, or why one cannot."""


def find_compiler(target: BuildTarget, programs: Programs, directory: Path) -> UsableCompiler:
    """The first compiler that can be used.

    Args:
        target: what it has to make.
        programs: where to look.
        directory: of the container, which can have programs of its own.

    Raises:
        BuildFailed: there is none; with what is wrong with those that were found, and the package.
    """
    unfit: list[str] = []
    for candidate in _FINDERS[target](programs, directory):
        if isinstance(candidate, UsableCompiler):
            return candidate
        unfit.append(candidate)
    found = f" ({'; '.join(unfit)})" if unfit else ""
    problem = f"no compiler for {target} was found{found}: {_PACKAGES[target]}"
    raise BuildFailed(problem)


def _find_c(programs: Programs, directory: Path) -> Iterator[_Candidate]:
    for path in programs.find(r"clang(-\d+)?"):
        yield _judge_clang(path, "wasm32", programs, directory)
    yield from _find_ziglang(programs, CompilerKind.ZIG_CC, "cc")


def _find_c_for_rbpf(programs: Programs, directory: Path) -> Iterator[_Candidate]:
    for path in programs.find(r"clang(-\d+)?"):
        yield _judge_clang(path, "bpfel", programs, directory)
    yield from _find_ziglang(programs, CompilerKind.ZIG_CC, "cc")


def _judge_clang(path: Path, target: str, programs: Programs, directory: Path) -> _Candidate:
    targets = programs.run((str(path), "--print-targets"), directory)
    if target not in targets.output.split():
        return f"{show(str(path))} has no target {target}"
    if target != "wasm32":
        return UsableCompiler(CompilerKind.CLANG, (str(path),))
    command = (str(path), "--target=wasm32", "-print-prog-name=wasm-ld")
    linker = programs.run(command, directory).output.strip()
    if not Path(linker).is_absolute():
        linker = str(next(programs.find("wasm-ld"), ""))
    if not linker:
        return f"{show(str(path))} has no linker wasm-ld"
    return UsableCompiler(CompilerKind.CLANG, (str(path),), linker)


def _find_rust(programs: Programs, directory: Path) -> Iterator[_Candidate]:
    for path in programs.find("rustc"):
        command = (str(path), "--print", "target-libdir", "--target", RUST_TARGET)
        library = programs.run(command, directory)
        if library.code or not Path(library.output.strip()).is_dir():
            yield f"{show(str(path))} has no target {RUST_TARGET}"
        else:
            yield UsableCompiler(CompilerKind.RUSTC, (str(path),))


def _find_zig(programs: Programs, _directory: Path) -> Iterator[_Candidate]:
    return _find_ziglang(programs, CompilerKind.ZIG, "build-exe")


def _find_ziglang(programs: Programs, kind: CompilerKind, verb: str) -> Iterator[_Candidate]:
    for path in programs.find("zig"):
        yield UsableCompiler(kind, (str(path), verb))
    if programs.python is not None:
        yield UsableCompiler(kind, (programs.python, "-m", "ziglang", verb))


def _find_assemblyscript(programs: Programs, directory: Path) -> Iterator[_Candidate]:
    absolute = directory.resolve()
    # As npm does, but not beyond a directory into which others can put what they like.
    above = takewhile(_is_for_its_owner, (absolute, *absolute.parents))
    local = [each / "node_modules" / ".bin" for each in above]
    for path in programs.find("asc", *local):
        yield UsableCompiler(CompilerKind.ASC, (str(path),))


def _is_for_its_owner(directory: Path) -> bool:
    return not directory.stat().st_mode & stat.S_IWOTH


_FINDERS: Final[Mapping[BuildTarget, Callable[[Programs, Path], Iterator[_Candidate]]]] = {
    BuildTarget.C: _find_c,
    BuildTarget.C_FOR_RBPF: _find_c_for_rbpf,
    BuildTarget.RUST: _find_rust,
    BuildTarget.ZIG: _find_zig,
    BuildTarget.ASSEMBLYSCRIPT: _find_assemblyscript,
}
