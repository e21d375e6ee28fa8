"""What is delivered through a real gateway is what a real device has."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.deliveries import client_of, digest, stored, task
from support.gateways import Gateway, running_gateway
from support.project import Program
from support.serving import MANIFEST
from support.updates import draft, sign
from support.wasm.modules import loop
from support.yards import Yard, make_yard, wait_for

from tinycontainer.metadata import Bundle
from tinycontainer.network.gateway.directory.presence import Presence
from tinycontainer.network.platform.delivery.delivering import advance
from tinycontainer.network.platform.delivery.gateway_answers import GatewayFailed
from tinycontainer.network.platform.delivery.gateway_client import GatewayClient
from tinycontainer.network.platform.delivery.progress import (
    ContainerState,
    DeliveryLost,
    DeliveryOutcome,
    DeliveryProgress,
    DeliveryReached,
    DeliveryRefused,
    DeliveryStep,
    DeliveryWaits,
    ReportedContainer,
)
from tinycontainer.network.platform.delivery.task import DeliveryKind, DeliveryTask
from tinycontainer.suit.drafts import NewVersion, make_envelope
from tinycontainer.suit.rules import derive_identity

pytest.importorskip("starlette")
pytest.importorskip("aiocoap")
WORKS, TRAPS = loop("i32.const 0"), loop("unreachable")


class Bundles:
    """Makes bundles of the container of a yard."""

    def __init__(self, yard: Yard, program: Program) -> None:
        self._desk = yard.root / "desk"
        self._program = program

    def make(self, sequence: int, code: bytes = WORKS, keys: str = "keys") -> bytes:
        """A version of it, signed with the keys of a folder."""
        source, out = self._desk / "next", self._desk / "next.tcb"
        source.mkdir(exist_ok=True)
        (source / "box.wasm").write_bytes(code)
        (source / "container.toml").write_text(
            MANIFEST.format(uid="box") + f"[tokens]\nsequence = {sequence}\n"
        )
        words = ("pack", source, "--keys", self._desk / keys, "-o", out, "--force")
        self._program.good(*words)
        return out.read_bytes()


def deliver(bundle: bytes, nonce: int, **more: Any) -> DeliveryTask:
    given: dict[str, Any] = {"device": "box", "sha256": digest(bundle), "bundle": lambda: bundle}
    return task(nonce=nonce.to_bytes(8), **(given | more))


def remove(nonce: int) -> DeliveryTask:
    return task(DeliveryKind.REMOVE, device="box", nonce=nonce.to_bytes(8))


def finish(
    wanted: DeliveryTask, client: GatewayClient, progress: DeliveryProgress | None = None
) -> DeliveryOutcome:
    """Call until the end, at once or when it is time."""
    kept, end_s = progress or DeliveryProgress(), time.monotonic() + 60
    while time.monotonic() < end_s:
        outcome = advance(wanted, kept, client)
        if not isinstance(outcome, DeliveryWaits):
            return outcome
        kept = stored(outcome.progress)
        time.sleep(min(outcome.after_s, 1))
    raise TimeoutError(kept.to_json())


def reach(wanted: DeliveryTask, client: GatewayClient) -> ReportedContainer | None:
    outcome = finish(wanted, client)
    assert isinstance(outcome, DeliveryReached), outcome
    return outcome.reported


def changes_of(gateway: Gateway) -> int:
    """The number of the newest event of the device."""
    return int(gateway.ask("GET", "/devices/box/tc").json()["newest_event"])


@contextmanager
def a_yard(path: Path, program: Program, more: str = "") -> Iterator[tuple[Yard, Gateway]]:
    yard = make_yard(path, program, ("box",), {"box": more})
    with yard.all() as gateway:
        yield yard, gateway


def test_a_container_comes_is_replaced_and_goes(tmp_path: Path, program: Program) -> None:
    with a_yard(tmp_path, program) as (yard, gateway):
        client, bundles = client_of(gateway.web, ""), Bundles(yard, program)
        assert {name: each.presence for name, each in client.devices().items()} == {
            "box": Presence.AWAKE
        }
        first = reach(deliver(yard.bundle, 1, starts=True), client)
        assert first is not None
        assert (first.state, first.sha256) == (ContainerState.RUNNING, digest(yard.bundle))

        before = changes_of(gateway)
        again = reach(deliver(yard.bundle, 2, starts=True), client)
        assert again is not None
        assert again.sha256 == first.sha256
        assert changes_of(gateway) == before

        second = bundles.make(2)
        replaced = reach(deliver(second, 3, starts=True, confirm_ms=20_000), client)
        assert replaced is not None
        assert (replaced.state, replaced.sha256) == (ContainerState.RUNNING, digest(second))
        assert replaced.loops > 0

        assert reach(remove(4), client) is None
        assert gateway.ask("GET", "/devices/box/tc/c").json() == []
        assert reach(remove(5), client) is None


def test_what_the_device_does_not_take_is_refused_with_its_reason(
    tmp_path: Path, program: Program
) -> None:
    with a_yard(tmp_path, program) as (yard, gateway):
        client, bundles = client_of(gateway.web, ""), Bundles(yard, program)
        program.good("keygen", tmp_path / "desk" / "strangers")
        strange = bundles.make(2, keys="strangers")
        refused = finish(deliver(strange, 1), client)
        assert isinstance(refused, DeliveryRefused)
        assert (refused.reason, refused.reported) == ("token", None)
        assert "signature" in refused.detail or "key" in refused.detail

        assert reach(deliver(yard.bundle, 2, starts=True), client) is not None
        refused = finish(deliver(strange, 3, starts=True, confirm_ms=1000), client)
        assert isinstance(refused, DeliveryRefused)
        assert refused.reason == "token"
        assert refused.reported is not None
        assert refused.reported.sha256 == digest(yard.bundle)

        crashing = bundles.make(3, TRAPS)
        unconfirmed = finish(deliver(crashing, 4, starts=True, confirm_ms=5000), client)
        assert isinstance(unconfirmed, DeliveryRefused)
        assert unconfirmed.reason == "not-confirmed"
        assert unconfirmed.reported is not None
        assert unconfirmed.reported.sha256 == digest(yard.bundle)

        # From its beginning, as if nothing had been stored: the device takes it for the same.
        before = changes_of(gateway)
        again = finish(deliver(crashing, 4, starts=True, confirm_ms=5000), client)
        assert isinstance(again, DeliveryRefused)
        assert (again.reason, again.detail) == (unconfirmed.reason, unconfirmed.detail)
        assert changes_of(gateway) == before


def test_a_sleeping_device_is_reached_when_it_wakes(tmp_path: Path, program: Program) -> None:
    with a_yard(tmp_path, program, "sleep_s = 3\nawake_s = 1") as (yard, gateway):
        client = client_of(gateway.web, "")
        wait_for(gateway, "box", "asleep")
        wanted = deliver(yard.bundle, 1, starts=True)
        found = reach(wanted, client)
        assert found is not None
        assert found.state is ContainerState.RUNNING
        asked = [each["method"] for each in gateway.ask("GET", "/devices/box/jobs").json()]
        assert asked[::-1] == ["GET", "PUT", "GET", "POST", "GET"]


def test_a_delivery_survives_that_the_gateway_is_killed_between_all_steps(
    tmp_path: Path, program: Program
) -> None:
    yard = make_yard(tmp_path, program, ("box",))
    wanted = deliver(yard.bundle, 1, starts=True)
    progress, steps = DeliveryProgress(), []
    with yard.device("box"):
        for _ in range(40):
            with yard.gateway() as gateway:
                wait_for(gateway, "box")
                outcome = advance(wanted, progress, client_of(gateway.web, ""))
                gateway.process.kill()
            dead = advance(wanted, progress, client_of(gateway.web, ""))
            assert isinstance(dead, DeliveryLost), dead
            if not isinstance(outcome, DeliveryWaits):
                break
            progress = stored(outcome.progress)
            steps.append(progress.step)
    assert isinstance(outcome, DeliveryReached)
    assert outcome.reported is not None
    assert outcome.reported.state is ContainerState.RUNNING
    assert {DeliveryStep.PUT, DeliveryStep.START, DeliveryStep.CONFIRM} <= {*steps}


def test_an_update_brings_a_container_and_an_older_one_is_refused(
    tmp_path: Path, program: Program
) -> None:
    def envelope(bundle: bytes, number: int) -> bytes:
        version = NewVersion.of(Bundle.decode(bundle, 1 << 20), starts=True)
        identity = derive_identity("example.com", "box")
        return sign(make_envelope(draft(version, number=number, identity=identity)))

    with a_yard(tmp_path, program) as (yard, gateway):
        client, bundles = client_of(gateway.web, ""), Bundles(yard, program)
        first, second = yard.bundle, bundles.make(2)
        sent = envelope(first, 5)
        found = reach(deliver(first, 1, starts=True, envelope=lambda: sent), client)
        assert found is not None
        assert (found.state, found.sha256) == (ContainerState.RUNNING, digest(first))
        older = envelope(second, 4)
        refused = finish(deliver(second, 2, starts=True, envelope=lambda: older), client)
        assert isinstance(refused, DeliveryRefused)
        assert refused.reason == "older"
        newer = envelope(second, 6)
        found = reach(deliver(second, 3, starts=True, envelope=lambda: newer), client)
        assert found is not None
        assert (found.state, found.sha256) == (ContainerState.RUNNING, digest(second))


def test_a_gateway_says_what_its_token_may_not_and_what_is_too_long(
    tmp_path: Path, program: Program
) -> None:
    yard = make_yard(tmp_path, program, ("box",))
    program.good("keygen", "--bearer", tmp_path / "reader")
    token = (tmp_path / "reader.token").read_text().strip()
    table = f'[[tokens]]\nname = "reader"\nsha256 = "{digest(token.encode())}"\n'
    file = tmp_path / "gateway.toml"
    text = file.read_text().replace("insecure = true\n[coap]", "[coap]")
    text = text.replace("[limits]", "[limits]\npayload_bytes = 1048576")
    file.write_text(f'{text}{table}verbs = ["read", "store"]\n')
    with running_gateway(file) as gateway:
        reader = client_of(gateway.web, token)
        assert [*reader.devices()] == ["box"]
        listed = reader.presence("box")
        assert listed is not None
        assert (listed.presence, listed.back_s) == (Presence.GONE, None)
        assert reader.presence("pal") is None
        for stranger in ("", "another"):
            with pytest.raises(GatewayFailed, match="refuses the token") as caught:
                client_of(gateway.web, stranger).devices()
            assert caught.value.refuses_token
        with pytest.raises(GatewayFailed, match="no right to delete") as caught:
            reader.submit("DELETE", "/devices/box/tc/c/626f78", {}, deadline_s=5)
        assert caught.value.refuses_token
        long = bytes(33 << 20)
        with pytest.raises(GatewayFailed, match="413 too-large: at most 1048576 bytes"):
            reader.keep_blob(digest(long), lambda: long)
        reader.keep_blob(digest(yard.bundle), lambda: yard.bundle)
        put = DeliveryProgress(step=DeliveryStep.PUT)
        outcome = advance(deliver(yard.bundle, 1), put, reader)
        assert isinstance(outcome, DeliveryLost)
        assert outcome.refuses_token
