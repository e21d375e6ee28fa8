"""`serve` before it serves: what it refuses, and what it checks."""

from pathlib import Path
from typing import get_args

import pytest
from support.project import Program
from support.serving import make_desk

from tinycontainer.files.device_file import RightName
from tinycontainer.network.agent.requests.rights import Right


@pytest.fixture
def file(tmp_path: Path, program: Program) -> Path:
    make_desk(tmp_path, program)
    return tmp_path / "device.toml"


def change(file: Path, before: str, after: str) -> None:
    text = file.read_text()
    assert before in text
    file.write_text(text.replace(before, after))


@pytest.mark.clause("TC-MGMT-04")
def test_a_device_without_protection_is_served_on_purpose_only(
    file: Path, program: Program
) -> None:
    change(file, "insecure = true", "")
    problem = program.bad("serve", file)
    assert "device.toml: agent.peers: nobody may manage the device" in problem
    assert "[[agent.peers]]" in problem
    assert "insecure = true in [agent]" in problem


PEER = '[[agent.peers]]\nname = "{}"\ncontext = "x"\nrights = ["read"]\n'


@pytest.mark.clause("TC-MGMT-04", "TC-MGMT-14")
@pytest.mark.parametrize(
    ("more", "problem"),
    [
        (PEER.format("a"), "insecure lets everybody do everything"),
        (PEER.format("a") * 2, "two have one name"),
        (PEER.format("a b"), "agent.peers[0].name"),
        (PEER.format("a").replace("read", "kill"), "agent.peers[0].rights[0]"),
        (PEER.format("a").replace('["read"]', "[]"), "agent.peers[0].rights"),
        (PEER.format("a") + 'uids = [""]', "agent.peers[0].uids"),
        (PEER.format("a").replace('"x"', '"../x"'), "agent.peers[0].context"),
        (PEER.format("a"), "agent.peers[0].context: "),
        (PEER.format("a") + 'credential = "y"', "name either a context or a credential"),
        (PEER.format("a").replace("context", "credential"), "identity: is needed"),
    ],
)
def test_peers_that_make_no_sense_are_refused(
    file: Path, program: Program, more: str, problem: str
) -> None:
    if not problem.startswith("insecure"):
        change(file, "insecure = true", "")
    file.write_text(file.read_text() + more)
    for option in ((), ("--check",)):
        found = program.bad("serve", file, *option)
        assert "device.toml: agent" in found
        assert problem in found


def test_the_device_file_and_the_agent_know_the_same_rights() -> None:
    assert get_args(RightName) == tuple(Right)


@pytest.mark.clause("TC-MGMT-04")
@pytest.mark.parametrize("host", ["0.0.0.0", "[::]", "192.0.2.7", "[fe80::1]"])
def test_a_device_without_protection_is_served_on_a_loopback_address_only(
    file: Path, program: Program, host: str
) -> None:
    change(file, "127.0.0.1", host)
    assert "can be reached from outside, and nothing is protected" in program.bad("serve", file)


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "bind",
    [
        "localhost:5683",
        "127.0.0.1:0",
        "127.0.0.1:70000",
        "127.0.0.1:x",
        "[::1",
        "[::1]5683",
        "[::1]:5683:1",
        "::1:1:x",
        ":",
    ],
)
def test_an_address_that_is_none_is_refused(file: Path, program: Program, bind: str) -> None:
    text = file.read_text()
    begin = text.index('bind = "')
    file.write_text(text[:begin] + f'bind = "{bind}"' + text[text.index("\n", begin) :])
    assert "device.toml: agent.bind: " in program.bad("serve", file)


def test_a_check_serves_nothing_and_changes_nothing(file: Path, program: Program) -> None:
    before = sorted(each.name for each in file.parent.iterdir())
    shown = program.good("serve", file, "--check")
    assert "can be served at coap://127.0.0.1:" in shown
    assert sorted(each.name for each in file.parent.iterdir()) == before
    (file.parent / "keys" / "owner.pub").unlink()
    assert "owner.pub" in program.bad("serve", file, "--check")


@pytest.mark.clause("TC-TOOL-03")
def test_what_does_not_go_with_a_recording_is_refused_before_anything_is_served(
    file: Path, program: Program
) -> None:
    tape = file.parent / "tape"
    tape.write_text("an older one")
    assert "tape: exists; use --force" in program.bad("serve", file, "--record", tape)
    assert tape.read_text() == "an older one"
    problem = program.bad("serve", file, "--record", file.parent / "nowhere" / "tape")
    assert "cannot be written: No such file or directory" in problem
    assert "--file-limit bounds what --record writes" in program.bad(
        "serve", file, "--file-limit", "1MiB"
    )
    assert "--check serves nothing" in program.bad("serve", file, "--check", "--record", tape)


@pytest.mark.clause("TC-TOOL-03")
def test_a_device_that_cannot_be_served_leaves_no_recording(file: Path, program: Program) -> None:
    (file.parent / "keys" / "owner.pub").unlink()
    code, _, err = program("serve", file, "--record", file.parent / "tape")
    assert code == 2
    assert "owner.pub" in err
    assert [each.name for each in file.parent.glob("*tape*")] == []
