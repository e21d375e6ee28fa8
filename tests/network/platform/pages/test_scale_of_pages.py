"""Every page is made in time and stays small, however many devices there are."""

import statistics
import sys
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path
from time import process_time
from typing import Final

import pytest
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute
from support.four_parties import BOX
from support.large_fleets import LargeFleet, fill
from support.platforms import ORGANISATIONS, Platform, made_platform
from support.rollouts import GATEWAY
from support.sboms import TLS
from support.statements import counting

FEW, MANY, ALL = 100, 300, 10_000
MOST_S: Final = 0.3
MOST_BYTES: Final = 200_000
TIMES: Final = 5
SLOWEST: Final = 10
NAME: Final = "box-00021"
RELEASE: Final = f"/releases/{BOX}/1"
PATHS: Final = (
    "/", "/releases", "/releases?before=20", "/releases/begin", RELEASE, f"{RELEASE}/rollout",
    f"{RELEASE}/rollout/preview", f"{RELEASE}/components",
    *(f"{RELEASE}/{each}" for each in ("code", "sbom", "data", "plan", "envelope", "rights")),
    "/devices", "/devices?after=box-00050", "/devices?query=label.site=attic",
    "/devices?query=kind=nothing", f"/devices?uid={BOX}", f"/devices?uid={BOX}&query=version<2",
    f"/devices?uid={BOX}&wanted=1&state=running", "/devices?state=differs",
    "/devices?connected=no&silent_s=3600&query=not+label.site=paris",
    "/devices?rollout={halted}&reason=reason-7", f"/devices/{NAME}",
    "/rollouts", "/rollouts?before=50", "/rollouts?state=halted", "/rollouts/{running}",
    "/rollouts/{draft}", "/rollouts/{halted}", "/rollouts/{draft}/judgement",
    "/rollouts/{running}/devices", "/rollouts/{halted}/devices?progress=failed",
    "/offers", "/offers/new", "/offers/1", "/rentals", "/rentals/1",
    "/components", f"/components?name={TLS['name']}", "/evidence", "/evidence/devices",
    "/evidence?kind=crashed", "/audit", "/audit?before=50", "/audit/chain",
    "/organisation", "/organisation/people/boxes-admin", "/account",
    "/enrolling", f"/enrolling/{NAME}",
)  # fmt: skip
"""Each page, and the lists with what is rare, what many have, and what is not there."""
NOT_SEEN: Final = (403, 404)


def paths_of(fleet: LargeFleet) -> list[str]:
    """The paths with the numbers of rollouts."""
    numbers = {"running": fleet.running, "draft": fleet.draft, "halted": fleet.halted}
    return [each.format(**numbers) for each in PATHS]


def page_routes(routes: Iterable[BaseRoute]) -> Iterator[APIRoute]:
    """The routes of pages that are looked at, also those in routers that stay as they are."""
    for each in routes:
        included = getattr(each, "original_router", None)
        if included is not None:
            yield from page_routes(included.routes)
        elif (
            isinstance(each, APIRoute)
            and not each.include_in_schema
            and "GET" in (each.methods or ())
        ):
            yield each


def ask_all(platform: Platform, fleet: LargeFleet) -> Iterator[tuple[str, str]]:
    """Each page, as each of the four organisations, each of whose admins has logged in."""
    for organisation in ORGANISATIONS:
        platform.client(organisation)
    yield from product(ORGANISATIONS, paths_of(fleet))


def test_every_page_is_measured(tmp_path: Path) -> None:
    with made_platform(tmp_path) as platform:
        routes = [*page_routes(platform.application.routes)]
    plain = [each.partition("?")[0].format(running=1, draft=1, halted=1) for each in PATHS]
    assert len(routes) > 20
    assert [
        route.path
        for route in routes
        if not route.path.startswith("/assets/")
        and not any(route.path_regex.match(each) for each in plain)
    ] == []


def test_a_page_takes_as_many_statements_for_few_devices_as_for_many(tmp_path: Path) -> None:
    found: list[dict[tuple[str, str], int]] = []
    for devices in (FEW, MANY):
        folder = tmp_path / str(devices)
        folder.mkdir()
        counts = {}
        with made_platform(folder, gateways={GATEWAY: "infra"}) as platform:
            fleet = fill(platform, devices)
            for organisation, path in ask_all(platform, fleet):
                with counting() as said:
                    platform.client(organisation).get(path)
                counts[organisation, path] = len(said)
        found.append(counts)
    assert {each: (found[0][each], count) for each, count in found[1].items()} == {
        each: (count, count) for each, count in found[0].items()
    }


@pytest.mark.long
@pytest.mark.clause("TC-PLAT-70")
def test_every_page_is_made_in_time_and_small_with_ten_thousand_devices(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    statuses: dict[str, list[int]] = {}
    taken_s, sizes = {}, {}
    with made_platform(tmp_path, gateways={GATEWAY: "infra"}) as platform:
        fleet = fill(platform, ALL)
        for organisation, path in ask_all(platform, fleet):
            times_s = []
            for _ in range(TIMES):
                began_s = process_time()
                answer = platform.client(organisation).get(path)
                times_s.append(process_time() - began_s)
            statuses.setdefault(path, []).append(answer.status_code)
            taken_s[organisation, path] = statistics.median(times_s)
            sizes[organisation, path] = len(answer.content)
    slowest = sorted(taken_s, key=lambda each: -taken_s[each])[:SLOWEST]
    table = "\n".join(
        f"{taken_s[each] * 1000:6.0f} ms {sizes[each] // 1000:6} KB  {each[0]:6} {each[1]}"
        for each in slowest
    )
    with capsys.disabled():
        sys.stdout.write(f"\nthe slowest of {len(taken_s)} pages:\n{table}\n")
    assert {path: found for path, found in statuses.items() if 200 not in found} == {}
    assert {each for found in statuses.values() for each in found} <= {200, *NOT_SEEN}
    assert {each: size for each, size in sizes.items() if size >= MOST_BYTES} == {}
    assert {each: took_s for each, took_s in taken_s.items() if took_s >= MOST_S} == {}
