"""A gateway for each module, and a device that answers whatever a test scripts."""

from collections.abc import Callable, Iterator

import httpx
import pytest
from support.fake_device import FakeDevice, fake_device
from support.gateways import Gateway, register, running_gateway, write_gateway_file


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeDevice]:
    """The device."""
    with fake_device() as device:
        yield device


@pytest.fixture(scope="module")
def limits() -> str:
    """More lines of [limits], for the gateway of a module."""
    return "cache_ms = 0\nanswer_s = 5\n"


@pytest.fixture(scope="module")
def gateway(
    tmp_path_factory: pytest.TempPathFactory, fake: FakeDevice, limits: str
) -> Iterator[Gateway]:
    """A gateway without tokens, at which the device is registered as "fake"."""
    file = write_gateway_file(tmp_path_factory.mktemp("gateway"), limits)
    with running_gateway(file) as running:
        register(running, "fake", fake.base)
        yield running


@pytest.fixture(scope="module")
def ask(gateway: Gateway) -> Iterator[Callable[..., httpx.Response]]:
    """Ask the device over HTTP: method, path below the device, and what httpx takes."""
    with httpx.Client(base_url=gateway.web, trust_env=False, timeout=30, verify=False) as client:
        yield lambda method, path, **given: client.request(method, f"/devices/fake{path}", **given)
