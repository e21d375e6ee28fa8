"""What does a gateway add to a request, and how much does it serve?

A GET through the gateway is compared with one that its own CoAP client sends to the same device,
by the clock on the wall, as both wait for that device. What the gateway does by itself is told in
processor time of its process. The client is plain sockets: one request after the other on a
connection that is kept, as those of an operator come.
"""

import asyncio
import secrets
import socket
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from support.crowds import SimulatedDevice, close_crowd, make_crowd
from support.gateways import (
    Gateway,
    free_web_port,
    register,
    running_gateway,
    wait_until,
    write_gateway_file,
)
from support.measuring.bare_commits import bare_commits
from support.measuring.measuring import Measure
from support.project import Program
from support.serving import HOST, memory_bytes, protect
from support.yards import make_yard, wait_for

pytest.importorskip("aiocoap")
pytest.importorskip("starlette")

import aiocoap
from support.measuring.servers import REQUESTS_PER_S, Server, agent, running
from support.web_connections import Connection, open_streams

from tinycontainer.interfaces.network.oscore import open_context
from tinycontainer.interfaces.network.security_context import read_security_context
from tinycontainer.network.agent.requests.message import CoapRequest, Code, Method
from tinycontainer.network.gateway.devices.carrier import CoapCarrier, Destination

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="asks Linux for the processor time of a process"
)

GETS = 25
CACHED_GETS = 500
JOBS = 10
DEVICES = 1000
STREAMS = 200
EVENTS = ("tc", "e")
MANY = "cache_ms = 60000\njobs = 1000000\n"
NO_EVENT = 1_000_000_000
"""Above the number of any event: what is asked for is not cached, and the answer is short."""


def settled(gateway: Gateway) -> float:
    """Processor time of a gateway, after it has done what follows an answer."""
    time.sleep(0.01)
    return time.clock_gettime(~gateway.process.pid << 3 | 2)


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as made:
        yield made


@contextmanager
def connected(runner: asyncio.Runner, web: str) -> Iterator[Connection]:
    """A connection with a server of HTTP."""
    connection = runner.run(Connection.open(web))
    try:
        yield connection
    finally:
        connection.close()


@dataclass
class Ways:
    """Two ways to one device, and what takes both in turn.

    Attributes:
        gateway: a connection with it.
        carrier: the gateway's own client of CoAP, in this process.
        to: the device.
        numbers: so that no two requests are alike.
    """

    gateway: Connection
    carrier: CoapCarrier
    to: Destination
    numbers: Iterator[int]

    async def through(self) -> None:
        """Ask over HTTP."""
        for _ in range(GETS):
            path = f"/devices/{self.to.name}/tc/e?since={next(self.numbers)}"
            status, _, body = await self.gateway.ask("GET", path, "Accept: application/cbor")
            if status != 200:
                raise RuntimeError(f"{path}: {status} {body!r}")

    async def direct(self) -> None:
        """Ask over CoAP."""
        for _ in range(GETS):
            query = (f"since={next(self.numbers)}",)
            asked = CoapRequest(b"", Method.GET, EVENTS, query)
            answer = await self.carrier.exchange(self.to, asked)
            if answer.code is not Code.CONTENT:
                raise RuntimeError(f"{self.to.base}: {answer}")


@contextmanager
def unprotected(root: Path, _program: Program) -> Iterator[tuple[Gateway, str, Any]]:
    """A device that everybody may ask, and its gateway."""
    with agent(root) as served, running_gateway(write_gateway_file(root)) as gateway:
        register(gateway, "box", served.uri)
        yield gateway, served.uri, None


@contextmanager
def by_oscore(root: Path, program: Program) -> Iterator[tuple[Gateway, str, Any]]:
    """A device with two peers: its gateway, and somebody who asks it directly."""
    yard = make_yard(root, program, ("box",))
    protect(root / "box", program, somebody=["read"])
    context = read_security_context(root / "box" / "somebody" / "operator")
    with yard.gateway() as gateway, yard.device("box") as served, open_context(context) as opened:
        wait_for(gateway, "box")
        yield gateway, served.uri, opened


@pytest.mark.parametrize("setting", [unprotected, by_oscore], ids=lambda each: str(each.__name__))
def test_a_get_through_a_gateway_against_a_direct_one(
    measure: Measure, runner: asyncio.Runner, tmp_path: Path, program: Program, setting: Any
) -> None:
    with (
        setting(tmp_path, program) as (gateway, uri, security),
        connected(runner, gateway.web) as connection,
    ):
        context = runner.run(aiocoap.Context.create_client_context(transports=["udp6"]))
        ways = Ways(
            connection,
            CoapCarrier(context, secrets.token_bytes, 20.0),
            Destination("box", uri, security),
            count(NO_EVENT),
        )
        measure(
            "gateway: GET",
            setting.__name__.replace("_", " ").replace("oscore", "OSCORE"),
            "gateway",
            lambda: runner.run(ways.through()),
            against={"direct": lambda: runner.run(ways.direct())},
            ratios={
                "direct": lambda each: each["gateway"] / each["direct"],
                "one and a half and 1 ms": lambda each: (
                    each["gateway"] / (1.5 * each["direct"] + GETS * 0.001)
                ),
            },
            before=lambda: time.sleep(2 * GETS / REQUESTS_PER_S),
            per=GETS,
        )
        runner.run(context.shutdown())


@contextmanager
def bare_web_server(path: str, size: int) -> Iterator[tuple[Server, str]]:
    """A bare web server with one resource, whose content is of this size, and its URI."""
    port = free_web_port()
    arguments = ["-m", "support.measuring.bare_web_server", str(port), str(size), path]
    with running(arguments, port) as server:
        wait_until(lambda: is_answered(server, port))
        yield server, f"http://{HOST}:{port}"


def is_answered(server: Server, port: int) -> bool:
    """Whether a web server takes connections already."""
    server.require_running()
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


async def get(connection: Connection, path: str, accept: str) -> bytes:
    """Ask so many times; the last answer's content."""
    for _ in range(CACHED_GETS):
        status, _, body = await connection.ask("GET", path, f"Accept: {accept}")
        if status != 200:
            raise RuntimeError(f"{path}: {status} {body!r}")
    return body


@contextmanager
def crowded(
    root: Path, runner: asyncio.Runner, devices: int, *parameters: str
) -> Iterator[tuple[Gateway, list[SimulatedDevice]]]:
    """A gateway with so many simulated devices."""
    with ExitStack() as held:
        gateway = held.enter_context(running_gateway(write_gateway_file(root, MANY)))
        crowd = runner.run(make_crowd(devices, gateway.coap, *parameters))
        held.callback(close_crowd, crowd)
        yield gateway, crowd


@pytest.mark.parametrize("form", ["json", "cbor"])
def test_a_cached_get_against_a_bare_resource(
    measure: Measure, runner: asyncio.Runner, tmp_path: Path, form: str
) -> None:
    accept, path = f"application/{form}", "/devices/box0000/tc/e"
    with (
        crowded(tmp_path, runner, 1) as (gateway, _),
        connected(runner, gateway.web) as asked,
    ):
        size = len(runner.run(get(asked, path, accept)))
        with bare_web_server(path, size) as (server, web), connected(runner, web) as bare:
            measure(
                "gateway: cached GET",
                form.upper(),
                "gateway",
                lambda: runner.run(get(asked, path, accept)),
                against={"bare resource": lambda: runner.run(get(bare, path, accept))},
                clocks={"gateway": lambda: settled(gateway), "bare resource": server.cpu_s},
                per=CACHED_GETS,
                answer_bytes=size,
            )


def test_a_job_that_is_accepted_against_a_bare_commit(
    measure: Measure, runner: asyncio.Runner, tmp_path: Path
) -> None:
    accepted: list[str] = []

    async def accept(client: Connection) -> None:
        for _ in range(JOBS):
            path = "/devices/box0000/tc/c/626f78?start"
            status, head, body = await client.ask("POST", path, "Prefer: respond-async")
            if status != 202:
                raise RuntimeError(f"{path}: {status} {body!r}")
            accepted.append(head.partition(b"location: ")[2].partition(b"\r\n")[0].decode())

    async def cancel(client: Connection) -> None:
        while accepted:
            await client.ask("DELETE", accepted.pop())

    with (
        crowded(tmp_path, runner, 1, "sleep=3600", "awake=1") as (gateway, _),
        connected(runner, gateway.web) as client,
        bare_commits(tmp_path / "bare.db") as commit,
    ):
        wait_until(lambda: gateway.ask("GET", "/devices/box0000").json()["presence"] == "asleep")
        measure(
            "gateway: job",
            "for a device that sleeps",
            "accepted",
            lambda: runner.run(accept(client)),
            against={"bare commits": lambda: [commit() for _ in range(JOBS)]},
            before=lambda: runner.run(cancel(client)),
            per=JOBS,
        )


async def happen(device: SimulatedDevice, streams: list[AsyncIterator[str]]) -> None:
    """Let an event happen, until everybody has seen it."""
    device.happen()
    for stream in streams:
        await anext(stream)


def test_an_event_that_many_see_among_many_devices(
    measure: Measure, runner: asyncio.Runner, tmp_path: Path
) -> None:
    with crowded(tmp_path, runner, DEVICES) as (gateway, crowd):
        paths = ["/devices/box0000/tc/e"] * STREAMS + ["/devices/box0001/tc/e"]
        connections, streams = runner.run(open_streams(gateway.web, paths))
        for stream in streams:
            runner.run(anext(stream))  # type: ignore[arg-type]
        measure(
            "gateway: event",
            f"{STREAMS} streams",
            "all",
            lambda: runner.run(happen(crowd[0], streams[:STREAMS])),
            against={"one": lambda: runner.run(happen(crowd[1], streams[STREAMS:]))},
            clocks=dict.fromkeys(("all", "one"), lambda: settled(gateway)),
            devices=DEVICES,
            megabytes=round(memory_bytes(gateway.process) / 1e6),
        )
        for each in connections:
            each.close()
