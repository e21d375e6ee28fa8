"""Command lines that make a container which fits a board, for each compiler.

What they have in common: optimised for size; a stack of known size, below everything else, so that
an overflow of it traps and does not overwrite data; as many pages of memory as the container says;
``__heap_base`` and ``__data_end`` exported, so that WAMR on a board takes the memory that is used;
debug information, which the builder takes out again; no path of the author's machine.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tinycontainer.interfaces.runtime import PAGE_BYTES

from .compilers import RUST_TARGET, BuildTarget, CompilerKind, UsableCompiler

_C_FLAGS: Final = ("-std=c11", "-Os", "-g", "-Wall", "-Wextra", "-nostdlib", "-ffreestanding")
_EXPORTS: Final = ("__heap_base", "__data_end")
_RUST_FLAGS: Final = (
    *("--edition", "2021", "--target", RUST_TARGET, "-C", "opt-level=s", "-C", "panic=abort"),
    *("-C", "debuginfo=1", "-C", "strip=none"),
)


@dataclass(frozen=True, slots=True)
class Build:
    """What is to be compiled.

    Attributes:
        target: language and kind of container.
        sources: relative to the directory; the first one is the container's own.
        flags: the author's, which follow ours.
        stack_bytes: of WebAssembly.
        memory_pages: of WebAssembly, to begin with.
        directory: of the container, absolute, where the compiler runs.
        scratch: a directory for what lies between; the result lies there too.
    """

    target: BuildTarget
    sources: tuple[str, ...]
    flags: tuple[str, ...]
    stack_bytes: int
    memory_pages: int
    directory: Path
    scratch: Path

    @property
    def output(self) -> Path:
        """Where the result is after all commands."""
        return self.scratch / ("code.o" if self.target is BuildTarget.C_FOR_RBPF else "code.wasm")

    @property
    def source_map(self) -> Path:
        """Where a source map is, if the compiler writes one."""
        return self.output.with_name(f"{self.output.name}.map")

    @property
    def memory_bytes(self) -> int:
        """Linear memory to begin with."""
        return self.memory_pages * PAGE_BYTES


def list_commands(build: Build, compiler: UsableCompiler) -> Iterator[tuple[str, ...]]:
    """The commands of a build, in order."""
    return _RECIPES[compiler.kind](build, compiler)


def _make_clang(build: Build, compiler: UsableCompiler) -> Iterator[tuple[str, ...]]:
    paths = ("-fdebug-compilation-dir=.", f"-ffile-prefix-map={build.directory}=.")
    if build.target is BuildTarget.C_FOR_RBPF:
        yield (
            *(*compiler.command, "--target=bpfel", "-mcpu=v2", *_C_FLAGS, *paths),
            *_inline_everything(build),
        )
        return
    # clang as a linker runs wasm-opt where that is installed: the code would be another one on
    # every machine, and its debug information inexact. So the linker is called by itself.
    objects = []
    for number, source in enumerate(build.sources):
        objects.append(str(build.scratch / f"{number}.o"))
        yield (
            *(*compiler.command, "--target=wasm32", *_C_FLAGS, *paths, "-fvisibility=hidden"),
            *(*build.flags, "-c", source, "-o", objects[-1]),
        )
    yield (
        *(compiler.linker, "--no-entry", "--export-dynamic", "--stack-first", *_link_flags(build)),
        *("-z", f"stack-size={build.stack_bytes}", *objects, "-o", str(build.output)),
    )


def _make_zig_cc(build: Build, compiler: UsableCompiler) -> Iterator[tuple[str, ...]]:
    # Zig's own defaults would put checks of undefined behaviour into the container.
    flags = (*_C_FLAGS, "-fno-sanitize=undefined", f"-ffile-prefix-map={build.directory}=.")
    if build.target is BuildTarget.C_FOR_RBPF:
        yield (
            *(*compiler.command, "--target=bpfel-freestanding", "-mcpu=v2", *flags),
            *_inline_everything(build),
        )
        return
    # Its linker puts the stack below everything else without being asked.
    linked = ("--no-entry", "--export-dynamic", *_link_flags(build))
    yield (
        *(*compiler.command, "--target=wasm32-freestanding", *flags, "-fvisibility=hidden"),
        *(*(f"-Wl,{each}" for each in linked), f"-Wl,-z,stack-size={build.stack_bytes}"),
        *(*build.flags, *build.sources, "-o", str(build.output)),
    )


def _inline_everything(build: Build) -> tuple[str, ...]:
    """rBPF cannot call a program's own functions."""
    inlining = ("-mllvm", "-inline-threshold=10000")
    return (*inlining, *build.flags, "-c", *build.sources, "-o", str(build.output))


def _link_flags(build: Build) -> tuple[str, ...]:
    return (
        *(f"--export={name}" for name in _EXPORTS),
        f"--initial-memory={build.memory_bytes}",
    )


def _make_rustc(build: Build, compiler: UsableCompiler) -> Iterator[tuple[str, ...]]:
    """Each source after the first is a crate of its own, named after its file."""
    container, *crates = build.sources
    remapped = f"--remap-path-prefix={build.directory}=."
    common = (*compiler.command, *_RUST_FLAGS, remapped)
    found: list[str] = []
    for source in crates:
        name = Path(source).stem.replace("-", "_")
        library = build.scratch / f"lib{name}.rlib"
        yield (*common, "--crate-type", "rlib", *found, source, "-o", str(library))
        found += ["--extern", f"{name}={library}"]
    linked = ("-z", f"stack-size={build.stack_bytes}", "--stack-first", *_link_flags(build))
    yield (
        *(*common, "--crate-type", "cdylib", "-C", f"link-args={' '.join(linked)}", *found),
        *(*build.flags, container, "-o", str(build.output)),
    )


def _make_zig(build: Build, compiler: UsableCompiler) -> Iterator[tuple[str, ...]]:
    """Sources after the first are imported by it, and only named for the record."""
    yield (
        *(*compiler.command, "-target", "wasm32-freestanding", "-fno-entry", "-rdynamic"),
        *("-O", "ReleaseSmall", "-fno-strip", "--stack", str(build.stack_bytes)),
        *_link_flags(build),
        *("--cache-dir", str(build.scratch / "cache")),
        *(*build.flags, f"-femit-bin={build.output}", build.sources[0]),
    )


def _make_asc(build: Build, compiler: UsableCompiler) -> Iterator[tuple[str, ...]]:
    """Sources after the first are imported by it, and only named for the record."""
    pages = str(build.memory_pages)
    yield (
        *(*compiler.command, build.sources[0], "--outFile", str(build.output)),
        *("--runtime", "stub", "-O3", "--shrinkLevel", "2", "--use", "abort="),
        *("--initialMemory", pages, "--maximumMemory", pages),
        *("--debug", "--sourceMap", *build.flags),
    )


_RECIPES: Final[
    Mapping[CompilerKind, Callable[[Build, UsableCompiler], Iterator[tuple[str, ...]]]]
] = {
    CompilerKind.CLANG: _make_clang,
    CompilerKind.ZIG_CC: _make_zig_cc,
    CompilerKind.RUSTC: _make_rustc,
    CompilerKind.ZIG: _make_zig,
    CompilerKind.ASC: _make_asc,
}
