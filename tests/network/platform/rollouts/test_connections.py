"""The infrastructure of a device says through which gateway it is reached, and nobody else."""

from typing import Any

import pytest
from support.deliveries import DeviceDouble
from support.four_parties import good
from support.platforms import problem_of
from support.rollouts import GATEWAY, Rollouts, loaded

from tinycontainer.network.platform.actor import PLATFORM, PersonRight
from tinycontainer.network.platform.fleet.connections import disconnect_foreign
from tinycontainer_tokens import Role

PATH = "/api/devices/box-1/connection"
BODY = {"gateway": GATEWAY, "endpoint": "one"}


@pytest.fixture
def apart(rollouts: Rollouts) -> Rollouts:
    """Two devices that are not connected."""
    rollouts.add_devices(["box-1", "box-2"], is_connected=False)
    rollouts.gateway.fleet["one"] = rollouts.gateway.fleet.pop("box-1")
    return rollouts


@pytest.mark.clause("TC-PLAT-29")
def test_the_infrastructure_connects_a_device_and_disconnects_it(apart: Rollouts) -> None:
    shown = good(apart.operator.put(PATH, json=BODY))
    assert (shown["gateway"], shown["endpoint"], shown["takes_updates"]) == (GATEWAY, "one", False)
    shown = good(apart.operator.put(PATH, json={**BODY, "takes_updates": True}))
    assert shown["takes_updates"] is True
    shown = good(apart.operator.delete(PATH))
    assert (shown["gateway"], shown["endpoint"]) == (None, None)
    entries = good(apart.operator.get("/api/audit"))["entries"]
    deeds = [each["deed"] for each in entries if each["subject"] == "box-1"]
    assert deeds[-3:] == ["device-connected", "device-connected", "device-disconnected"]


@pytest.mark.clause("TC-PLAT-29")
@pytest.mark.parametrize(
    ("role", "status"), [(Role.OWNER, 403), (Role.DEVELOPER, 404), (Role.PROVIDER, 404)]
)
def test_nobody_else_connects_a_device(apart: Rollouts, role: Role, status: int) -> None:
    client = apart.parties.client(role)
    problem_of(client.put(PATH, json=BODY), status)
    problem_of(client.delete(PATH), status)
    problem_of(apart.operator.put("/api/devices/box-3/connection", json=BODY), 404)


def test_a_viewer_of_the_infrastructure_connects_nothing(apart: Rollouts) -> None:
    viewer = apart.platform.add_person("infra", "viewer", PersonRight.VIEWER)
    assert "scope deploy" in problem_of(viewer.put(PATH, json=BODY), 403)
    assert good(viewer.get("/api/gateways")) == {"gateways": [GATEWAY]}


@pytest.mark.clause("TC-PLAT-29")
def test_two_devices_are_not_reached_by_one_endpoint(apart: Rollouts) -> None:
    good(apart.operator.put(PATH, json=BODY))
    second = "/api/devices/box-2/connection"
    assert problem_of(apart.operator.put(second, json=BODY), 409).startswith("endpoint: ")
    good(apart.operator.put(PATH, json=BODY))
    good(apart.operator.delete(PATH))
    good(apart.operator.put(second, json=BODY))


def test_a_gateway_that_is_not_in_the_file_is_refused(apart: Rollouts) -> None:
    detail = problem_of(apart.operator.put(PATH, json={**BODY, "gateway": "south"}), 400)
    assert detail.startswith("gateway: ")


@pytest.mark.clause("TC-PLAT-29")
def test_a_gateway_of_another_organisation_is_refused_as_if_there_were_none(
    apart: Rollouts,
) -> None:
    gateways = apart.platform.parts.gateways
    assert isinstance(gateways, dict)
    unknown = problem_of(apart.operator.put(PATH, json={**BODY, "gateway": "south"}), 400)
    gateways["south"] = "boxes"
    assert problem_of(apart.operator.put(PATH, json={**BODY, "gateway": "south"}), 400) == unknown
    assert good(apart.operator.get("/api/gateways")) == {"gateways": [GATEWAY]}
    assert good(apart.parties.client(Role.OWNER).get("/api/gateways")) == {"gateways": ["south"]}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"gateway": GATEWAY},
        {**BODY, "endpoint": ""},
        {**BODY, "endpoint": "a/b"},
        {**BODY, "endpoint": "a\n"},
        {**BODY, "endpoint": "x" * 64},
        {**BODY, "endpoint": 1},
        {**BODY, "gateway": ".." * 40},
        {**BODY, "takes_updates": "yes"},
        {**BODY, "more": 1},
    ],
)
def test_what_is_no_connection_is_refused(apart: Rollouts, body: dict[str, Any]) -> None:
    problem_of(apart.operator.put(PATH, json=body), 400)


def test_who_is_disconnected_is_told_nothing_more(apart: Rollouts) -> None:
    good(apart.operator.put(PATH, json=BODY))
    good(apart.operator.delete(PATH))
    rollout = apart.start()
    apart.settle(30)
    assert apart.progress(rollout) == {"box-1": "waiting", "box-2": "waiting"}
    assert apart.gateway.jobs == {}
    assert not apart.worker.look()


def test_who_was_told_and_is_disconnected_goes_on_when_it_is_connected_again(
    apart: Rollouts,
) -> None:
    good(apart.operator.put(PATH, json=BODY))
    rollout = apart.start(query="name=box-1")
    assert apart.worker.step()
    good(apart.operator.delete(PATH))
    apart.settle(30)
    assert apart.progress(rollout) == {"box-1": "told"}
    assert apart.gateway.jobs == {}
    good(apart.operator.put(PATH, json=BODY))
    apart.settle(5)
    assert apart.progress(rollout) == {"box-1": "done"}


@pytest.mark.clause("TC-PLAT-29")
def test_a_gateway_that_goes_to_another_organisation_takes_no_device_along(apart: Rollouts) -> None:
    good(apart.operator.put(PATH, json=BODY))
    platform = apart.platform
    for gateways, kept in (({GATEWAY: "infra"}, GATEWAY), ({}, GATEWAY), ({GATEWAY: "dev"}, None)):
        with platform.database.transaction() as session:
            disconnect_foreign(session, gateways, platform.clock())
        assert good(apart.operator.get("/api/devices/box-1"))["gateway"] == kept
    entries = good(apart.operator.get("/api/audit"))["entries"]
    assert (entries[-1]["deed"], entries[-1]["person"]) == ("device-disconnected", PLATFORM)


def test_what_one_device_has_said_is_not_taken_for_another_one(apart: Rollouts) -> None:
    good(apart.operator.put(PATH, json=BODY))
    rollout = apart.start(query="name=box-1")
    assert apart.worker.step()
    apart.gateway.asleep.add("one")
    assert apart.worker.deliver()
    apart.gateway.asleep.clear()
    apart.gateway.fleet["one"].has = loaded(apart.parties.bundle())
    apart.gateway.fleet["two"] = DeviceDouble()
    good(apart.operator.put(PATH, json={**BODY, "endpoint": "two"}))
    apart.settle(5)
    assert apart.progress(rollout) == {"box-1": "done"}
    assert apart.gateway.fleet["one"].changes == []
    assert apart.gateway.fleet["two"].changes == ["load", "start"]
