"""Remote endpoints: never waiting, bounded, protected; in virtual time from a recording."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from support.project import Program
from support.remote_resource import forget_all_hosts, raw_server, remote_resource, reply
from support.serving import HOST, free_port

import tinycontainer_endpoints.coap.network
from tinycontainer.errors import DriverError
from tinycontainer.interfaces.driver import BoardInfo, DriverSetup, SharedResources
from tinycontainer.testing import StillContext, check_driver
from tinycontainer_endpoints.coap.driver import Coap

pytest.importorskip("aiocoap")
HERE = f"coap://{HOST}:9/x"


class Desk:
    """Makes drivers that share a network, and keeps what they show."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.shown: list[bytes] = []
        self.resources = SharedResources()
        self.now = StillContext()

    def make(self, virtual_time: bool = False, /, **options: object) -> Coap:
        return Coap(
            DriverSetup(
                options={"uri": HERE, "method": "post"} | options,
                directory=self.directory,
                random_bytes=bytes,
                show=self.shown.append,
                board=BoardInfo(),
                virtual_time=virtual_time,
                resources=self.resources,
            )
        )

    def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds; device time goes on as well."""
        end_s = time.monotonic() + 15
        while not holds():
            assert time.monotonic() < end_s, "it did not come to that"
            time.sleep(0.01)
            self.now.time_us += 10_000

    def has_shown_more(self, driver: Coap, fd: int, before: int) -> bool:
        """Whether a driver that is read has shown more lines."""
        return driver.read(fd, 255) == b"" and len(self.shown) > before

    def read(self, driver: Coap, fd: int) -> bytes:
        """The next message that comes."""
        came: list[bytes] = []

        def has_come() -> bool:
            came[:] = [driver.read(fd, 255)]
            return came != [b""]

        self.until(has_come)
        return came[0]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    found = Desk(tmp_path)
    yield found
    found.resources.close()


@pytest.mark.clause("TC-END-07", "TC-END-14")
@pytest.mark.parametrize("method", ["get", "observe", "put", "post"])
def test_the_driver_keeps_the_interface_with_and_without_a_network(desk: Desk, method: str) -> None:
    began_s = time.monotonic()
    for virtual_time in (True, False):
        check_driver(partial(desk.make, virtual_time, method=method))
    assert time.monotonic() - began_s < 5


@pytest.mark.clause("TC-END-14")
@pytest.mark.parametrize("method", ["put", "post"])
def test_what_is_written_arrives_and_what_is_answered_is_read(desk: Desk, method: str) -> None:
    with remote_resource() as resource:
        resource.answer = b"thanks"
        driver = desk.make(uri=resource.uri, method=method)
        fd = driver.open(1, desk.now)
        assert driver.write(fd, b"a report") == 8
        assert desk.read(driver, fd) == b"thanks"
        assert resource.received == [b"a report"]
        assert driver.read(fd, 9) == b""
    assert desk.shown == []


@pytest.mark.clause("TC-END-14")
def test_a_write_is_not_accepted_while_too_many_are_on_their_way(desk: Desk) -> None:
    with remote_resource() as resource:
        resource.delay_s = 0.3
        driver = desk.make(uri=resource.uri, messages=3, messages_per_s=1000)
        fd = driver.open(1, desk.now)
        began_s = time.monotonic()
        assert [driver.write(fd, bytes([n])) for n in range(9)] == [1] * 3 + [0] * 6
        assert time.monotonic() - began_s < 0.3
        desk.until(lambda: driver.write(fd, b"later") == 5)
        driver.close(fd)
        desk.until(lambda: len(resource.received) == 4)


@pytest.mark.clause("TC-END-14")
def test_a_tenant_sends_no_more_than_its_rate(desk: Desk) -> None:
    driver = desk.make(True, messages=4, messages_per_s=2)
    fd = driver.open(1, desk.now)
    desk.now.time_us = 60_000_000
    assert [driver.write(fd, b"x") for _ in range(6)] == [1, 1, 1, 1, 0, 0]
    desk.now.time_us += 500_000
    assert [driver.write(fd, b"x") for _ in range(2)] == [1, 0]


@pytest.mark.clause("TC-END-14")
def test_a_resource_is_asked_while_somebody_has_it_open(desk: Desk) -> None:
    with remote_resource() as resource:
        driver = desk.make(uri=resource.uri, method="get", interval_ms=100)
        time.sleep(0.3)
        assert resource.asked == 0
        fd = driver.open(1, desk.now)
        assert [desk.read(driver, fd) for _ in range(3)] == [b"now"] * 3
        with pytest.raises(DriverError, match="only read"):
            driver.write(fd, b"x")
        driver.close(fd)
        time.sleep(0.2)
        asked = resource.asked
        time.sleep(0.4)
        assert resource.asked == asked


@pytest.mark.clause("TC-END-14")
def test_who_closes_at_once_ends_the_network_for_nobody(desk: Desk) -> None:
    with remote_resource() as resource:
        hasty = desk.make(uri=resource.uri, method="observe")
        for _ in range(20):
            hasty.close(hasty.open(1, desk.now))
        driver = desk.make(uri=resource.uri, method="get", interval_ms=100)
        assert desk.read(driver, driver.open(1, desk.now)) == b"now"


@pytest.mark.clause("TC-END-14")
def test_to_open_and_close_asks_no_more_often_than_the_interval(desk: Desk) -> None:
    with remote_resource() as resource:
        driver = desk.make(uri=resource.uri, method="get", interval_ms=60_000)
        end_s = time.monotonic() + 0.5
        while time.monotonic() < end_s:
            driver.close(driver.open(1, desk.now))
        time.sleep(0.2)
        assert resource.asked <= 1


@pytest.mark.clause("TC-END-14")
@pytest.mark.parametrize("method", ["get", "observe"])
def test_a_server_that_comes_later_is_asked_again(desk: Desk, method: str) -> None:
    answering: list[bool] = []

    def answer(request: bytes) -> bytes:
        return reply(request, 0x45, b"\xffhere") if answering else reply(request, 0x84)

    with raw_server(answer) as (uri, _):
        driver = desk.make(uri=f"{uri}/x", method=method, interval_ms=100)
        fd = driver.open(1, desk.now)
        desk.until(partial(desk.has_shown_more, driver, fd, 0))
        answering.append(True)
        assert [desk.read(driver, fd) for _ in range(3)] == [b"here"] * 3
    assert desk.shown[0].endswith(b"it answers 4.04")


BAD_ANSWERS = {
    "an empty block option": (0x45, b"\xd0\x0e\xffx"),
    "an option that ends too early": (0x45, b"\x1f"),
    "a block that is not the last": (0x45, b"\xd1\x0a\x0e\xff" + bytes(1024)),
    "an OSCORE option without its length": (0x45, b"\x91\x10\xffx"),
    "too long a message": (0x45, b"\xff" + bytes(256)),
}


@pytest.mark.clause("TC-END-14")
@pytest.mark.parametrize("method", ["get", "observe", "post"])
@pytest.mark.parametrize("bad", BAD_ANSWERS)
def test_no_answer_of_a_server_ends_an_endpoint(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, method: str, bad: str
) -> None:
    # The library drops some of these, and the driver waits as if nothing had come.
    monkeypatch.setattr(tinycontainer_endpoints.coap.network, "TIMEOUT_S", 1.0)
    code, rest = BAD_ANSWERS[bad]
    answers = iter([*[(code, rest)] * 3])

    def answer(request: bytes) -> bytes:
        return reply(request, *next(answers, (0x45, b"\xffgood")))

    with raw_server(answer) as (uri, _):
        driver = desk.make(uri=f"{uri}/x", method=method, interval_ms=100, messages_per_s=1000)
        fd = driver.open(1, desk.now)
        came: list[bytes] = []

        def is_good() -> bool:
            if method == "post":
                driver.write(fd, b"x")
            came.append(driver.read(fd, 255))
            return came[-1] == b"good"

        desk.until(is_good)
    assert len(desk.shown) <= 3
    assert set(came) <= {b"", b"x", b"good"}


@pytest.mark.clause("TC-END-14")
def test_who_is_not_answered_keeps_nobody_else_waiting(desk: Desk) -> None:
    with raw_server(
        lambda request: reply(request, 0x44, b"\xffyes") if b"fast" in request else b""
    ) as (uri, _):
        slow = desk.make(uri=f"{uri}/slow", messages=64, messages_per_s=1000)
        fd = slow.open(1, desk.now)
        assert [slow.write(fd, b"x") for _ in range(64)] == [1] * 64
        fast = desk.make(uri=f"{uri}/fast")
        its_fd = fast.open(1, desk.now)
        fast.write(its_fd, b"x")
        began_s = time.monotonic()
        assert desk.read(fast, its_fd) == b"yes"
        assert time.monotonic() - began_s < 5
        # With all that on its way, the network ends at once and without a complaint.
        desk.resources.close()
        assert time.monotonic() - began_s < 10
        slow.close(fd)
        fast.close(its_fd)
        with pytest.raises(DriverError, match="the network is closed"):
            fast.open(1, desk.now)


@pytest.mark.clause("TC-END-14", "TC-END-04")
def test_an_answer_to_what_was_sent_before_is_for_nobody(desk: Desk) -> None:
    with remote_resource() as resource:
        resource.answer = b"to a secret"
        resource.delay_s = 0.3
        driver = desk.make(uri=resource.uri)
        fd = driver.open(1, desk.now)
        driver.write(fd, b"secret")
        driver.close(fd)
        fd = driver.open(1, desk.now)
        desk.until(lambda: resource.received == [b"secret"])
        time.sleep(0.3)
        assert driver.read(fd, 255) == b""


@pytest.mark.clause("TC-END-14")
def test_a_resource_that_is_observed_tells_its_changes(desk: Desk) -> None:
    with remote_resource() as resource:
        driver = desk.make(uri=resource.uri, method="observe", messages=2)
        fd = driver.open(1, desk.now)
        assert desk.read(driver, fd) == b"now"
        resource.change(b"then")
        assert desk.read(driver, fd) == b"then"
        assert resource.asked == 2
        # Who does not read loses the oldest.
        for number in range(5):
            resource.change(b"%d" % number)
            desk.until(partial(resource.was_asked, 3 + number))
        time.sleep(0.2)
        assert [driver.read(fd, 255) for _ in range(3)] == [b"3", b"4", b""]


@pytest.mark.clause("TC-END-14")
def test_a_resource_that_is_quiet_for_long_is_observed_further(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tinycontainer_endpoints.coap.network, "OBSERVE_S", 0.1)
    with remote_resource() as resource:
        driver = desk.make(uri=resource.uri, method="observe")
        fd = driver.open(1, desk.now)
        assert desk.read(driver, fd) == b"now"
        desk.until(lambda: resource.asked > 3)
        resource.change(b"then")
        assert desk.read(driver, fd) == b"then"
        assert desk.shown == []


@pytest.mark.clause("TC-END-14")
def test_what_cannot_be_reached_is_told_once_and_is_no_failure_of_the_tenant(desk: Desk) -> None:
    driver = desk.make(uri=f"coap://{HOST}:{free_port()}/x", messages=2, messages_per_s=1000)
    fd = driver.open(1, desk.now)
    assert driver.write(fd, b"x") == 1
    desk.until(lambda: driver.read(fd, 255) == b"" and bool(desk.shown))
    assert driver.write(fd, b"x") == 1
    time.sleep(0.3)
    assert driver.read(fd, 255) == b""
    assert len(desk.shown) == 1
    assert desk.shown[0].startswith(b"coap: coap://127.0.0.1:")
    assert desk.shown[0].endswith(b": no such host, or nobody listens there")


@pytest.mark.clause("TC-END-14")
def test_a_host_that_nobody_knows_is_told_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    forget_all_hosts(monkeypatch)
    driver = desk.make(uri="coap://nobody.invalid/x", insecure=True)
    fd = driver.open(1, desk.now)
    assert driver.write(fd, b"x") == 1
    desk.until(partial(desk.has_shown_more, driver, fd, 0))
    line = b"coap: coap://nobody.invalid/x: no such host, or nobody listens there"
    assert desk.shown == [line]


@pytest.mark.clause("TC-END-14")
def test_an_answer_that_no_call_could_read_is_dropped(desk: Desk) -> None:
    with remote_resource() as resource:
        resource.content = b"x" * 256
        driver = desk.make(uri=resource.uri, method="get", interval_ms=100)
        fd = driver.open(1, desk.now)
        desk.until(lambda: driver.read(fd, 255) == b"" and bool(desk.shown))
        assert b"a message of more than 255 bytes is dropped" in desk.shown[0]
        resource.content = b"x" * 255
        assert desk.read(driver, fd) == b"x" * 255


@pytest.mark.clause("TC-END-15")
def test_with_a_context_only_protected_messages_are_sent_and_taken(
    desk: Desk, tmp_path: Path, program: Program
) -> None:
    for name in ("both", "other"):
        program.good("keygen", "--oscore", tmp_path / name)
    with remote_resource(tmp_path / "both" / "operator") as resource:
        resource.answer = b"thanks"
        driver = desk.make(uri=resource.uri, context="both/device")
        fd = driver.open(1, desk.now)
        assert driver.write(fd, b"secret") == 6
        assert desk.read(driver, fd) == b"thanks"
        for stranger in (
            desk.make(uri=resource.uri),
            desk.make(uri=resource.uri, context="other/device"),
        ):
            its_fd = stranger.open(1, desk.now)
            assert stranger.write(its_fd, b"lie") == 3
            desk.until(partial(desk.has_shown_more, stranger, its_fd, len(desk.shown)))
        assert resource.received == [b"secret"]
    assert b"it answers 4.01" in desk.shown[0]


@pytest.mark.clause("TC-END-15")
def test_a_context_that_another_process_uses_refuses_the_open(
    desk: Desk, tmp_path: Path, program: Program
) -> None:
    from tinycontainer.interfaces.network.oscore import open_context  # noqa: PLC0415 - optional
    from tinycontainer.interfaces.network.security_context import read_security_context  # noqa: PLC0415

    program.good("keygen", "--oscore", tmp_path / "it")
    with open_context(read_security_context(tmp_path / "it" / "device")):
        driver = desk.make(context="it/device")
        with pytest.raises(DriverError, match="in use by another process"):
            driver.open(1, desk.now)
    driver.close(driver.open(1, desk.now))


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"uri": "coap://192.0.2.1/x"}, "options.context: without one everybody on the way"),
        ({"uri": "coap://example.org/x"}, "options.context: without one everybody on the way"),
        ({"uri": "http://[::1]/x"}, "options.uri: is no URI such as"),
        ({"uri": "coap://[::1/x"}, "options.uri: is no URI such as"),
        ({"uri": "coap://a@[::1]/x"}, "options.uri: is no URI such as"),
        ({"uri": "coap://[::1]:0/x"}, "options.uri: is no URI such as"),
        ({"uri": ""}, "options.uri"),
        ({"method": "delete"}, "options.method"),
        ({"messages": 65}, "options.messages"),
        ({"interval_ms": 99}, "options.interval_ms"),
        ({"context": "../x"}, "options.context: ../x lies outside"),
        ({"context": "missing"}, "options.context: .*missing: cannot be read"),
        ({"recording": "missing"}, "options.recording: missing cannot be read"),
        ({"surprise": 1}, "options.surprise"),
    ],
)
@pytest.mark.clause("TC-END-15")
def test_wrong_options_are_one_line(desk: Desk, options: dict[str, object], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        desk.make(False, **options)


@pytest.mark.clause("TC-END-16")
def test_in_virtual_time_answers_come_from_the_recording_and_nothing_is_sent(
    desk: Desk, tmp_path: Path
) -> None:
    rows = "".join(f"{at_ms},{at_ms:08x}\n" for at_ms in (0, 10, 20, 20, 30))
    (tmp_path / "answers.csv").write_text("time_ms,payload_hex\n" + rows)
    with remote_resource() as resource:
        driver = desk.make(
            True, uri=resource.uri, method="put", recording="answers.csv", messages=2
        )
        fd = driver.open(1, desk.now)
        assert driver.write(fd, b"x") == 1
        read = []
        for time_ms in (0, 0, 9, 25, 25, 25, 29, 30):
            desk.now.time_us = time_ms * 1000
            read.append(int.from_bytes(driver.read(fd, 255), "big") if time_ms else None)
        assert read == [None, None, 0, 20, 20, 0, 0, 30]
        time.sleep(0.2)
        assert resource.asked == 0
