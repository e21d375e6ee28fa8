"""`remote ... withdraw`: an owner's token takes back every right, with or without a gateway."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.gateway_doubles import Gateway, gateway
from support.project import Program
from support.remote_resource import raw_server, reply
from support.serving import make_desk, protect, serving

pytest.importorskip("aiocoap")


@pytest.fixture
def port(tmp_path: Path, program: Program) -> int:
    """Of a device that alice manages."""
    found = make_desk(tmp_path, program)
    protect(tmp_path, program, alice=["read", "load", "start", "delete"], bob=["read", "load"])
    return found


@pytest.fixture(params=["direct", "through a gateway"])
def way(request: pytest.FixtureRequest, port: int) -> Iterator[Gateway | None]:
    """The gateway before the device, if there is one."""
    if request.param == "direct":
        yield None
        return
    with gateway(Gateway(port)) as found:
        yield found


def token(
    program: Program, directory: Path, name: str, *options: object, key: str = "owner"
) -> Path:
    """A mask token for the container, as the command line makes it."""
    path = directory / name
    signed_by = ("--key", directory / "keys" / f"{key}.pem")
    program.good("sign", "mask", "--uid", "box", *signed_by, *options, "-o", path)
    return path


@pytest.mark.clause("TC-MGMT-20", "TC-TOK-33", "TC-GW-53")
def test_a_withdrawn_container_is_gone_and_its_bundle_does_not_come_back(
    tmp_path: Path, program: Program, way: Gateway | None, port: int
) -> None:
    bundle = tmp_path / "box.tcb"
    none = token(program, tmp_path, "none.cwt", "--calls", "none", "--sequence", 2)
    with serving(tmp_path, port) as served:
        uri = served.uri if way is None else way.uri
        ask = ("remote", uri, "--oscore", tmp_path / "alice" / "operator")
        program.good(*ask, "load", bundle)
        program.good(*ask, "start", "box")
        assert program.good(*ask, "withdraw", "box", none) == "withdraw box: done\n"
        assert program.json(*ask, "withdraw", "box", none) == {"done": "withdraw", "subject": "box"}
        while program.json(*ask, "ls")["ls"]:
            pass
        assert "4.03 token: mask token: step 12" in program.bad(*ask, "load", bundle, code=1)
        found = [json.loads(row["event"]) for row in program.json(*ask, "events")["events"]]
        assert [each["sequence"] for each in found if each["event"] == "withdrawn"] == [2]
        with_bob = ("remote", uri, "--oscore", tmp_path / "bob" / "operator")
        problem = program.bad(*with_bob, "withdraw", "box", none, code=1)
        assert "4.03 forbidden: bob has no right to delete" in problem


@pytest.mark.clause("TC-MGMT-20")
def test_what_is_no_withdrawal_of_the_owner_is_refused_in_one_line(
    tmp_path: Path, program: Program, port: int
) -> None:
    calls = token(program, tmp_path, "calls.cwt", "--calls", "open", "--sequence", 2)
    old = token(program, tmp_path, "old.cwt", "--calls", "none")
    none = ("--calls", "none", "--sequence", 2)
    foreign = token(program, tmp_path, "foreign.cwt", *none, key="provider")
    with serving(tmp_path, port) as served:
        ask = ("remote", served.uri, "--oscore", tmp_path / "alice" / "operator")
        program.good(*ask, "load", tmp_path / "box.tcb")
        for file, problem in (
            (calls, "4.00 bad-request: mask token: allows 0x2;"),
            (old, "4.03 token: mask token: is that of the loaded container; sign one with more"),
            (foreign, "4.03 token: mask token: step 6 (signature)"),
            (tmp_path / "box.metadata", "4.03 token: mask token: step 2 (structure)"),
        ):
            assert problem in program.bad(*ask, "withdraw", "box", file, code=1)
        assert [row["uid"] for row in program.json(*ask, "ls")["ls"]] == ["box"]


def test_uid_and_token_file_are_needed_and_read_before_anybody_is_asked(
    tmp_path: Path, program: Program
) -> None:
    long = tmp_path / "long.cwt"
    long.write_bytes(bytes(1025))
    with raw_server(lambda request: reply(request, 0x44)) as (uri, came):
        ask = ("remote", uri)
        assert "withdraw takes one SUBJECT: a uid" in program.bad(*ask, "withdraw")
        only = "withdraw, and nothing else, takes a TOKENFILE after the uid"
        assert only in program.bad(*ask, "withdraw", "box")
        assert only in program.bad(*ask, "delete", "box", long)
        assert "has more than 1024 bytes" in program.bad(*ask, "withdraw", "box", long)
        missing = program.bad(*ask, "withdraw", "box", tmp_path / "no.cwt")
        assert "no.cwt: cannot be read: No such file" in missing
        assert "is no uid" in program.bad(*ask, "withdraw", "hex:0", long)
        problem = program.bad(*ask, "--v1", "withdraw", "box", long)
        assert "version 1 has no withdraw" in problem
    assert came == []
