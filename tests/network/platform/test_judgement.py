"""A release is judged by the devices that it is for, before anything is sent to them."""

import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.fleets import WITHOUT_DEVELOPER, Fleet, device_file, key_files
from support.four_parties import BOX, CONTENTS, FourParties, good
from support.platforms import Platform, problem_of
from support.wasm.modules import loop

from tinycontainer.assembly import DevicePlan, Installation, make_setup, read_plan, read_trust
from tinycontainer.interfaces.clock import VirtualClock
from tinycontainer.metadata import Bundle
from tinycontainer.network.platform.fleet import judgement
from tinycontainer.network.platform.fleet.judgement import Asked, Judge
from tinycontainer.network.platform.fleet.judging import (
    Bounds,
    FleetJudgement,
    Runtimes,
    TargetDevice,
    judge_fleet,
    judge_profile,
)
from tinycontainer.network.platform.fleet.profile_content import ProfileContent, read_profile
from tinycontainer.network.platform.refusing import PlatformRefused, bad_request
from tinycontainer.tools.explain.admission import explain_bundle
from tinycontainer_tokens import Role

NOW_S = 1_800_000_000


@pytest.fixture
def fleet(platform: Platform) -> Fleet:
    """Devices whose owner has an application to roll out."""
    parties = FourParties(platform)
    parties.prepare()
    return Fleet(parties)


@pytest.fixture
def bundle(fleet: Fleet) -> Bundle:
    """A release that all have signed."""
    return complete(fleet)


def complete(fleet: Fleet) -> Bundle:
    """The container of a release that all sign now."""
    fleet.parties.complete()
    content = fleet.client().get(f"/api/releases/{BOX}/1/bundle").content
    return Bundle.decode(content, len(content))


def complete_with(fleet: Fleet, **terms: Any) -> None:
    """Let all sign a release whose tokens make further claims."""
    fleet.parties.begin()
    for content in CONTENTS:
        good(fleet.parties.add(content, terms=terms))
    for part in ("code", "data", "mask", "endpoint-1", "metadata"):
        fleet.parties.sign(part)


def names(count: int, word: str = "box") -> list[str]:
    return [f"{word}-{number:02}" for number in range(count)]


def test_of_twelve_devices_two_that_do_not_know_the_developer_would_refuse(fleet: Fleet) -> None:
    fleet.parties.complete()
    fleet.devices(names(10), fleet.profile())
    fleet.devices(names(2, "old"), fleet.profile(keys=WITHOUT_DEVELOPER, name="old"))
    found = good(fleet.judge("kind=box"))
    assert (found["devices"], found["accepted"]) == (12, 10)
    assert found["unjudged"] == {"devices": 0, "reasons": {}}
    (refused,) = found["refused"]
    assert (refused["devices"], refused["examples"]) == (2, ["old-00", "old-01"])
    assert (refused["check"], refused["reason"]) == ("code token", "token")
    assert refused["expected"].startswith("made with a key of the role developer")
    assert refused["cause"].startswith("no key that is known fits")


def test_the_reason_is_the_one_that_explain_gives(
    fleet: Fleet, bundle: Bundle, tmp_path: Path
) -> None:
    content = read_profile(device_file("", WITHOUT_DEVELOPER), key_files(WITHOUT_DEVELOPER))
    plan = write(tmp_path, content)
    with Installation() as installation:
        setup = make_setup(plan, VirtualClock(1), installation, is_reader=True)
        checks = explain_bundle("release", bundle.encode(), setup, NOW_S)
        first = next(each for each in checks if each.check.failed)
        found = judge_profile(bundle.encode(), content, None, installation.runtimes(), NOW_S)
    assert found is not None
    assert first.explanation is not None
    assert (found.check, found.reason, found.detail) == (
        first.check.name, str(first.check.reason), first.check.detail,
    )  # fmt: skip
    assert (found.expected, found.found, found.cause) == (
        first.explanation.expected, first.explanation.found, first.explanation.cause,
    )  # fmt: skip


def write(directory: Path, content: ProfileContent) -> DevicePlan:
    """A profile as the files that a device has."""
    for name, pem in content.key_files.items():
        path = directory / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(pem)
    path = directory / "device.toml"
    path.write_text(content.device_file)
    return read_plan(path)


@pytest.mark.parametrize(
    "more",
    [
        "",
        '[trust]\nprofiles = ["rfc9052", "riot-2024"]\nrequire_endpoint_tokens = true\n',
        "[trust]\nallow_unsigned = true\nunsigned_mask = 3\n",
    ],
)
def test_a_profile_believes_whom_its_device_believes(tmp_path: Path, more: str) -> None:
    content = read_profile(device_file(more), key_files())
    found, real = content.trust(), read_trust(write(tmp_path, content))
    assert list(found.keys) == list(real.keys)
    assert found.profiles == real.profiles
    assert found.device_id == real.device_id
    assert (found.allow_unsigned, found.unsigned_mask, found.require_endpoint_tokens) == (
        real.allow_unsigned, real.unsigned_mask, real.require_endpoint_tokens,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("more", "check", "reason"),
    [
        ("[capacity]\ncode_bytes = 8\n", "capacity of code", "capacity"),
        (
            "[capacity]\ncode_bytes = 8\ndata_bytes = 0\nmetadata_bytes = 9\n",
            "bundle",
            "bundle",
        ),
        ("[caps]\nloop_max_ms = 5\n", "caps: loop_max_ms", "cap-exceeded"),
        ('[trust]\nprofiles = ["riot-2024"]\n', "profile", "profile"),
        ("[capacity.runtime]\nmemory_pages = 1\n", "", ""),
    ],
)
def test_capacity_caps_and_profiles_of_a_device_decide(
    fleet: Fleet, more: str, check: str, reason: str
) -> None:
    fleet.parties.complete()
    fleet.devices(["box-1"], fleet.profile(more))
    found = good(fleet.judge())
    assert found["accepted"] == (0 if check else 1)
    seen = [(each["check"], each["reason"]) for each in found["refused"]]
    assert seen == ([(check, reason)] if check else [])


def test_code_that_no_runtime_admits_is_refused(fleet: Fleet) -> None:
    parties = fleet.parties
    parties.begin()
    digest = parties.keep(Role.DEVELOPER, "code", loop("i32.const 0") + b"\xff\xff")
    good(parties.add("code", sha256=digest))
    for content in ("data", "plan", "rights"):
        good(parties.add(content))
    for part in ("code", "data", "mask", "endpoint-1", "metadata"):
        parties.sign(part)
    fleet.devices(["box-1"], fleet.profile())
    (refused,) = good(fleet.judge())["refused"]
    assert (refused["check"], refused["reason"]) == ("code", "code-inadmissible")


def test_judging_opens_no_file_socket_or_process(
    fleet: Fleet, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = '[[drivers]]\ndriver = "sensor"\nendpoint = 7\n'
    with Installation() as installation:
        runtimes = installation.runtimes()
        content = read_profile(device_file(more), key_files())
        judge_profile(bundle.encode(), content, None, runtimes, NOW_S)  # what is imported late

        def refuse(*_given: object, **_named: object) -> None:
            raise AssertionError("judging reached out")

        monkeypatch.setattr("builtins.open", refuse)
        monkeypatch.setattr("os.open", refuse)
        monkeypatch.setattr(socket, "socket", refuse)
        monkeypatch.setattr(subprocess, "Popen", refuse)
        content = read_profile(device_file(more), key_files())
        assert judge_profile(bundle.encode(), content, None, runtimes, NOW_S) is None


def test_time_decides_about_tokens(fleet: Fleet) -> None:
    complete_with(fleet, expires=NOW_S + 100)
    fleet.devices(["box-1"], fleet.profile())
    assert good(fleet.judge())["accepted"] == 1
    late = good(fleet.judge(at_s=NOW_S + 100))
    assert (late["at_s"], late["accepted"]) == (NOW_S + 100, 0)
    assert late["refused"][0]["detail"].startswith("step 11 (time): expired")


def test_a_token_for_one_device_is_judged_for_each_device_that_it_names(fleet: Fleet) -> None:
    complete_with(fleet, audience="serial-3")
    profile = fleet.profile()
    for number in range(8):
        good(fleet.give_device(f"box-{number}", profile, device_id=f"serial-{number}"))
    good(fleet.give_device("box-8", profile))
    found = good(fleet.judge())
    assert found["accepted"] == 1
    first, second = found["refused"]
    assert (first["devices"], second["devices"]) == (7, 1)
    assert "audience" in first["detail"]
    assert first["expected"] == "audience (its own id)"
    assert first["found"] == "audience serial-3"
    assert second["expected"] == "no audience: this device has no id"
    assert second["examples"] == ["box-8"]


def test_only_devices_that_the_query_means_and_the_asker_sees_are_judged(fleet: Fleet) -> None:
    fleet.parties.complete()
    profile = fleet.profile()
    fleet.devices(names(3), profile, group="first")
    fleet.devices(names(2, "other"), profile)
    assert good(fleet.judge("group=first"))["devices"] == 3
    assert good(fleet.judge(role=Role.INFRASTRUCTURE))["accepted"] == 5
    assert good(fleet.judge("name=nothing")) == {
        "at_s": NOW_S, "devices": 0, "accepted": 0, "refused": [],
        "unjudged": {"devices": 0, "reasons": {}},
        "findings": [], "findings_left_out": 0, "linted": 0,
    }  # fmt: skip


@pytest.mark.parametrize("role", [Role.DEVELOPER, Role.PROVIDER])
def test_who_has_no_devices_for_a_release_does_not_judge_it(fleet: Fleet, role: Role) -> None:
    fleet.parties.complete()
    assert "only the owner and the infrastructure" in problem_of(fleet.judge(role=role), 403)


def test_a_release_that_is_not_complete_is_not_judged(fleet: Fleet) -> None:
    fleet.parties.begin()
    assert problem_of(fleet.judge(), 409) == "not signed yet: code, data, mask, metadata"
    assert problem_of(fleet.judge(number=2), 404) == "there is no such release"


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"query": "colour=red"}, "query: column 1"),
        ({"query": "x" * 1025}, "query"),
        ({}, "query"),
        ({"query": "", "at_s": -1}, "at_s"),
        ({"query": "", "at_s": 1 << 60}, "at_s"),
        ({"query": "", "more": 1}, "more"),
    ],
)
def test_what_is_no_question_is_refused(fleet: Fleet, body: dict[str, Any], word: str) -> None:
    fleet.parties.complete()
    answer = fleet.client().post(f"/api/releases/{BOX}/1/judgement", json=body)
    assert word in problem_of(answer, 400)


def test_a_judgement_changes_nothing(fleet: Fleet) -> None:
    fleet.parties.complete()
    fleet.devices(["box-1"], fleet.profile())
    before = good(fleet.client().get("/api/audit"))
    assert good(fleet.judge()) == good(fleet.judge())
    assert good(fleet.client().get("/api/audit")) == before


class Ticking:
    """Time that goes on by a second whenever somebody looks."""

    def __init__(self) -> None:
        self.at_s = 0.0

    def __call__(self) -> float:
        self.at_s += 1
        return self.at_s


def judged(
    bundle: Bundle, find: Callable[[int], ProfileContent | None], bounds: Bounds
) -> FleetJudgement:
    """Judge ten profiles, of which the first has two devices and each other one has one."""
    targets = [TargetDevice("first", 0), *(TargetDevice(f"box-{each}", each) for each in range(10))]
    with Installation() as installation:
        return judge_fleet(bundle, targets, find, installation.runtimes(), NOW_S, bounds)


def test_no_more_profiles_are_judged_than_is_allowed_and_the_answer_says_so(bundle: Bundle) -> None:
    content = read_profile(device_file(), key_files())
    found = judged(bundle, lambda _: content, Bounds(3, 1000, Ticking()))
    assert (found.devices, found.accepted, found.unjudged) == (11, 4, {"too-many-profiles": 7})
    found = judged(bundle, {0: content}.get, Bounds(99, 1000, Ticking()))
    assert (found.accepted, found.unjudged) == (2, {"too-many-profiles": 9})


def test_judging_ends_in_time_and_the_answer_says_so(bundle: Bundle) -> None:
    content = read_profile(device_file(), key_files())
    found = judged(bundle, lambda _: content, Bounds(99, 4, Ticking()))
    assert (found.accepted, found.unjudged) == (4, {"out-of-time": 7})


def test_a_profile_that_cannot_be_read_any_more_stops_no_judgement(bundle: Bundle) -> None:
    def find(number: int) -> ProfileContent:
        if number == 5:
            raise bad_request("device_file: is of an older version")
        return read_profile(device_file(), key_files())

    found = judged(bundle, find, Bounds(99, 1000, Ticking()))
    assert (found.accepted, found.unjudged) == (10, {"profile-not-readable": 1})


@pytest.mark.parametrize("metadata", [b"", b"\xff", b"\xda\x54\x69\x6e\x79", bytes(4096)])
def test_bytes_that_are_no_metadata_are_refused_by_all(metadata: bytes) -> None:
    content = read_profile(device_file(), key_files())
    found = judged(
        Bundle(metadata, b"data", b"code"), lambda _: content, Bounds(99, 1000, Ticking())
    )
    assert (found.accepted, sum(each.devices for each in found.refused.values())) == (0, 11)


def test_few_judgements_are_made_at_the_same_time(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judgement, "WAIT_S", 0.001)
    begun: list[int] = []

    def begin_another() -> Runtimes:
        begun.append(1)
        judge.judge(asked, NOW_S)
        return {}

    judge = Judge(begin_another, dict, Ticking())
    asked = Asked(bundle, (), {})
    with pytest.raises(PlatformRefused, match="other releases are judged just now"):
        judge.judge(asked, NOW_S)
    assert len(begun) == judgement.AT_ONCE
