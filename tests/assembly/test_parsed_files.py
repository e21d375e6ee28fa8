"""Files of the same content are parsed once, and a changed file is parsed again."""

from pathlib import Path

import pytest
from support.worlds import KEYS

from tinycontainer import DeviceFileError, Installation, VirtualClock
from tinycontainer.assembly import make_setup, read_plan
from tinycontainer.assembly.parsed_files import ParsedFiles
from tinycontainer_tokens import KeyFileError, Role, key_files

PEM = key_files.to_public_pem(KEYS[Role.OWNER])


def test_a_device_file_of_the_same_content_is_parsed_once(tmp_path: Path) -> None:
    files = ParsedFiles()
    path = tmp_path / "device.toml"
    path.write_text("[scheduling]\nslice_ms = 7\n")
    first = read_plan(path, files).content
    assert read_plan(path, files).content is first
    path.write_text("[scheduling]\nslice_ms = 8\n")
    assert read_plan(path, files).content.scheduling.slice_ms == 8


def test_a_key_of_the_same_content_is_parsed_once() -> None:
    files = ParsedFiles()
    first = files.key(PEM)
    assert files.key(bytes(PEM)) is first
    files.forget()
    assert files.key(PEM) is not first


def test_an_update_key_of_the_same_content_is_parsed_once_and_apart_from_tokens() -> None:
    files = ParsedFiles()
    first = files.update_key(PEM)
    assert files.update_key(bytes(PEM)) is first
    assert files.key(PEM).public == first.public
    files.forget()
    assert files.update_key(PEM) is not first


def test_errors_are_not_remembered(tmp_path: Path) -> None:
    files = ParsedFiles()
    for name in ("one.toml", "two.toml"):
        path = tmp_path / name
        path.write_text("device = 1\n")
        with pytest.raises(DeviceFileError, match=name):
            read_plan(path, files)
    for _ in range(2):
        with pytest.raises(KeyFileError):
            files.key(b"no key")


def test_a_driver_that_changes_its_options_changes_no_other_devices(tmp_path: Path) -> None:
    path = tmp_path / "device.toml"
    path.write_text(
        '[[drivers]]\ndriver = "console"\nendpoint = 1\noptions = { prefix = "it: " }\n'
    )
    with Installation() as installation:
        plan = read_plan(path, installation.files)
        make_setup(plan, VirtualClock(), installation)
        again = read_plan(path, installation.files)
        assert again.content.drivers[0].options == {"prefix": "it: "}
