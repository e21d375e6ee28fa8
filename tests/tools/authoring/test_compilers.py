"""Which compiler is chosen, with programs that only pretend, and what is said if there is none."""

from pathlib import Path

import pytest
from support.wasm.modules import below, within

from tinycontainer.errors import BuildFailed
from tinycontainer.tools.authoring.compilers import (
    RUST_TARGET,
    BuildTarget,
    CompilerKind,
    UsableCompiler,
    find_compiler,
)
from tinycontainer.tools.authoring.failures import explain_failure
from tinycontainer.tools.authoring.programs import MAX_OUTPUT_BYTES, Programs, Ran


def pretend(path: Path, script: str = "exit 0") -> Path:
    """A program of a name that does what a shell script says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def programs_in(*directories: Path, python: str | None = None) -> Programs:
    return Programs({"PATH": ":".join(map(str, directories))}, python)


def clang(path: Path, *targets: str, linker: str = "/usr/bin/wasm-ld") -> Path:
    listed = " ".join(targets)
    return pretend(path, f'case "$*" in *print-prog*) echo {linker};; *) echo "{listed}";; esac')


def test_the_second_clang_is_taken_where_the_first_has_no_webassembly(tmp_path: Path) -> None:
    clang(tmp_path / "a" / "clang", "x86-64")
    second = clang(tmp_path / "b" / "clang-19", "x86-64", "wasm32")
    programs = programs_in(tmp_path / "a", tmp_path / "b")
    found = find_compiler(BuildTarget.C, programs, tmp_path)
    assert found == UsableCompiler(CompilerKind.CLANG, (str(second),), "/usr/bin/wasm-ld")


def test_a_clang_without_the_linker_is_not_taken(tmp_path: Path) -> None:
    path = clang(tmp_path / "clang", "wasm32", linker="wasm-ld")
    with pytest.raises(BuildFailed) as caught:
        find_compiler(BuildTarget.C, programs_in(tmp_path), tmp_path)
    assert str(caught.value) == (
        f"no compiler for C was found ({path} has no linker wasm-ld): install Debian's packages"
        " clang and lld, or `pip install ziglang`"
    )
    pretend(tmp_path / "wasm-ld")
    assert find_compiler(BuildTarget.C, programs_in(tmp_path), tmp_path).command == (str(path),)


def test_rustc_is_asked_for_its_target(tmp_path: Path) -> None:
    pretend(tmp_path / "a" / "rustc", "echo /nowhere")
    second = pretend(tmp_path / "b" / "rustc", f"echo {tmp_path}")
    programs = programs_in(tmp_path / "a", tmp_path / "b")
    assert find_compiler(BuildTarget.RUST, programs, tmp_path).command == (str(second),)
    with pytest.raises(BuildFailed, match=f"has no target {RUST_TARGET}.*rustup target add"):
        find_compiler(BuildTarget.RUST, programs_in(tmp_path / "a"), tmp_path)


@pytest.mark.parametrize(
    ("target", "kind", "verb"),
    [
        (BuildTarget.C, CompilerKind.ZIG_CC, "cc"),
        (BuildTarget.C_FOR_RBPF, CompilerKind.ZIG_CC, "cc"),
        (BuildTarget.ZIG, CompilerKind.ZIG, "build-exe"),
    ],
)
def test_the_compiler_that_pip_installs_makes_c_too(
    tmp_path: Path, target: BuildTarget, kind: CompilerKind, verb: str
) -> None:
    found = find_compiler(target, programs_in(python="/a/python"), tmp_path)
    assert found == UsableCompiler(kind, ("/a/python", "-m", "ziglang", verb))
    zig = pretend(tmp_path / "zig")
    found = find_compiler(target, programs_in(tmp_path, python="/a/python"), tmp_path)
    assert found == UsableCompiler(kind, (str(zig), verb))


def test_asc_is_found_in_the_directory_of_the_container_and_above(tmp_path: Path) -> None:
    asc = pretend(tmp_path / "node_modules" / ".bin" / "asc")
    directory = tmp_path / "containers" / "one"
    directory.mkdir(parents=True)
    found = find_compiler(BuildTarget.ASSEMBLYSCRIPT, programs_in(), directory)
    assert found == UsableCompiler(CompilerKind.ASC, (str(asc),))


@pytest.mark.parametrize("target", BuildTarget)
def test_without_a_compiler_one_line_names_the_package(target: BuildTarget, tmp_path: Path) -> None:
    with pytest.raises(BuildFailed) as caught:
        find_compiler(target, programs_in(tmp_path / "nowhere"), tmp_path)
    line = str(caught.value)
    assert line.startswith(f"no compiler for {target} was found: ")
    assert "install" in line
    assert "\n" not in line


def test_what_is_no_program_is_passed_over(tmp_path: Path) -> None:
    clang(tmp_path / "a" / "clang", "wasm32").chmod(0o644)
    (tmp_path / "b" / "clang").mkdir(parents=True)
    with pytest.raises(BuildFailed):
        find_compiler(BuildTarget.C, programs_in(tmp_path / "a", tmp_path / "b"), tmp_path)


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("u.c:1:10: fatal error: 'stdio.h' file not found", "no C library"),
        ("a.c:1:10: fatal error: 'tinycontainer.h' file not found", "tinycontainerctl new"),
        ("wasm-ld-14: error: initial memory too small, 66560 bytes needed", "memory_pages"),
        ("wasm-ld: error: a.o: undefined symbol: memcpy", "-mbulk-memory"),
        ("wasm-ld: error: a.o: undefined symbol: __divti3", "128 bits"),
        ("wasm-ld: error: a.o: undefined symbol: helper", "nobody defines"),
        ("error: call to undeclared function 'printf'", "nobody declares"),
        ("error[E0463]: can't find crate for `std`", "#![no_std]"),
        ("error: `#[panic_handler]` function required, but not found", "tinycontainer"),
        ("error: Looks like the BPF stack limit of 512 bytes is exceeded", "512 bytes"),
        ("a.c:3:1: error: expected ';'", ""),
    ],
)
def test_what_compilers_say_is_explained(output: str, words: str) -> None:
    advice = explain_failure(output)
    assert words in advice
    assert bool(words) == bool(advice)


# Programs that do not behave.


def test_what_a_program_writes_is_bounded(tmp_path: Path) -> None:
    loud = pretend(tmp_path / "loud", "head -c 100000000 /dev/zero")
    with within(20), below(20_000_000):
        ran = programs_in(Path("/usr/bin"), Path("/bin")).run((str(loud),), tmp_path)
    assert (ran.code, len(ran.output)) == (0, MAX_OUTPUT_BYTES)


def test_a_program_that_leaves_a_child_does_not_make_anybody_wait(tmp_path: Path) -> None:
    parent = pretend(tmp_path / "parent", "sleep 60 &\necho done")
    with within(5):
        ran = programs_in(Path("/usr/bin"), Path("/bin")).run((str(parent),), tmp_path)
    assert (ran.code, ran.output) == (0, "done\n")


def test_a_program_that_a_signal_has_ended_says_so(tmp_path: Path) -> None:
    dying = pretend(tmp_path / "dying", "kill -SEGV $$")
    assert programs_in().run((str(dying),), tmp_path) == Ran(
        (str(dying),), 1, "was ended by SIGSEGV"
    )


def test_a_relative_entry_of_the_search_path_is_not_one_of_the_containers_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    own = clang(tmp_path / "bin" / "clang", "wasm32")
    clang(tmp_path / "hello" / "bin" / "clang", "wasm32")
    found = find_compiler(BuildTarget.C, programs_in(Path("bin")), tmp_path / "hello")
    assert found.command == (str(own),)


def test_asc_is_not_taken_from_where_others_can_put_it(tmp_path: Path) -> None:
    pretend(tmp_path / "node_modules" / ".bin" / "asc")
    (tmp_path / "shared").mkdir()
    directory = tmp_path / "shared" / "one"
    directory.mkdir()
    (tmp_path / "shared").chmod(0o1777)
    with pytest.raises(BuildFailed):
        find_compiler(BuildTarget.ASSEMBLYSCRIPT, programs_in(), directory)
