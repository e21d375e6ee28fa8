"""The drivers of this project, each put through the reusable check and its own rules."""

import re
import struct
from pathlib import Path

import pytest

from tinycontainer.errors import DriverError
from tinycontainer.interfaces.driver import BoardInfo, Driver, DriverFactory, DriverSetup
from tinycontainer.testing import StillContext, check_driver
from tinycontainer_endpoints.actuator import Actuator
from tinycontainer_endpoints.buffer import Buffer
from tinycontainer_endpoints.console import Console
from tinycontainer_endpoints.information import Board, Random, Self, Time
from tinycontainer_endpoints.sensor import Sensor

RECORDING = "time_ms,temperature_mK,humidity\n0,277150,40\n1000,278150,41\n2500,-5,42\n"


def setup(tmp_path: Path, /, **options: object) -> DriverSetup:
    return shown_setup(tmp_path, [], **options)


def shown_setup(tmp_path: Path, shown: list[bytes], /, **options: object) -> DriverSetup:
    (tmp_path / "recording.csv").write_text(RECORDING)
    return DriverSetup(
        options=options,
        directory=tmp_path,
        random_bytes=lambda size: bytes([7]) * size,
        show=shown.append,
        board=BoardInfo("desk", "maker", "device-1"),
    )


WITH_OPTIONS: list[tuple[DriverFactory, dict[str, object]]] = [
    (Actuator, {}),
    (Board, {}),
    (Buffer, {"capacity_bytes": 100}),
    (Console, {}),
    (Random, {}),
    (Self, {}),
    (Sensor, {"file": "recording.csv"}),
    (Time, {}),
]


@pytest.mark.parametrize(("factory", "options"), WITH_OPTIONS)
@pytest.mark.clause("TC-END-07")
def test_every_driver_keeps_the_interface(
    tmp_path: Path, factory: DriverFactory, options: dict[str, object]
) -> None:
    check_driver(lambda: factory(setup(tmp_path, **options)))


@pytest.mark.parametrize(("factory", "options"), WITH_OPTIONS)
def test_every_driver_refuses_options_that_it_does_not_know(
    tmp_path: Path, factory: DriverFactory, options: dict[str, object]
) -> None:
    with pytest.raises(ValueError, match=r"^options\.surprise: "):
        factory(setup(tmp_path, **options, surprise=1))


@pytest.mark.parametrize("factory", [Actuator, Board, Buffer, Console, Random, Self, Time])
def test_a_descriptor_that_is_not_open_is_refused(tmp_path: Path, factory: DriverFactory) -> None:
    driver = factory(setup(tmp_path))
    for call in (lambda: driver.write(3, b"x"), lambda: driver.read(3, 1), lambda: driver.close(3)):
        with pytest.raises(DriverError):
            call()


def opened(driver: Driver, context: StillContext) -> int:
    return driver.open(1, context)


def test_the_console_shows_who_wrote_what_and_gives_no_input(tmp_path: Path) -> None:
    shown: list[bytes] = []
    console = Console(shown_setup(tmp_path, shown, prefix="from "))
    fd = opened(console, StillContext(container=b"courier"))
    assert console.write(fd, b"hello") == 5
    assert shown == [b"from courier: hello"]
    with pytest.raises(DriverError):
        console.read(fd, 1)


def test_a_buffer_gives_back_in_order_and_takes_what_fits(tmp_path: Path) -> None:
    buffer = Buffer(setup(tmp_path, capacity_bytes=4))
    fd = opened(buffer, StillContext())
    assert buffer.read(fd, 10) == b""
    assert [buffer.write(fd, b"abc"), buffer.write(fd, b"def"), buffer.write(fd, b"g")] == [3, 1, 0]
    assert [buffer.read(fd, 2), buffer.read(fd, 9)] == [b"ab", b"cd"]


def test_a_sensor_plays_its_recording_by_the_devices_clock(tmp_path: Path) -> None:
    context = StillContext()
    sensor = Sensor(setup(tmp_path, file="recording.csv"))
    fd = opened(sensor, context)
    seen = []
    for time_us in (0, 999_999, 1_000_000, 2_499_999, 2_500_000, 99_000_000):
        context.time_us = time_us
        seen.append(struct.unpack("<2i", sensor.read(fd, 255)))
    assert seen == [(277150, 40), (277150, 40), (278150, 41), (278150, 41), (-5, 42), (-5, 42)]
    assert sensor.read(fd, 4) == struct.pack("<i", -5)
    with pytest.raises(DriverError):
        sensor.write(fd, b"x")


def test_a_sensor_gives_nothing_before_its_first_row_and_can_repeat(tmp_path: Path) -> None:
    (tmp_path / "late.csv").write_text("time_ms,value\n500,1\n700,2\n")
    context = StillContext()
    sensor = Sensor(setup(tmp_path, file="late.csv", repeat_after_ms=1000))
    fd = opened(sensor, context)
    seen = []
    for time_ms in (0, 499, 500, 700, 999, 1000, 1500, 1700):
        context.time_us = time_ms * 1000
        seen.append(sensor.read(fd, 4)[:1])
    assert seen == [b"", b"", b"\1", b"\2", b"\2", b"", b"\1", b"\2"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "line 1 is not time_ms"),
        (b"time_ms\n", "line 1 is not time_ms"),
        (b"time,value\n1,2\n", "line 1 is not time_ms"),
        (b"time_ms,value\n1\n", "line 2 has 1 columns, the header has 2"),
        (b"time_ms,value\n1,x\n", 'line 2 has "x", which is not a whole number'),
        (b"time_ms,value\n1,2147483648\n", "line 2 has 2147483648, which has more than 32 bits"),
        (b"time_ms,value\n5,1\n4,1\n", "line 3: time goes back"),
        (b"time_ms,value\n-1,1\n", "line 2: time goes back"),
        (b"time_ms,value\n1,\xff\n", "is not ASCII"),
        (b"time_ms,value\n" + b"0,1\n" * 300_000, "has more than"),
    ],
)
def test_a_wrong_recording_is_refused_with_its_line(
    tmp_path: Path, content: bytes, problem: str
) -> None:
    (tmp_path / "wrong.csv").write_bytes(content)
    with pytest.raises(ValueError, match=re.escape(problem)):
        Sensor(setup(tmp_path, file="wrong.csv"))


def test_a_recording_outside_of_the_directory_is_refused(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    (tmp_path / "outside.csv").write_text(RECORDING)
    (inner / "link.csv").symlink_to(tmp_path / "outside.csv")
    for name in ("../outside.csv", str(tmp_path / "outside.csv"), "link.csv", "no\0name"):
        with pytest.raises(
            ValueError, match=r"^options\.file: .* (lies outside|is not a file name)"
        ):
            Sensor(setup(inner, file=name))


def test_an_actuator_records_time_container_and_command(tmp_path: Path) -> None:
    actuator = Actuator(setup(tmp_path, keep=2))
    context = StillContext(container=b"c", time_us=5)
    fd = opened(actuator, context)
    assert actuator.read(fd, 8) == b""
    for command in (b"one", b"two", b"three"):
        actuator.write(fd, command)
    assert [(each.at_us, each.container, each.data) for each in actuator.commands] == [
        (5, b"c", b"two"),
        (5, b"c", b"three"),
    ]
    assert actuator.read(fd, 3) == b"thr"


@pytest.mark.clause("TC-END-13")
def test_information_drivers_tell_what_they_promise(tmp_path: Path) -> None:
    context = StillContext(container=b"me", slot=3, time_us=1234, loops=9)
    given: dict[type, bytes] = {}
    for factory in (Board, Time, Self, Random):
        driver: Driver = factory(setup(tmp_path))
        given[factory] = driver.read(opened(driver, context), 255)
        with pytest.raises(DriverError):
            driver.write(1, b"x")
    assert given[Board] == b"desk\nmaker\ndevice-1\n"
    assert given[Time] == struct.pack("<QQ", 1_234_000, 1234)
    assert given[Self] == struct.pack("<IiB", 3, 9, 2) + b"me"
    assert given[Random] == b"\7" * 255


def test_ticks_have_the_length_that_is_asked_for_and_no_limit_is_minus_one(tmp_path: Path) -> None:
    context = StillContext(time_us=1234)
    time = Time(setup(tmp_path, tick_us=100))
    assert time.read(opened(time, context), 16) == struct.pack("<QQ", 1_234_000, 12)
    myself = Self(setup(tmp_path))
    assert myself.read(opened(myself, context), 8) == struct.pack("<Ii", 0, -1)
