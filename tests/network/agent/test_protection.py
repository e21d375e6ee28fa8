"""A protected device: who is not known learns nothing, and each peer may do what it may."""

import itertools
import json
import random
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace

import cbor2
import pytest
from support.project import Program
from support.remote_resource import raw_server
from support.serving import HOST, Served, asking, make_desk, protect, protect_by_edhoc, serving

from tinycontainer.interfaces.network.edhoc_identity import read_credential, read_identity
from tinycontainer.network.agent.coap_server import read_request
from tinycontainer.network.agent.operator.client import DeviceRefused
from tinycontainer.network.agent.operator.coap_transport import open_transport
from tinycontainer.network.agent.protection import MAX_SESSIONS, own_credentials
from tinycontainer.network.agent.requests.message import CoapRequest, Method

aiocoap = pytest.importorskip("aiocoap")
BOX = "/tc/c/626f78"
IDS = (f"id={number:016x}" for number in itertools.count(1))
ALL = ["read", "start", "stop", "load", "delete", "reconfigure", "update", "identify"]


@pytest.fixture
def port(tmp_path: Path, program: Program) -> int:
    found = make_desk(tmp_path, program)
    protect(tmp_path, program, alice=ALL, bob=["read"])
    return found


def exchange(port: int, datagram: bytes) -> bytes:
    """The answer to a datagram; empty if there is none within a second."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.settimeout(1)
        asker.sendto(datagram, (HOST, port))
        try:
            return asker.recv(4096)
        except TimeoutError:
            return b""


def plain(code: int, number: int, *options: tuple[int, bytes], payload: bytes = b"") -> bytes:
    """A confirmable request."""
    datagram, before = bytes([0x40, code]) + number.to_bytes(2, "big"), 0
    for option, value in options:
        delta = option - before
        assert max(delta, len(value)) < 269 + 13
        nibbles, more = 0, b""
        for shift, each in ((4, delta), (0, len(value))):
            nibbles |= (each if each < 13 else 13) << shift
            more += bytes([each - 13]) if each >= 13 else b""
        datagram += bytes([nibbles]) + more + value
        before = option
    return datagram + (b"\xff" + payload if payload else b"")


def path_options(path: str) -> list[tuple[int, bytes]]:
    return [(11, part.encode()) for part in path.split("/")[1:]]


@pytest.mark.clause("TC-MGMT-01", "TC-MGMT-13")
def test_whatever_is_asked_without_protection_is_unauthorized(tmp_path: Path, port: int) -> None:
    paths = ["/", "/tc", "/tc/c", BOX, f"{BOX}/m", "/tc/j", "/tc/e", "/tc/su", "/container/"]
    paths += ["/device-id/", "/.well-known/core", "/.well-known/edhoc", "/x"]
    numbers = itertools.count(1)
    with serving(tmp_path, port):
        for path, code in itertools.product(paths, range(1, 8)):
            asked = plain(code, next(numbers), *path_options(path), payload=b"\xf5x")
            assert exchange(port, asked)[1] == 0x81, (path, code)
        # With an option that says "protected", and a path outside: no exchange of keys either.
        for path in paths[1:]:
            asked = plain(2, next(numbers), (9, b"\x09\x01\x02"), *path_options(path), payload=b"x")
            assert exchange(port, asked)[1] == 0x81, path


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (((9, b""),), 0x81),  # no kid: a context that nobody has
        (((9, b"\x09\x01\x02"),), 0x81),
        (((9, b"\x10"),), 0x82),  # a kid context whose length is missing
        (((9, b"\x05\x01"),), 0x82),
        (((9, b"\xe9\x01\x02"),), 0x82),
        (((9, b"\x29\x01\x02"),), 0x82),  # of a group
        (((9, b"\x09\x01\x02"), (9, b"\x09\x01\x02")), 0x82),
        (((9, b"\x09\x01\x02"), (99, b"")), 0x82),
    ],
)
@pytest.mark.clause("TC-MGMT-13")
def test_what_only_looks_protected_is_refused_at_once(
    tmp_path: Path, port: int, options: tuple[tuple[int, bytes], ...], code: int
) -> None:
    with serving(tmp_path, port) as served:
        assert exchange(port, plain(2, 1, *options, payload=b"x" * 20))[1] == code
        ended, _, err = served.end()
    assert (ended, "Traceback" in err) == (0, False)


@pytest.mark.clause("TC-MGMT-13")
def test_a_peer_may_do_what_the_device_file_says(tmp_path: Path, port: int) -> None:
    bundle = (tmp_path / "box.tcb").read_bytes()
    with serving(tmp_path, port) as served:
        with asking(served.uri, tmp_path / "alice" / "operator") as ask:
            assert ask(Method.PUT, f"{BOX}?{next(IDS)}", bundle).code.dotted == "2.01"
            assert ask(Method.POST, f"{BOX}?start&{next(IDS)}").code.dotted == "2.04"
        with asking(served.uri, tmp_path / "bob" / "operator") as ask:
            assert cbor2.loads(ask(Method.GET, BOX).payload)[1] == 2
            for verb in ("start", "stop", "kill"):
                assert ask(Method.POST, f"{BOX}?{verb}&{next(IDS)}").code.dotted == "4.03"
            assert ask(Method.DELETE, f"{BOX}?{next(IDS)}").code.dotted == "4.03"
            assert ask(Method.POST, "/tc/j", bundle).code.dotted == "4.03"
            assert ask(Method.POST, "/device-id/", b"mine").code.dotted == "4.03"
        code, events, err = served.end()
    assert (code, err) == (0, "")
    asked = [each["who"] for each in events if each["event"] == "asked"]
    assert asked == ["alice"] * 2 + ["bob"] * 7
    secrets = {
        json.loads((tmp_path / name / "device" / "secret.json").read_text())["secret_hex"]
        for name in ("alice", "bob")
    }
    assert not any(secret in json.dumps(events) for secret in secrets)


@contextmanager
def listening_in(port: int) -> Iterator[tuple[str, list[bytes]]]:
    """A relay to a port of UDP, and the datagrams that went to it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as back:
        back.connect((HOST, port))
        back.settimeout(5)

        def relay(datagram: bytes) -> bytes:
            back.send(datagram)
            return back.recv(4096)

        with raw_server(relay) as found:
            yield found


@pytest.mark.clause("TC-MGMT-13")
def test_a_request_that_somebody_recorded_is_of_no_use(tmp_path: Path, port: int) -> None:
    bundle = (tmp_path / "box.tcb").read_bytes()
    context = tmp_path / "alice" / "operator"
    with serving(tmp_path, port) as served:
        with listening_in(port) as (uri, heard), asking(uri, context) as ask:
            assert ask(Method.PUT, f"{BOX}?{next(IDS)}", bundle).code.dotted == "2.01"
        assert bundle[:40] not in b"".join(heard)
        with asking(served.uri, context) as ask:
            assert ask(Method.DELETE, f"{BOX}?{next(IDS)}").code.dotted == "2.02"
        for datagram in heard:
            answer = exchange(port, datagram[:2] + b"\xab\xcd" + datagram[4:])
            assert answer[1] == 0x81
        with asking(served.uri, context) as ask:
            assert ask(Method.GET, BOX).code.dotted == "4.04"
            served.end(9)
    # Nor after the next boot, which has forgotten what it was sent.
    with serving(tmp_path, port) as served:
        for datagram in heard:
            # A protected answer, whatever it says inside: that the asker must prove to be alive.
            assert exchange(port, datagram)[1] == 0x44
        with asking(served.uri, context) as ask:
            assert ask(Method.GET, BOX).code.dotted == "4.04"


@pytest.mark.clause("TC-MGMT-13")
def test_a_context_whose_numbers_cannot_be_recorded_is_of_no_use(tmp_path: Path, port: int) -> None:
    context, folder = tmp_path / "bob" / "operator", tmp_path / "bob" / "device"
    with serving(tmp_path, port) as served:
        folder.rename(tmp_path / "away")
        with listening_in(port) as (uri, heard), asking(uri, context) as ask:
            for _ in range(3):
                with pytest.raises(DeviceRefused, match="without protection"):
                    ask(Method.GET, "/tc")
        with asking(served.uri, tmp_path / "alice" / "operator") as ask:
            assert ask(Method.GET, "/tc").code.dotted == "2.05"
        served.end(9)
    (tmp_path / "away").rename(folder)
    with serving(tmp_path, port) as served:
        # Nothing was taken, so nothing can be taken twice.
        for datagram in heard[1:]:
            answer = exchange(port, datagram[:2] + b"\xab\xcd" + datagram[4:])
            assert answer[1] in (0x44, 0x45, 0x81)
        code, events, err = served.end()
    assert (code, "Traceback" in err) == (0, False)
    assert sum(each["event"] == "asked" for each in events) == 2


@pytest.mark.clause("TC-MGMT-10", "TC-MGMT-13")
def test_a_change_is_made_once_also_across_a_kill(tmp_path: Path, port: int) -> None:
    bundle = (tmp_path / "box.tcb").read_bytes()
    context = tmp_path / "alice" / "operator"
    request = f"{BOX}?{next(IDS)}"
    for _ in range(2):
        with serving(tmp_path, port) as served, asking(served.uri, context) as ask:
            assert ask(Method.PUT, request, bundle).code.dotted == "2.01"
            served.end(9)


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda at: (at / "device").chmod(0o755), r"agent\.peers\[0\]\.context: .*make it 0700"),
        (lambda at: (at / "device").rename(at / "gone"), r"agent\.peers\[0\]\.context: .*No such"),
        (lambda at: (at / "device" / "sequence.json").write_text("["), r"sequence\.json"),
        (lambda at: (at / "device" / "sequence.json").write_text("[]"), r"sequence\.json"),
        (
            lambda at: (at / "device" / "sequence.json").write_text('{"next-to-send": 1}'),
            r"sequence\.json",
        ),
    ],
)
def test_a_context_that_cannot_be_used_keeps_the_device_from_being_served(
    tmp_path: Path, port: int, spoil: object, problem: str
) -> None:
    assert callable(spoil)
    spoil(tmp_path / "alice")
    with pytest.raises(RuntimeError, match=problem) as caught, serving(tmp_path, port):
        pass
    assert str(caught.value).count("\n") == 1
    assert "Traceback" not in str(caught.value)


@pytest.mark.clause("TC-MGMT-15")
def test_strangers_who_begin_exchanges_neither_end_it_nor_keep_others_out(
    tmp_path: Path, program: Program
) -> None:
    port = make_desk(tmp_path, program)
    protect_by_edhoc(tmp_path, program, alice=["read"])
    exchange_path = path_options("/.well-known/edhoc")
    draws = random.Random(1)
    me = ("--identity", tmp_path / "alice.edhoc", "--device", tmp_path / "desk.ccs")
    with serving(tmp_path, port) as served:
        codes = []
        for number in range(60):
            payload = draws.choice([b"\xf5", b"\x05", b""]) + draws.randbytes(37)
            codes.append(exchange(port, plain(2, number, *exchange_path, payload=payload))[1])
        assert set(codes) == {0x80, 0x9D}
        time.sleep(1)
        assert program.json("remote", served.uri, *me, "ls") == {"ls": []}
        code, _, err = served.end()
    assert (code, "Traceback" in err) == (0, False)


FIRST_ITEMS = b"\xf5\x03\x02\x58\x20"
OFF_THE_CURVE = bytes([1]) * 32
ON_THE_CURVE = bytes([5]) * 32
FIRST_SESSION = b"\x37"


@pytest.mark.clause("TC-MGMT-15")
def test_messages_at_which_the_library_panics_do_not_reach_it(
    tmp_path: Path, program: Program
) -> None:
    port = make_desk(tmp_path, program)
    protect_by_edhoc(tmp_path, program, alice=["read"])
    exchange_path = path_options("/.well-known/edhoc")
    numbers = itertools.count(1)
    third_messages = (b"", b"\x58\x67", b"\x47" + bytes(7), b"\x59\x01\x00" + bytes(256))

    def begin(payload: bytes) -> int:
        return exchange(port, plain(2, next(numbers), *exchange_path, payload=payload))[1]

    with serving(tmp_path, port) as served:
        assert begin(FIRST_ITEMS + OFF_THE_CURVE + b"\x05") == 0x80
        assert begin(FIRST_ITEMS + ON_THE_CURVE + b"\x05") == 0x44
        for message in third_messages:
            assert begin(FIRST_SESSION + message) == 0x80, message
            combined = (9, b"\x09\x00" + FIRST_SESSION), (21, b"")
            asked = plain(2, next(numbers), *combined, payload=message + bytes(20))
            assert exchange(port, asked)[1] == 0x80, message
        # A third message that can be read is judged by the library; nobody can make one of this.
        assert begin(FIRST_SESSION + b"\x58\x40" + bytes(64)) == 0x80
        code, _, err = served.end()
    assert (code, "panicked" in err, "Traceback" in err) == (0, False, False)


@pytest.mark.clause("TC-MGMT-15")
def test_the_oldest_session_is_forgotten_and_the_others_go_on(
    tmp_path: Path, program: Program
) -> None:
    port = make_desk(tmp_path, program)
    protect_by_edhoc(tmp_path, program, alice=["read"])
    identity = read_identity(tmp_path / "alice.edhoc")
    security = own_credentials(identity, read_credential(tmp_path / "desk.ccs"))
    request = CoapRequest(b"", Method.GET, ("tc",))
    with serving(tmp_path, port) as served, ExitStack() as held:
        sessions = []
        for _ in range(MAX_SESSIONS + 1):
            sessions.append(held.enter_context(open_transport(served.uri, 10, security)))
            assert sessions[-1].ask(request).code.dotted == "2.05"
            time.sleep(0.11)  # no more than ten exchanges a second
        with open_transport(served.uri, 10, security) as last:
            assert last.ask(request).code.dotted == "2.05"
        with pytest.raises(DeviceRefused, match=r"without protection: 4\.01"):
            sessions[0].ask(request)
        assert sessions[-1].ask(request).code.dotted == "2.05"


@pytest.mark.clause("TC-MGMT-15")
def test_who_has_claimed_two_names_is_nobody() -> None:
    message = aiocoap.Message(code=aiocoap.GET)
    for claims, peer in ((["alice"], b"alice"), (["alice", "bob"], b"claims more than one name")):
        message.remote = SimpleNamespace(authenticated_claims=claims)
        found = read_request(message)
        assert found is not None
        assert found.peer == peer


def test_two_peers_with_one_context_are_refused(
    tmp_path: Path, port: int, program: Program
) -> None:
    file = tmp_path / "device.toml"
    file.write_text(file.read_text().replace("bob/device", "alice/device"))
    assert "agent.peers[1].context: is the one of alice too" in program.bad(
        "serve", file, "--check"
    )
    assert port


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks Linux for its memory")
@pytest.mark.clause("TC-MGMT-13")
@pytest.mark.parametrize(
    "count",
    [pytest.param(500, id="some"), pytest.param(20_000, id="many", marks=pytest.mark.long)],
)
def test_damaged_protected_requests_neither_end_it_nor_fill_it(
    tmp_path: Path, port: int, count: int
) -> None:
    context = tmp_path / "alice" / "operator"
    draws = random.Random(count)
    with serving(tmp_path, port) as served:
        with listening_in(port) as (uri, heard), asking(uri, context) as ask:
            assert ask(Method.GET, "/tc").code.dotted == "2.05"
        before, began_s = served.memory_bytes(), time.monotonic()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for number in range(count):
                sender.sendto(damage(draws, heard[-1], number), (HOST, port))
                if number % 100 == 99:
                    assert is_alive(served, context)
        grown = served.memory_bytes() - before
        taken_s = time.monotonic() - began_s
        code, _, err = served.end()
    assert code == 0
    assert grown < 20 << 20
    assert "Traceback" not in err
    assert err.count("\n") <= taken_s + 3


def damage(draws: random.Random, datagram: bytes, number: int) -> bytes:
    """A protected request with a new message id, and one or more bytes of it changed."""
    damaged = bytearray(datagram)
    damaged[2:4] = (number & 0xFFFF).to_bytes(2, "big")
    for _ in range(draws.choice([1, 1, 1, 3])):
        damaged[draws.randrange(4, len(damaged))] = draws.randrange(256)
    return bytes(damaged[: draws.choice([len(damaged), draws.randrange(4, len(damaged))])])


def is_alive(served: Served, context: Path) -> bool:
    with asking(served.uri, context) as ask:
        return ask(Method.GET, "/tc").code.dotted == "2.05"
