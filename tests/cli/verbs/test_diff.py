"""diff: its words, its JSON, its exit codes, and hostile names."""

from dataclasses import replace
from pathlib import Path

import pytest
from support.project import VECTORS, Program
from support.worlds import KEYS, blueprint, local, newer, times

from tinycontainer.metadata import ContainerType
from tinycontainer.tools.firmware.c_layout import make_layout_files
from tinycontainer.tools.packing.packing import Blueprint, pack

CODE, DATA = b"\0asm\1\0\0\0", b"data"
OLD = blueprint(
    "box",
    kind=ContainerType.WASM,
    mask=0b1011,
    endpoints=(local(1), local(2)),
    security=times(period=100, loop=10),
)
NEW = newer(OLD, mask=0b10011, endpoints=(local(1),), security=times(period=100, loop=20))


def written(path: Path, plan: Blueprint) -> Path:
    path.write_bytes(pack(plan, CODE, DATA, KEYS).encode())
    return path


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return written(tmp_path / "old.tcb", OLD)


@pytest.fixture
def new(tmp_path: Path) -> Path:
    return written(tmp_path / "new.tcb", NEW)


def test_changes_are_listed_by_area_and_end_with_the_reconfiguration(
    old: Path, new: Path, program: Program
) -> None:
    assert program.good("diff", old, new).splitlines() == [
        "rights:",
        "  may now call write",
        "  may no longer call read",
        "endpoints:",
        "  endpoint 2 revoked: the local peer 1, may read and write (both)",
        "timing:",
        "  runs up to 20 ms of every 100 ms (20 %) instead of up to 10 ms of every 100 ms (10 %)",
        "tokens:",
        "  the metadata token is newer: sequence 2 instead of 1",
        "  the code token is newer: sequence 2 instead of 1",
        "  the data token is newer: sequence 2 instead of 1",
        "  the mask token is newer: sequence 2 instead of 1",
        "reconfiguration of a running container:",
        "  possible",
        "  the descriptor of endpoint 2 would close: revoked",
        "  not judged here: signatures, times and the device's caps: see verify and explain",
    ]


def test_the_same_as_data(old: Path, new: Path, program: Program) -> None:
    found = program.json("diff", new, old)
    assert (found["old"], found["new"]) == ("new.tcb", "old.tcb")
    assert {change["area"] for change in found["changes"]} == {
        "rights",
        "endpoints",
        "timing",
        "tokens",
    }
    verdict = found["reconfiguration"]
    assert (verdict["possible"], verdict["closes"]) == (False, [])
    assert any("sequence of the metadata token is lower" in each for each in verdict["obstacles"])
    out = program.good("diff", new, old)
    assert "  not possible\n  because the sequence of the metadata token is lower: 1" in out


def test_the_exit_code_tells_of_a_difference_only_if_asked(
    old: Path, new: Path, program: Program
) -> None:
    assert program("diff", old, new)[0] == 0
    assert program("diff", old, new, "--exit-code")[0] == 1
    assert program("diff", old, old, "--exit-code") == (0, "no difference\n", "")


def test_bundles_metadata_and_directories_are_compared_alike(
    tmp_path: Path, old: Path, program: Program
) -> None:
    bundle = pack(OLD, CODE, DATA, KEYS)
    metadata, directory = tmp_path / "box.metadata", tmp_path / "box"
    metadata.write_bytes(bundle.metadata)
    directory.mkdir()
    for path, content in make_layout_files(directory, bundle, ContainerType.WASM).items():
        path.write_bytes(content)
    for other in (metadata, directory):
        assert program.good("diff", old, other) == "no difference\n"


@pytest.mark.skipif(
    not VECTORS.is_dir(), reason="the firmware's published metadata files are not on this machine"
)
def test_the_firmwares_two_files_differ_in_what_they_are(program: Program) -> None:
    found = program.json(
        "diff", VECTORS / "simple_container.metadata", VECTORS / "example_app.metadata"
    )
    kinds = [(change["area"], change["kind"]) for change in found["changes"]]
    assert ("container", "uid") in kinds
    assert ("endpoints", "revoked") in kinds
    assert ("tokens", "content") in kinds


@pytest.mark.parametrize("content", [b"", b"hello", b"\x83\x40\x40\x40"])
def test_what_is_no_container_is_bad_input(
    tmp_path: Path, old: Path, program: Program, content: bytes
) -> None:
    path = tmp_path / "bad\x1b[31m"
    path.write_bytes(content)
    assert "bad\\x1b[31m" in program.bad("diff", old, path)
    program.bad("diff", path, old)
    program.bad("diff", old, tmp_path / "missing")


@pytest.mark.parametrize("uid", ["\x1b[2J", "a\nerror: forged", "\u202eabc", "[red]x"])
def test_hostile_uids_stay_inert(tmp_path: Path, old: Path, program: Program, uid: str) -> None:
    container = replace(OLD.container, uid=uid.encode())
    hostile = written(tmp_path / "hostile.tcb", replace(OLD, container=container))
    out = program.good("diff", old, hostile)
    assert out.isascii()
    assert all(each.isprintable() or each == "\n" for each in out)
    assert "\nerror" not in out
    program.json("diff", hostile, old)
