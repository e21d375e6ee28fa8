"""What the operator observes over CoAP."""

import threading

import pytest
from support.fake_device import FakeDevice, cbor, fake_device
from support.gateways import wait_until

pytest.importorskip("aiocoap")

from tinycontainer.network.agent.operator import coap_transport
from tinycontainer.network.agent.requests.message import CoapRequest, Method

CONTAINERS = ("tc", "c")
LOOK = CoapRequest(b"", Method.GET, CONTAINERS)


def change_after(fake: FakeDevice, requests: int) -> None:
    """Tell of a change once so many requests have come."""
    wait_until(lambda: len(fake.asked) >= requests)
    fake.notify(CONTAINERS, cbor(["changed"]))


def test_a_device_that_is_quiet_for_long_is_observed_further(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(coap_transport, "OBSERVE_S", 0.1)
    with fake_device() as fake, coap_transport.open_transport(fake.base, 5) as transport:
        fake.answers(cbor([]))
        answers = transport.observe(LOOK)
        first = next(answers)
        changing = threading.Thread(target=change_after, args=(fake, 4))
        changing.start()
        assert next(answers).payload != first.payload
        changing.join()
        assert fake.observed == [CONTAINERS]
        answers.close()


def test_a_device_that_ends_an_observation_is_asked_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coap_transport, "OBSERVE_AGAIN_S", 0.1)
    with fake_device() as fake, coap_transport.open_transport(fake.base, 5) as transport:
        fake.observes = False
        fake.does(lambda _: cbor([len(fake.asked)]))
        answers = transport.observe(LOOK)
        assert [next(answers).payload for _ in range(3)] == [b"\x81\x01", b"\x81\x02", b"\x81\x03"]
        answers.close()
