"""`remote` through a gateway that does what it should: an honest double before a served device."""

import itertools
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from support.certificates import make_certificate
from support.gateway_doubles import DEVICE_PATH, Asked, Gateway, Reply, Sleepy, gateway, problem
from support.project import Program
from support.remote_resource import remote_resource
from support.served_updates import desk, write_update
from support.serving import HOST, free_port, make_desk, protect, serving
from support.wasm.modules import leb

from tinycontainer.metadata import Bundle

pytest.importorskip("aiocoap")
RIGHTS = ["read", "start", "stop", "load", "delete", "reconfigure", "identify", "update"]
TOKEN = "mF_9.B5f-4.1JqM/+~=="


@pytest.fixture
def port(tmp_path: Path, program: Program) -> int:
    """Of a device that alice manages."""
    found = make_desk(tmp_path, program)
    protect(tmp_path, program, alice=RIGHTS)
    return found


@pytest.fixture
def honest(port: int) -> Iterator[Gateway]:
    with gateway(Gateway(port)) as found:
        yield found


def asking(double: Gateway, directory: Path) -> tuple[object, ...]:
    return ("remote", double.uri, "--oscore", directory / "alice" / "operator")


@pytest.mark.clause("TC-GW-53")
def test_a_container_is_managed_through_a_gateway_as_it_is_without_one(
    tmp_path: Path, program: Program, port: int, honest: Gateway
) -> None:
    bundle = tmp_path / "box.tcb"
    ask = asking(honest, tmp_path)
    with serving(tmp_path, port):
        checks = program.json(*ask, "judge", bundle)["judge"]
        assert all(row["holds"] is not False for row in checks)
        assert program.good(*ask, "load", bundle) == f"load {bundle}: done\n"
        assert "4.09 duplicate-uid: " in program.bad(*ask, "load", bundle, code=1)
        program.good(*ask, "start", "box")
        (row,) = program.json(*ask, "ls")["ls"]
        assert (row["uid"], row["state"], row["slot"]) == ("box", "RUNNING", 0)
        (shown,) = program.json(*ask, "show", "box")["show"]
        assert (shown["uid"], shown["state"]) == ("box", "RUNNING")
        program.good(*ask, "reconfigure", bundle)
        program.good(*ask, "kill", "box")
        program.good(*ask, "replace", bundle)
        numbers = [row["number"] for row in program.json(*ask, "events")["events"]]
        assert numbers == [*range(1, len(numbers) + 1)]
        program.good(*ask, "delete", "box")
        assert program.json(*ask, "ls") == {"ls": []}
        assert program.good(*ask, "id", "desk-7") == "id desk-7: done\n"
        assert program.json(*ask, "id") == {"id": "desk-7"}
        assert program.json(*ask, "last-update")["update"]["state"] == "none"
    assert {(each.method, each.path) for each in honest.asked} == {("POST", DEVICE_PATH)}
    outside = b"".join(each.body + repr(each.headers).encode() for each in honest.asked)
    assert not any(word in outside for word in (b"626f78", b"box.tcb", b"desk-7"))
    numbers_of_messages = [each.option for each in honest.asked]
    assert len(set(numbers_of_messages)) == len(numbers_of_messages)


@pytest.mark.clause("TC-GW-54")
def test_a_long_bundle_goes_through_in_blocks_and_so_do_long_answers(
    tmp_path: Path, program: Program, port: int, honest: Gateway
) -> None:
    padding = bytes([0]) + leb(9002) + b"\1x" + bytes(9000)  # a custom section
    code = tmp_path / "box" / "box.wasm"
    code.write_bytes(code.read_bytes() + padding)
    bundle = tmp_path / "long.tcb"
    program.good("pack", tmp_path / "box", "--keys", tmp_path / "keys", "-o", bundle)
    device = tmp_path / "device.toml"
    device.write_text(device.read_text() + "[capacity]\ncode_bytes = 20000\n")
    ask = asking(honest, tmp_path)
    with serving(tmp_path, port):
        program.good(*ask, "load", bundle)
        assert len(honest.asked) == -(-len(bundle.read_bytes()) // 1024)
        assert honest.connections == 1
        (row,) = program.json(*ask, "ls")["ls"]
        assert row["bundle"] == sha256(bundle.read_bytes()).hexdigest()
        for _ in range(16):
            program.good(*ask, "start", "box")
            program.good(*ask, "kill", "box")
        honest.asked.clear()
        numbers = [row["number"] for row in program.json(*ask, "events")["events"]]
        assert numbers == [*range(1, 33)]
        assert len(honest.asked) > 2


def test_an_update_goes_through_and_is_followed(tmp_path: Path, program: Program) -> None:
    with remote_resource() as resource:
        port = desk(tmp_path, program, resource.uri.removesuffix("/here"))
        protect(tmp_path, program, alice=RIGHTS)
        resource.content = Bundle.decode((tmp_path / "box.tcb").read_bytes(), 1 << 20).code
        resource.delay_s = 0.2  # so that it is not yet over when it is first asked about
        envelope = write_update(tmp_path, resource.uri)
        with gateway(Gateway(port)) as double, serving(tmp_path, port):
            ask = asking(double, tmp_path)
            assert program.good(*ask, "update", envelope) == "update 1 of box: done\n"
            assert program.json(*ask, "ls")["ls"][0]["state"] == "RUNNING"
            assert program.json(*ask, "update", envelope)["update"]["state"] == "repeated"


@pytest.mark.clause("TC-GW-56")
def test_a_new_identifier_is_sent_once(tmp_path: Path, program: Program, honest: Gateway) -> None:
    honest.reply = lambda asked: problem(504, title="Gateway Timeout")
    ask = asking(honest, tmp_path)
    assert "no answer after 1 tries" in program.bad(*ask, "id", "desk-7")
    assert len(honest.asked) == 1
    assert "no answer after 3 tries" in program.bad(*ask, "id")
    assert len(honest.asked) == 4


@pytest.mark.clause("TC-GW-55")
def test_after_a_restart_the_device_asks_who_is_there_and_is_answered(
    tmp_path: Path, program: Program, port: int, honest: Gateway
) -> None:
    ask = asking(honest, tmp_path)
    with serving(tmp_path, port) as served:
        program.good(*ask, "load", tmp_path / "box.tcb")
        served.end(signal.SIGKILL)
    with serving(tmp_path, port):
        for verb, sent in (("start", 2), ("kill", 1)):
            honest.asked.clear()
            program.good(*ask, verb, "box")
            assert len({each.option for each in honest.asked}) == len(honest.asked) == sent


def test_who_watches_through_a_gateway_sees_changes_and_nothing_twice(
    tmp_path: Path, program: Program, port: int, honest: Gateway
) -> None:
    protect(tmp_path, program, bob=["load", "start", "stop", "delete"])
    alice, other = asking(honest, tmp_path), ("--context", tmp_path / "bob" / "operator")
    watching = [sys.executable, "-m", "tinycontainer", *map(str, alice)]
    with (
        serving(tmp_path, port) as served,
        subprocess.Popen(
            [*watching, "watch", "--json"], stdout=subprocess.PIPE, text=True
        ) as watcher,
    ):
        assert watcher.stdout is not None
        seen: list[str] = []
        for what, subject, state in (
            ("load", tmp_path / "box.tcb", "READY"),
            ("start", "box", "RUNNING"),
            ("kill", "box", "READY"),
            ("delete", "box", "GONE"),
        ):
            program.good("remote", served.uri, *other, what, subject)
            while not seen or seen[-1] != state:
                seen.append(json.loads(watcher.stdout.readline())["state"])
        watcher.send_signal(signal.SIGINT)
        assert watcher.wait(timeout=20) == 130
        following = [*watching, "events", "--follow", "--json"]
        with subprocess.Popen(following, stdout=subprocess.PIPE, text=True) as follower:
            assert follower.stdout is not None
            program.good("remote", served.uri, *other, "load", tmp_path / "box.tcb")
            numbers, loaded = [], 0
            while loaded < 2:
                found = json.loads(follower.stdout.readline())
                numbers.append(found["number"])
                loaded += json.loads(found["event"])["event"] == "loaded"
            follower.send_signal(signal.SIGINT)
            assert follower.wait(timeout=20) == 130
    assert numbers == [*range(1, len(numbers) + 1)]


@pytest.mark.clause("TC-GW-56")
def test_a_lost_answer_is_asked_for_again_with_a_new_number_and_done_once(
    tmp_path: Path, program: Program, port: int
) -> None:
    double = Gateway(port)
    losses = [Reply(raw=()), problem(504, title="Gateway Timeout")]

    def lose(asked: Asked) -> Reply:
        found = double.carry(asked)
        return losses.pop() if losses else found

    double.reply = lose
    with gateway(double), serving(tmp_path, port) as served:
        program.good(*asking(double, tmp_path), "load", tmp_path / "box.tcb")
        code, events, _ = served.end()
    assert code == 0
    assert sum(each["event"] == "loaded" for each in events) == 1
    assert len({each.option for each in double.asked}) == len(double.asked) == 3


@pytest.mark.clause("TC-GW-57")
def test_a_sleeping_device_is_waited_for_if_that_is_asked(
    tmp_path: Path, program: Program, port: int
) -> None:
    with gateway(Sleepy(port)) as double, serving(tmp_path, port):
        assert isinstance(double, Sleepy)
        ask = asking(double, tmp_path)
        found = program.bad(*ask, "ls")
        assert found == "box1 sleeps; it may be back in 30 s; --wait waits for it"
        double.retry_after = "soon\x1b"
        assert "nobody knows how long" in program.bad(*ask, "ls")
        double.asked.clear()
        assert program.json(*ask, "--wait", 60, "ls") == {"ls": []}
        first, second = (each for each in double.asked if each.method == "POST")
        assert (first.option, first.body) == (second.option, second.body)
        assert second.headers["prefer"] == "respond-async"
        polls = [each for each in double.asked if each.path == "/jobs/j0"]
        assert [each.headers["prefer"] for each in polls] == ["wait=20"] * 2
        assert double.cancelled == []


@pytest.mark.clause("TC-GW-55", "TC-GW-57")
def test_a_device_that_was_reset_while_it_slept_is_answered_who_is_there(
    tmp_path: Path, program: Program, port: int
) -> None:
    with gateway(Sleepy(port)) as double:
        assert isinstance(double, Sleepy)
        double.wakes_after = 0
        ask = (*asking(double, tmp_path), "--wait", 60)
        with serving(tmp_path, port) as served:
            program.good(*ask, "load", tmp_path / "box.tcb")
            served.end(signal.SIGKILL)
        double.asked.clear()
        with serving(tmp_path, port):
            program.good(*ask, "start", "box")
        posts = [each for each in double.asked if each.method == "POST"]
        assert len({each.option for each in posts}) == 2
        assert len(posts) == 4


@pytest.mark.clause("TC-GW-57")
def test_when_the_waiting_is_over_the_request_is_taken_back(
    tmp_path: Path, program: Program, port: int
) -> None:
    with gateway(Sleepy(port)) as double:
        assert isinstance(double, Sleepy)
        double.wakes_after = None
        ask = (*asking(double, tmp_path), "--wait", 0.2)
        found = program.bad(*ask, "load", tmp_path / "box.tcb")
        assert found == "box1 still sleeps; the gateway says that it has dropped the request"
        assert double.cancelled == ["j0"]
        double.wakes_after = 0
        for state, said in (("cancelled", "it is cancelled"), ("expired", "box1 still sleeps")):
            double.ends_as = state
            assert said in program.bad(*ask, "load", tmp_path / "box.tcb")
            double.ends_as = "unknown"
            patient = (*asking(double, tmp_path), "--wait", 60)
            assert "no answer after 3 tries" in program.bad(*patient, "load", tmp_path / "box.tcb")


@pytest.mark.clause("TC-GW-58")
def test_a_token_is_sent_and_never_shown(tmp_path: Path, program: Program, port: int) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    double = Gateway(port, token=TOKEN)
    with gateway(double), serving(tmp_path, port):
        ask = (*asking(double, tmp_path), "ls")
        assert "the gateway refused: 401 Unauthorized: no such token" in program.bad(*ask, code=1)
        assert "has the mode" in program.bad(*ask, "--token", file)
        file.chmod(0o600)
        assert program.json(*ask, "--token", file) == {"ls": []}
        double.reply = lambda asked: problem(403, detail="x" * 362 + asked.headers["authorization"])
        said = program.bad(*ask, "--token", file, code=1)
        assert "Bearer ..." in said
        assert TOKEN[:6] not in said
        for content in ("", "a b", "a\nb", "a\x1b", "é", "a" * 5000):
            file.write_text(content)
            said = program.bad(*ask, "--token", file)
            assert "holds no bearer token" in said
            assert content == "" or content not in said


@pytest.mark.clause("TC-GW-59")
def test_a_certificate_must_be_trusted_and_that_of_the_gateway(
    tmp_path: Path, program: Program, port: int
) -> None:
    right, other = tmp_path / "right.pem", tmp_path / "other.pem"
    make_certificate(right, HOST)
    make_certificate(other, "192.0.2.1")
    with serving(tmp_path, port):
        with gateway(Gateway(port), right) as double:
            ask = (*asking(double, tmp_path), "ls")
            assert program.json(*ask, "--ca", right) == {"ls": []}
            for trusted in ((), ("--ca", other)):
                assert "its certificate does not hold: " in program.bad(*ask, *trusted)
            assert "holds no certificates" in program.bad(*ask, "--ca", tmp_path / "device.toml")
            assert "cannot be read" in program.bad(*ask, "--ca", tmp_path / "none")
            plain = double.uri.replace("https", "http")
            assert plain in program.bad("remote", plain, *ask[2:], "--timeout", 0.5)
            known = len(double.asked)
        with gateway(Gateway(port), other) as double:
            ask = (*asking(double, tmp_path), "ls", "--ca", other)
            assert "its certificate does not hold: " in program.bad(*ask)
            assert double.asked == []
        with gateway(Gateway(port)) as double:
            secured = double.uri.replace("http", "https")
            ask = ("remote", secured, *asking(double, tmp_path)[2:], "ls")
            assert "no TLS connection could be made" in program.bad(*ask)
    assert known == 1


@pytest.mark.clause("TC-GW-59")
@pytest.mark.parametrize(
    ("uri", "problem"),
    [
        ("http://gateway/devices/box1", "is neither https nor of this machine"),
        ("http://192.0.2.1/devices/box1", "is neither https nor of this machine"),
        ("https://gateway", "names no device"),
        ("https://gateway/", "names no device"),
        *(
            (uri, "is no URI such as https://gateway/devices/box1")
            for uri in (
                "https://user@gateway/devices/box1",
                "https://user:secret@gateway/devices/box1",
                "https://gateway/devices/box1?a",
                "https://gateway/devices/box1?",
                "https://gateway/devices/box1#a",
                "https://gateway/devices/box1#",
                "https:///devices/box1",
                "https://gateway:0/devices/box1",
                "https://gateway:99999/devices/box1",
                "https://[::1/devices/box1",
                "https://gate way/devices/box1",
                "https://gateway/devices/box1\n",
                "https://gateway/" + "a" * 3000,
                "https:gateway/devices/box1",
                "HTTPS://",
            )
        ),
    ],
)
def test_a_uri_over_which_nothing_may_be_sent_is_refused(
    program: Program, tmp_path: Path, uri: str, problem: str
) -> None:
    assert problem in program.bad("remote", uri, "ls", "--oscore", tmp_path)


@pytest.mark.clause("TC-GW-59")
def test_what_does_not_go_together_with_a_gateway_is_refused(
    program: Program, tmp_path: Path
) -> None:
    uri = "https://gateway/devices/box1"
    assert "only --oscore protects requests" in program.bad("remote", uri, "ls")
    identity = ("--identity", "a", "--device", "b")
    assert "--identity does not" in program.bad("remote", uri, "ls", *identity)
    v1 = ("show", "box", "--v1", "--oscore", tmp_path)
    assert "version 1 does not go through a gateway" in program.bad("remote", uri, *v1)
    for option, value in itertools.product(("--token", "--ca", "--wait"), ("1",)):
        told = program.bad("remote", "coap://[::1]", "ls", option, value)
        assert f"{option} belongs to the URI of a gateway" in told
    plain = ("http://127.0.0.1/devices/box1", "ls", "--oscore", tmp_path, "--ca", tmp_path)
    assert "--ca belongs to https" in program.bad("remote", *plain)
    both = ("--oscore", tmp_path, "--context", tmp_path)
    assert "--context is given 2 times" in program.bad("remote", uri, "ls", *both)


def test_a_gateway_that_is_not_there_is_one_line(
    program: Program, tmp_path: Path, port: int
) -> None:
    assert port
    uri = f"http://{HOST}:{free_port()}{DEVICE_PATH}"
    context = ("--oscore", tmp_path / "alice" / "operator")
    assert "cannot be reached: no such host" in program.bad("remote", uri, "ls", *context)
