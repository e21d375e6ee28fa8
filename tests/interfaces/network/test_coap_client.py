"""Clients of CoAP: what one with a context sends is protected, and so must its answers be."""

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
from support.remote_resource import raw_server, reply

from tinycontainer.interfaces.network.security_context import (
    make_security_contexts,
    read_security_context,
)

aiocoap = pytest.importorskip("aiocoap")


async def ask(uri: str, security: Any = None) -> bool:
    """Whether the answer is protected."""
    from tinycontainer.interfaces.network.coap_client import (  # noqa: PLC0415 - an optional part
        is_protected,
        make_coap_client,
    )

    client = await make_coap_client(protects=security is not None)
    if security is not None:
        client.client_credentials["*"] = security
    try:
        message = aiocoap.Message(code=aiocoap.GET, uri=f"{uri}/reports")
        return is_protected(await asyncio.wait_for(client.request(message).response, 5))
    finally:
        await client.shutdown()


def test_without_a_context_everything_is_in_the_clear() -> None:
    with raw_server(lambda request: reply(request, 0x45)) as (uri, came):
        assert not asyncio.run(ask(uri))
    assert b"reports" in came[0]


def test_with_a_context_nothing_is_in_the_clear(tmp_path: Path) -> None:
    from aiocoap.oscore import NotAProtectedMessage  # noqa: PLC0415 - an optional part

    from tinycontainer.interfaces.network.oscore import open_context  # noqa: PLC0415

    folder = tmp_path / "device"
    folder.mkdir(mode=0o700)
    for name, content in make_security_contexts(os.urandom)["device"].items():
        (folder / name).write_bytes(content)
    with (
        raw_server(lambda request: reply(request, 0x45)) as (uri, came),
        open_context(read_security_context(folder)) as security,
        pytest.raises(NotAProtectedMessage),
    ):
        asyncio.run(ask(uri, security))
    assert not any(b"reports" in each for each in came)
