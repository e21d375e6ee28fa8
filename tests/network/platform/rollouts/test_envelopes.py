"""Infrastructure adds an envelope of SUIT to a release, for devices that take updates."""

from hashlib import sha256

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.envelopes import SMALL, around, manifest_members, tagged
from support.four_parties import BOX, good
from support.platforms import problem_of
from support.rollouts import Rollouts
from support.updates import signed, version

from tinycontainer.metadata import Bundle
from tinycontainer_tokens import Role

PATH = f"/api/releases/{BOX}/1/envelope"


def envelope(world: Rollouts, uid: bytes = b"box", number: int = 1) -> bytes:
    """An envelope that brings the release."""
    return signed(version(Bundle.decode(world.bundle(number), 1 << 20), uid, starts=True))


def add(world: Rollouts, content: bytes, role: Role = Role.INFRASTRUCTURE) -> httpx.Response:
    """Keep an envelope and add it to the release."""
    digest = world.parties.keep(role, "envelope", content)
    return world.parties.client(role).put(PATH, json={"sha256": digest})


@pytest.mark.clause("TC-PLAT-41")
def test_who_takes_updates_gets_the_envelope_and_others_the_bundle(rollouts: Rollouts) -> None:
    content = envelope(rollouts)
    shown = good(add(rollouts, content))
    assert shown["envelope_sha256"] == sha256(content).hexdigest()
    rollouts.add_devices(["box-1", "box-2"])
    body = {"gateway": "north", "endpoint": "box-1", "takes_updates": True}
    good(rollouts.operator.put("/api/devices/box-1/connection", json=body))
    rollouts.gateway.fleet["box-1"].bundles[content] = rollouts.bundle()
    rollout = rollouts.start()
    rollouts.settle(30)
    assert rollouts.progress(rollout) == {"box-1": "done", "box-2": "done"}
    fleet = rollouts.gateway.fleet
    assert fleet["box-1"].changes == ["update", "start"]
    assert fleet["box-2"].changes == ["load", "start"]
    methods = {
        (each.endpoint, each.asked[0], each.asked[1].partition("?")[0])
        for each in rollouts.gateway.jobs.values()
    }
    assert ("box-1", "POST", "/tc/su") in methods
    assert ("box-2", "PUT", f"/tc/c/{BOX}") in methods
    assert ("box-1", "PUT", f"/tc/c/{BOX}") not in methods


def test_without_an_envelope_everybody_gets_the_bundle(rollouts: Rollouts) -> None:
    rollouts.add_devices(["box-1"])
    body = {"gateway": "north", "endpoint": "box-1", "takes_updates": True}
    good(rollouts.operator.put("/api/devices/box-1/connection", json=body))
    rollouts.start()
    rollouts.settle(5)
    assert rollouts.gateway.fleet["box-1"].changes == ["load", "start"]


def test_a_release_that_was_started_gets_no_other_envelope(rollouts: Rollouts) -> None:
    rollouts.add_devices(["box-1"])
    content = envelope(rollouts)
    good(add(rollouts, content))
    rollouts.start()
    detail = problem_of(add(rollouts, content), 409)
    assert detail.startswith("a rollout of this release was started")


@pytest.mark.parametrize("role", [Role.DEVELOPER, Role.PROVIDER, Role.OWNER])
def test_only_the_infrastructure_adds_an_envelope(rollouts: Rollouts, role: Role) -> None:
    problem_of(add(rollouts, envelope(rollouts), role), 403)
    assert rollouts.parties.show()["envelope_sha256"] is None


def test_an_envelope_has_to_be_an_artefact_of_infrastructure(rollouts: Rollouts) -> None:
    content = envelope(rollouts)
    digest = rollouts.parties.keep(Role.DEVELOPER, "envelope", content)
    answer = rollouts.operator.put(PATH, json={"sha256": digest})
    assert answer.status_code in (400, 404, 409)
    for body in ({}, {"sha256": "x"}, {"sha256": digest.upper()}, {"sha256": digest, "more": 1}):
        problem_of(rollouts.operator.put(PATH, json=body), 400)


@pytest.mark.clause("TC-PLAT-41")
def test_an_envelope_of_another_container_is_refused(rollouts: Rollouts) -> None:
    for content in (envelope(rollouts, b"lid"), SMALL):
        detail = problem_of(add(rollouts, content), 400)
        assert detail == "envelope: is about other containers than this one"
    two = around(manifest_members(uids=(b"box", b"lid")))
    assert problem_of(add(rollouts, two), 400).startswith("envelope: ")
    assert rollouts.parties.show()["envelope_sha256"] is None


@pytest.mark.parametrize(
    "content",
    [
        b"\0",
        b"\xff" * 100,
        b"\x81" * 50_000,
        b"\xd8\x6b" * 20_000,
        b"\xbf",
        b"\xd8\x6b\xbb" + b"\xff" * 8,
        tagged({}),
        tagged({}, tag=18),
        around({}),
        around(manifest_members(b"\x80")),
    ],
)
def test_hostile_bytes_are_refused_in_one_line(rollouts: Rollouts, content: bytes) -> None:
    detail = problem_of(add(rollouts, content), 400)
    assert detail.startswith("envelope: ")
    assert detail.isascii()
    assert detail.isprintable()
    assert len(detail) < 400


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_damaged_envelope_is_refused_or_is_still_one(
    rollouts: Rollouts, data: st.DataObject
) -> None:
    content = bytearray(envelope(rollouts))
    place = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        content[place] ^= data.draw(st.integers(1, 255))
    else:
        del content[place:]
    if not content:
        return
    answer = add(rollouts, bytes(content))
    if answer.status_code != 200:
        assert problem_of(answer, 400).startswith("envelope: ")
