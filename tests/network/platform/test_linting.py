"""What lint finds in a release is counted by the profiles of its devices, and decides nothing."""

import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.audits import NOW_S, TOOLS, calls, mask, plan
from support.fleets import WITHOUT_DEVELOPER, Fleet, device_file, key_files
from support.four_parties import FourParties, good
from support.platforms import Platform
from support.wasm import modules as wasm
from support.worlds import KEYS, local

from tinycontainer.interfaces.analysis import CodeFacts
from tinycontainer.metadata import Bundle, ContainerType, Direction, decode, encode
from tinycontainer.network.platform.fleet.judgement import MOST_CASES, MOST_LINT_SECONDS
from tinycontainer.network.platform.fleet.judging import Bounds, TargetDevice
from tinycontainer.network.platform.fleet.linting import (
    MOST_CHARACTERS,
    MOST_FINDINGS,
    FleetLint,
    lint_fleet,
)
from tinycontainer.network.platform.fleet.profile_content import ProfileContent, read_profile
from tinycontainer.network.platform.refusing import bad_request
from tinycontainer.tools.lint import CodeTools, Severity
from tinycontainer.tools.packing.packing import TokenOptions, pack
from tinycontainer_tokens import Profile, Role

SENSOR: Final = '[[drivers]]\ndriver = "sensor"\nendpoint = 7\n'
SHORT_LOOPS: Final = "[caps]\nloop_max_ms = 5\n"
BOUNDS: Final = Bounds(MOST_CASES, 1000, time.monotonic)
READS: Final = calls("read", opens=[1])


def profile(more: str = "") -> ProfileContent:
    """What devices accept whose file says more."""
    return read_profile(device_file(more), key_files())


def container(code: bytes = READS, *more: str, options: TokenOptions | None = None) -> Bundle:
    """A container that reads a sensor, and whose mask can allow more calls than that."""
    endpoints = (local(1, 7, Direction.OUT),)
    made = plan(allows=mask("open", "read", *more), endpoints=endpoints, options=options)
    return pack(made, code, b"", KEYS)


def of(profile_id: int, *names: str, device_id: str | None = None) -> list[TargetDevice]:
    return [TargetDevice(name, profile_id, device_id) for name in names]


def lint(
    bundle: Bundle,
    targets: Sequence[TargetDevice],
    profiles: Mapping[int, ProfileContent],
    tools: CodeTools = TOOLS,
    bounds: Bounds = BOUNDS,
) -> FleetLint:
    return lint_fleet(bundle, targets, profiles.get, tools, NOW_S, bounds)


def counted(found: FleetLint) -> list[tuple[str, int, list[str]]]:
    """The rule of each finding, with the devices and the examples."""
    return [(each.rule.id, group.devices, group.examples) for each, group in found.findings.items()]


def each_its_own(count: int, more: Callable[[int], str]) -> dict[int, ProfileContent]:
    return {number: profile(more(number)) for number in range(count)}


def test_each_finding_has_the_number_of_its_devices_and_some_of_their_names() -> None:
    new = [f"new-{number}" for number in range(9, 0, -1)]
    targets = [*of(1, *new), *of(2, "old-2", "old-1")]
    found = lint(container(READS, "write"), targets, {1: profile(SENSOR), 2: profile(SHORT_LOOPS)})
    assert found.devices == 11
    assert found.left_out == 0
    assert counted(found) == [
        ("TCL210", 2, ["old-1", "old-2"]),
        ("TCL401", 2, ["old-1", "old-2"]),
        ("TCL102", 11, ["new-1", "new-2", "new-3", "new-4", "new-5"]),
    ]
    driver, cap, unused = found.findings
    assert (driver.severity, driver.place) == ("error", "endpoints[0].peer-endpoint-id")
    assert cap.message == "loop_max_ms: metadata asks for 10 ms, the device allows 5 ms"
    assert (unused.severity, unused.place) == ("warning", "syscall-mask")
    assert unused.message == "allows write, which the code never calls"


def test_what_profiles_make_different_is_counted_apart() -> None:
    profiles = {
        1: profile(f"{SENSOR}\n{SHORT_LOOPS}"),
        2: profile(f"{SENSOR}\n[caps]\nloop_max_ms = 6\n"),
    }
    found = lint(container(), [*of(1, "box-1"), *of(2, "box-2", "box-3")], profiles)
    assert counted(found) == [("TCL401", 2, ["box-2", "box-3"]), ("TCL401", 1, ["box-1"])]


def test_in_a_clean_container_nothing_is_found_that_is_an_error() -> None:
    found = lint(container(), of(1, "box-1"), {1: profile(SENSOR)})
    assert found.devices == 1
    assert Severity.ERROR not in {each.severity for each in found.findings}


def test_the_keys_of_a_profile_decide_whether_a_token_is_believed() -> None:
    other = read_profile(device_file(SENSOR, WITHOUT_DEVELOPER), key_files(WITHOUT_DEVELOPER))
    profiles = {1: profile(SENSOR), 2: other}
    found = lint(container(), [*of(1, "new"), *of(2, "old")], profiles)
    assert counted(found) == [("TCL510", 1, ["old"])]


def test_a_token_for_one_device_is_a_finding_for_all_others() -> None:
    targets = [
        *of(1, "box-1", device_id="serial-1"),
        *of(1, "box-2", device_id="serial-2"),
        *of(1, "box-3", device_id="serial-3"),
    ]
    bundle = container(options=TokenOptions(audience="serial-2"))
    found = lint(bundle, targets, {1: profile(SENSOR)})
    assert found.devices == 3
    assert {tuple(group.examples) for group in found.findings.values()} == {("box-1", "box-3")}
    assert {each.rule.id for each in found.findings} == {"TCL510"}


def test_code_is_analysed_once_for_all_profiles() -> None:
    seen: list[bytes] = []

    def analyse(code: bytes) -> CodeFacts:
        seen.append(code)
        return TOOLS.analysers[ContainerType.WASM](code)

    tools = replace(TOOLS, analysers={ContainerType.WASM: analyse})
    profiles = each_its_own(
        8,
        lambda number: (
            f"[capacity]\ncode_bytes = {9000 + number}\nmetadata_bytes = {3000 + number}\n"
            f"[capacity.runtime]\ncall_depth = {100 + number}\n"
        ),
    )
    found = lint(
        container(), [TargetDevice(f"box-{each}", each) for each in profiles], profiles, tools
    )
    assert found.devices == 8
    assert seen == [READS]


def test_a_profile_with_little_room_is_held_against_the_container() -> None:
    found = lint(container(), of(1, "box"), {1: profile(f"{SENSOR}\n[capacity]\ncode_bytes = 8\n")})
    assert counted(found) == [("TCL301", 1, ["box"])]
    assert "(device file)" in next(iter(found.findings)).message


def test_a_runtime_that_a_profile_forbids_something_refuses_the_code_there_only() -> None:
    bundle = container(wasm.loop("f32.const 1 drop i32.const 0"))
    strict = profile('[capacity.runtime]\nfloats = "forbid"\n')
    found = lint(bundle, [*of(1, "new"), *of(2, "old")], {1: profile(), 2: strict})
    assert ("TCL604", 1, ["old"]) in counted(found)


def test_sixty_four_profiles_of_their_own_are_looked_at_in_time() -> None:
    profiles = each_its_own(
        64, lambda number: f"[caps]\nloop_max_ms = 5\n[capacity]\ncode_bytes = {8 + number}\n"
    )
    targets = [TargetDevice(f"box-{number}", number) for number in profiles]
    bounds = Bounds(MOST_CASES, MOST_LINT_SECONDS, time.monotonic)
    found = lint(container(), targets, profiles, bounds=bounds)
    assert found.devices == 64
    assert ("TCL401", 64, ["box-0", "box-1", "box-10", "box-11", "box-12"]) in counted(found)


def test_looking_ends_in_time_with_those_that_most_devices_have() -> None:
    ticks = iter(range(100))
    profiles = {1: profile(SENSOR), 2: profile(), 3: profile(SHORT_LOOPS)}
    targets = [*of(1, "one"), *of(2, "two", "three"), *of(3, "four")]
    found = lint(container(), targets, profiles, bounds=Bounds(9, 3, lambda: float(next(ticks))))
    assert found.devices == 3
    assert counted(found) == [("TCL210", 2, ["three", "two"])]


def test_no_more_profiles_are_looked_at_than_is_allowed() -> None:
    profiles = {1: profile(SENSOR), 2: profile()}
    targets = [*of(1, "one"), *of(2, "two", "three")]
    assert lint(container(), targets, profiles, bounds=Bounds(1, 9, time.monotonic)).devices == 2
    assert lint(container(), targets, {1: profiles[1]}).devices == 1


def test_no_more_findings_are_shown_than_is_allowed_and_none_that_is_worse_is_left_out() -> None:
    profiles = each_its_own(
        60,
        lambda number: (
            f"[caps]\nloop_max_ms = {1 + number % 9}\nstart_max_ms = {1 + number % 9}\n"
            f"[capacity]\ncode_bytes = {8 + number}\nmetadata_bytes = {9 + number}\n"
        ),
    )
    targets = [TargetDevice(f"box-{number}", number) for number in profiles]
    found = lint(container(READS, "write"), targets, profiles)
    assert len(found.findings) == MOST_FINDINGS
    assert found.left_out > 0
    assert {each.severity for each in found.findings} == {Severity.ERROR}


def test_a_profile_that_cannot_be_read_any_more_is_left_out() -> None:
    def find(number: int) -> ProfileContent:
        if number == 2:
            raise bad_request("device_file: is of an older version")
        return profile()

    targets = [*of(1, "one"), *of(2, "two")]
    found = lint_fleet(container(), targets, find, TOOLS, NOW_S, BOUNDS)
    assert found.devices == 1
    assert counted(found) == [("TCL210", 1, ["one"])]


def test_a_message_that_a_container_makes_long_is_cut() -> None:
    metadata = decode(container().metadata)
    token = b"" if metadata.security is None else metadata.security.code_token
    endpoints = tuple(replace(local(each), token=token) for each in range(20))
    riot = plan(profile=Profile.RIOT_2024)
    other = decode(pack(riot, READS, b"", KEYS).metadata).container.syscall_mask_token
    mixed = encode(
        replace(metadata.container, syscall_mask_token=other), endpoints, metadata.security
    )
    found = lint(replace(container(), metadata=mixed), of(1, "box"), {1: profile()})
    (longest,) = [each.message for each in found.findings if each.rule.id == "TCL507"]
    assert len(longest) == MOST_CHARACTERS + 3
    assert longest.endswith("...")


@pytest.mark.parametrize("metadata", [b"", b"\xff", b"\xda\x54\x69\x6e\x79", bytes(4096)])
def test_where_there_is_no_metadata_nothing_is_found(metadata: bytes) -> None:
    found = lint(replace(container(), metadata=metadata), of(1, "box"), {1: profile()})
    assert (found.devices, found.findings) == (0, {})


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_bundle_makes_lint_fail(data: st.DataObject) -> None:
    sections = {}
    bundle = container()
    for name in ("metadata", "code"):
        content = bytearray(getattr(bundle, name))
        for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=3)):
            content[place] = data.draw(st.integers(0, 255))
        sections[name] = bytes(
            content[: data.draw(st.integers(0, len(content)))]
            if data.draw(st.booleans())
            else content
        )
    found = lint(replace(bundle, **sections), of(1, "box"), {1: profile(SENSOR)})
    for each in found.findings:
        assert f"{each.place}{each.message}".isprintable()
        assert f"{each.place}{each.message}".isascii()


def test_lint_opens_no_file_socket_or_process(monkeypatch: pytest.MonkeyPatch) -> None:
    lint(container(), of(1, "box"), {1: profile(SENSOR)})  # what is imported late

    def refuse(*_given: object, **_named: object) -> None:
        raise AssertionError("lint reached out")

    monkeypatch.setattr("builtins.open", refuse)
    monkeypatch.setattr("os.open", refuse)
    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(subprocess, "Popen", refuse)
    assert lint(container(), of(1, "box"), {1: profile(SENSOR)}).devices == 1


@pytest.fixture
def fleet(platform: Platform) -> Fleet:
    """Devices of an owner whose application reads a sensor, and never opens it."""
    parties = FourParties(platform)
    parties.prepare()
    parties.complete()
    return Fleet(parties)


@pytest.mark.clause("TC-PLAT-31")
def test_a_judgement_shows_findings_and_accepts_the_release_despite_them(fleet: Fleet) -> None:
    fleet.devices(["box-1", "box-2"], fleet.profile())
    fleet.devices(["box-3"], fleet.profile(SENSOR, name="sensor"))
    judged = good(fleet.judge())
    assert (judged["accepted"], judged["refused"], judged["linted"]) == (3, [], 3)
    assert judged["findings_left_out"] == 0
    first = judged["findings"][0]
    assert first == {
        "rule": "TCL210",
        "severity": "error",
        "place": "endpoints[0].peer-endpoint-id",
        "message": "endpoint 1 leads to local endpoint 7, where no driver is",
        "advice": "Add the driver to the device file, or correct the endpoint's peer.",
        "devices": 2,
        "examples": ["box-1", "box-2"],
    }
    assert {each["devices"] for each in judged["findings"][1:]} == {3}
    assert "error" not in {each["severity"] for each in judged["findings"][1:]}


@pytest.mark.clause("TC-PLAT-31")
def test_findings_hinder_no_start_and_stay_with_the_rollout(fleet: Fleet) -> None:
    fleet.devices(["box-1"], fleet.profile())
    client = fleet.client(Role.INFRASTRUCTURE)
    body: dict[str, Any] = {"uid": fleet.parties.uid, "number": 1, "name": "first", "query": ""}
    rollout = good(client.post("/api/rollouts", json=body))["id"]
    judged = good(client.post(f"/api/rollouts/{rollout}/judgement"))
    started = good(client.post(f"/api/rollouts/{rollout}/start", json={"despite": 0}))
    assert started["state"] == "running"
    assert judged["findings"][0]["rule"] == "TCL210"
    assert started["judgement"]["findings"] == judged["findings"]
