"""What does it cost to serve a device over CoAP, and how long does a request wait?

What a server costs is the processor time of its process, and each server is a process of its own:
so everything counts that is done for a request, in the library, in the kernel and when the event
loop wakes, and nothing counts of the client, which needs as long again. Wall time would tell the
time of both, and calls within one process would leave out the event loop and the kernel. Requests
come one by one, as those of an operator do. The agent prints nothing, as the bare server does.
"""

import random
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest
from support.measuring.measuring import Measure
from support.wasm.modules import loop
from support.worlds import KEYS, blueprint, times

from tinycontainer.assembly import Device
from tinycontainer.metadata import ContainerType
from tinycontainer.tools.packing.packing import pack

pytest.importorskip("aiocoap")

from support.measuring.servers import REQUESTS_PER_S, Client, Server, agent, bare_server

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="asks Linux for the processor time of a process"
)

UPLOAD_BYTES = 64 * 1024
BLOCKS = UPLOAD_BYTES // 1024
GETS = 50
IDLE_S = 2.0
LATENCIES = 1000
PYWASM = '[runtimes]\nwasm = "pywasm"\n'
STATE = '[state]\nfile = "device.db"\n'


def place(uid: str) -> str:
    return f"/tc/c/{uid.encode().hex()}"


def bundle(uid: str, code: bytes, data: bytes = b"", period_ms: int = 1000) -> bytes:
    plan = blueprint(uid, kind=ContainerType.WASM, security=times(period=period_ms))
    return pack(plan, code, data, KEYS).encode()


def settled(server: Server) -> float:
    """Processor time of a server, after it has done what follows an answer."""
    time.sleep(0.01)
    return server.cpu_s()


@pytest.fixture
def client() -> Iterator[Client]:
    with Client() as made:
        yield made


def load(client: Client, server: Server, uid: str, code: bytes, *, starts: bool = False) -> None:
    client.wait_for(server, "/tc")
    client.ask("PUT", f"{server.uri}{place(uid)}?{client.new_id()}", bundle(uid, code))
    if starts:
        client.ask("POST", f"{server.uri}{place(uid)}?start&{client.new_id()}")


def test_a_get_against_a_bare_resource(measure: Measure, client: Client, tmp_path: Path) -> None:
    path = place("box")
    with agent(tmp_path) as served:
        load(client, served, "box", loop("i32.const 0"))
        size = len(client.ask("GET", served.uri + path).payload)
        with bare_server(path, size) as bare:
            client.wait_for(bare, path)
            answer = measure(
                "agent: GET",
                "state of a container",
                "agent",
                lambda: client.ask("GET", served.uri + path, times=GETS),
                against={"bare resource": lambda: client.ask("GET", bare.uri + path, times=GETS)},
                before=lambda: time.sleep(GETS / REQUESTS_PER_S),
                clocks={
                    "agent": lambda: settled(served),
                    "bare resource": lambda: settled(bare),
                },
                per=GETS,
                answer_bytes=size,
            )
    assert len(answer.payload) == size


@dataclass
class Uploads:
    """Puts one bundle after the other; each is another container, as a device knows what it saw."""

    client: Client
    agent: Server
    bare: Server
    local: Device
    _numbers: Iterator[int] = field(default_factory=count)
    _uid: str = ""
    _ahead: list[bytes] = field(default_factory=list)

    def prepare(self) -> None:
        """Delete what was loaded, and pack what comes next."""
        if self._uid:
            uri = f"{self.agent.uri}{place(self._uid)}"
            self.client.ask("DELETE", f"{uri}?{self.client.new_id()}")
        for view in self.local:
            self.local.delete(view.uid)
        time.sleep(2 * BLOCKS / REQUESTS_PER_S)
        self._uid, self.bundle = self._pack()
        while len(self._ahead) < 2:  # the first round is followed by a load of the next
            self._ahead.append(self._pack()[1])

    def put(self) -> None:
        """To the agent, which loads it."""
        uri = f"{self.agent.uri}{place(self._uid)}"
        self.client.ask("PUT", f"{uri}?{self.client.new_id()}", self.bundle)

    def put_bare(self) -> None:
        """To the bare server, which drops it."""
        self.client.ask("PUT", self.bare.uri + place("box"), self.bundle)

    def load(self) -> None:
        """Another one, into a device of this process."""
        self.local.load(self._ahead.pop())

    def _pack(self) -> tuple[str, bytes]:
        uid = f"box-{next(self._numbers):04}"
        code = loop("i32.const 0")
        # Longer data needs a longer head: by at most four octets, in each of three places.
        data = random.Random(uid).randbytes(UPLOAD_BYTES - len(bundle(uid, code)) - 12)
        return uid, bundle(uid, code, data)


def test_an_upload_against_a_bare_put_and_a_load(
    measure: Measure, client: Client, tmp_path: Path
) -> None:
    with agent(tmp_path) as served, bare_server(place("box"), 1) as bare:
        client.wait_for(served, "/tc")
        client.wait_for(bare, place("box"))
        uploads = Uploads(client, served, bare, Device.from_file(tmp_path / "device.toml"))
        measure(
            "agent: upload",
            "64 KiB",
            "agent",
            uploads.put,
            before=uploads.prepare,
            against={"bare PUT": uploads.put_bare, "load": uploads.load},
            ratios={"both": lambda each: each["agent"] / (each["bare PUT"] + each["load"])},
            clocks={
                "agent": lambda: settled(served),
                "bare PUT": lambda: settled(bare),
                "load": time.process_time,
            },
            bundle_bytes=UPLOAD_BYTES,
        )
        assert 0 <= UPLOAD_BYTES - len(uploads.bundle) < 12


def test_an_idle_agent(measure: Measure, client: Client, tmp_path: Path) -> None:
    with agent(tmp_path, more=STATE) as served:
        load(client, served, "box", loop("i32.const 0"), starts=True)
        measure(
            "agent: idle",
            "one loop a second",
            "agent",
            lambda: time.sleep(IDLE_S),
            ratios={"a core": lambda each: each["agent"] / IDLE_S},
            clocks={"agent": served.cpu_s},
        )


def test_latency_beside_an_endless_loop(measure: Measure, client: Client, tmp_path: Path) -> None:
    draws = random.Random(LATENCIES)
    (tmp_path / "busy").mkdir()
    (tmp_path / "idle").mkdir()
    with (
        agent(tmp_path / "busy", more=PYWASM) as served,
        agent(tmp_path / "idle", more=PYWASM) as idle,
    ):
        load(client, served, "box", loop("(loop br 0) i32.const 0"), starts=True)
        load(client, idle, "box", loop("i32.const 0"))

        def get(server: Server) -> float:
            began = time.perf_counter()
            client.ask("GET", server.uri + place("box"))
            return time.perf_counter() - began

        latencies = []
        for _ in range(LATENCIES):
            time.sleep(draws.uniform(0, 0.02))
            latencies.append(get(served) * 1000)
        measure(
            "agent: latency",
            "GET beside an endless loop, pywasm",
            "busy agent",
            lambda: get(served),
            against={"idle agent": lambda: get(idle)},
            before=lambda: time.sleep(1 / REQUESTS_PER_S),
            median_ms=round(statistics.median(latencies), 1),
            percentile_99_ms=round(statistics.quantiles(latencies, n=100)[-1], 1),
        )
