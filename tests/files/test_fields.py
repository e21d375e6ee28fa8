"""The field types that files share."""

from enum import IntEnum
from typing import Any, get_args

import pytest

from tinycontainer.device.containers.limits import BOARDS
from tinycontainer.files import fields
from tinycontainer.files.device_file import BoardName
from tinycontainer.interfaces.syscalls import Syscall
from tinycontainer.metadata import ContainerType, Direction, PeerType


@pytest.mark.parametrize(
    ("names", "members"),
    [
        (fields.ContainerTypeName, ContainerType),
        (fields.SyscallName, Syscall),
        (fields.DirectionName, Direction),
        (fields.PeerTypeName, PeerType),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_the_names_in_files_are_the_members_of_the_enumerations(
    names: Any, members: type[IntEnum]
) -> None:
    assert list(get_args(names)) == [member.name.lower() for member in members]


@pytest.mark.clause("TC-TOOL-02")
def test_a_uid_is_its_text_or_hexadecimal_digits() -> None:
    assert fields.uid_from_text("courier") == b"courier"
    assert fields.uid_from_text("hex:00fF") == b"\x00\xff"


@pytest.mark.parametrize("text", ["hex:61 62", "hex:6", "hex:xy", "hex:\u0661\u0662"])
def test_other_digits_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"hexadecimal|odd number of digits"):
        fields.uid_from_text(text)


@pytest.mark.parametrize("text", ["", "hex:", "x" * 64])
def test_a_uid_of_another_length_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a uid has 1 to 63 bytes"):
        fields.check_uid(text)


def test_a_mask_is_made_from_names_and_an_unknown_name_is_refused() -> None:
    assert fields.mask_from_names(["open", "write"]) == 0b10010
    assert fields.mask_from_names([]) == 0
    with pytest.raises(ValueError, match="opened is none of heartbeat, open, close, read, write"):
        fields.mask_from_names(["opened"])


def test_a_device_file_can_name_every_board_and_no_other() -> None:
    assert set(get_args(BoardName)) == set(BOARDS)
