"""What was signed is remembered as a whole, for its owner alone; anything else is refused."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.signing_platforms import (
    NOW_S,
    PARTS,
    UID,
    header_for,
    key_of,
    order_of,
    ready_release,
    request_of,
    small_release,
)

from tinycontainer.network.platform.releases.parts import CODE, DATA, MASK, METADATA, ReleasePart
from tinycontainer.network.platform.signer.examining import examine
from tinycontainer.network.platform.signer.history import History
from tinycontainer.network.platform.signer.refusal import RefusalReason, SigningRefused
from tinycontainer.network.platform.signer.signed import Signed
from tinycontainer.network.platform.signer.signed_codec import (
    MAX_KEPT_BYTES,
    DamagedRecord,
    decode_signed,
    encode_signed,
)
from tinycontainer.network.platform.signer.tokens import key_sha256
from tinycontainer_tokens import Profile, cbor

OWN = os.geteuid()


def record(part: ReleasePart, **changes: Any) -> Signed:
    release = ready_release(part, **changes)
    header = header_for(part, release.profile)
    found = examine(request_of(release, part), order_of(release, part), header, None)
    return found.as_signed(None, NOW_S, key_sha256(key_of(part)))


def refusal_of(folder: Path, owner_id: int = OWN) -> str:
    with pytest.raises(SigningRefused) as caught:
        History(folder, owner_id).last(UID, MASK)
    assert caught.value.reason is RefusalReason.HISTORY
    assert caught.value.text.isascii()
    assert caught.value.text.isprintable()
    return caught.value.text


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A history in which a mask was remembered."""
    History(tmp_path / "signed", OWN).remember(record(MASK))
    return tmp_path / "signed"


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_what_is_remembered_is_found_again(tmp_path: Path, part: ReleasePart) -> None:
    history = History(tmp_path / "a" / "b", OWN)
    history.remember(record(part))
    assert history.last(UID, part) == record(part)
    history.remember(record(part, number=4))
    assert history.last(UID, part) == record(part, number=4)
    assert history.last(b"other", part) is None
    assert [each.name for each in (tmp_path / "a" / "b").iterdir()] == [f"626f78.{part.name}"]


def test_a_token_of_the_firmware_is_found_again(tmp_path: Path) -> None:
    found = record(CODE, profile=Profile.RIOT_2024)
    History(tmp_path / "signed", OWN).remember(found)
    again = History(tmp_path / "signed", OWN).last(UID, CODE)
    assert again == found
    assert again.profile is Profile.RIOT_2024
    assert again.version == 3
    assert again.highest_sequence is None


def test_to_look_makes_no_folder(tmp_path: Path) -> None:
    assert History(tmp_path / "signed", OWN).last(UID, MASK) is None
    assert not (tmp_path / "signed").exists()


@pytest.mark.clause("TC-PLAT-27")
def test_folder_and_files_are_for_their_owner_alone(folder: Path) -> None:
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {each.stat().st_mode & 0o777 for each in folder.iterdir()} == {0o600}


def test_covered_bytes_that_are_too_long_are_not_kept(tmp_path: Path) -> None:
    history = History(tmp_path / "signed", OWN)
    history.remember(record(DATA, data=bytes(MAX_KEPT_BYTES)))
    kept = history.last(UID, DATA)
    assert kept is not None
    assert kept.covered == bytes(MAX_KEPT_BYTES)
    long = record(DATA, data=bytes(MAX_KEPT_BYTES + 1))
    history.remember(long)
    assert history.last(UID, DATA) == replace(long, covered=None)
    assert long.covered_bytes == MAX_KEPT_BYTES + 1


@pytest.mark.clause("TC-PLAT-27")
def test_what_others_can_use_is_refused(folder: Path) -> None:
    file = folder / "626f78.mask"
    file.chmod(0o640)
    assert "has the mode 0640, so others can use it; make it 0600" in refusal_of(folder)
    file.chmod(0o600)
    folder.chmod(0o750)
    assert "has the mode 0750, so others can use it; make it 0700" in refusal_of(folder)
    with pytest.raises(SigningRefused):
        History(folder, OWN).remember(record(MASK))


@pytest.mark.clause("TC-PLAT-27")
def test_what_belongs_to_another_user_is_refused(folder: Path) -> None:
    assert "belongs to another user" in refusal_of(folder, OWN + 1)
    with pytest.raises(SigningRefused):
        History(folder, OWN + 1).remember(record(MASK))


def test_what_is_no_regular_file_is_refused(folder: Path) -> None:
    file = folder / "626f78.mask"
    file.rename(folder / "kept")
    file.symlink_to(folder / "kept")
    assert "is a link" in refusal_of(folder)
    file.unlink()
    os.mkfifo(file, 0o600)
    assert "is not a regular file" in refusal_of(folder)
    file.unlink()
    file.mkdir(0o700)
    assert "is not a regular file" in refusal_of(folder)


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "f\x1b").write_bytes(b"")
    assert "f\\x1b" in refusal_of(tmp_path / "f\x1b")
    with pytest.raises(SigningRefused):
        History(tmp_path / "f\x1b", OWN).remember(record(MASK))


def test_what_an_interrupted_run_has_left_hinders_nothing(folder: Path) -> None:
    draft = folder / f".626f78.mask.{os.getpid()}.new"
    draft.write_bytes(b"half")
    History(folder, OWN).remember(record(MASK, number=4))
    assert History(folder, OWN).last(UID, MASK) == record(MASK, number=4)
    assert not draft.exists()


def test_a_draft_that_cannot_be_written_leaves_what_was_there(folder: Path) -> None:
    draft = folder / f".626f78.mask.{os.getpid()}.new"
    draft.mkdir()
    with pytest.raises(SigningRefused):
        History(folder, OWN).remember(record(MASK, number=4))
    assert History(folder, OWN).last(UID, MASK) == record(MASK)


@pytest.mark.clause("TC-PLAT-27")
@pytest.mark.parametrize(
    "content", [b"", b"\x00", b"\x1b[2J", bytes(MAX_KEPT_BYTES + 9999), b"\xa1\x00\x01"]
)
def test_a_damaged_file_is_refused(folder: Path, content: bytes) -> None:
    (folder / "626f78.mask").write_bytes(content)
    assert "is damaged" in refusal_of(folder)


def test_the_record_of_another_part_or_container_is_refused() -> None:
    with pytest.raises(DamagedRecord, match="something else"):
        decode_signed(encode_signed(record(MASK)), UID, CODE)
    with pytest.raises(DamagedRecord, match="something else"):
        decode_signed(encode_signed(record(MASK)), b"other", MASK)


@pytest.mark.parametrize(
    ("label", "value"),
    [
        (0, 2),
        (3, -1),
        (3, b""),
        (4, bytes(129)),
        (5, b"\xa0"),
        (6, 5),
        (7, 1 << 64),
        (8, bytes(31)),
        (9, b"other"),
        (10, 2),
        (11, 1),
    ],
)
def test_a_value_that_does_not_fit_the_others_is_refused(label: int, value: Any) -> None:
    values = cbor.decode(encode_signed(record(DATA)), 9999)
    assert isinstance(values, dict)
    with pytest.raises(DamagedRecord):
        decode_signed(cbor.encode({**values, label: value}), UID, DATA)


@given(st.data())
def test_a_damaged_record_is_refused_or_is_another_sound_one(data: st.DataObject) -> None:
    part = data.draw(st.sampled_from([MASK, DATA, PARTS[3], METADATA]))
    content = bytearray(encode_signed(record(part)))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    try:
        found = decode_signed(bytes(content), UID, part)
    except DamagedRecord:
        return
    assert encode_signed(found) == bytes(content)


def test_the_version_of_a_record_is_what_its_token_counts() -> None:
    assert record(MASK).version == 3
    assert small_release().number == 3
