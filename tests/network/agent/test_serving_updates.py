"""A served device that is updated: by the operator's program, with payloads from elsewhere."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.project import Program
from support.remote_resource import Resource, remote_resource
from support.served_updates import desk, write_update
from support.serving import Served, serving

from tinycontainer.metadata import Bundle
from tinycontainer.suit.processor import PayloadRequest

aiocoap = pytest.importorskip("aiocoap")


def code_of(directory: Path) -> bytes:
    return Bundle.decode((directory / "box.tcb").read_bytes(), 1 << 20).code


def wait_until(held: Callable[[], bool]) -> None:
    for _ in range(500):
        if held():
            return
        time.sleep(0.02)
    raise AssertionError("it never came")


@pytest.fixture
def resource() -> Iterator[Resource]:
    with remote_resource() as found:
        yield found


@pytest.mark.clause("TC-UPD-25", "TC-UPD-26")
def test_the_operators_program_updates_a_device(tmp_path: Path, program: Program) -> None:
    port = desk(tmp_path, program, "coap://[::1]:1")
    envelope = write_update(tmp_path)
    with serving(tmp_path, port) as served:
        assert program.good("remote", served.uri, "last-update") == "update: none\n"
        out = program.good("remote", served.uri, "update", envelope)
        assert out == "update 1 of box: done\n"
        seen = program.json("remote", served.uri, "ls")["ls"]
        assert [(each["uid"], each["state"]) for each in seen] == [("box", "RUNNING")]
        again = program.json("remote", served.uri, "update", envelope)["update"]
        assert (again["state"], again["count"]) == ("repeated", 2)
        code, _, error = program("remote", served.uri, "update", tmp_path / "operator.pub")
        assert (code, "4.00 envelope" in error) == (1, True)


@pytest.mark.clause("TC-UPD-14", "TC-UPD-26")
def test_a_device_fetches_what_an_envelope_does_not_carry(
    tmp_path: Path, program: Program, resource: Resource
) -> None:
    port = desk(tmp_path, program, resource.uri.removesuffix("/here"))
    resource.content = code_of(tmp_path)
    with serving(tmp_path, port) as served:
        out = program.good("remote", served.uri, "update", write_update(tmp_path, resource.uri))
        assert out == "update 1 of box: done\n"
        assert program.json("remote", served.uri, "ls")["ls"][0]["state"] == "RUNNING"


@pytest.mark.clause("TC-UPD-14")
@pytest.mark.parametrize(
    ("payload", "reason"), [(b"other", "image"), (bytes(1 << 17), "payload"), (b"", "image")]
)
def test_a_payload_that_is_another_or_too_long_is_refused(
    tmp_path: Path, program: Program, resource: Resource, payload: bytes, reason: str
) -> None:
    port = desk(tmp_path, program, resource.uri.removesuffix("/here"))
    resource.content = payload
    with serving(tmp_path, port) as served:
        code, out, _ = program(
            "remote", served.uri, "update", write_update(tmp_path, resource.uri), "--json"
        )
        assert (code, f'"reason": "{reason}"' in out) == (1, True)
        assert program.json("remote", served.uri, "ls")["ls"] == []
    asked = resource.asked
    assert asked < 100  # it ends where the payload is too long


@pytest.mark.clause("TC-UPD-14")
def test_a_payload_of_another_origin_is_never_asked_for(
    tmp_path: Path, program: Program, resource: Resource
) -> None:
    port = desk(tmp_path, program, "coap://[::1]:1")
    with serving(tmp_path, port) as served:
        envelope = write_update(tmp_path, resource.uri)
        code, _, error = program("remote", served.uri, "update", envelope)
        assert (code, "4.22 payload" in error) == (1, True)
    assert resource.asked == 0


@pytest.mark.clause("TC-UPD-14")
@pytest.mark.parametrize("uri", ["coap://[::1]:9/nobody-is-there", "coap://[::1", "http://[::1]/"])
def test_what_cannot_be_fetched_is_no_payload(uri: str) -> None:
    from tinycontainer.network.agent.fetching import fetch  # noqa: PLC0415 - aiocoap is optional

    assert asyncio.run(fetch(PayloadRequest(uri, 1000))) is None


def test_the_device_goes_on_while_it_waits_for_a_payload(
    tmp_path: Path, program: Program, resource: Resource
) -> None:
    port = desk(tmp_path, program, resource.uri.removesuffix("/here"))
    resource.delay_s = 5.0
    envelope = write_update(tmp_path, resource.uri)
    with serving(tmp_path, port) as served:
        _post(served, envelope.read_bytes())
        wait_until(lambda: resource.asked > 0)
        assert program.json("remote", served.uri, "last-update")["update"]["state"] == "fetching"
        program.good("remote", served.uri, "load", tmp_path / "pal.tcb")
        code, _, _ = served.end()
    assert code == 0  # an update that is in progress does not keep it from ending


def _post(served: Served, envelope: bytes) -> None:
    async def post() -> None:
        context = await aiocoap.Context.create_client_context()
        uri = f"{served.uri}/tc/su?id=00000000000000ff"
        message = aiocoap.Message(code=aiocoap.POST, uri=uri, payload=envelope)
        answer = await context.request(message).response
        assert str(answer.code).startswith("2.04")
        await context.shutdown()

    asyncio.run(asyncio.wait_for(post(), 30))


@pytest.mark.clause("TC-TOOL-10")
def test_a_replay_repeats_updates_without_their_envelopes_and_without_a_network(
    tmp_path: Path, program: Program, resource: Resource
) -> None:
    port = desk(tmp_path, program, resource.uri.removesuffix("/here"))
    resource.content = code_of(tmp_path)
    tape, trace = tmp_path / "tape", tmp_path / "trace"
    with serving(tmp_path, port, "--record", tape) as served:
        program.good("remote", served.uri, "update", write_update(tmp_path, resource.uri))
        program("remote", served.uri, "update", tmp_path / "operator.pub")
        program.good("remote", served.uri, "update", write_update(tmp_path, number=2))
        code, events, _ = served.end()
    assert code == 0
    program.good("run", tmp_path / "device.toml", "--replay", tape, "--trace", trace)
    repeated = [json.loads(line) for line in trace.read_text().splitlines()]
    names = [event["event"] for event in repeated]
    assert names.count("updated") == 2
    assert names.count("load-refused") == 1
    assert repeated == [each for each in events if each["event"] not in ("serving", "asked")]
