"""`remote`: an operator's client against a served device, and what it refuses before it asks."""

from pathlib import Path

import pytest
from support.project import Program
from support.serving import HOST, free_port, make_desk, serving

pytest.importorskip("aiocoap")


@pytest.fixture
def port(tmp_path: Path, program: Program) -> int:
    return make_desk(tmp_path, program)


@pytest.mark.clause("TC-MGMT-09", "TC-MGMT-10")
def test_a_container_is_managed_from_its_load_to_its_end(
    tmp_path: Path, program: Program, port: int
) -> None:
    bundle = tmp_path / "box.tcb"
    with serving(tmp_path, port) as served:
        uri = served.uri
        checks = program.json("remote", uri, "judge", bundle)["judge"]
        assert all(row["holds"] is not False for row in checks)
        assert program.good("remote", uri, "load", bundle) == f"load {bundle}: done\n"
        assert "4.09 duplicate-uid: " in program.bad("remote", uri, "load", bundle, code=1)
        again = program.json("remote", uri, "judge", bundle, code=1)["judge"]
        assert [row["check"] for row in again if row["holds"] is False] == ["uid"]
        program.good("remote", uri, "start", "box")
        (row,) = program.json("remote", uri, "ls")["ls"]
        assert (row["uid"], row["state"], row["slot"]) == ("box", "RUNNING", 0)
        program.good("remote", uri, "kill", "box")
        program.good("remote", uri, "replace", bundle)
        assert "box" in program.good("remote", uri, "ls")
        numbers = [row["number"] for row in program.json("remote", uri, "events")["events"]]
        assert numbers == [*range(1, len(numbers) + 1)]
        later = program.json("remote", uri, "events", "--since", numbers[-2])["events"]
        assert [row["number"] for row in later] == numbers[-1:]
        program.good("remote", uri, "delete", "box")
        assert program.json("remote", uri, "ls") == {"ls": []}
        assert "4.04 unknown-uid: " in program.bad("remote", uri, "start", "box", code=1)


@pytest.mark.parametrize(
    "uri",
    [
        "coaps://[::1]",
        "http://[::1]",
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


def test_what_does_not_go_together_is_refused(program: Program, tmp_path: Path) -> None:
    assert "start takes one SUBJECT" in program.bad("remote", "coap://[::1]", "start")
    assert "ls takes no SUBJECT" in program.bad("remote", "coap://[::1]", "ls", "box")
    confirm = ("start", "box", "--confirm", "5s")
    assert "--confirm belongs to replace" in program.bad("remote", "coap://[::1]", *confirm)
    junk = tmp_path / "junk.tcb"
    junk.write_bytes(b"junk")
    problem = program.bad("remote", "coap://[::1]", "load", junk)
    assert "is no bundle with readable metadata" in problem
