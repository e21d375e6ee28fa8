"""Containers are read from bundles, metadata files and directories of the C layout."""

from pathlib import Path

import pytest
from support.worlds import blueprint

from tinycontainer import Bundle, MetadataError
from tinycontainer.errors import DeviceFileError
from tinycontainer.metadata import ContainerType
from tinycontainer.tools.artefact.artefact import read_artefact
from tinycontainer.tools.artefact.payload import payload_type
from tinycontainer.tools.firmware.c_layout import is_layout, make_layout_files, open_layout
from tinycontainer.tools.packing.packing import pack_unsigned

BUNDLE = pack_unsigned(blueprint("box", kind=ContainerType.WASM), b"\0asm...", b"data")


def written(directory: Path, kind: ContainerType = ContainerType.WASM) -> Path:
    directory.mkdir()
    for path, content in make_layout_files(directory, BUNDLE, kind).items():
        path.write_bytes(content)
    return directory


def test_a_bundle_has_all_three_sections(tmp_path: Path) -> None:
    path = tmp_path / "box.tcb"
    path.write_bytes(BUNDLE.encode())
    found = read_artefact(path)
    assert (found.metadata.raw, found.code, found.data) == (
        BUNDLE.metadata,
        BUNDLE.code,
        BUNDLE.data,
    )
    assert (found.name, found.layout) == ("box.tcb", None)


def test_a_metadata_file_has_neither_code_nor_data(tmp_path: Path) -> None:
    path = tmp_path / "box.metadata"
    path.write_bytes(BUNDLE.metadata)
    found = read_artefact(path)
    assert (found.metadata.uid, found.code, found.data) == (b"box", None, None)


def test_given_sections_win_over_those_of_a_bundle(tmp_path: Path) -> None:
    path, code, data = tmp_path / "box.tcb", tmp_path / "code", tmp_path / "data"
    path.write_bytes(BUNDLE.encode())
    code.write_bytes(b"other")
    data.write_bytes(b"")
    found = read_artefact(path, code, data)
    assert (found.code, found.data) == (b"other", b"")


@pytest.mark.parametrize(
    ("kind", "runtime", "code"),
    [
        (ContainerType.WASM, "wamr", "box.wasm"),
        (ContainerType.BPF, "rbpf", "box.bin"),
        (ContainerType.JAVASCRIPT, "jerryscript", "box.js"),
    ],
)
def test_a_directory_of_the_c_layout_goes_round(
    tmp_path: Path, kind: ContainerType, runtime: str, code: str
) -> None:
    directory = written(tmp_path / "box", kind)
    names = {path.name for path in directory.iterdir()}
    assert names == {"RUNTIME", "box.metadata", "box.data", code}
    assert (directory / "RUNTIME").read_text() == f"{runtime}\n"
    found = read_artefact(directory)
    assert (found.metadata.raw, found.code, found.data) == (
        BUNDLE.metadata,
        BUNDLE.code,
        BUNDLE.data,
    )
    assert found.layout is not None
    assert found.layout.type is kind


def test_a_directory_without_built_code_or_data_is_read_all_the_same(tmp_path: Path) -> None:
    directory = written(tmp_path / "box")
    (directory / "box.wasm").unlink()
    (directory / "box.data").unlink()
    found = read_artefact(directory)
    assert (found.code, found.data) == (None, None)


def test_the_layout_is_named_after_its_directory_however_that_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(written(tmp_path / "box"))
    assert read_artefact(Path()).metadata.uid == b"box"


def test_a_type_that_the_firmware_cannot_run_has_no_layout(tmp_path: Path) -> None:
    with pytest.raises(DeviceFileError, match="no runtime for type python"):
        make_layout_files(tmp_path / "box", BUNDLE, ContainerType.PYTHON)


@pytest.mark.parametrize("content", [b"", b"wasm3\n", b"\xff\x1b[2J", b"wamr rbpf"])
def test_a_runtime_that_the_firmware_does_not_know_is_refused(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "RUNTIME").write_bytes(content)
    assert is_layout(tmp_path)
    with pytest.raises(DeviceFileError, match="is none of wamr, rbpf, jerryscript") as refused:
        open_layout(tmp_path)
    assert str(refused.value).isprintable()


def test_a_runtime_file_without_end_is_refused(tmp_path: Path) -> None:
    (tmp_path / "RUNTIME").write_bytes(b"wamr" + b"\n" * 100)
    with pytest.raises(DeviceFileError, match="RUNTIME"):
        open_layout(tmp_path)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "ends where an item should begin"),
        (Bundle(b"\xa0", b"", b"").encode(), "TinyPART"),
        (b"\x83\x40\x40", "more items announced"),
    ],
)
def test_what_is_no_container_is_refused_with_the_file(
    tmp_path: Path, content: bytes, problem: str
) -> None:
    path = tmp_path / "box.tcb"
    path.write_bytes(content)
    with pytest.raises(MetadataError, match=problem) as refused:
        read_artefact(path)
    assert "box.tcb" in str(refused.value)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (b"\0asm\1\0\0\0", ContainerType.WASM),
        (b"rBPF\0\0\0\0", ContainerType.BPF),
        (b"\x7fELF" + bytes(14) + b"\xf7\0", ContainerType.BPF),
        (b"\x7fELF" + bytes(14) + b"\x3e\0", None),
        (b"\x7fELF", None),
        (b"", None),
        (b"print('hello')", None),
    ],
)
def test_code_speaks_of_its_type(code: bytes, kind: ContainerType | None) -> None:
    assert payload_type(code) is kind
