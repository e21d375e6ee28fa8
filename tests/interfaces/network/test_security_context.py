"""Folders of OSCORE contexts: made for two sides, and read with suspicion."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tinycontainer.errors import DeviceFileError
from tinycontainer.interfaces.network.security_context import (
    make_security_contexts,
    read_security_context,
)

SECRET = "c0ffee" * 8


NUMBERS = {"next-to-send": 7, "received": {"index": 3, "bitfield": 9}}
UNKNOWN = {"next-to-send": 7, "received": "unknown"}


def counting() -> Callable[[int], bytes]:
    numbers = iter(range(1, 256))
    return lambda size: bytes([next(numbers)]) * size


def write(folder: Path, **changes: Any) -> Path:
    """A context, one of whose files has another content."""
    values: dict[str, Any] = {
        "settings": {"sender-id_hex": "01", "recipient-id_hex": "02"},
        "secret": {"secret_hex": SECRET, "salt_hex": ""},
        "sequence": NUMBERS,
    } | changes
    folder.mkdir(mode=0o700)
    for name, content in values.items():
        text = content if isinstance(content, str) else json.dumps(content)
        (folder / f"{name}.json").write_text(text)
    return folder


@pytest.mark.clause("TC-MGMT-13")
def test_both_sides_fit_together_and_are_private(tmp_path: Path) -> None:
    sides = make_security_contexts(counting())
    assert [*sides] == ["device", "operator"]
    found = {}
    for side, files in sides.items():
        folder = tmp_path / side
        folder.mkdir(mode=0o700)
        for name, content in files.items():
            (folder / name).write_bytes(content)
        found[side] = read_security_context(folder)
    device, operator = found["device"], found["operator"]
    assert (device.sender_id, device.recipient_id) == (b"\3" * 4, b"\4" * 4)
    assert (operator.sender_id, operator.recipient_id) == (b"\4" * 4, b"\3" * 4)
    assert sides["device"]["secret.json"] == sides["operator"]["secret.json"]


def test_one_id_is_never_drawn_for_both_sides() -> None:
    draws = iter([b"s", b"t", b"same", b"same", b"other"])
    sides = make_security_contexts(lambda _size: next(draws))
    ids = json.loads(sides["device"]["settings.json"])
    assert (ids["sender-id_hex"], ids["recipient-id_hex"]) == (b"same".hex(), b"other".hex())


IDS = {"sender-id_hex": "01", "recipient-id_hex": "02"}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"settings": "{"}, "settings.json: is no JSON"),
        ({"settings": "[" * 4000}, "settings.json: is no JSON"),
        ({"settings": " " * 4097}, "settings.json: has more than 4096 bytes"),
        ({"settings": []}, "settings.json: is no JSON object"),
        ({"settings": IDS | {"window": 1}}, "settings.json: window: is not known"),
        ({"settings": {"sender-id_hex": "01"}}, "recipient-id_hex: is missing"),
        ({"settings": IDS | {"sender-id_hex": "0"}}, "sender-id_hex: is not at most 64 bytes"),
        ({"settings": IDS | {"sender-id_hex": 1}}, "sender-id_hex: is not at most 64 bytes"),
        ({"settings": IDS | {"sender-id_hex": "01 "}}, "sender-id_hex: is not at most 64 bytes"),
        ({"settings": IDS | {"sender-id_hex": "01" * 8}}, "an id has more than 7 bytes"),
        ({"settings": IDS | {"sender-id_hex": "02"}}, "both sides have one id"),
        ({"secret": {"secret_hex": SECRET[:30]}}, "the secret has fewer than 16 bytes"),
        ({"secret": {"secret_hex": f"{SECRET}xx"}}, "secret_hex: is not at most 64 bytes"),
        ({"secret": {"salt_hex": SECRET}}, "secret_hex: is missing"),
        ({"secret": {SECRET * 9: ""}}, "is not known"),
        ({"secret": f'{{"secret_hex": "{SECRET}"'}, "secret.json: is no JSON"),
        ({"sequence": "["}, "sequence.json: is no JSON"),
        ({"sequence": [1]}, "sequence.json: is no JSON object"),
        ({"sequence": {"next-to-send": 1}}, "does not say which numbers were used"),
        ({"sequence": NUMBERS | {"next-to-send": -1}}, "does not say which numbers"),
        ({"sequence": NUMBERS | {"next-to-send": 1 << 40}}, "does not say which numbers"),
        ({"sequence": NUMBERS | {"next-to-send": True}}, "does not say which numbers"),
        ({"sequence": '{"next-to-send": 1e999, "received": "unknown"}'}, "does not say"),
        ({"sequence": NUMBERS | {"received": "empty"}}, "does not say which numbers"),
        ({"sequence": NUMBERS | {"received": {"index": "a", "bitfield": 0}}}, "does not say"),
        ({"sequence": NUMBERS | {"received": {"index": 0, "bitfield": -1}}}, "does not say"),
        ({"sequence": NUMBERS | {"received": {"index": 1}}}, "does not say which numbers"),
        ({"sequence": UNKNOWN | {"more": 1}}, "does not say which numbers"),
    ],
)
def test_what_is_no_context_is_refused_in_one_line_without_its_secret(
    tmp_path: Path, changes: dict[str, Any], problem: str
) -> None:
    folder = write(tmp_path / "it", **changes)
    with pytest.raises(DeviceFileError, match=problem) as caught:
        read_security_context(folder)
    assert "\n" not in str(caught.value)
    assert SECRET not in str(caught.value)


def test_a_folder_that_others_can_use_is_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "it")
    read_security_context(folder)
    for mode in (0o750, 0o705, 0o701):
        folder.chmod(mode)
        with pytest.raises(DeviceFileError, match=f"has the mode {mode:04o}.*make it 0700"):
            read_security_context(folder)


def test_what_is_no_folder_of_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DeviceFileError, match="No such file"):
        read_security_context(tmp_path / "missing")
    with pytest.raises(DeviceFileError, match="is not the name of a folder"):
        read_security_context(tmp_path / "a\0b")
    (tmp_path / "file").touch()
    with pytest.raises(DeviceFileError, match="is no folder"):
        read_security_context(tmp_path / "file")
    read_security_context(write(tmp_path / "unsure", sequence=UNKNOWN))
    lost = write(tmp_path / "lost")
    (lost / "sequence.json").unlink()
    with pytest.raises(DeviceFileError, match=r"sequence\.json: cannot be read: No such file"):
        read_security_context(lost)
    folder = write(tmp_path / "it")
    (folder / "secret.json").unlink()
    with pytest.raises(DeviceFileError, match=r"secret\.json: cannot be read: No such file"):
        read_security_context(folder)
    os.mkfifo(folder / "secret.json")
    with pytest.raises(DeviceFileError, match="is not a regular file"):
        read_security_context(folder)
