"""The yard of the demo in this process: on one event loop, with a client beside it."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import httpx

from support.wasm.modules import loop
from support.worlds import KEYS, blueprint, times
from tinycontainer.metadata import ContainerType
from tinycontainer.network.platform.demo.ports import YardPorts
from tinycontainer.network.platform.demo.yard import running_gateway, running_yard
from tinycontainer.network.platform.demo.yard_files import YardFiles, make_yard
from tinycontainer.tools.packing.packing import pack
from tinycontainer_tokens import Role
from tinycontainer_tokens.key_files import to_public_pem

TWELVE: Final = tuple(f"box{number:02}" for number in range(1, 13))
PUBLIC_KEYS: Final = {role: to_public_pem(key) for role, key in KEYS.items()}
MOST_S: Final = 20.0
"""How long a test waits for what happens within a second on a machine with nothing else to do."""


def made_yard(directory: Path, keys: Mapping[str, Mapping[Role, bytes]] | None = None) -> YardFiles:
    """The files of a yard in a new folder; by default of twelve boxes with all keys."""
    public_keys = dict.fromkeys(TWELVE, PUBLIC_KEYS) if keys is None else keys
    ports = YardPorts.choose(len(public_keys))
    return make_yard(directory / "yard", public_keys, ports, os.urandom)


def secrets_of(files: YardFiles) -> set[bytes]:
    """The token, and the secret of each context."""
    token = files.token_file.read_bytes().strip()
    kept = files.directory.rglob("secret.json")
    return {token, *(json.loads(path.read_bytes())["secret_hex"].encode() for path in kept)}


def signed_bundle(uid: str) -> bytes:
    """A container that the four keys have signed; it does nothing, ten times a second."""
    plan = blueprint(uid, kind=ContainerType.WASM, security=times(period=100, loop=10))
    return pack(plan, loop("i32.const 0"), b"", KEYS).encode()


def authorization(files: YardFiles) -> dict[str, str]:
    """The header by which the gateway knows the platform."""
    return {"Authorization": f"Bearer {files.token_file.read_text().strip()}"}


@asynccontextmanager
async def asking(files: YardFiles) -> AsyncIterator[httpx.AsyncClient]:
    """A client with the platform's token at a gateway that runs."""
    async with httpx.AsyncClient(
        base_url=files.gateway_uri,
        headers=authorization(files),
        timeout=MOST_S,
        trust_env=False,
    ) as client:
        yield client


@asynccontextmanager
async def registered_yard(files: YardFiles) -> AsyncIterator[None]:
    """All boxes of a yard beside its gateway, registered."""
    waiting = set(files.names)
    are_there = asyncio.Event()

    def note(name: str, problem: str) -> None:
        assert not problem
        waiting.discard(name)
        if not waiting:
            are_there.set()

    async with running_yard(files, note):
        async with asyncio.timeout(MOST_S):
            await are_there.wait()
        yield


@asynccontextmanager
async def whole_yard(files: YardFiles) -> AsyncIterator[httpx.AsyncClient]:
    """A gateway, its boxes, which are registered, and a client of the gateway."""
    async with running_gateway(files), asking(files) as client, registered_yard(files):
        yield client


async def comes_true(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something holds; fail if it does not in time."""
    async with asyncio.timeout(MOST_S):
        while not await holds():
            await asyncio.sleep(0.02)


async def load(client: httpx.AsyncClient, name: str, uid: str, bundle: bytes) -> httpx.Response:
    """Load a bundle on a box."""
    octets = {"Content-Type": "application/octet-stream"}
    path = f"/devices/{name}/tc/c/{uid.encode().hex()}"
    return await client.put(path, content=bundle, headers=octets)


async def presences(client: httpx.AsyncClient) -> dict[str, str]:
    """Whether each box can be reached, as the gateway says."""
    seen: list[dict[str, Any]] = (await client.get("/devices")).json()
    return {each["name"]: each["presence"] for each in seen}
