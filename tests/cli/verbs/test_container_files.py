"""What pack, assemble and convert write: bundles, C headers, the C layout; what fits a board."""

import shutil
import subprocess
from pathlib import Path

import pytest
from support.hostile import HOSTILE, inert
from support.project import BOX, Program
from support.wasm.modules import build

from tinycontainer.metadata import Bundle
from tinycontainer.tools.firmware.c_header import make_c_header, make_c_identifier, quote_c_string

COMPILERS = [name for name in ("cc", "gcc", "clang") if shutil.which(name)]
CHECK = """
#include "box.h"
_Static_assert(sizeof({name}_meta) == {meta} && {name}_meta_len == {meta}, "metadata");
_Static_assert({name}_data_len == {data} && sizeof({name}_data) >= 1, "data");
_Static_assert(sizeof({name}_code) == {code} && {name}_code_len == {code}, "code");
_Static_assert(sizeof(containers_name) == sizeof(char *), "one container");
int main(void) {{ return containers_meta[0] != {name}_meta || containers_code_size[0] != {code}; }}
"""
"""A use of the header as the firmware's build makes it."""


@pytest.fixture
def bundle(tmp_path: Path, keys: Path, program: Program) -> Path:
    program.good("pack", BOX / "courier", "--keys", keys, "-o", tmp_path / "courier.tcb")
    return tmp_path / "courier.tcb"


def parts(path: Path) -> Bundle:
    return Bundle.decode(path.read_bytes(), 1 << 20)


# C headers.


@pytest.mark.skipif(not COMPILERS, reason="there is no C compiler on this machine")
@pytest.mark.parametrize("name", ["courier", "7 of 9", "ünï", 'a"*/ b', "int", ""])
def test_a_header_compiles_without_a_warning_and_holds_the_sections(
    tmp_path: Path, name: str
) -> None:
    made = Bundle(bytes(range(256)), b"", b"\0asm")
    (tmp_path / "box.h").write_text(make_c_header(name, made))
    sizes = {"meta": 256, "data": 0, "code": 4}
    (tmp_path / "box.c").write_text(CHECK.format(name=make_c_identifier(name), **sizes))
    flags = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic", "-o", str(tmp_path / "box")]
    subprocess.run([COMPILERS[0], *flags, str(tmp_path / "box.c")], check=True)
    subprocess.run([tmp_path / "box"], check=True)


@pytest.mark.parametrize("name", [*HOSTILE.values(), b'";}', b"\\", b"??/", b"*/", b"\0", b"%s\\n"])
def test_a_hostile_name_leaves_a_header_inert(name: bytes) -> None:
    text = name.decode("utf-8", "surrogateescape")
    header = make_c_header(text, Bundle(b"m", b"d", b"c"))
    assert inert(header)
    (line,) = [line for line in header.splitlines() if "containers_name" in line]
    assert line == f"const char *containers_name[] = {{ {quote_c_string(text)} }};"
    assert not set(quote_c_string(text)[1:-1]) & set('"?')
    assert make_c_identifier(text).isidentifier()
    assert make_c_identifier(text).isascii()


def test_pack_writes_a_header(tmp_path: Path, keys: Path, program: Program) -> None:
    out = ("-o", tmp_path / "c.tcb", "--header", tmp_path / "courier.h")
    program.good("pack", BOX / "courier", "--keys", keys, *out)
    assert (tmp_path / "courier.h").read_text() == make_c_header(
        "courier", parts(tmp_path / "c.tcb")
    )


# The C layout.


def test_a_bundle_becomes_a_directory_of_the_firmware_and_a_bundle_again(
    tmp_path: Path, bundle: Path, keys: Path, program: Program
) -> None:
    layout, copy = tmp_path / "courier", tmp_path / "copy.tcb"
    program.good("convert", bundle, "--layout", layout, "-o", tmp_path / "same.tcb")
    assert {path.name for path in layout.iterdir()} == {
        "RUNTIME",
        "courier.data",
        "courier.metadata",
        "courier.wasm",
    }
    program.good("convert", layout, "-o", copy)
    assert copy.read_bytes() == bundle.read_bytes()
    for verb in ("verify", "inspect"):
        options = ("--keys", keys) if verb == "verify" else ()
        assert program.json(verb, layout, *options)


def test_the_source_goes_along_where_it_lies_beside_the_code(
    tmp_path: Path, keys: Path, program: Program
) -> None:
    layout = tmp_path / "courier"
    out = ("-o", tmp_path / "c.tcb", "--layout", layout)
    program.good("pack", BOX / "courier", "--keys", keys, *out)
    source = (BOX / "courier" / "courier.c").read_bytes()
    assert (layout / "courier.c").read_bytes() == source


def test_no_file_of_the_layout_is_newer_than_what_the_firmwares_make_builds_of_it(
    tmp_path: Path, keys: Path, program: Program
) -> None:
    layout = tmp_path / "courier"
    out = ("-o", tmp_path / "c.tcb", "--layout", layout, "--force")
    for _again in range(2):
        found = program.json("pack", BOX / "courier", "--keys", keys, *out)
        written = [Path(name) for name in found["files"] if Path(name).parent == layout]
        assert written[0].name == "courier.c"
        times = [path.stat().st_mtime_ns for path in written]
        assert times == sorted(times)


def test_metadata_alone_is_converted_with_its_sections_only(
    tmp_path: Path, bundle: Path, program: Program
) -> None:
    metadata, copy = bundle.with_suffix(".metadata"), tmp_path / "copy.tcb"
    assert "has no code section; give --code" in program.bad("convert", metadata, "-o", copy)
    sections = ("--code", BOX / "courier/courier.wasm", "--data", BOX / "courier/courier.data")
    program.good("convert", metadata, *sections, "-o", copy)
    assert copy.read_bytes() == bundle.read_bytes()


# Boards.

RIOT = '[tokens]\nprofile = "riot-2024"\n'
MANIFEST = '[container]\nuid = "me"\ncode = "me.wasm"\n'
ENDPOINT = '[[endpoints]]\nid = {}\npeer = "local"\npeer_endpoint = 1\ndirection = "in"\n'
BEYOND_THE_FIRMWARE = {
    "exec_time_ms = 1": "container.exec-time (key 4) is unknown to riot-2024",
    "period_ms = 1": "container.period (key 5) is unknown to riot-2024",
    "period_max_ms = 1": "container.period-max (key 6) is unknown to riot-2024",
    "lifetime_loops = 1": "container.lifetime (key 7) is unknown to riot-2024",
    "priority = 1": "container.priority (key 8) is unknown to riot-2024",
    ENDPOINT.format(128): "endpoints[0].endpoint-id 128 is above 127",
    RIOT
    + "sign_endpoints = true\n"
    + ENDPOINT.format(1): "endpoints[0].endpoint-token (key 6) is unknown to riot-2024",
}


def padded_module(size: int) -> bytes:
    """A module that a device admits, of this many bytes (below 16 KiB), by a custom section."""
    module = build()
    padding = size - len(module) - 4
    length = (padding + 1) & 0x7F | 0x80, (padding + 1) >> 7
    return module + bytes([0, *length, 0]) + bytes(padding)


def firmware_manifest(tmp_path: Path, more: str, size: int = 100) -> Path:
    directory = tmp_path / "me"
    directory.mkdir()
    text = MANIFEST + more if "[tokens]" in more else MANIFEST + more + "\n" + RIOT
    (directory / "container.toml").write_text(text)
    (directory / "me.wasm").write_bytes(padded_module(size))
    return directory


@pytest.mark.parametrize(("more", "problem"), BEYOND_THE_FIRMWARE.items())
def test_what_the_firmware_does_not_know_is_refused_by_name(
    tmp_path: Path, keys: Path, program: Program, more: str, problem: str
) -> None:
    source, out = firmware_manifest(tmp_path, more), tmp_path / "me.tcb"
    code, _, err = program("pack", source, "--keys", keys, "-o", out)
    assert code in (1, 2)
    assert problem in err
    assert not out.exists()


def test_the_firmwares_capacities_are_named(tmp_path: Path, keys: Path, program: Program) -> None:
    source, out = firmware_manifest(tmp_path, "", size=1025), tmp_path / "me.tcb"
    line = program.bad("pack", source, "--keys", keys, "-o", out, code=1)
    assert "code of 1025 bytes; 1024 fit" in line
    program.good("pack", source, "--keys", keys, "-o", out, "--board", "default")


@pytest.mark.clause("TC-TOOL-05")
def test_what_is_packed_would_be_admitted(tmp_path: Path, keys: Path, program: Program) -> None:
    source, out = firmware_manifest(tmp_path, ""), tmp_path / "me.tcb"
    (source / "me.wasm").write_bytes(b"no module")
    line = program.bad("pack", source, "--keys", keys, "-o", out, code=1)
    assert "code-inadmissible" in line
    assert not out.exists()


def test_what_is_packed_for_a_device_keeps_within_its_caps_and_runtimes(
    tmp_path: Path, keys: Path, program: Program
) -> None:
    (tmp_path / "device.toml").write_text("[caps]\nloop_max_ms = 5\n")
    arguments = ("pack", BOX / "courier", "--keys", keys, "--device", tmp_path / "device.toml")
    line = program.bad(*arguments, "-o", tmp_path / "c.tcb", code=1)
    assert "cap-exceeded" in line


@pytest.mark.clause("TC-TOOL-05")
def test_code_that_nothing_here_can_judge_is_packed_and_said_to_be_unjudged(
    tmp_path: Path, keys: Path, program: Program
) -> None:
    source, out = firmware_manifest(tmp_path, 'type = "javascript"'), tmp_path / "me.tcb"
    arguments = ("pack", source, "--keys", keys, "-o", out)
    assert "no runtime has judged its code" in program.good(*arguments)
    assert program.json(*arguments, "--force")["code_judged"] is False


@pytest.mark.parametrize("verb", ["pack", "assemble"])
def test_the_profile_of_the_command_overrules_the_manifests(
    tmp_path: Path, keys: Path, program: Program, verb: str
) -> None:
    source, out = firmware_manifest(tmp_path, "[tokens]"), tmp_path / "me.tcb"
    profile = ("--profile", "riot-2024")
    arguments: list[object] = [*profile, "-o", out]
    if verb == "pack":
        arguments += ["--keys", keys]
    else:
        (tmp_path / "empty").write_bytes(b"")
        files = {"code": [source / "me.wasm"], "data": [tmp_path / "empty"], "mask": []}
        roles = {"code": "developer", "data": "provider", "mask": "owner"}
        for kind, file in files.items():
            key = ("--key", keys / f"{roles[kind]}.pem")
            options = ("--manifest", source, *profile, "-o", tmp_path / kind)
            program.good("sign", kind, *file, *key, *options)
            arguments += [f"--{kind}-token", tmp_path / kind]
        arguments += ["--key", keys / "infrastructure.pem", "--trust-keys", keys]
    assert program.json(verb, source, *arguments)["fits"] == "the board riot-2024"
    assert program.json("verify", out, "--keys", keys, *profile)["valid"]


def test_the_default_profile_does_not_go_to_the_firmware(
    tmp_path: Path, keys: Path, program: Program
) -> None:
    board = ("--board", "riot-2024", "-o", tmp_path / "c.tcb")
    line = program.bad("pack", BOX / "mapper", "--keys", keys, *board, code=1)
    assert "unknown to riot-2024" in line or "fit" in line


# Completion.


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_learns_to_complete(shell: str, program: Program) -> None:
    script = program.json("completion", shell)["script"]
    assert "_TINYCONTAINERCTL_COMPLETE" in script
    assert "tinycontainerctl" in script


def test_an_unknown_shell_gives_one_line(program: Program) -> None:
    assert "bash" in program.bad("completion", "dos")
