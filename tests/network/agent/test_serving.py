"""A served device: begun, asked by others' clients, attacked, ended and killed."""

import asyncio
import itertools
import os
import random
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any

import cbor2
import pytest
from support.project import Program
from support.serving import COAP_CLIENT, HOST, Served, coap, make_desk, serving

from tinycontainer.state import SqliteState

aiocoap = pytest.importorskip("aiocoap")
libcoap = pytest.mark.skipif(COAP_CLIENT is None, reason="libcoap's coap-client is not installed")
BOX = "/tc/c/626f78"
IDS = (f"id={number:016x}" for number in itertools.count(1))


@pytest.fixture
def port(tmp_path: Path, program: Program) -> int:
    return make_desk(tmp_path, program, ("box", "pal"))


def ask(
    served: Served, *requests: tuple[str, str, bytes], block: tuple[int, bool, int] | None = None
) -> list[Any]:
    """Ask with aiocoap's client, one by one; for one block of an answer, if one is given."""

    async def ask_all() -> list[Any]:
        context = await aiocoap.Context.create_client_context()
        try:
            return [
                await context.request(
                    aiocoap.Message(
                        code=getattr(aiocoap, method),
                        uri=served.uri + path,
                        payload=payload,
                        block2=block,
                    ),
                    handle_blockwise=block is None,
                ).response
                for method, path, payload in requests
            ]
        finally:
            await context.shutdown()

    return asyncio.run(asyncio.wait_for(ask_all(), 60))


def codes(answers: list[Any]) -> list[str]:
    return [str(answer.code).split()[0] for answer in answers]


@libcoap
@pytest.mark.clause("TC-MGMT-07", "TC-MGMT-08", "TC-MGMT-09")
def test_libcoaps_client_does_all_of_both_interfaces(tmp_path: Path, port: int) -> None:
    from tinycontainer.metadata import Bundle  # noqa: PLC0415

    bundle = tmp_path / "box.tcb"
    parts = Bundle.decode(bundle.read_bytes(), 1 << 20)
    assert max(map(len, (parts.metadata, parts.code))) < 1000
    sections = {65002: parts.metadata, 65003: parts.data, 65004: parts.code}
    with serving(tmp_path, port) as served:
        one, identity = f"{served.uri}/container/", f"{served.uri}/device-id/"
        load = [
            each
            for number, section in sections.items()
            for each in ("-O", f"{number},0x{section.hex()}")
        ]
        assert "c:2.01" in coap(one, "post", "-O", "65001,0x01", *load)
        for action, method, wanted in (
            (2, "put", "2.04"),
            (3, "get", "2.05"),
            (4, "put", "2.04"),
            (5, "delete", "2.02"),
        ):
            options = ("-O", f"65001,0x0{action}", "-O", "65005,box")
            assert f"c:{wanted}" in coap(one, method, *options), action
            time.sleep(0.1)
        assert "c:4.04" in coap(identity)
        assert "c:2.04" in coap(identity, "post", "-e", "desk")
        assert "desk" in coap(identity)
        two = f"{served.uri}{BOX}"
        assert "c:2.01" in coap(f"{two}?{next(IDS)}", "put", "-b", "128", payload=bundle)
        assert "c:2.04" in coap(f"{two}?start&{next(IDS)}", "post")
        assert "c:2.05" in coap(two)
        assert "c:2.05" in coap(f"{two}/m")
        assert "c:2.05" in coap(f"{served.uri}/tc/c")
        assert "c:2.05" in coap(f"{served.uri}/tc/e")
        assert "c:2.04" in coap(f"{two}?stop&{next(IDS)}", "post")
        assert "c:2.04" in coap(f"{served.uri}/tc/j?replaces", "post", payload=bundle)
        assert "c:2.02" in coap(f"{two}?{next(IDS)}", "delete")
        assert "c:4.04" in coap(two)
        code, _, err = served.end()
    assert (code, err.count("\n")) == (0, 1)


@pytest.mark.clause("TC-MGMT-09")
def test_who_observes_is_told_of_each_state(tmp_path: Path, port: int) -> None:
    bundle = (tmp_path / "box.tcb").read_bytes()

    async def watch(served: Served) -> list[tuple[int, int]]:
        context = await aiocoap.Context.create_client_context()
        request = aiocoap.Message(code=aiocoap.GET, uri=served.uri + BOX, observe=0)
        observed = context.request(request)
        first = cbor2.loads((await observed.response).payload)
        seen = [(first[1], first[4])]
        notices = aiter(observed.observation)
        for verb, last in (("start", 2), ("kill", 1)):
            uri = f"{served.uri}{BOX}?{verb}&{next(IDS)}"
            await context.request(aiocoap.Message(code=aiocoap.POST, uri=uri)).response
            while seen[-1][0] != last:
                found = cbor2.loads((await asyncio.wait_for(anext(notices), 10)).payload)
                seen.append((found[1], found[4]))
        await context.shutdown()
        return seen

    with serving(tmp_path, port) as served:
        ask(served, ("PUT", f"{BOX}?{next(IDS)}", bundle))
        states, changes = zip(*asyncio.run(watch(served)), strict=True)
    assert (states[0], 2 in states, states[-1]) == (1, True, 1)
    assert [*changes] == sorted(set(changes))


@pytest.mark.clause("TC-MGMT-09")
def test_nobody_takes_the_place_of_all_who_observe(tmp_path: Path, port: int) -> None:
    async def observe(served: Served) -> list[int]:
        found = []
        contexts = [await aiocoap.Context.create_client_context() for _ in range(5)]
        for context in contexts:
            requests = [
                context.request(
                    aiocoap.Message(code=aiocoap.GET, uri=f"{served.uri}/tc/c", observe=0)
                )
                for _ in range(9)
            ]
            answers = [await request.response for request in requests]
            found.append(sum(answer.opt.observe is not None for answer in answers))
        for context in contexts:
            await context.shutdown()
        return found

    with serving(tmp_path, port) as served:
        found = asyncio.run(observe(served))
    # A peer's ninth takes the place of its first; a fifth peer finds none.
    assert found == [9, 9, 9, 9, 0]


@pytest.mark.clause("TC-MGMT-09")
def test_long_answers_come_in_blocks(tmp_path: Path, port: int) -> None:
    bundle = (tmp_path / "box.tcb").read_bytes()
    with serving(tmp_path, port) as served:
        ask(served, ("PUT", f"{BOX}?{next(IDS)}", bundle))
        changes = [("POST", f"{BOX}?{verb}&{next(IDS)}", b"") for verb in ("start", "kill") * 9]
        # A kill is over after a slice; only then can it be started again.
        for change in changes:
            ask(served, change)
        (events,) = ask(served, ("GET", "/tc/e", b""))
        (beyond,) = ask(served, ("GET", "/tc/e", b""), block=(99, False, 6))
    found = cbor2.loads(events.payload)
    assert codes([beyond]) == ["4.00"]
    assert len(events.payload) > 2048
    assert [number for number, _ in found[1]] == [*range(1, 20)]


def test_what_ran_when_it_was_ended_runs_after_the_next_boot(tmp_path: Path, port: int) -> None:
    bundle = (tmp_path / "box.tcb").read_bytes()
    with serving(tmp_path, port) as served:
        ask(
            served, ("PUT", f"{BOX}?{next(IDS)}", bundle), ("POST", f"{BOX}?start&{next(IDS)}", b"")
        )
        time.sleep(0.5)
        code, events, err = served.end()
    assert code == 0
    assert err.count("\n") == 1
    triggers = [each["trigger"] for each in events if each["event"] == "transition"]
    assert triggers == ["loaded", "start", "stop", "finalized"]
    assert events[-1]["event"] == "trace-ended"
    with serving(tmp_path, port) as served:
        (seen,) = ask(served, ("GET", BOX, b""))
        assert cbor2.loads(seen.payload)[1] == 2
        code, *_ = served.end(signal.SIGINT)
    assert code == 0


def test_two_agents_share_neither_a_port_nor_a_state(tmp_path: Path, port: int) -> None:
    file = tmp_path / "device.toml"
    with serving(tmp_path, port):
        for problem in ("in use by another device", "cannot be used: Address already in use"):
            with pytest.raises(RuntimeError, match=problem), serving(tmp_path, port):
                pass
            file.write_text(file.read_text().replace("device.db", "other.db"))


def malformed(draws: random.Random) -> bytes:
    """A datagram that is none of CoAP, or almost one."""
    head = bytes([draws.choice([0x40, 0x44, 0x48, 0x60, draws.randrange(256)])])
    code = bytes([draws.choice([1, 2, 3, 4, draws.randrange(256)])])
    rest = draws.randbytes(draws.choice([0, 1, 2, 6, 20, 200, 1500]))
    path = draws.choice([b"", b"\xb2tc\x01c", b"\xb9container\x00\xdd\xff\xff", b"\xd1\x0e\xff"])
    return head + code + draws.randbytes(2) + rest[: head[0] & 15] + path + rest


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks Linux for its memory")
@pytest.mark.clause("TC-MGMT-01")
def test_long_requests_of_strangers_are_not_kept(tmp_path: Path, port: int) -> None:
    with serving(tmp_path, port) as served:
        ask(served, ("GET", "/tc", b""))
        before = served.memory_bytes()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for number in range(6_000):
                head = b"\x50\x01" + number.to_bytes(2, "big") + b"\xb1x\xff"
                sender.sendto(head + bytes(3_900), (HOST, port))
                if number % 50 == 49:
                    assert codes(ask(served, ("GET", "/tc", b""))) == ["2.05"]
        assert served.memory_bytes() - before < 20 << 20


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks Linux for its memory")
@pytest.mark.clause("TC-MGMT-01", "TC-MGMT-06")
@pytest.mark.parametrize(
    "count",
    [pytest.param(1_000, id="some"), pytest.param(20_000, id="many", marks=pytest.mark.long)],
)
def test_malformed_datagrams_neither_end_it_nor_fill_it(
    tmp_path: Path, port: int, count: int
) -> None:
    bundle = (tmp_path / "box.tcb").read_bytes()
    draws = random.Random(count)
    with serving(tmp_path, port) as served:
        ask(served, ("PUT", f"{BOX}?{next(IDS)}", bundle), ("GET", "/tc", b""))
        before, began_s = served.memory_bytes(), time.monotonic()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for number in range(count):
                sender.sendto(malformed(draws), (HOST, port))
                if number % 100 == 99:
                    assert codes(ask(served, ("GET", BOX, b""))) == ["2.05"]
        grown = served.memory_bytes() - before
        taken_s = time.monotonic() - began_s
        code, _, err = served.end()
    assert code == 0
    assert grown < 20 << 20
    assert err.count("\n") <= taken_s + 3


@pytest.mark.clause("TC-MGMT-10", "TC-STATE-05")
@pytest.mark.parametrize(
    "kills", [pytest.param(3, id="some"), pytest.param(200, id="many", marks=pytest.mark.long)]
)
def test_every_answer_is_true_after_a_kill(tmp_path: Path, port: int, kills: int) -> None:
    draws = random.Random(kills)
    bundles = {uid: (tmp_path / f"{uid}.tcb").read_bytes() for uid in ("box", "pal")}
    wanted: dict[str, bool] = {}
    asked: tuple[str, bool | None] | None = None
    for _ in range(kills):
        with serving(tmp_path, port) as served:
            check_truth(tmp_path, served, wanted, asked)
            asked = None
            killer = threading.Timer(draws.uniform(0.05, 0.6), os.kill, (served.process.pid, 9))
            killer.start()
            while True:
                uid = draws.choice(["box", "pal"])
                path = f"/tc/c/{uid.encode().hex()}"
                verb = draws.choice(["load", "delete", "start", "kill"])
                asked = uid, {"load": False, "delete": None, "start": True, "kill": False}[verb]
                code = send(served, verb, path, bundles[uid])
                if code is None:
                    break
                if code.startswith("2"):
                    wanted.pop(uid, None)
                    if asked[1] is not None:
                        wanted[uid] = asked[1]
                asked = None
            killer.join()


def send(served: Served, verb: str, path: str, bundle: bytes) -> str | None:
    """What a request is answered; None if it is not answered any more."""
    query = next(IDS)
    method, place, payload = {
        "load": ("PUT", f"{path}?{query}", bundle),
        "delete": ("DELETE", f"{path}?{query}", b""),
    }.get(verb, ("POST", f"{path}?{verb}&{query}", b""))

    async def ask_once() -> str | None:
        context = await aiocoap.Context.create_client_context()
        message = aiocoap.Message(
            code=getattr(aiocoap, method), uri=served.uri + place, payload=payload
        )
        try:
            answer = await asyncio.wait_for(context.request(message).response, 1.5)
        except (TimeoutError, aiocoap.error.NetworkError):
            return None
        finally:
            await context.shutdown()
        return str(answer.code)

    return asyncio.run(ask_once())


def check_truth(
    directory: Path,
    served: Served,
    wanted: dict[str, bool],
    asked: tuple[str, bool | None] | None,
) -> None:
    """What was answered is there; what was asked and not answered may be there."""
    state = SqliteState(directory / "device.db", is_reader=True)
    found = {each.uid.decode(): each.wants_to_run for each in state.containers()}
    state.close()
    open_ends = {asked[0]} if asked else set()
    for uid in open_ends:
        if uid in found:
            wanted[uid] = found[uid]
        else:
            wanted.pop(uid, None)
    assert found == wanted
