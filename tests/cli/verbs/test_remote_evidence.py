"""`remote evidence`: a served device proves what it is to somebody who has its public key."""

import json
from hashlib import sha256
from pathlib import Path

import pytest
from support.evidence import let_it_sign
from support.gateway_doubles import Gateway, gateway
from support.project import Program
from support.serving import make_desk, protect, protect_by_edhoc, serving

pytest.importorskip("aiocoap")
RIGHTS = ["read", "start", "stop", "load", "delete"]
LONG_UIDS = tuple(
    f"a-container-with-a-long-name-so-that-blocks-are-needed-{n:02}" for n in range(9)
)
NONCE = bytes(range(32))


@pytest.fixture
def port(tmp_path: Path, program: Program) -> int:
    found = make_desk(tmp_path, program)
    let_it_sign(tmp_path, program)
    return found


@pytest.fixture(params=["in the clear", "OSCORE", "EDHOC"])
def options(
    request: pytest.FixtureRequest, tmp_path: Path, program: Program, port: int
) -> tuple[object, ...]:
    """What our client needs beside the address of the device."""
    assert port
    if request.param == "in the clear":
        return ()
    if request.param == "OSCORE":
        protect(tmp_path, program, alice=RIGHTS)
        return ("--context", tmp_path / "alice" / "operator")
    protect_by_edhoc(tmp_path, program, alice=RIGHTS)
    return ("--identity", tmp_path / "alice.edhoc", "--device", tmp_path / "desk.ccs")


@pytest.mark.clause("TC-EVID-10")
def test_what_a_device_has_proved_is_said_in_a_few_lines(
    tmp_path: Path, program: Program, port: int, options: tuple[object, ...]
) -> None:
    bundle, key = tmp_path / "box.tcb", ("--key", tmp_path / "evidence.pub")
    with serving(tmp_path, port) as served:
        ask = ("remote", served.uri, *options)
        nothing = program.good(*ask, "evidence", *key).splitlines()
        assert nothing[0].startswith("proved by evidence.pub: a device without an identifier, at ")
        assert nothing[0].endswith("Z, boot 1")
        assert nothing[1:] == ["no events: none was left out"]
        program.good(*ask, "load", bundle)
        digest = sha256(bundle.read_bytes()).hexdigest()
        assert program.good(*ask, "evidence", *key).splitlines()[1:] == [
            f"box: READY, 0 loops, bundle {digest[:16]}",
            "events 1 to 1: none was changed, left out or made up",
        ]
        own = program.good(*ask, "evidence", "box", *key).splitlines()[-1]
        assert own == "events 1 to 1 of box: none was changed, left out or made up"
        found = program.json(*ask, "evidence", *key)["evidence"]
        (box,) = found["containers"]
        assert box == {"uid": "box", "state": "READY", "loops": 0, "bundle": digest}
        assert (found["oldest"], found["newest"], found["trace"]) == (1, 1, "")
        (event,) = found["events"]
        assert (event["number"], json.loads(event["event"])["uid"]) == (1, "box")
        assert found["events"] == program.json(*ask, "events")["events"]
    with serving(tmp_path, port) as served:  # it was killed
        later = program.json("remote", served.uri, *options, "evidence", *key)["evidence"]
    assert (later["boots"], len(later["chain"])) == (2, 64)
    assert later["events"][:1] == found["events"]


@pytest.mark.clause("TC-EVID-08", "TC-EVID-10")
def test_nothing_is_proved_by_another_key(tmp_path: Path, program: Program, port: int) -> None:
    program.good("keygen", tmp_path / "other", "--evidence")
    with serving(tmp_path, port) as served:
        line = program.bad(
            *("remote", served.uri, "evidence", "--key", tmp_path / "other" / "evidence.pub"),
            code=1,
        )
    assert line == "nothing is proved: signature: the statement is not signed by this key"


@pytest.mark.clause("TC-EVID-01", "TC-EVID-10")
def test_a_device_without_a_key_proves_nothing(tmp_path: Path, program: Program) -> None:
    port = make_desk(tmp_path, program)
    program.good("keygen", tmp_path, "--evidence")
    with serving(tmp_path, port) as served:
        key = ("--key", tmp_path / "evidence.pub")
        line = program.bad("remote", served.uri, "evidence", *key, code=1)
    assert line == "4.04 not-found: the device has no key for evidence"


@pytest.mark.clause("TC-EVID-02")
def test_a_peer_with_uids_proves_what_is_its_own(
    tmp_path: Path, program: Program, port: int
) -> None:
    protect(tmp_path, program, alice=RIGHTS)
    file = tmp_path / "device.toml"
    file.write_text(file.read_text() + 'uids = ["box"]\n')
    ask = ("remote", f"coap://127.0.0.1:{port}", "--context", tmp_path / "alice" / "operator")
    key = ("--key", tmp_path / "evidence.pub")
    with serving(tmp_path, port):
        program.good(*ask, "load", tmp_path / "box.tcb")
        assert "4.03 forbidden" in program.bad(*ask, "evidence", *key, code=1)
        assert "4.03 forbidden" in program.bad(*ask, "evidence", "other", *key, code=1)
        found = program.json(*ask, "evidence", "box", *key)["evidence"]
    assert (found["uid"], found["chain"], len(found["events"])) == ("box", "", 1)


@pytest.mark.clause("TC-EVID-10")
def test_a_device_behind_a_gateway_proves_itself_to_its_operator(
    tmp_path: Path, program: Program, port: int
) -> None:
    protect(tmp_path, program, alice=RIGHTS)
    with serving(tmp_path, port), gateway(Gateway(port)) as honest:
        ask = ("remote", honest.uri, "--oscore", tmp_path / "alice" / "operator")
        program.good(*ask, "load", tmp_path / "box.tcb")
        found = program.good(*ask, "evidence", "--key", tmp_path / "evidence.pub")
    assert "events 1 to 1: none was changed, left out or made up" in found


@pytest.mark.clause("TC-EVID-07")
def test_a_recorded_device_states_its_trace(tmp_path: Path, program: Program, port: int) -> None:
    tape = tmp_path / "tape.jsonl"
    with serving(tmp_path, port, "--record", tape) as served:
        ask = ("remote", served.uri)
        program.good(*ask, "load", tmp_path / "box.tcb")
        found = program.json(*ask, "evidence", "--key", tmp_path / "evidence.pub")["evidence"]
        assert served.end()[0] == 0
    assert f'"digest":"{found["trace"]}"' in tape.read_text()
    program.good("run", tmp_path / "device.toml", "--replay", tape)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("evidence",), "evidence needs --key, the public key of the device"),
        (("ls", "--key", "evidence.pub"), "--key belongs to evidence"),
        (("evidence", "--key", "evidence.pub", "--v1"), "version 1 has no evidence"),
        (("evidence", "", "--key", "absent.pub"), "absent.pub: cannot be read"),
        (("evidence", "hex:0", "--key", "evidence.pub"), "is no uid"),
        (("evidence", "--key", "keys/owner.cose"), "is no Ed25519 key; evidence is checked by one"),
        (("evidence", "--key", "device.toml"), "neither PEM nor a COSE_Key"),
    ],
)
def test_what_does_not_go_together_is_refused_before_anything_is_asked(
    tmp_path: Path,
    program: Program,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    program.good("keygen", ".", "--evidence")
    program.good("keygen", "keys", "--mac")
    (tmp_path / "device.toml").write_text("")
    code, _, err = program("remote", "coap://127.0.0.1:9", *words)
    assert code == 2
    assert said in err
