"""explain: its words, its JSON, its exit codes, and what it leaves alone."""

import gc
from dataclasses import replace
from pathlib import Path

import pytest
from support.project import BOX, Program

from tinycontainer.metadata import Bundle, ContainerType
from tinycontainer.tools.firmware.c_layout import make_layout_files
from tinycontainer_tokens import Role

KEY_LINES = "\n".join(f'  {{ role = "{role}", file = "keys/{role}.pub" }},' for role in Role)
DEVICE = f"[state]\nfile = 'device.db'\n[trust]\nkeys = [\n{KEY_LINES}\n]\n"


@pytest.fixture
def desk(tmp_path: Path, program: Program) -> Path:
    """A directory with keys, a device file and a container."""
    program.good("keygen", tmp_path / "keys")
    (tmp_path / "device.toml").write_text(DEVICE)
    keys, out = tmp_path / "keys", tmp_path / "courier.tcb"
    program.good("pack", BOX / "courier", "--keys", keys, "-o", out)
    return tmp_path


def test_a_container_that_would_load_is_told_with_exit_code_0(desk: Path, program: Program) -> None:
    out = program.good("explain", desk / "courier.tcb", "--device", desk / "device.toml")
    assert out.startswith("at 2026-01-01T00:00:00Z:\n  1. bundle ")
    assert out.endswith("\nthis device would load it\n")
    found = program.json("explain", desk / "courier.tcb", "--device", desk / "device.toml")
    assert (found["would_load"], found["reason"]) == (True, None)
    assert {check["outcome"] for check in found["checks"]} == {"passed"}


def test_a_container_that_would_not_load_is_told_with_all_its_reasons(
    desk: Path, program: Program
) -> None:
    device = desk / "device.toml"
    device.write_text(DEVICE + "[caps]\nloop_max_ms = 5\n[capacity]\ncode_bytes = 100\n")
    path = desk / "courier.tcb"
    bundle = Bundle.decode(path.read_bytes(), 1 << 20)
    path.write_bytes(replace(bundle, data=bundle.data + b"\n").encode())
    found = program.json("explain", path, "--device", device, code=1)
    failed = {check["check"]: check for check in found["checks"] if check["outcome"] == "failed"}
    assert set(failed) == {"capacity of code", "caps: loop_max_ms", "data token", "code"}
    assert failed["data token"]["cause"] == (
        "the hash is that of this data without its last line break"
    )
    assert failed["data token"]["token"]["failed_check"] == "content"
    assert found["verdict"].startswith("this device would not load it: capacity: capacity of code")
    code, out, _ = program("explain", path, "--device", device)
    assert code == 1
    assert "likely cause: the hash is that of this data without its last line break" in out


def test_metadata_with_its_sections_is_judged_like_the_bundle(desk: Path, program: Program) -> None:
    parts = Bundle.decode((desk / "courier.tcb").read_bytes(), 1 << 20)
    (desk / "code").write_bytes(parts.code)
    (desk / "data").write_bytes(parts.data)
    sections = ("--code", desk / "code", "--data", desk / "data")
    metadata, device = desk / "courier.metadata", desk / "device.toml"
    program.good("explain", metadata, "--device", device, *sections)
    found = program.json("explain", metadata, "--device", device, code=1)
    assert found["checks"][1]["cause"] == "give --code and --data, or the bundle"
    (desk / "data").write_bytes(b"other")
    found = program.json("explain", desk / "courier.tcb", "--device", device, *sections, code=1)
    assert found["verdict"].startswith("this device would not load it: token: data token")


def test_a_directory_of_the_c_layout_is_judged_too(desk: Path, program: Program) -> None:
    parts = Bundle.decode((desk / "courier.tcb").read_bytes(), 1 << 20)
    directory, device = desk / "courier", desk / "device.toml"
    directory.mkdir()
    for path, content in make_layout_files(directory, parts, ContainerType.WASM).items():
        path.write_bytes(content)
    program.good("explain", directory, "--device", device)
    (directory / "courier.data").unlink()
    found = program.json("explain", directory, "--device", device, code=1)
    assert [check["check"] for check in found["checks"] if check["outcome"] == "failed"] == [
        "capacity of data"
    ]


@pytest.mark.clause("TC-TOOL-07")
def test_the_state_file_is_read_and_never_made_or_changed(desk: Path, program: Program) -> None:
    device, store = desk / "device.toml", desk / "device.db"
    program.good("explain", desk / "courier.tcb", "--device", device)
    assert not store.exists()
    newest = '[[containers]]\nbundle = "courier.tcb"\nstart = false\n'
    device.write_text(DEVICE + newest)
    program.good("run", device, "--for", "1ms")
    gc.collect()  # as at a process's end, nobody has the file open any more
    before = store.read_bytes()
    program.good("explain", desk / "courier.tcb", "--device", device)
    keys, again = desk / "keys", desk / "again.tcb"
    program.good("keygen", desk / "other")
    manifest = (BOX / "courier" / "container.toml").read_text()
    older = desk / "older"
    older.mkdir()
    for path in (BOX / "courier").iterdir():
        (older / path.name).write_bytes(path.read_bytes())
    (older / "container.toml").write_text(manifest + "\n[tokens]\nsequence = 0\n")
    program.good("pack", older, "--keys", keys, "-o", again)
    found = program.json("explain", again, "--device", device, code=1)
    assert "sequence 0 is older than 1" in found["verdict"]
    gc.collect()
    assert store.read_bytes() == before
    assert [each.name for each in desk.glob("device.db-*")] == ["device.db-lock"]  # of the run


@pytest.mark.clause("TC-TOOL-07")
def test_the_time_can_be_given(desk: Path, program: Program) -> None:
    arguments = ("explain", desk / "courier.tcb", "--device", desk / "device.toml")
    assert program.json(*arguments, "--at", "0")["at"] == "1970-01-01T00:00:00Z"


def test_a_hostile_container_stays_inert(desk: Path, program: Program) -> None:
    hostile = desk / "a\x1b[31mb.tcb"
    hostile.write_bytes(b"\x83\x1b[31m")
    code, out, err = program("explain", hostile, "--device", desk / "device.toml")
    assert (code, err) == (1, "")
    assert all(each.isprintable() or each == "\n" for each in out)
    line = program.bad("explain", desk / "\u202e", "--device", desk / "device.toml")
    assert line.isprintable()


def test_a_device_file_that_cannot_be_used_is_bad_input(desk: Path, program: Program) -> None:
    program.bad("explain", desk / "courier.tcb", "--device", desk / "none.toml")
    program.bad("explain", desk / "courier.tcb")


def test_a_verdict_says_once_that_it_is_about_the_bundle(tmp_path: Path, program: Program) -> None:
    (tmp_path / "device.toml").write_text("")
    (tmp_path / "short.tcb").write_bytes(b"\x83\x59\x02\x00")
    arguments = ("explain", tmp_path / "short.tcb", "--device", tmp_path / "device.toml")
    code, out, _ = program(*arguments)
    assert code == 1
    assert "this device would not load it: bundle: byte" in out
    assert "bundle: bundle" not in out
