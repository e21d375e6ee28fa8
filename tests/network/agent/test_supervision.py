"""A supervisor such as systemd is notified of a served device, over a real socket."""

import asyncio
import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.project import Program
from support.serving import make_desk, serving

from tinycontainer.network.agent.supervision import Supervisor

linux = pytest.mark.skipif(not hasattr(signal, "SIGRTMIN"), reason="abstract names are Linux's")


class Told:
    """A socket to which a supervisor's news come."""

    def __init__(self, bound: socket.socket) -> None:
        self._bound = bound

    def next(self, within_s: float = 20) -> str:
        """The next datagram; empty if none comes in time."""
        self._bound.settimeout(within_s)
        try:
            return self._bound.recv(1 << 12).decode()
        except TimeoutError:
            return ""

    def drop_waiting(self) -> None:
        """Forget what has come so far."""
        while self.next(within_s=0.01):
            pass


@contextmanager
def listening(address: str) -> Iterator[Told]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bound:
        bound.bind(f"\0{address[1:]}" if address.startswith("@") else address)
        yield Told(bound)


@pytest.fixture
def port(tmp_path: Path, program: Program) -> int:
    pytest.importorskip("aiocoap")
    return make_desk(tmp_path, program)


@pytest.mark.parametrize("kind", ["path", pytest.param("abstract", marks=linux)])
def test_it_is_told_when_a_device_is_ready_alive_and_stopping(
    tmp_path: Path, port: int, kind: str
) -> None:
    address = str(tmp_path / "news") if kind == "path" else f"@tinycontainer-{os.getpid()}-{port}"
    environment = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "200000"}
    with listening(address) as told, serving(tmp_path, port, environment=environment) as served:
        while (each := told.next()) != "READY=1":
            assert each == "WATCHDOG=1"
        assert {told.next() for _ in range(3)} == {"WATCHDOG=1"}
        served.process.send_signal(signal.SIGSTOP)  # it hangs
        told.drop_waiting()
        assert told.next(within_s=0.5) == ""
        served.process.send_signal(signal.SIGCONT)
        assert told.next() == "WATCHDOG=1"
        code, _, err = served.end()
        news = []
        while (each := told.next(within_s=0.01)) != "":
            news.append(each)
        assert (code, err.count("\n")) == (0, 1)
        assert {*news} <= {"WATCHDOG=1", "STOPPING=1"}
        assert news.count("STOPPING=1") == 1


def test_without_a_watchdog_it_is_told_what_happens_and_no_more(tmp_path: Path, port: int) -> None:
    address = str(tmp_path / "news")
    others = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"}
    with listening(address) as told, serving(tmp_path, port, environment=others) as served:
        assert told.next() == "READY=1"
        assert told.next(within_s=0.3) == ""
        served.end()
        assert told.next() == "STOPPING=1"


def test_a_supervisor_that_is_gone_ends_no_device(tmp_path: Path, port: int) -> None:
    nowhere = {"NOTIFY_SOCKET": str(tmp_path / "gone"), "WATCHDOG_USEC": "1000"}
    with serving(tmp_path, port, environment=nowhere) as served:
        time.sleep(0.1)
        code, _, err = served.end()
    assert code == 0
    warnings = [line for line in err.splitlines() if "NOTIFY_SOCKET" in line]
    assert warnings == [
        f"warning: NOTIFY_SOCKET: {state} cannot be sent: No such file or directory"
        for state in ("READY=1", "STOPPING=1")
    ]


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("NOTIFY_SOCKET", "news", "is neither a path nor an abstract name"),
        ("NOTIFY_SOCKET", "@", "is neither a path nor an abstract name"),
        ("WATCHDOG_USEC", "0", "is no number of microseconds"),
        ("WATCHDOG_USEC", "-1", "is no number of microseconds"),
        ("WATCHDOG_USEC", "1" * 20, "is no number of microseconds"),
    ],
)
def test_an_environment_that_cannot_be_used_is_refused(name: str, value: str, problem: str) -> None:
    with pytest.raises(ValueError, match=f"^{name}: {problem}$"):
        Supervisor.find({"NOTIFY_SOCKET": "/news", name: value}, 7)


def test_nothing_is_told_where_nobody_supervises() -> None:
    async def work() -> None:
        await asyncio.sleep(0)

    supervisor = Supervisor.find({"WATCHDOG_PID": "7"}, 7)
    supervisor.notify("READY=1")
    asyncio.run(supervisor.watch(work()))


def test_an_event_loop_that_stands_still_is_not_alive(tmp_path: Path) -> None:
    address = str(tmp_path / "news")
    environment = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "40000", "WATCHDOG_PID": "7"}

    async def work(told: Told) -> None:
        await asyncio.sleep(0.1)
        assert told.next(within_s=1) == "WATCHDOG=1"
        told.drop_waiting()
        time.sleep(0.2)
        assert told.next(within_s=0.01) == ""

    with listening(address) as told:
        asyncio.run(Supervisor.find(environment, 7).watch(work(told)))
