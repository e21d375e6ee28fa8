"""Evidence of a served device: over CoAP, in blocks, never observed."""

import socket
from pathlib import Path

import pytest
from support.evidence import NONCE, let_it_sign
from support.project import Program
from support.serving import HOST, asking, make_desk, protect, serving

pytest.importorskip("aiocoap")
from tinycontainer.network.agent.requests.message import Method
from tinycontainer.tools.evidence import check_statement

LONG_UIDS = tuple(
    f"a-container-with-a-long-name-so-that-blocks-are-needed-{n:02}" for n in range(11)
)
RIGHTS = ["read", "start", "load"]
EV = f"/tc/ev?nonce={NONCE.hex()}"


def first_option_when_observed(port: int, path: bytes, query: bytes) -> int:
    """The number of the first option of the answer to a GET that wants to observe."""
    name = bytes([len(path)]) + path
    query = bytes([0x4D, len(query) - 13]) + query
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.settimeout(10)
        asker.sendto(b"\x40\x01\0\1" + b"\x60" + b"\x52tc" + name + query, (HOST, port))
        answer = asker.recv(4096)
    assert answer[1] == 0x45
    return answer[4] >> 4


@pytest.mark.clause("TC-EVID-03")
def test_it_is_not_observed(tmp_path: Path, program: Program) -> None:
    port = make_desk(tmp_path, program)
    let_it_sign(tmp_path, program)
    observe, content_format = 6, 12
    with serving(tmp_path, port):
        assert first_option_when_observed(port, b"e", b"since=000000000") == observe
        assert first_option_when_observed(port, b"ev", b"nonce=0011223344556677") == content_format


@pytest.mark.clause("TC-EVID-03")
def test_a_long_statement_comes_in_blocks_while_the_device_runs(
    tmp_path: Path, program: Program
) -> None:
    port = make_desk(tmp_path, program, LONG_UIDS)
    public = let_it_sign(tmp_path, program)
    protect(tmp_path, program, alice=RIGHTS)
    file = tmp_path / "device.toml"
    file.write_text(file.read_text() + "[capacity]\nslots = 11\n")
    context = tmp_path / "alice" / "operator"
    with serving(tmp_path, port) as served:
        ask = ("remote", served.uri, "--context", context)
        for uid in LONG_UIDS:
            program.good(*ask, "load", tmp_path / f"{uid}.tcb")
            program.good(*ask, "start", uid)
        with asking(served.uri, context) as directly:
            for number in range(20):
                nonce = bytes([number]) * 16
                answer = directly(Method.GET, f"/tc/ev?nonce={nonce.hex()}")
                assert len(answer.payload) > 1024
                statement = check_statement(answer.payload, public, nonce)
                assert [each.uid.decode() for each in statement.containers] == [*LONG_UIDS]
