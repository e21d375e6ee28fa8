"""What a device signs of itself goes through the gateway as it is, and is never used again."""

from collections.abc import Callable, Iterator
from pathlib import Path

import cbor2
import httpx
import pytest
from support.evidence import NONCE, let_it_sign
from support.fake_device import FakeDevice, Reply, cut
from support.gateways import Gateway, register, running_gateway, write_gateway_file
from support.project import Program
from support.serving import make_desk, serving

pytest.importorskip("starlette")
pytest.importorskip("aiocoap")
from tinycontainer.network.agent.operator.answers import read_stored_events
from tinycontainer.network.agent.requests.message import Option
from tinycontainer.tools.evidence import check_events, check_statement
from tinycontainer_tokens import KeyMaterial

Ask = Callable[..., httpx.Response]
COSE = 'application/cose; cose-type="cose-sign1"'
EV = f"/tc/ev?nonce={NONCE.hex()}"
STATEMENT = ((Option.CONTENT_FORMAT, b"\x12"), (Option.MAX_AGE, b""))


@pytest.fixture(scope="module")
def limits() -> str:
    return "cache_ms = 60000\n"


@pytest.fixture
def desk(tmp_path: Path, program: Program) -> Iterator[tuple[Gateway, KeyMaterial]]:
    """A real device behind a gateway that keeps answers for as long as it may."""
    port = make_desk(tmp_path, program)
    public = let_it_sign(tmp_path, program)
    file = write_gateway_file(tmp_path, "cache_ms = 60000\n")
    with serving(tmp_path, port) as served, running_gateway(file) as found:
        register(found, "desk", served.uri)
        yield found, public


@pytest.mark.clause("TC-EVID-09", "TC-EVID-11")
def test_what_a_real_device_has_signed_is_checked_behind_the_gateway(
    tmp_path: Path, desk: tuple[Gateway, KeyMaterial]
) -> None:
    gateway, public = desk
    bundle = (tmp_path / "box.tcb").read_bytes()
    octets = {"Content-Type": "application/octet-stream"}
    box = "/devices/desk/tc/c/626f78"
    assert gateway.ask("PUT", box, content=bundle, headers=octets).status_code == 201
    accept = {"Accept": "application/cbor"}
    events = gateway.ask("GET", "/devices/desk/tc/e?since=0", headers=accept).content
    _, rows, chain = read_stored_events(events)
    for nonce in (NONCE, bytes(8), bytes(32)):
        found = gateway.ask("GET", f"/devices/desk/tc/ev?nonce={nonce.hex()}")
        assert (found.status_code, found.headers["content-type"]) == (200, COSE)
        assert found.headers["cache-control"] == "no-store"
        statement = check_statement(found.content, public, nonce)
        assert [each.uid for each in statement.containers] == [b"box"]
        assert check_events(statement, chain or b"", rows) == tuple(rows)
    limited = gateway.ask("GET", f"/devices/desk{EV}&uid=626f78")
    assert check_statement(limited.content, public, NONCE).uid == b"box"


@pytest.mark.clause("TC-EVID-11")
def test_a_question_goes_to_the_device_each_time(ask: Ask, fake: FakeDevice) -> None:
    fake.does(lambda _: Reply(payload=b"%d" % len(fake.asked), options=STATEMENT))
    for number in (b"1", b"2", b"3"):
        found = ask("GET", EV)
        assert (found.content, found.headers["content-type"]) == (number, COSE)
        assert found.headers["cache-control"] == "no-store"
    assert [each.query for each in fake.asked] == [(f"nonce={NONCE.hex()}",)] * 3


@pytest.mark.clause("TC-EVID-11")
def test_a_long_statement_comes_whole(ask: Ask, fake: FakeDevice) -> None:
    content = cbor2.dumps([bytes(range(256))] * 20)
    fake.does(lambda asked: cut(asked, content, *STATEMENT))
    assert ask("GET", EV).content == content


@pytest.mark.clause("TC-EVID-11")
@pytest.mark.parametrize(
    ("accept", "status", "wanted"),
    [
        (COSE, 200, b"\x12"),
        ("application/cose", 200, b"\x12"),
        ("*/*", 200, None),
        ('application/cose; cose-type="cose-mac0"', 406, None),
        ("text/event-stream", 406, None),
        ("text/html", 406, None),
    ],
)
def test_it_is_had_as_cose_only(
    ask: Ask, fake: FakeDevice, accept: str, status: int, wanted: bytes | None
) -> None:
    fake.does(lambda _: Reply(payload=b"signed", options=STATEMENT))
    assert ask("GET", EV, headers={"Accept": accept}).status_code == status
    assert [each.option(Option.ACCEPT) for each in fake.asked] == [wanted] * (status == 200)
