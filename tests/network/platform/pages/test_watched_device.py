"""What happens on a real device is in the page of whoever looks at it, within 2 s."""

import re
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn
from support.deliveries import client_of
from support.four_parties import BOX, good
from support.gateways import Gateway
from support.platforms import Platform, made_platform
from support.project import Program
from support.rollouts import GATEWAY, Rollouts
from support.serving import HOST
from support.yards import make_yard

from tinycontainer.network.platform.rollouts.worker import RolloutWorker

pytest.importorskip("aiocoap")
MOST_S = 30.0
"""How long it may take on a machine that does much else."""
LOOK_S = 3600.0
TARGET = f"/devices/box/tc/c/{BOX}"
OCTETS = {"Content-Type": "application/octet-stream"}


@contextmanager
def beside(work: Iterator[None], every_s: float) -> Iterator[None]:
    """Go on with something in a thread, as often, until the block is left."""
    ended = threading.Event()

    def go_on() -> None:
        for _ in work:
            if ended.wait(every_s):
                return

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def tick(platform: Platform) -> Iterator[None]:
    """Let the time of a platform go on as real time does."""
    begin_s, began_s = platform.clock.at_s, time.monotonic()
    while True:
        platform.clock.at_s = begin_s + time.monotonic() - began_s
        yield


def watch(platform: Platform, gateway: Gateway, said: list[str]) -> Iterator[None]:
    """Let a platform ask the devices that somebody looks at."""
    parts = platform.parts
    clients = {GATEWAY: client_of(gateway.web, "")}
    worker = RolloutWorker(
        parts.database, clients, parts.now_s, parts.random_bytes, LOOK_S, said.append
    )
    worker.watched = parts.watched
    while True:
        worker.watch()
        yield


@contextmanager
def served(platform: Platform) -> Iterator[str]:
    """The address at which a platform of this process is served."""
    server = uvicorn.Server(
        uvicorn.Config(platform.application, log_config=None, timeout_graceful_shutdown=1)
    )
    with socket.create_server((HOST, 0)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield f"http://{HOST}:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def states(address: str, cookies: httpx.Cookies) -> Iterator[Iterator[str]]:
    """The state of the container on the page of the device, whenever news of it come."""
    with (
        httpx.Client(trust_env=False, timeout=MOST_S, cookies=dict(cookies)) as client,
        client.stream(
            "GET", f"{address}/devices/box", headers={"Accept": "text/event-stream"}
        ) as stream,
    ):
        assert stream.status_code == 200
        lines = stream.iter_lines()
        yield (
            found[1]
            for line in lines
            if (found := re.search(r"<dt>state</dt><dd>(\w+)", line)) is not None
        )


def seen_after_s(news: Iterator[str], wanted: set[str]) -> float:
    """After how many seconds one of some states is on the page."""
    began_s = time.monotonic()
    for state in news:
        if state in wanted:
            return time.monotonic() - began_s
        assert time.monotonic() - began_s < MOST_S, state
    raise AssertionError("the stream has ended")


@pytest.mark.clause("TC-PLAT-71")
def test_a_container_that_somebody_else_stops_is_seen_to_stop_at_once(
    tmp_path: Path, program: Program
) -> None:
    (tmp_path / "yard").mkdir()
    yard = make_yard(tmp_path / "yard", program, ("box",))
    said: list[str] = []
    with made_platform(tmp_path, gateways={GATEWAY: "infra"}) as platform:
        world = Rollouts(platform)
        world.prepare()
        good(world.devices.give_device("box", world.devices.profile()))
        world.connect("box")
        cookies = platform.client("boxes").cookies
        with yard.all() as gateway:
            gateway.ask("PUT", TARGET, content=yard.bundle, headers=OCTETS)
            gateway.ask("POST", f"{TARGET}?start")
            with (
                served(platform) as address,
                beside(tick(platform), 0.02),
                beside(watch(platform, gateway, said), 0.1),
                states(address, cookies) as news,
            ):
                seen_after_s(news, {"RUNNING"})
                gateway.ask("POST", f"{TARGET}?stop")
                took_s = seen_after_s(news, {"STOPPING", "READY"})
    sys.stdout.write(f"seen after {took_s:.2f} s\n")
    assert said == []
