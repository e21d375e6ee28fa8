"""The yard of the demo as it runs: a gateway and its boxes on one event loop."""

import asyncio
import gc
import socket
from pathlib import Path
from statistics import median

import httpx
import pytest
from support.demo_yards import (
    PUBLIC_KEYS,
    TWELVE,
    asking,
    authorization,
    comes_true,
    load,
    made_yard,
    presences,
    registered_yard,
    signed_bundle,
    whole_yard,
)
from support.gateways import Gateway, wait_until
from support.gateways import running_gateway as gateway_by_hand
from support.serving import serving

from tinycontainer.errors import DeviceFileError
from tinycontainer.network.platform.demo.ports import HOST
from tinycontainer.network.platform.demo.yard import running_gateway, running_yard
from tinycontainer.network.platform.demo.yard_files import YardFiles
from tinycontainer_tokens import Role

PAL = b"pal".hex()
TWO = {"near": PUBLIC_KEYS, "far": PUBLIC_KEYS}


async def start(client: httpx.AsyncClient, name: str) -> None:
    loaded = await load(client, name, "pal", signed_bundle("pal"))
    assert loaded.status_code == 201, loaded.text
    started = await client.post(f"/devices/{name}/tc/c/{PAL}?start")
    assert started.status_code == 204, started.text


async def loops_of(client: httpx.AsyncClient, name: str) -> int:
    counted = await client.get(f"/devices/{name}/tc/c/{PAL}")
    assert counted.status_code == 200, counted.text
    return int(counted.json()["loops"])


def are_free(files: YardFiles) -> bool:
    """Whether others can have the ports of a yard."""
    udp, tcp = socket.SOCK_DGRAM, socket.SOCK_STREAM
    ports = [
        (files.ports.http, tcp),
        *((port, udp) for port in (files.ports.coap, *files.ports.boxes)),
    ]
    for port, kind in ports:
        with socket.socket(socket.AF_INET, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(kind is tcp))
            try:
                probe.bind((HOST, port))
            except OSError:
                return False
    return True


def test_twelve_boxes_are_awake_at_the_gateway(tmp_path: Path) -> None:
    async def look(files: YardFiles) -> dict[str, str]:
        async with whole_yard(files) as client:
            return await presences(client)

    assert asyncio.run(look(made_yard(tmp_path))) == dict.fromkeys(TWELVE, "awake")


def test_a_container_that_the_four_keys_signed_runs_on_two_boxes(tmp_path: Path) -> None:
    async def run(files: YardFiles) -> None:
        async with whole_yard(files) as client:
            for name in ("box03", "box11"):
                await start(client, name)

            async def both_run() -> bool:
                return min([await loops_of(client, name) for name in ("box03", "box11")]) >= 3

            await comes_true(both_run)
            elsewhere = await client.get("/devices/box04/tc/c")
            assert elsewhere.json() == []

    asyncio.run(run(made_yard(tmp_path)))


def test_a_box_without_the_developers_key_refuses_and_says_why(tmp_path: Path) -> None:
    fewer = dict(PUBLIC_KEYS)
    del fewer[Role.DEVELOPER]
    files = made_yard(tmp_path, {"near": PUBLIC_KEYS, "far": fewer})

    async def ask() -> httpx.Response:
        async with whole_yard(files) as client:
            assert (await load(client, "near", "pal", signed_bundle("pal"))).status_code == 201
            return await load(client, "far", "pal", signed_bundle("pal"))

    refused = asyncio.run(ask())
    assert refused.status_code == 403
    assert refused.json()["title"] == "token"
    assert "no key of the role developer" in refused.json()["detail"]


def test_nobody_asks_the_gateway_without_its_token(tmp_path: Path) -> None:
    files = made_yard(tmp_path, TWO)

    async def ask() -> int:
        async with running_gateway(files), httpx.AsyncClient(trust_env=False) as client:
            return (await client.get(f"{files.gateway_uri}/devices")).status_code

    assert asyncio.run(ask()) == 401


def test_boxes_that_end_are_gone_at_the_gateway_and_all_ports_are_free_again(
    tmp_path: Path,
) -> None:
    files = made_yard(tmp_path, TWO)

    async def run() -> dict[str, str]:
        async with running_gateway(files), asking(files) as client:
            async with registered_yard(files):
                assert not are_free(files)
            return await presences(client)

    assert asyncio.run(run()) == {"near": "gone", "far": "gone"}
    assert are_free(files)


def test_a_yard_that_runs_again_goes_on_where_it_was(tmp_path: Path) -> None:
    files = made_yard(tmp_path, TWO)

    async def begin() -> None:
        async with whole_yard(files) as client:
            await start(client, "near")

    async def go_on() -> None:
        async with whole_yard(files) as client:

            async def runs() -> bool:
                return await loops_of(client, "near") > 0

            await comes_true(runs)

    asyncio.run(begin())
    asyncio.run(go_on())


def test_a_kept_yard_can_be_served_by_hand(tmp_path: Path) -> None:
    files = made_yard(tmp_path, TWO)

    async def begin() -> None:
        async with whole_yard(files) as client:
            await start(client, "near")

    def runs(gateway: Gateway) -> bool:
        path = f"/devices/near/tc/c/{PAL}"
        answer = gateway.ask("GET", path, headers=authorization(files))
        return answer.status_code == 200 and answer.json()["state"] == "RUNNING"

    asyncio.run(begin())
    with (
        gateway_by_hand(files.gateway_file) as gateway,
        serving(files.directory / "near", files.ports.boxes[0]) as box,
    ):
        wait_until(lambda: runs(gateway))
        assert box.end()[0] == 0
        assert gateway.end() == 0


def test_a_yard_that_runs_cannot_be_run_by_another_at_the_same_time(tmp_path: Path) -> None:
    files = made_yard(tmp_path, TWO)

    async def run() -> dict[str, str]:
        async with whole_yard(files) as client:
            with pytest.raises(DeviceFileError, match="in use by another process"):
                async with running_yard(files, lambda _name, _problem: None):
                    raise ZeroDivisionError
            return await presences(client)

    assert asyncio.run(run()) == {"near": "awake", "far": "awake"}


def test_an_error_in_the_block_comes_out_as_it_is_and_the_boxes_end_in_order(
    tmp_path: Path,
) -> None:
    files = made_yard(tmp_path, TWO)

    async def run() -> dict[str, str]:
        async with running_gateway(files), asking(files) as client:
            with pytest.raises(ZeroDivisionError):
                async with registered_yard(files):
                    raise ZeroDivisionError
            return await presences(client)

    assert asyncio.run(run()) == {"near": "gone", "far": "gone"}


# The library leaves a socket to the garbage collector that it could not bind.
@pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"
)
@pytest.mark.parametrize("whose", ["gateway", "box"])
def test_a_port_that_somebody_has_meanwhile_is_an_error_of_the_system(
    tmp_path: Path, whose: str
) -> None:
    files = made_yard(tmp_path, TWO)
    port = files.ports.coap if whose == "gateway" else files.ports.boxes[1]

    async def run() -> None:
        async with running_gateway(files), running_yard(files, lambda _name, _problem: None):
            raise ZeroDivisionError

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((HOST, port))
        with pytest.raises(OSError, match="in use"):
            asyncio.run(run())
    gc.collect()
    assert are_free(files)


def test_a_box_answers_in_a_tenth_of_a_second_while_all_twelve_run_containers(
    tmp_path: Path,
) -> None:
    async def run(files: YardFiles) -> float:
        loop = asyncio.get_running_loop()
        waits_s = []
        async with whole_yard(files) as client:
            for name in TWELVE:
                await start(client, name)
            for name in TWELVE:
                begun_s = loop.time()
                await loops_of(client, name)
                waits_s.append(loop.time() - begun_s)
        return median(waits_s)

    assert asyncio.run(run(made_yard(tmp_path))) < 0.1
