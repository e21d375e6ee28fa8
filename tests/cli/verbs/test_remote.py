"""`remote`: an operator's client against a served device, and what it refuses before it asks."""

import json
import signal
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest
from support.debugging import VECTORS
from support.project import Program
from support.remote_resource import forget_all_hosts, raw_server, reply
from support.serving import HOST, free_port, make_desk, protect, protect_by_edhoc, serving
from support.wasm.modules import leb

pytest.importorskip("aiocoap")


@pytest.fixture
def port(tmp_path: Path, program: Program) -> int:
    return make_desk(tmp_path, program)


@pytest.fixture(params=["in the clear", "OSCORE", "EDHOC"])
def options(
    request: pytest.FixtureRequest, tmp_path: Path, program: Program, port: int
) -> tuple[object, ...]:
    """What our client needs beside the address of the device."""
    assert port
    if request.param == "in the clear":
        return ()
    rights = ["read", "start", "stop", "load", "delete", "reconfigure", "identify"]
    if request.param == "OSCORE":
        protect(tmp_path, program, alice=rights)
        return ("--context", tmp_path / "alice" / "operator")
    protect_by_edhoc(tmp_path, program, alice=rights)
    return ("--identity", tmp_path / "alice.edhoc", "--device", tmp_path / "desk.ccs")


@pytest.mark.clause("TC-MGMT-09", "TC-MGMT-10")
def test_a_container_is_managed_from_its_load_to_its_end(
    tmp_path: Path, program: Program, port: int, options: tuple[object, ...]
) -> None:
    bundle = tmp_path / "box.tcb"
    with serving(tmp_path, port) as served:
        ask = (*("remote", served.uri), *options)
        checks = program.json(*ask, "judge", bundle)["judge"]
        assert all(row["holds"] is not False for row in checks)
        assert program.good(*ask, "load", bundle) == f"load {bundle}: done\n"
        assert "4.09 duplicate-uid: " in program.bad(*ask, "load", bundle, code=1)
        again = program.json(*ask, "judge", bundle, code=1)["judge"]
        assert [row["check"] for row in again if row["holds"] is False] == ["uid"]
        program.good(*ask, "start", "box")
        (row,) = program.json(*ask, "ls")["ls"]
        assert (row["uid"], row["state"], row["slot"]) == ("box", "RUNNING", 0)
        (shown,) = program.json(*ask, "show", "box")["show"]
        assert (shown["uid"], shown["state"]) == ("box", "RUNNING")
        program.good(*ask, "reconfigure", bundle)
        program.good(*ask, "reconfigure", tmp_path / "box.metadata")
        program.good(*ask, "kill", "box")
        program.good(*ask, "replace", bundle)
        assert "box" in program.good(*ask, "ls")
        numbers = [row["number"] for row in program.json(*ask, "events")["events"]]
        assert numbers == [*range(1, len(numbers) + 1)]
        later = program.json(*ask, "events", "--since", numbers[-2])["events"]
        assert [row["number"] for row in later] == numbers[-1:]
        program.good(*ask, "delete", "box")
        assert program.json(*ask, "ls") == {"ls": []}
        assert "4.04 unknown-uid: " in program.bad(*ask, "start", "box", code=1)
        assert program.bad(*ask, "id", code=1) == "4.04 refused, without a reason"
        assert program.good(*ask, "id", "desk-7") == "id desk-7: done\n"
        assert program.json(*ask, "id") == {"id": "desk-7"}


@pytest.mark.clause("TC-TOOL-23")
def test_an_operator_sees_the_lines_where_a_container_trapped(
    tmp_path: Path, program: Program, port: int
) -> None:
    nested = tmp_path / "nested"
    nested.mkdir()
    program.good("build", VECTORS / "nested-dwarf5.wasm", "-o", nested / "nested.wasm")
    manifest = '[container]\nuid = "nested"\ncode = "nested.wasm"\n'
    (nested / "container.toml").write_text(manifest)
    bundle = tmp_path / "nested.tcb"
    program.good("pack", nested, "--keys", tmp_path / "keys", "-o", bundle)
    with serving(tmp_path, port, "--symbols", nested) as served:
        ask = ("remote", served.uri)
        program.good(*ask, "load", bundle)
        program.good(*ask, "start", "nested")
        ended = ""
        while not ended:
            (shown,) = program.json(*ask, "show", "nested")["show"]
            ended = shown["last_exit"]
        assert "divide (nested.c:14), called by shorten (nested.c:31), called by" in ended


@pytest.mark.clause("TC-MGMT-07", "TC-MGMT-08")
def test_the_firmwares_interface_does_as_much_as_it_can(
    tmp_path: Path, program: Program, port: int, options: tuple[object, ...]
) -> None:
    bundle = tmp_path / "box.tcb"
    with serving(tmp_path, port) as served:
        ask = ("remote", served.uri, *options, "--v1")
        program.good(*ask, "load", bundle)
        assert program.bad(*ask, "load", bundle, code=1) == "5.00 refused, without a reason"
        assert program.json(*ask, "show", "box") == {"uid": "box", "running": False}
        program.good(*ask, "start", "box")
        assert program.good(*ask, "show", "box") == "box: running\n"
        program.good(*ask, "stop", "box")
        program.good(*ask, "delete", "box")
        assert program.good(*ask, "show", "box") == "box: not running, or not there\n"
        program.good(*ask, "id", "desk-7")
        assert program.good(*ask, "id") == "desk-7\n"


@pytest.mark.clause("TC-MGMT-05")
def test_a_long_bundle_goes_in_blocks(
    tmp_path: Path, program: Program, port: int, options: tuple[object, ...]
) -> None:
    padding = bytes([0]) + leb(9002) + b"\1x" + bytes(9000)  # a custom section
    code = (tmp_path / "box" / "box.wasm").read_bytes()
    (tmp_path / "box" / "box.wasm").write_bytes(code + padding)
    bundle = tmp_path / "long.tcb"
    program.good("pack", tmp_path / "box", "--keys", tmp_path / "keys", "-o", bundle)
    device = tmp_path / "device.toml"
    device.write_text(device.read_text() + "[capacity]\ncode_bytes = 20000\n")
    with serving(tmp_path, port) as served:
        ask = ("remote", served.uri, *options)
        assert program.json(*ask, "judge", bundle)["judge"]
        program.good(*ask, "load", bundle)
        assert "2.31" not in served.printed()
        (row,) = program.json(*ask, "ls")["ls"]
        assert row["bundle"] == sha256(bundle.read_bytes()).hexdigest()
        assert "at most 3800 bytes fit" in program.bad(*ask, "--v1", "load", bundle, code=1)
        device.write_text(device.read_text().replace("code_bytes = 20000", ""))


@pytest.mark.clause("TC-MGMT-09")
def test_who_watches_sees_what_others_do(tmp_path: Path, program: Program, port: int) -> None:
    protect(tmp_path, program, alice=["load", "start", "stop", "delete"], bob=["read"])
    context = ("--context", tmp_path / "bob" / "operator")
    other = ("--context", tmp_path / "alice" / "operator")
    with serving(tmp_path, port) as served:
        watching = [sys.executable, "-m", "tinycontainer", "remote", served.uri, *context]
        with subprocess.Popen(
            [*map(str, watching), "watch", "--json"], stdout=subprocess.PIPE, text=True
        ) as watcher:
            assert watcher.stdout is not None
            lines = (json.loads(line) for line in watcher.stdout)
            seen: list[str] = []
            for what, subject, state in (
                ("load", tmp_path / "box.tcb", "READY"),
                ("start", "box", "RUNNING"),
                ("kill", "box", "READY"),
                ("delete", "box", "GONE"),
            ):
                program.good("remote", served.uri, *other, what, subject)
                while not seen or seen[-1] != state:
                    seen.append(next(lines)["state"])
            watcher.send_signal(signal.SIGINT)
            assert watcher.wait(timeout=20) == 130
        following = [*map(str, watching), "events", "--follow", "--json"]
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


def test_a_wrong_identity_is_one_line(tmp_path: Path, program: Program, port: int) -> None:
    protect_by_edhoc(tmp_path, program, alice=["read"])
    program.good("keygen", "--edhoc", tmp_path / "eve")
    with serving(tmp_path, port) as served:
        ask = ("remote", served.uri, "ls")
        eve = ("--identity", tmp_path / "eve.edhoc", "--device", tmp_path / "desk.ccs")
        assert "it makes no session by EDHOC: 4.00" in program.bad(*ask, *eve, code=1)
        wrong = ("--identity", tmp_path / "alice.edhoc", "--device", tmp_path / "eve.ccs")
        assert "is the credential that of this device?" in program.bad(*ask, *wrong)
        swapped = ("--identity", tmp_path / "alice.ccs", "--device", tmp_path / "desk.ccs")
        assert "alice.ccs: " in program.bad(*ask, *swapped)
        code, _, err = served.end()
    assert (code, "Traceback" in err) == (0, False)


@pytest.fixture
def identity(tmp_path: Path, program: Program) -> tuple[object, ...]:
    """Options of `remote` for a device that uses EDHOC."""
    for name in ("alice", "desk"):
        program.good("keygen", "--edhoc", tmp_path / name)
    return ("--identity", tmp_path / "alice.edhoc", "--device", tmp_path / "desk.ccs")


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\xff", id="no CBOR"),
        pytest.param(b"\x58\x40" + b"\1" * 64, id="no point of the curve"),
        pytest.param(b"\x58\x40" + b"\5" * 64, id="a point, and nothing else"),
        pytest.param(b"\xff" * 1000, id="too long"),
    ],
)
def test_whatever_a_device_answers_to_an_exchange_of_keys_is_one_line(
    program: Program, identity: tuple[object, ...], message: bytes
) -> None:
    with raw_server(lambda request: reply(request, 0x44, b"\xff" + message)) as (uri, _):
        problem = program.bad("remote", uri, "ls", *identity)
    assert "no session could be made by EDHOC" in problem


def test_a_host_that_nobody_knows_is_one_line(
    program: Program, identity: tuple[object, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    forget_all_hosts(monkeypatch)
    for options in ((), identity):
        problem = program.bad("remote", "coap://nobody.invalid", "ls", *options)
        assert "coap://nobody.invalid: cannot be reached: no such host" in problem


def test_a_wrong_context_is_one_line(tmp_path: Path, program: Program, port: int) -> None:
    protect(tmp_path, program, alice=["read"])
    program.good("keygen", "--oscore", tmp_path / "eve")
    with serving(tmp_path, port) as served:
        ask = ("remote", served.uri, "ls")
        for name in ("eve", "alice"):
            if name == "alice":  # the right ids, but another secret
                (tmp_path / "alice" / "operator" / "secret.json").write_bytes(
                    (tmp_path / "eve" / "operator" / "secret.json").read_bytes()
                )
            problem = program.bad(*ask, "--context", tmp_path / name / "operator", code=1)
            assert "answered without protection: 4.0" in problem
        problem = program.bad(*ask, "--context", tmp_path / "alice" / "device")
        assert "is in use by another process" in problem
        problem = program.bad(*ask, "--context", tmp_path / "nobody")
        assert "nobody: cannot be read: No such file or directory" in problem


@pytest.mark.parametrize(
    "uri",
    [
        "coaps://[::1]",
        "ftp://[::1]",
        "[::1]",
        "coap://",
        "coap://[::1]:x",
        "coap://[::1",
        "coap://a/b",
        "coap://a..b",
        f"coap://{'a' * 300}",
        "",
    ],
)
def test_a_uri_that_is_none_of_a_device_is_refused(program: Program, uri: str) -> None:
    assert "is no URI such as coap://[::1]:5683" in program.bad("remote", uri, "ls")


def test_a_device_that_is_not_there_is_one_line(program: Program) -> None:
    uri = f"coap://{HOST}:{free_port()}"
    assert f"{uri}: cannot be reached: " in program.bad("remote", uri, "ls", "--timeout", 1)


@pytest.mark.clause("TC-TOOL-02")
@pytest.mark.parametrize(
    ("subject", "path"), [("box", "626f78"), ("hex:FF00", "ff00"), ("hex:626f78", "626f78")]
)
def test_a_uid_is_text_or_hexadecimal_digits(program: Program, subject: str, path: str) -> None:
    with raw_server(lambda request: reply(request, 0x84)) as (uri, came):
        assert "4.04" in program.bad("remote", uri, "show", subject, code=1)
    assert path.encode() in came[0]


@pytest.mark.clause("TC-TOOL-02")
@pytest.mark.parametrize(
    ("subject", "problem"),
    [
        ("hex:0", "0 has an odd number of digits"),
        ("hex:xy", "xy is not hexadecimal"),
        ("hex:", "a uid has 1 to 63 bytes, not 0"),
        ("a" * 64, "a uid has 1 to 63 bytes, not 64"),
        ("a\udcff", "write hex: and the digits of the uid"),
    ],
)
def test_what_is_no_uid_is_refused_before_anybody_is_asked(
    program: Program, subject: str, problem: str
) -> None:
    for what in ("show", "start", "stop", "kill", "delete"):
        assert problem in program.bad("remote", f"coap://{HOST}:9", what, subject)


def test_what_does_not_go_together_is_refused(program: Program, tmp_path: Path) -> None:
    assert "start takes one SUBJECT: a uid" in program.bad("remote", "coap://[::1]", "start")
    assert "version 1 has no ls" in program.bad("remote", "coap://[::1]", "ls", "--v1")
    alone = program.bad("remote", "coap://[::1]", "ls", "--identity", "a")
    assert "--identity and --device go together" in alone
    both = ("ls", "--identity", "a", "--device", "b", "--context", "c")
    assert "does not go together with --context" in program.bad("remote", "coap://[::1]", *both)
    assert "--follow belongs to events" in program.bad("remote", "coap://[::1]", "ls", "--follow")
    assert "ls takes no SUBJECT" in program.bad("remote", "coap://[::1]", "ls", "box")
    confirm = ("start", "box", "--confirm", "5s")
    assert "--confirm belongs to replace" in program.bad("remote", "coap://[::1]", *confirm)
    junk = tmp_path / "junk.tcb"
    junk.write_bytes(b"junk")
    for what in ("load", "replace"):
        assert f"{junk}: is no bundle: " in program.bad("remote", "coap://[::1]", what, junk)
    problem = program.bad("remote", "coap://[::1]", "reconfigure", junk)
    assert f"{junk}: its metadata cannot be read: " in problem
