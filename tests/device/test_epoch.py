"""Where the device's own time in Unix seconds begins."""

import time
from pathlib import Path

import pytest

from tinycontainer.assembly import DevicePlan, Installation, make_setup
from tinycontainer.files.device_file import DeviceFile, DeviceTable
from tinycontainer.interfaces.clock import Clock, VirtualClock, WallClock


def epoch_s(clock: Clock, named: int | None = None) -> int:
    content = DeviceFile(device=DeviceTable(epoch=named))
    return make_setup(DevicePlan(Path(), content), clock, Installation()).epoch_s


@pytest.mark.clause("TC-TOK-26")
def test_a_device_file_names_the_epoch_in_virtual_and_in_wall_time() -> None:
    assert epoch_s(VirtualClock(), 7) == epoch_s(WallClock(), 7) == 7


@pytest.mark.clause("TC-TOK-26")
def test_without_a_name_virtual_time_begins_at_a_fixed_second_and_wall_time_now() -> None:
    assert epoch_s(VirtualClock()) == 1_767_225_600
    before_s = int(time.time())
    assert before_s <= epoch_s(WallClock()) <= int(time.time())
