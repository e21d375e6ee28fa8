"""A thousand devices register with one gateway, and hundreds look at them at once."""

import asyncio
import resource
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.crowds import close_crowd, make_crowd
from support.gateways import OPEN, Gateway, running_gateway, write_gateway_file
from support.serving import memory_bytes
from support.web_connections import Connection, open_streams

from tinycontainer.interfaces.network.security_context import make_security_contexts

pytest.importorskip("starlette")
pytest.importorskip("aiocoap")
MOST_BYTES = 250_000_000
LISTED = """
[[devices]]
name = "{name}"
context = "{name}"
"""


@contextmanager
def open_files(soft: int) -> Iterator[None]:
    """Let this process, and those that it begins, open so many files if they ask for no more."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, before[1]), before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


async def serve_crowd(gateway: Gateway, devices: int, streams: int) -> None:
    crowd = await make_crowd(devices, gateway.coap)
    looked_at = crowd[:: devices // streams]
    paths = [f"/devices/{each.name}/tc/e" for each in looked_at]
    connections, events = await open_streams(gateway.web, ["/devices", *paths])
    inventory, *events = events
    seen = [await anext(inventory) for _ in range(devices + 1)]
    assert seen == ["device"] * devices + ["complete"]
    assert [await anext(each) for each in events] == ["event"] * streams

    for device in looked_at:
        device.happen()
    assert [await anext(each) for each in events] == ["event"] * streams
    client = await Connection.open(gateway.web)
    for device in crowd:
        status, _, body = await client.ask("GET", f"/devices/{device.name}/tc/e?since=0")
        assert (status, body.count(b"loop")) == (200, 1)

    assert memory_bytes(gateway.process) < MOST_BYTES
    for each in (client, *connections):
        each.close()
    close_crowd(crowd)


@pytest.mark.parametrize(
    ("devices", "streams"), [(100, 20), pytest.param(1000, 200, marks=pytest.mark.long)]
)
def test_many_devices_are_asked_and_looked_at_at_once(
    tmp_path: Path, devices: int, streams: int
) -> None:
    with running_gateway(write_gateway_file(tmp_path)) as gateway:
        with open_files(2 * devices + 2 * streams + 256):
            asyncio.run(asyncio.wait_for(serve_crowd(gateway, devices, streams), 300))
        assert gateway.end() == 0
        assert "Traceback" not in gateway.complaints()


@pytest.mark.parametrize("devices", [100, pytest.param(1000, marks=pytest.mark.long)])
def test_a_gateway_opens_as_many_files_as_its_devices_have_contexts(
    tmp_path: Path, devices: int
) -> None:
    names = [f"box{number:04}" for number in range(devices)]
    for name in names:
        (tmp_path / name).mkdir(mode=0o700)
        for file, content in make_security_contexts(secrets.token_bytes)["operator"].items():
            (tmp_path / name / file).write_bytes(content)
            (tmp_path / name / file).chmod(0o600)
    template = OPEN.replace('{coap}"\ninsecure = true', '{coap}"')
    more = "".join(LISTED.format(name=name) for name in names)
    path = write_gateway_file(tmp_path, more, template=template)
    with open_files(64), running_gateway(path) as gateway:
        assert memory_bytes(gateway.process) < MOST_BYTES
        assert [each["name"] for each in gateway.ask("GET", "/devices").json()] == names
        assert gateway.end() == 0
