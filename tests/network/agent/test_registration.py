"""A served device registers with a directory, and sleeps: by real processes on the loopback."""

import json
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.project import Program
from support.remote_resource import raw_server, reply
from support.scripted_directory import FakeDirectory, directory, obey
from support.serving import HOST, Served, make_desk, protect, serving

from tinycontainer.network.agent.directory import LINKS

aiocoap = pytest.importorskip("aiocoap")
TABLE = """
[agent.registration]
directory = "{uri}"
name = "desk-1"
{more}
"""
NOBODY = "no such host, or nobody listens there"
ALL = ["read", "start", "stop", "load", "delete"]


@pytest.fixture
def port(tmp_path: Path, program: Program) -> int:
    return make_desk(tmp_path, program)


def register(directory: Path, uri: str, more: str = "") -> None:
    """Let the device of a directory register."""
    with (directory / "device.toml").open("a") as file:
        file.write(TABLE.format(uri=uri, more=more))


def wait_until(holds: Callable[[], bool], within_s: float = 20) -> None:
    end_s = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < end_s
        time.sleep(0.02)


def changes(served: Served) -> int:
    return served.printed().count('"registration"')


def states(events: list[dict[str, object]]) -> list[tuple[object, object]]:
    return [(e["state"], e["problem"]) for e in events if e["event"] == "registration"]


@pytest.mark.clause("TC-MGMT-16", "TC-MGMT-17")
def test_a_device_registers_and_withdraws(tmp_path: Path, port: int) -> None:
    with directory() as gateway:
        register(tmp_path, gateway.uri, "lifetime_s = 20")
        with serving(tmp_path, port) as served:
            wait_until(lambda: changes(served) == 1)
            code, events, complaints = served.end()
        first, withdrawal = gateway.heard
    assert (first.method, first.path) == (2, ("rd",))
    assert (first.query, first.payload) == (("ep=desk-1", "lt=20"), LINKS)
    assert {first.asker, withdrawal.asker} == {f"{HOST}:{port}"}
    assert (withdrawal.method, withdrawal.path) == (4, ("rd", "7"))
    assert states(events) == [("registered", "")]
    assert (code, complaints.count("\n")) == (0, 1)


@pytest.mark.long
@pytest.mark.clause("TC-MGMT-17", "TC-MGMT-18")
def test_a_device_renews_and_finds_a_directory_that_comes_back(tmp_path: Path, port: int) -> None:
    with directory() as gateway:
        register(tmp_path, gateway.uri, "lifetime_s = 20")
        with serving(tmp_path, port) as served:
            first, renewal = gateway.wait_for(2)
            assert (renewal.path, renewal.query, renewal.payload) == (("rd", "7"), ("lt=20",), b"")
            assert 7.9 < renewal.at_s - first.at_s < 11
            gateway.vanish()
            wait_until(lambda: changes(served) == 2)
            gateway.appear()
            wait_until(lambda: changes(served) == 3)
            _, events, _ = served.end()
    assert states(events) == [("registered", ""), ("lost", NOBODY), ("registered", "")]


@pytest.mark.clause("TC-MGMT-16", "TC-MGMT-17", "TC-MGMT-18")
def test_a_protected_device_registers_from_where_it_serves(
    tmp_path: Path, port: int, program: Program
) -> None:
    protect(tmp_path, program, gate=ALL)
    # As after a kill: the directory first has the device prove that it is there (Echo).
    numbers = {"next-to-send": 500, "received": "unknown"}
    (tmp_path / "gate/operator/sequence.json").write_text(json.dumps(numbers))
    with directory(tmp_path / "gate/operator", is_there=False) as gateway:
        register(tmp_path, gateway.uri, 'peer = "gate"')
        with serving(tmp_path, port) as served:
            wait_until(lambda: changes(served) == 1)
            gateway.appear()
            wait_until(lambda: changes(served) == 2)
            heard = gateway.heard[-1]
            assert (heard.claims, heard.asker) == (("device",), f"{HOST}:{port}")
            # The same context protects what the gateway asks the device at that address.
            answer = gateway.ask("/tc", f"coap://{heard.asker}")
            assert str(answer.code).startswith("2.05")
            _, events, complaints = served.end()
        assert gateway.heard[-1].method == 4
    assert states(events) == [("lost", NOBODY), ("registered", "")]
    assert complaints == ""


LOCATION = b"\x82rd\x017"
BLOCK = b"\x0e"  # the first of many, of 1,024 bytes


@pytest.mark.parametrize(
    ("rest", "more", "problem"),
    [
        pytest.param(
            [LOCATION, LOCATION + b"\xd1\x02" + BLOCK, b"\xd1\x0a" + BLOCK],
            'peer = "gate"',
            "its answer is not protected by the context",
            id="not-protected",
        ),
        pytest.param(
            [b"\xd1\x0a" + BLOCK, b"\x8e\x07\x00" + bytes(b"x" * 2061), b"\x81\xff"],
            "",
            "it answers 2.01 without a location",
            id="without-sense",
        ),
    ],
)
@pytest.mark.clause("TC-MGMT-16", "TC-MGMT-18")
def test_a_hostile_directory_gets_no_more_than_the_backoff_allows(
    rest: list[bytes], more: str, problem: str, tmp_path: Path, port: int, program: Program
) -> None:
    if more:
        protect(tmp_path, program, gate=ALL)

    def lure(request: bytes) -> bytes:
        return reply(request, 0x41, rest[len(heard) - 1]) if len(heard) <= len(rest) else b""

    with raw_server(lure) as (uri, heard):
        register(tmp_path, uri, more)
        began_s = time.monotonic()
        with serving(tmp_path, port) as served:
            wait_until(lambda: len(heard) == 3)
            assert time.monotonic() - began_s > 3
            assert all((b"desk-1" in each) is (not more) for each in heard)
            code, events, _ = served.end()
    assert code == 0
    assert len(heard) == 3
    assert states(events) == [("lost", problem)]


@pytest.mark.clause("TC-MGMT-17", "TC-MGMT-19")
def test_a_sleeping_device_cannot_be_reached_and_comes_back(
    tmp_path: Path, port: int, program: Program
) -> None:
    protect(tmp_path, program, gate=ALL)
    with directory(tmp_path / "gate/operator") as gateway:
        more = 'peer = "gate"\nlifetime_s = 20\nsleep_s = 1\nawake_s = 1\n'
        register(tmp_path, gateway.uri, more + '[[containers]]\nbundle = "box.tcb"')
        with serving(tmp_path, port) as served:
            first, second = gateway.wait_for(2)[:2]
            assert first.query == ("ep=desk-1", "lt=20", "sleep=1", "awake=1")
            assert (second.path, second.query) == (("rd", "7"), ("lt=20", "sleep=1", "awake=1"))
            assert second.at_s - first.at_s > 1.9
            check_sleep(gateway, served)
            gateway.answer = lambda heard: (132, ()) if heard.path != ("rd",) else obey(heard)
            wait_until(lambda: changes(served) == 3)
            renewal, again = gateway.heard[-2:]
            assert (renewal.path, again.path) == (("rd", "7"), ("rd",))
            assert again.at_s - renewal.at_s < 1
            code, events, complaints = served.end()
        assert gateway.heard[-1] is again, "one that sleeps does not withdraw"
        assert {heard.claims for heard in gateway.heard} == {("device",)}
    lost = ("lost", "it has forgotten the device")
    assert states(events) == [("registered", ""), lost, ("registered", "")]
    sleeping = [event for event in events if event["event"] == "sleeping"]
    assert sleeping == [{"event": "sleeping", "awake_s": 1, "sleep_s": 1}]
    assert code == 0
    assert all("refused with 4.01" in line for line in complaints.splitlines())


def check_sleep(gateway: FakeDirectory, served: Served) -> None:
    """A device that was just renewed answers, sleeps with its containers running, and wakes."""
    assert str(gateway.ask("/tc", served.uri).code).startswith("2.05")
    asked_s = time.monotonic()
    wait_until(lambda: not is_reachable(served))
    assert time.monotonic() - asked_s > 0.7
    count, loops = len(gateway.heard), count_loops(served)
    gateway.wait_for(count + 1)
    assert count_loops(served) > loops + 2
    assert is_reachable(served)


def count_loops(served: Served) -> int:
    return served.printed().count('"hook-ended"')


def is_reachable(served: Served) -> bool:
    """Whether a stranger gets an answer; that does not keep it awake."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.connect((HOST, int(served.uri.rpartition(":")[2])))
        stranger.settimeout(0.3)
        try:
            stranger.send(b"\x50\x01\x00\x01\xb2tc")  # GET /tc, not protected
            return stranger.recv(64)[1] == 0x81
        except (ConnectionRefusedError, TimeoutError):
            return False
