"""Devices and profiles on pages: an owner adds them, and their infrastructure connects them."""

import pytest
from support.four_parties import good
from support.house_pages import new_key, new_profile
from support.platform_pages import PageWorld, ParsedPage
from support.rollouts import GATEWAY
from support.worlds import KEYS

from tinycontainer_tokens import Role
from tinycontainer_tokens.key_files import to_pem

DEVICE = {
    "name": "box-90",
    "infrastructure": "infra",
    "kind": "box",
    "group": "south",
    "labels": "site = paris, floor=2",
    "profile": "2",
    "device_id": "",
    "evidence_key": "",
}


def test_an_owner_adds_a_profile_and_a_device_and_infrastructure_connects_it(
    world: PageWorld,
) -> None:
    owner, operator = world.client("boxes"), world.client("infra")
    profile = new_profile(world)
    assert owner.send("/enrolling/profiles", profile).headers["location"] == "/enrolling"
    number = owner.look("/enrolling").values("option", "value")[-1]
    kept = good(owner.client.get(f"/api/profiles/{number}"))
    assert (kept["name"], kept["device_file"]) == ("new", profile["device_file"])
    assert len(kept["key_files"]) == len(KEYS)
    fields = {**DEVICE, "profile": number, "evidence_key": new_key()[0].replace("\n", "\r\n")}
    assert owner.send("/enrolling/devices", fields).headers["location"] == "/devices/box-90"
    device = good(owner.client.get("/api/devices/box-90"))
    assert device["labels"] == {"site": "paris", "floor": "2"}
    assert device["evidence_key"] is not None
    assert device["profile"] == int(number)
    assert "operates it" in owner.look("/enrolling/box-90").text
    assert GATEWAY in operator.look("/enrolling/box-90").values("option", "value")
    reach = {"gateway": GATEWAY, "endpoint": "x-90", "takes_updates": "on"}
    sent = operator.send("/enrolling/box-90/connect", reach)
    assert sent.headers["location"] == "/devices/box-90"
    device = good(owner.client.get("/api/devices/box-90"))
    assert (device["gateway"], device["endpoint"], device["takes_updates"]) == (
        GATEWAY,
        "x-90",
        True,
    )
    assert operator.send("/enrolling/box-90/disconnect").status_code == 303
    assert good(owner.client.get("/api/devices/box-90"))["gateway"] is None


@pytest.mark.parametrize(
    ("name", "value", "status", "word"),
    [
        ("name", "", 400, "name"),
        ("name", "box-01", 409, "is taken"),
        ("infrastructure", "nobody", 400, "infrastructure"),
        ("labels", "paris", 400, "labels"),
        ("profile", "", 400, "profile"),
        ("profile", "999", 400, "profile"),
        ("evidence_key", "x", 400, "evidence_key"),
    ],
)
def test_a_device_that_cannot_be_is_refused_and_the_form_stays(
    unchanged: PageWorld, name: str, value: str, status: int, word: str
) -> None:
    answer = unchanged.client("boxes").send("/enrolling/devices", {**DEVICE, name: value})
    assert answer.status_code == status
    page = ParsedPage(answer.text)
    assert word in page.text
    assert page.fields["labels"] == (value if name == "labels" else DEVICE["labels"])


def test_only_an_owner_adds_a_device(unchanged: PageWorld) -> None:
    answer = unchanged.client("infra").send("/enrolling/devices", DEVICE)
    assert answer.status_code == 403
    assert "infra is no owner" in ParsedPage(answer.text).text


@pytest.mark.parametrize(
    ("keys", "word"),
    [
        ("-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----", "comes after a line"),
        ("a.pub\nb.pub\na.pub\n", "a name is there twice"),
        ("", "is named in trust.keys and not here"),
        (f"keys/owner.pub\n{to_pem(KEYS[Role.OWNER]).decode()}", "private"),
    ],
)
def test_keys_of_a_profile_are_refused_and_do_not_come_back(
    unchanged: PageWorld, keys: str, word: str
) -> None:
    fields = {**new_profile(unchanged), "key_files": keys}
    answer = unchanged.client("boxes").send("/enrolling/profiles", fields)
    assert answer.status_code == 400
    assert word in ParsedPage(answer.text).text
    assert not any(len(line) > 40 and line in answer.text for line in keys.splitlines())


def test_a_profile_that_a_device_has_stays(world: PageWorld) -> None:
    answer = world.client("boxes").send("/enrolling/profiles/1/delete")
    assert answer.status_code == 409
    assert "devices have this profile" in ParsedPage(answer.text).text
