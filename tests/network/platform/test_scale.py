"""All that can be asked of the platform is answered in time, however many devices there are."""

import os
import statistics
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from itertools import product
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, Final

import httpx
import pytest
from support.four_parties import BOX, CODE
from support.large_fleets import LargeFleet, fill
from support.platforms import ORGANISATIONS, empty_database, made_platform
from support.rollouts import GATEWAY, Rollouts
from support.sboms import TLS
from support.statements import counting
from support.worlds import KEYS

from tinycontainer_tokens import Role

POSTGRESQL: Final = os.environ.get("TINYCONTAINER_TEST_POSTGRESQL", "")
"""URL of an empty database, on which all is asked as well if given."""
DATABASES: Final = {"sqlite": "", **({"postgresql": POSTGRESQL} if POSTGRESQL else {})}
CLOCKS: Final = {"sqlite": process_time, "postgresql": perf_counter}
"""SQLite works in this process, so that what else runs on the machine need not count."""
FEW, MANY, ALL = 100, 300, 10_000
MOST_S: Final = 0.3
TIMES: Final = 5
SLOWEST: Final = 10
RARE: Final = "label.site=attic"
QUERIES: Final = (
    "",
    RARE,
    "kind=nothing",
    "name=nobody or group=hall-3 and label.serial=s23",
    "label.site=paris and not kind=box",
)
NAME: Final = "box-00021"
"""A device of ``boxes`` that ``infra`` operates."""
NOT_SEEN: Final = (403, 404)
"""What is answered to those who are no party to something."""

Asked = Mapping[str, Any]
"""Values of the places in a path, and of the query."""


def key_of(role: Role) -> str:
    """The fingerprint of a party's key."""
    return sha256(KEYS[role].public).hexdigest()


def choices(fleet: LargeFleet) -> tuple[Asked, ...]:
    """Devices that are meant by what they run and how they are reached."""
    return (
        {"uid": BOX, "query": "version<2 and not label.site=paris"},
        {"uid": BOX, "wanted": 1, "state": "differs"},
        {"state": "failed"},
        {"connected": "no", "silent_s": 3600, "profile": 2},
        {"rollout": fleet.halted, "reason": "reason-7"},
    )


def questions(fleet: LargeFleet) -> Mapping[str, tuple[Asked, ...]]:
    """What is asked with each operation: first and last page, what is rare, what is not there."""
    last = fleet.names[-3]
    release = {"uid": BOX, "number": 1}
    rollout = {"number": fleet.running}
    component = {"name": TLS["name"]}
    return {
        "/health": ({},),
        "/metrics": ({},),
        "/api/tokens": ({},),
        "/api/me": ({},),
        "/api/organisation": ({},),
        "/api/people": ({}, {"after": "z"}, {"limit": 1}),
        "/api/audit": ({}, {"limit": 1000}, {"after": 2 * fleet.devices}, {"after": 2**31 - 1}),
        "/api/keys": ({},),
        "/api/applications": ({}, {"after": b"other119".hex()}, {"after": "ff"}),
        "/api/applications/{uid}": ({"uid": BOX},),
        "/api/artefacts/{sha256}": ({"sha256": sha256(CODE).hexdigest()},),
        "/api/releases": ({}, {"before": 20}, {"before": 1}),
        "/api/releases/{uid}/{number}": (release,),
        "/api/releases/{uid}/{number}/bundle": (release,),
        "/api/releases/{uid}/{number}/signing/{part}": (
            {**release, "part": "code", "key": key_of(Role.DEVELOPER)},
            {**release, "part": "metadata", "key": key_of(Role.INFRASTRUCTURE)},
        ),
        "/api/releases/{uid}/{number}/signing/{part}/bytes": (
            {**release, "part": "code", "key": key_of(Role.DEVELOPER), "seen": ""},
        ),
        "/api/releases/{uid}/{number}/sbom": (release,),
        "/api/components": (
            component,
            {"purl": TLS["purl"]},
            {**component, "after": "100.0"},
            {**component, "version": "9"},
            {"name": "nothing"},
        ),
        "/api/components/devices": (
            component,
            {"purl": TLS["purl"]},
            {**component, "after": last},
            {**component, "version": "9"},
            {"name": "nothing"},
        ),
        "/api/gateways": ({},),
        "/api/devices/{name}/containers": ({"name": NAME},),
        "/api/evidence": (
            {},
            {"before": 10},
            {"kind": "crashed"},
            {"kind": "expired"},
            {"uid": "00"},
            {"device": NAME},
        ),
        "/api/devices/{name}/evidence": ({"name": NAME}, {"name": NAME, "since": 9}),
        "/api/offers": ({}, {"before": 10}, {"before": 1}),
        "/api/offers/{number}": ({"number": 1},),
        "/api/rentals": ({}, {"before": 10}, {"before": 1}),
        "/api/rentals/{number}": ({"number": 1},),
        "/api/applications/{uid}/withdrawals/signing": (
            {"uid": BOX, "key": key_of(Role.OWNER)},
            {"uid": BOX, "key": key_of(Role.OWNER), "above": 7},
        ),
        "/api/applications/{uid}/withdrawals/signing/bytes": (
            {"uid": BOX, "key": key_of(Role.OWNER)},
        ),
        "/api/devices": (
            *({"query": each} for each in QUERIES),
            {"after": last},
            {"query": RARE, "after": NAME},
            *choices(fleet),
        ),
        "/api/devices/summary": ({}, {"query": RARE}, *choices(fleet)),
        "/api/fleet/running": ({}, {"query": RARE}, *choices(fleet)),
        "/api/fleet/failures": ({},),
        "/api/devices/{name}": ({"name": NAME},),
        "/api/profiles": ({}, {"after": 60}, {"after": 2**31 - 1}),
        "/api/profiles/{number}": ({"number": 1},),
        "/api/rollouts": ({}, {"before": 10}, {"before": 1}, {"state": "halted"}),
        "/api/rollouts/{number}": (rollout,),
        "/api/rollouts/{number}/overview": (rollout,),
        "/api/rollouts/{number}/devices": (
            rollout,
            {**rollout, "reason": "nothing"},
            {**rollout, "after": last},
            {**rollout, "progress": "waiting"},
            {**rollout, "progress": "failed"},
        ),
    }


@dataclass(frozen=True)
class Asking:
    """Somebody who asks something.

    Attributes:
        organisation: whose admin it is.
        words: what is asked, to be shown.
        ask: does it.
    """

    organisation: str
    words: str
    ask: Callable[[], httpx.Response]


@contextmanager
def filled(directory: Path, devices: int, url: str = "") -> Iterator[LargeFleet]:
    """A platform with so many devices."""
    directory.mkdir()
    try:
        with made_platform(directory, gateways={GATEWAY: "infra"}, url=url) as platform:
            yield fill(platform, devices)
    finally:
        if url:
            empty_database(url)


def all_asked(fleet: LargeFleet) -> Iterator[Asking]:
    """Each question, as each of the four organisations."""
    for path, asked in questions(fleet).items():
        for organisation, values in product(ORGANISATIONS, asked):
            client = fleet.world.platform.client(organisation)
            rest = {name: value for name, value in values.items() if f"{{{name}}}" not in path}
            address = httpx.URL(path.format(**values), params=rest)
            yield Asking(organisation, str(address), partial(client.get, address))
    judgement = f"/api/releases/{BOX}/1/judgement"
    judged: list[tuple[str, dict[str, object]]] = [(judgement, {"query": each}) for each in QUERIES]
    judged.append((f"/api/rollouts/{fleet.draft}/judgement", {}))
    judged.append((f"/api/rollouts/{fleet.draft}/judgement/devices", {}))
    judged.append(("/api/rollouts/preview", {"uid": BOX, "number": 1}))
    for organisation, (path, body) in product(ORGANISATIONS, judged):
        client = fleet.world.platform.client(organisation)
        words = f"{path} {body.get('query', '')}"
        yield Asking(organisation, words, partial(client.post, path, json=body))


def require_all_answered(statuses: Mapping[tuple[str, str], int]) -> None:
    """Require that somebody sees what is asked, and that others are told that they do not."""
    seen: dict[str, list[int]] = {}
    for (_, words), status in statuses.items():
        seen.setdefault(words, []).append(status)
    assert {words: found for words, found in seen.items() if 200 not in found} == {}
    assert {each for found in seen.values() for each in found} <= {200, *NOT_SEEN}


def test_all_that_can_be_asked_is_in_the_questions(tmp_path: Path) -> None:
    with made_platform(tmp_path) as platform:
        description = platform.application.openapi()["paths"]
        fleet = LargeFleet(Rollouts(platform), FEW, {}, 1, 2, 3)
    asked = {
        path: {name for values in each for name in values}
        for path, each in questions(fleet).items()
    }
    described = {
        path: {each["name"] for each in operations["get"].get("parameters", [])}
        for path, operations in description.items()
        if "get" in operations
    }
    assert asked == described


def test_an_answer_takes_as_many_statements_for_few_devices_as_for_many(tmp_path: Path) -> None:
    found: list[dict[tuple[str, str], int]] = []
    for devices in (FEW, MANY):
        statuses, counts = {}, {}
        with filled(tmp_path / str(devices), devices) as fleet:
            for place, each in enumerate(all_asked(fleet)):
                with counting() as said:
                    answer = each.ask()
                statuses[each.organisation, each.words] = answer.status_code
                counts[each.organisation, str(place)] = len(said)
        require_all_answered(statuses)
        found.append(counts)
    assert found[0] == found[1]


@pytest.mark.long
@pytest.mark.parametrize("database", DATABASES)
def test_all_is_answered_in_time_for_ten_thousand_devices(
    tmp_path: Path, database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    statuses, taken_s = {}, {}
    clock = CLOCKS[database]
    with filled(tmp_path / "all", ALL, DATABASES[database]) as fleet:
        for each in all_asked(fleet):
            times_s = []
            for _ in range(TIMES):
                began_s = clock()
                answer = each.ask()
                times_s.append(clock() - began_s)
            statuses[each.organisation, each.words] = answer.status_code
            taken_s[each.organisation, each.words] = statistics.median(times_s)
    require_all_answered(statuses)
    slowest = sorted(taken_s, key=lambda each: -taken_s[each])[:SLOWEST]
    table = "\n".join(f"{taken_s[each] * 1000:6.0f} ms  {each[0]:6} {each[1]}" for each in slowest)
    with capsys.disabled():
        sys.stdout.write(f"\nthe slowest of {len(taken_s)}:\n{table}\n")
    assert {each: took_s for each, took_s in taken_s.items() if took_s >= MOST_S} == {}
