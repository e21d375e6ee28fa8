"""Builds: what a compiler makes becomes the code section of a container, and a debug file."""

import os
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tinycontainer.assembly import Installation
from tinycontainer.device.containers.judgement import admit
from tinycontainer.errors import (
    BuildFailed,
    BuildRefused,
    DeviceFileError,
    RuntimeUnavailable,
)
from tinycontainer.files.fields import mask_from_names
from tinycontainer.files.toml_file import read_bounded, read_toml, resolve_named
from tinycontainer.interfaces.building import BuiltCode
from tinycontainer.interfaces.debug_info import DebugInfo
from tinycontainer.interfaces.private_files import read_regular_file
from tinycontainer.interfaces.runtime import Hook, RuntimeLimits
from tinycontainer.interfaces.syscalls import Syscall
from tinycontainer.metadata import ContainerType
from tinycontainer.symbols.debug_file import encode_debug_file, fit_debug_info
from tinycontainer.symbols.symbol_directory import SUFFIX
from tinycontainer.text import show

from ..packing.manifest import BuildTable, ManifestFile, manifest_path
from .compilers import BuildTarget, find_compiler
from .failures import explain_failure
from .programs import Programs
from .recipes import Build, list_commands

MAX_OUTPUT_BYTES: Final = 1 << 26
"""The most that is read of what a compiler made."""
_BUILDERS: Final = {ContainerType.WASM: "wasm", ContainerType.BPF: "rbpf"}
_ELF: Final = b"\x7fELF"
_CODE_BEGINS: Final = (b"\0asm", b"rBPF")
_DEBUG_BEGINS: Final = (b"\xa5\1",)
_BEGIN_BYTES: Final = 4

_LOOPS: Final = {
    BuildTarget.C: "EXPORT int32_t loop(void)",
    BuildTarget.C_FOR_RBPF: "EXPORT int32_t loop(void)",
    BuildTarget.RUST: '#[export_name = "loop"] before pub extern "C" fn step() -> i32',
    BuildTarget.ZIG: "export fn loop() i32",
    BuildTarget.ASSEMBLYSCRIPT: "export { step as loop }",
}
"""How each language exports it."""

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class BuiltContainer:
    """Code that was built, and what is to be known of it.

    Attributes:
        code: the code section.
        debug_file: the debug file that belongs to it.
        debug: what that file holds.
        notes: what its author should know, a line each.
    """

    code: bytes
    debug_file: bytes
    debug: DebugInfo
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DirectoryBuild:
    """A container's directory that was built.

    Attributes:
        code_path: the file of the code section, as the manifest names it.
        debug_path: the file beside it for the debug information.
        built: what to write into them.
    """

    code_path: Path
    debug_path: Path
    built: BuiltContainer


def build_directory(
    path: Path,
    installation: Installation,
    programs: Programs,
    limits: RuntimeLimits,
    report: Report,
) -> DirectoryBuild:
    """Compile a container as its manifest says, and judge what comes out; nothing is written.

    Args:
        path: the manifest, or its directory.
        installation: builders, runtimes and analysers.
        programs: where to look for compilers.
        limits: of the device that the container is for.
        report: receives each command that is run, and what compilers write.

    Raises:
        DeviceFileError: the manifest cannot be used.
        BuildFailed: there is no compiler, or it has failed.
        BuildRefused: its output is of no use.
        LoadError: a device would not admit the code.
    """
    path = manifest_path(path)
    content = read_toml(path, ManifestFile)
    if content.build is None:
        problem = 'is missing; it says what to compile: language = "c", sources = ["src/main.c"]'
        raise DeviceFileError(show(str(path)), "build", problem)
    kind = ContainerType[content.container.type.upper()]
    target = _find_target(path, content.build, kind)
    code_path = _find_output(path, content.container.code, content.build)
    with TemporaryDirectory(prefix="tinycontainer-build-") as scratch:
        build = _plan(path, content.build, target, Path(scratch))
        compiled, source_map = _compile(build, programs, report)
    built = convert(compiled, source_map, _BUILDERS[kind], installation)
    _require_loop(built, target)
    _admit(built.code, kind, limits, installation)
    notes = _look_at(built.code, kind, content, installation)
    notes += _find_paths(built.code, build.directory)
    container = _complete(built, notes)
    return DirectoryBuild(code_path, code_path.with_suffix(SUFFIX), container)


def build_file(content: bytes, installation: Installation) -> BuiltContainer:
    """Make a code section of an object file for BPF, or of a linked module of WebAssembly.

    Raises:
        BuildRefused: it is neither, or cannot be converted.
    """
    builder = "rbpf" if content.startswith(_ELF) else "wasm"
    return _complete(convert(content, b"", builder, installation))


def _complete(built: BuiltCode, notes: tuple[str, ...] = ()) -> BuiltContainer:
    debug = fit_debug_info(built.debug)
    return BuiltContainer(built.code, encode_debug_file(built.code, debug), debug, notes)


def suffix_of(content: bytes) -> str:
    """The suffix that code is given which `build_file` makes of a file."""
    return ".rbf" if content.startswith(_ELF) else ".wasm"


def convert(
    compiled: bytes, source_map: bytes, builder: str, installation: Installation
) -> BuiltCode:
    """Let an installed builder make code of a compiler's output."""
    return installation.builder(builder).build(compiled, source_map)


def _find_target(path: Path, build: BuildTable, kind: ContainerType) -> BuildTarget:
    by_language = {
        "rust": BuildTarget.RUST,
        "zig": BuildTarget.ZIG,
        "assemblyscript": BuildTarget.ASSEMBLYSCRIPT,
        "c": BuildTarget.C,
    }
    if kind is ContainerType.BPF and build.language == "c":
        if len(build.sources) != 1:
            problem = "rBPF has one source, which includes the others: it has no linker"
            raise DeviceFileError(show(str(path)), "build.sources", problem)
        return BuildTarget.C_FOR_RBPF
    if kind is not ContainerType.WASM:
        problem = f"{build.language} is not compiled to containers of the type {kind.name.lower()}"
        raise DeviceFileError(show(str(path)), "build.language", problem)
    return by_language[build.language]


def _find_output(path: Path, code: str, build: BuildTable) -> Path:
    """The file of the code. It and its debug file are replaced, so neither may be the author's."""
    name = show(str(path))
    directory = path.parent.resolve()
    output = resolve_named(directory, code, name, "container.code")
    debug = output.with_suffix(SUFFIX)
    written = [path.resolve(), *((directory / source).resolve() for source in build.sources)]
    if output == debug or output in written or debug in written:
        problem = f"{show(code)} would overwrite what it is made of; name a file such as code.wasm"
        raise DeviceFileError(name, "container.code", problem)
    for target, kinds in ((output, _CODE_BEGINS), (debug, _DEBUG_BEGINS)):
        if not _is_replaceable(target, kinds):
            problem = f"{show(target.name)} is there and was not built; name another file"
            raise DeviceFileError(name, "container.code", problem)
    return output


def _is_replaceable(target: Path, kinds: tuple[bytes, ...]) -> bool:
    """Whether a file is not there, empty, or begins as one that a build has made."""
    try:
        begin = read_regular_file(target, _BEGIN_BYTES, is_private=False)
    except DeviceFileError:
        return not os.path.lexists(target) and target.parent.is_dir()
    return not begin or begin.startswith(kinds)


def _plan(path: Path, table: BuildTable, target: BuildTarget, scratch: Path) -> Build:
    directory = path.parent.resolve()
    for number, source in enumerate(table.sources):
        place = f"build.sources[{number}]"
        if not resolve_named(directory, source, show(str(path)), place).is_file():
            raise DeviceFileError(show(str(path)), place, f"{show(source)} is no file")
    return Build(
        target=target,
        # A name that begins with a dash would be an option of a compiler, with @ a file of options.
        sources=tuple(f"./{each}" if each[0] in "-@" else each for each in table.sources),
        flags=tuple(table.flags),
        stack_bytes=table.stack_bytes,
        memory_pages=table.memory_pages,
        directory=directory,
        scratch=scratch,
    )


def _compile(build: Build, programs: Programs, report: Report) -> tuple[bytes, bytes]:
    """Run all commands; what they made, and the source map if there is one."""
    compiler = find_compiler(build.target, programs, build.directory)
    for command in list_commands(build, compiler):
        report(f"$ {shlex.join(command)}")
        ran = programs.run(command, build.directory)
        for line in ran.output.splitlines():
            report(line)
        if ran.code:
            advice = explain_failure(ran.output)
            problem = f"{compiler.kind} has failed" + (f": {advice}" if advice else "")
            raise BuildFailed(problem, ran.output)
    if not build.output.is_file():
        raise BuildFailed(f"{compiler.kind} has made no code; look at build.flags")
    source_map = build.source_map
    mapped = read_bounded(source_map, MAX_OUTPUT_BYTES) if source_map.is_file() else b""
    return read_bounded(build.output, MAX_OUTPUT_BYTES), mapped


def _require_loop(built: BuiltCode, target: BuildTarget) -> None:
    """Refuse code without a loop, in the words of its language."""
    if Hook.LOOP not in built.exports:
        raise BuildRefused("", f"the container exports no loop: write {_LOOPS[target]}")


def _admit(
    code: bytes, kind: ContainerType, limits: RuntimeLimits, installation: Installation
) -> None:
    """Let the runtime judge the code, if there is one here."""
    try:
        runtime = installation.runtimes().get(kind)
    except RuntimeUnavailable:
        return
    if runtime is not None:
        admit(runtime, code, limits)


def _look_at(
    code: bytes, kind: ContainerType, manifest: ManifestFile, installation: Installation
) -> tuple[str, ...]:
    """Where code and manifest do not agree."""
    analyse = installation.analysers().get(kind)
    if analyse is None:
        return ()
    facts = analyse(code)
    mask = mask_from_names(manifest.container.syscalls)
    notes = [
        f"it calls {call.name.lower()}, which syscalls in the manifest does not allow"
        for call in Syscall
        if call.name.lower() in facts.natives and not mask & call.bit
    ]
    declared = {each.id for each in manifest.endpoints}
    notes += [
        f"it opens endpoint {number}, which the manifest does not declare"
        for number in sorted(facts.opened - declared)
    ]
    return tuple(notes)


def _find_paths(code: bytes, directory: Path) -> tuple[str, ...]:
    """What the code says about the author's machine, as a rule in the text of an assertion."""
    if os.fsencode(directory) not in code:
        return ()
    return (
        f"it holds the path {show(str(directory))}; everybody who gets the container can read it",
    )
