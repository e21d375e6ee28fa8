"""A gateway in an attacker's hands: at worst it delays and drops, and the operator learns of it.

The device's own lines are the truth: which commands it has carried out, and how often.
"""

import itertools
import json
import random
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from support.gateway_doubles import gateway
from support.hostile import inert
from support.hostile_gateway import ATTACKS, QUICK, HostileGateway, send_on
from support.project import Program
from support.serving import Served, make_desk, protect, serving

from tinycontainer.network.agent.operator.client import Requests

pytest.importorskip("aiocoap")
RIGHTS = ["read", "start", "stop", "load", "delete", "reconfigure", "identify"]
TOKEN = "gateway-token-7f3a9c"
COMMANDS = ("load", "start", "kill", "reconfigure", "replace", "delete")
_CHANGES = ("loaded", "replacing", "reconfigured", "start", "kill", "delete")


@dataclass
class Operator:
    """Alice with her program, and what she knows of her commands.

    Attributes:
        program: hers.
        ask: the beginning of each command line.
        ids: those that her program has drawn.
        done: ids of the commands of which it said that they were done.
    """

    program: Program
    ask: tuple[object, ...]
    bundle: Path
    ids: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)

    def give(self, what: str) -> tuple[int, str]:
        """Give a command: the exit code and what it says; both are checked for their form."""
        subject = self.bundle if what in ("load", "reconfigure", "replace") else "box"
        given = (what,) if what == "ls" else (what, subject)
        drawn = len(self.ids)
        code, out, err = self.program(*self.ask, *given)
        assert len(self.ids) - drawn <= (what in COMMANDS), "a repetition has another id"
        if code == 0:
            assert err == ""
            self.done += self.ids[drawn : drawn + (what in COMMANDS)]
        else:
            assert code in (1, 2)
            assert out == ""
            assert err.startswith("error: ")
            assert err.count("\n") == 1
            assert inert(err)
            assert len(err) < 700
        assert TOKEN not in out + err
        return code, out + err


@pytest.fixture
def port(tmp_path: Path, program: Program) -> int:
    found = make_desk(tmp_path, program)
    protect(tmp_path, program, alice=RIGHTS, bob=["read"])
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "token").chmod(0o600)
    return found


@pytest.fixture
def enlist(
    tmp_path: Path, program: Program, monkeypatch: pytest.MonkeyPatch
) -> Callable[[HostileGateway], Operator]:
    """Makes the operator who goes through a gateway."""

    def make(double: HostileGateway) -> Operator:
        options = ("--oscore", tmp_path / "alice" / "operator", "--token", tmp_path / "token")
        times = ("--timeout", 0.4, "--wait", 0.3)
        ask = ("remote", double.uri, *options, *times)
        found = Operator(program, ask, tmp_path / "box.tcb")

        def requests(transport: Any, random_bytes: Callable[[int], bytes], *rest: Any) -> Requests:
            def draw(size: int) -> bytes:
                drawn = random_bytes(size)
                found.ids += [drawn.hex()] if size == 8 else []
                return drawn

            return Requests(transport, draw, *rest)

        monkeypatch.setattr("tinycontainer.cli.verbs.network.remote.Requests", requests)
        return found

    return make


def carried_out(printed: str) -> list[str]:
    """The ids of the commands that a device has carried out, each as often as it did."""
    found, has_changed = [], False
    of_replacement: list[str] = []  # what is yet to come of a replacement by itself
    lines = printed[: printed.rfind("\n") + 1].splitlines()
    for event in map(json.loads, lines):
        kind = event["trigger"] if event["event"] == "transition" else event["event"]
        if kind == "serving":
            has_changed, of_replacement = False, []  # what was there before is there again
        elif kind == "delete" and event["reason"] == "replaced":
            of_replacement = ["loaded", "start"] if event["before"] == "running" else ["loaded"]
        elif kind in of_replacement and event["event"] in ("transition", kind):
            if event["event"] == "transition":
                of_replacement.remove(kind)
        elif kind == "asked" and has_changed:
            found.append(event["what"].rpartition("id=")[2])
            has_changed = False
        else:
            has_changed |= kind in _CHANGES
    assert not has_changed, "a change that nobody has asked for"
    return found


class Device:
    """A served device that can be started again; it keeps what was printed."""

    def __init__(self, directory: Path, port: int) -> None:
        self._directory = directory
        self._port = port
        self._before = ""
        self._served: Served | None = None

    @contextmanager
    def boot(self) -> Iterator[None]:
        """Serve it until the block is left, which cuts its power."""
        with serving(self._directory, self._port) as served:
            self._served = served
            yield
            self._before = self.printed()
            self._served = None
            served.end(signal.SIGKILL)

    def printed(self) -> str:
        """All that it has printed since its first boot."""
        return self._before + ("" if self._served is None else self._served.printed())


def check(operator: Operator, device: Device) -> None:
    """Whether what must hold of all commands so far does."""
    times = Counter(carried_out(device.printed()))
    assert set(times) <= set(operator.ids), "a command that its sender did not make"
    assert all(count == 1 for count in times.values()), "a command that was carried out twice"
    assert set(operator.done) <= set(times), (
        "a command that was not carried out, and counts as done"
    )


@pytest.mark.clause("TC-GW-56", "TC-GW-60")
@pytest.mark.parametrize(
    ("seed", "count"),
    [
        pytest.param(1, 42, id="some"),
        *(pytest.param(seed, 150, marks=pytest.mark.long) for seed in (2, 3, 4)),
    ],
)
def test_whatever_a_gateway_does_no_command_is_forged_doubled_or_wrongly_reported(
    tmp_path: Path,
    port: int,
    enlist: Callable[[HostileGateway], Operator],
    seed: int,
    count: int,
) -> None:
    draws = random.Random(seed)
    device = Device(tmp_path, port)
    attacks = itertools.chain(draws.sample(ATTACKS, len(ATTACKS)), iter(lambda: None, 0))
    runs = [next(attacks) or draws.choice(ATTACKS) for _ in range(count)]
    boots = 3 if count < 100 else 10
    with gateway(HostileGateway(port, seed)) as double:
        assert isinstance(double, HostileGateway)
        operator = enlist(double)
        outcomes: Counter[int] = Counter()
        for part in range(boots):
            with device.boot():
                for message in double.draws.sample(double.messages, min(20, len(double.messages))):
                    double.send(message)
                for attack in runs[part::boots]:
                    for what in ("load", draws.choice(COMMANDS), "start")[: draws.choice([1, 2])]:
                        double.attack = attack
                        outcomes[operator.give(what)[0]] += 1
                        check(operator, device)
                    double.attack = send_on
                    outcomes[operator.give(draws.choice(COMMANDS))[0]] += 1
                    check(operator, device)
                for held in double.held:
                    double.send(held)
                check(operator, device)
    assert outcomes[0] >= count // 6
    assert outcomes[1] + outcomes[2] >= count // 2


@pytest.mark.clause("TC-GW-56")
def test_what_is_read_through_a_gateway_is_what_the_device_said(
    tmp_path: Path, port: int, enlist: Callable[[HostileGateway], Operator]
) -> None:
    with gateway(HostileGateway(port, 7)) as double, serving(tmp_path, port):
        assert isinstance(double, HostileGateway)
        operator = enlist(double)
        assert "READY" not in operator.give("ls")[1]
        assert operator.give("load")[0] == 0
        assert "READY" in operator.give("ls")[1]
        for attack in QUICK:
            double.attack = attack
            code, said = operator.give("ls")
            assert code or "READY" in said
