"""Who may do what: every operation of the description, asked by everybody about everything."""

import os
from collections import Counter
from collections.abc import Iterator
from typing import Final

import httpx
import pytest
from support.access_rows import ALL, Caller, Subject, World, secret_of
from support.platforms import ORGANISATIONS, empty_database, made_platform, problem_of
from support.rollout_rows import GATEWAYS

from tinycontainer.network.platform.actor import PlatformScope
from tinycontainer.network.platform.releases.parts import ReleasePart
from tinycontainer_tokens import Role

POSTGRESQL: Final = os.environ.get("TINYCONTAINER_TEST_POSTGRESQL", "")
"""URL of an empty database, on which the rows are if given."""
ANYBODY: Final = "anybody, known or not"
KNOWN: Final = "whoever is known"
LOGGED_IN: Final = "whoever has logged in; no token"
SEEING: Final = "whoever is of an organisation for which it is there"
OWNING: Final = "the same, who has logged in; no token"
SIGNING: Final = "the party that signs this part"
JUDGING: Final = "the parties that have devices for it"

TABLE: Final[dict[str, tuple[int, PlatformScope | None, str]]] = {
    "GET /health": (200, None, ANYBODY),
    "GET /metrics": (200, PlatformScope.ADMINISTER, KNOWN),
    "POST /api/session": (201, None, ANYBODY),
    "DELETE /api/session": (204, None, LOGGED_IN),
    "GET /api/tokens": (200, None, LOGGED_IN),
    "POST /api/tokens": (201, None, LOGGED_IN),
    "DELETE /api/tokens/{id}": (204, None, OWNING),
    "GET /api/me": (200, None, KNOWN),
    "GET /api/organisation": (200, PlatformScope.READ, KNOWN),
    "GET /api/people": (200, PlatformScope.READ, KNOWN),
    "POST /api/people": (201, PlatformScope.ADMINISTER, LOGGED_IN),
    "PATCH /api/people/{name}": (200, PlatformScope.ADMINISTER, OWNING),
    "GET /api/audit": (200, PlatformScope.READ, KNOWN),
    "GET /api/keys": (200, PlatformScope.READ, KNOWN),
    "POST /api/keys": (201, PlatformScope.ADMINISTER, KNOWN),
    "DELETE /api/keys/{fingerprint}": (200, PlatformScope.ADMINISTER, SEEING),
    "GET /api/applications": (200, PlatformScope.READ, KNOWN),
    "POST /api/applications": (201, PlatformScope.PUBLISH, Role.DEVELOPER),
    "GET /api/applications/{uid}": (200, PlatformScope.READ, SEEING),
    "PUT /api/artefacts/{sha256}": (201, PlatformScope.PUBLISH, KNOWN),
    "GET /api/artefacts/{sha256}": (200, PlatformScope.READ, SEEING),
    "GET /api/releases": (200, PlatformScope.READ, KNOWN),
    "POST /api/releases": (201, PlatformScope.PUBLISH, SEEING),
    "GET /api/releases/{uid}/{number}": (200, PlatformScope.READ, SEEING),
    "GET /api/releases/{uid}/{number}/bundle": (200, PlatformScope.READ, SEEING),
    "PUT /api/releases/{uid}/{number}/code": (200, PlatformScope.PUBLISH, Role.DEVELOPER),
    "PUT /api/releases/{uid}/{number}/data": (200, PlatformScope.PUBLISH, Role.PROVIDER),
    "PUT /api/releases/{uid}/{number}/plan": (200, PlatformScope.PUBLISH, Role.INFRASTRUCTURE),
    "PUT /api/releases/{uid}/{number}/rights": (200, PlatformScope.PUBLISH, Role.OWNER),
    "GET /api/releases/{uid}/{number}/sbom": (200, PlatformScope.READ, SEEING),
    "PUT /api/releases/{uid}/{number}/sbom": (200, PlatformScope.PUBLISH, Role.DEVELOPER),
    "GET /api/components": (200, PlatformScope.READ, KNOWN),
    "GET /api/components/devices": (200, PlatformScope.READ, KNOWN),
    "POST /api/releases/{uid}/{number}/judgement": (200, PlatformScope.READ, JUDGING),
    "GET /api/releases/{uid}/{number}/signing/{part}": (200, PlatformScope.SIGN, SIGNING),
    "GET /api/releases/{uid}/{number}/signing/{part}/bytes": (200, PlatformScope.SIGN, SIGNING),
    "PUT /api/releases/{uid}/{number}/tokens/{part}": (200, PlatformScope.SIGN, SIGNING),
    "GET /api/offers": (200, PlatformScope.READ, KNOWN),
    "POST /api/offers": (201, PlatformScope.DEPLOY, Role.OWNER),
    "GET /api/offers/{number}": (200, PlatformScope.READ, SEEING),
    "PATCH /api/offers/{number}": (200, PlatformScope.DEPLOY, Role.OWNER),
    "GET /api/rentals": (200, PlatformScope.READ, KNOWN),
    "POST /api/rentals": (201, PlatformScope.DEPLOY, Role.DEVELOPER),
    "GET /api/rentals/{number}": (200, PlatformScope.READ, SEEING),
    "POST /api/rentals/{number}/grant": (200, PlatformScope.SIGN, Role.OWNER),
    "POST /api/rentals/{number}/refuse": (200, PlatformScope.SIGN, Role.OWNER),
    "POST /api/rentals/{number}/take-back": (200, PlatformScope.DEPLOY, Role.DEVELOPER),
    "GET /api/applications/{uid}/withdrawals/signing": (200, PlatformScope.SIGN, Role.OWNER),
    "GET /api/applications/{uid}/withdrawals/signing/bytes": (200, PlatformScope.SIGN, Role.OWNER),
    "POST /api/applications/{uid}/withdrawals": (201, PlatformScope.SIGN, Role.OWNER),
    "PUT /api/releases/{uid}/{number}/envelope": (200, PlatformScope.PUBLISH, Role.INFRASTRUCTURE),
    "GET /api/gateways": (200, PlatformScope.READ, KNOWN),
    "PUT /api/devices/{name}/connection": (200, PlatformScope.DEPLOY, Role.INFRASTRUCTURE),
    "DELETE /api/devices/{name}/connection": (200, PlatformScope.DEPLOY, Role.INFRASTRUCTURE),
    "GET /api/devices/{name}/containers": (200, PlatformScope.READ, SEEING),
    "GET /api/rollouts": (200, PlatformScope.READ, KNOWN),
    "POST /api/rollouts": (201, PlatformScope.DEPLOY, Role.INFRASTRUCTURE),
    "GET /api/rollouts/{number}": (200, PlatformScope.READ, SEEING),
    "POST /api/rollouts/preview": (200, PlatformScope.DEPLOY, Role.INFRASTRUCTURE),
    "GET /api/rollouts/{number}/overview": (200, PlatformScope.READ, SEEING),
    "GET /api/rollouts/{number}/devices": (200, PlatformScope.READ, SEEING),
    "POST /api/rollouts/{number}/judgement": (200, PlatformScope.READ, SEEING),
    "POST /api/rollouts/{number}/judgement/devices": (200, PlatformScope.READ, SEEING),
    "POST /api/rollouts/{number}/start": (200, PlatformScope.DEPLOY, Role.INFRASTRUCTURE),
    "POST /api/rollouts/{number}/pause": (200, PlatformScope.DEPLOY, Role.INFRASTRUCTURE),
    "POST /api/rollouts/{number}/resume": (200, PlatformScope.DEPLOY, Role.INFRASTRUCTURE),
    "POST /api/rollouts/{number}/cancel": (200, PlatformScope.DEPLOY, Role.INFRASTRUCTURE),
    "POST /api/rollouts/{number}/retry": (200, PlatformScope.DEPLOY, Role.INFRASTRUCTURE),
    "DELETE /api/rollouts/{number}/devices/{name}": (
        204,
        PlatformScope.DEPLOY,
        Role.INFRASTRUCTURE,
    ),
    "GET /api/devices": (200, PlatformScope.READ, KNOWN),
    "POST /api/devices": (201, PlatformScope.DEPLOY, Role.OWNER),
    "GET /api/devices/summary": (200, PlatformScope.READ, KNOWN),
    "GET /api/fleet/running": (200, PlatformScope.READ, KNOWN),
    "GET /api/fleet/failures": (200, PlatformScope.READ, KNOWN),
    "GET /api/devices/{name}": (200, PlatformScope.READ, SEEING),
    "PATCH /api/devices/{name}": (200, PlatformScope.DEPLOY, Role.OWNER),
    "DELETE /api/devices/{name}": (204, PlatformScope.DEPLOY, Role.OWNER),
    "GET /api/evidence": (200, PlatformScope.READ, KNOWN),
    "GET /api/devices/{name}/evidence": (200, PlatformScope.READ, SEEING),
    "GET /api/profiles": (200, PlatformScope.READ, KNOWN),
    "POST /api/profiles": (201, PlatformScope.DEPLOY, Role.OWNER),
    "GET /api/profiles/{number}": (200, PlatformScope.READ, SEEING),
    "DELETE /api/profiles/{number}": (204, PlatformScope.DEPLOY, Role.OWNER),
}
"""Of each operation: the status of who may, the scope that it needs, and who may at all."""
NEITHER_ROLE_NOR_ROW: Final = frozenset({ANYBODY, KNOWN, LOGGED_IN})


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A platform with five organisations, and all who ask it."""
    folder = tmp_path_factory.mktemp("access")
    with made_platform(
        folder, url=POSTGRESQL, gateways=GATEWAYS, tokens=1000, sessions=1000
    ) as platform:
        yield World(platform)
    if POSTGRESQL:
        empty_database(POSTGRESQL)


def expected(operation: str, caller: Caller, about: Subject) -> int:
    """What must be answered, by the table."""
    status, scope, who = TABLE[operation]
    if who == ANYBODY:
        return status
    if not caller.organisation:
        return 401
    if who in (LOGGED_IN, OWNING) and not caller.is_session:
        return 403
    if scope is not None and scope not in caller.scopes:
        return 403
    if who in NEITHER_ROLE_NOR_ROW:
        return status
    if about.seen_by.isdisjoint((caller.organisation, caller.person)):
        return 404
    own = ORGANISATIONS.get(caller.organisation)
    allowed = {
        SIGNING: {ReleasePart.parse(about.values.get("part", "mask")).role},
        JUDGING: {Role.OWNER, Role.INFRASTRUCTURE},
    }.get(who, {who})
    # The fifth organisation has all roles.
    return status if who in (SEEING, OWNING) or own is None or own in allowed else 403


@pytest.mark.clause("TC-PLAT-07")
def test_the_table_has_exactly_the_operations_that_are_described(world: World) -> None:
    described = {
        f"{method.upper()} {path}"
        for path, methods in world.platform.application.openapi()["paths"].items()
        for method in methods
    }
    assert described == TABLE.keys()


@pytest.mark.clause("TC-PLAT-07", "TC-PLAT-08", "TC-PLAT-09", "TC-PLAT-10")
@pytest.mark.parametrize("operation", TABLE)
def test_an_operation_is_done_for_exactly_those_who_may(world: World, operation: str) -> None:
    wrong: list[str] = []
    statuses: Counter[int] = Counter()
    for caller in world.callers:
        hidden: set[str] = set()
        for about in world.subjects(operation, caller):
            answer, wanted = world.ask(operation, caller, about), expected(operation, caller, about)
            statuses[answer.status_code] += 1
            asked = f"{caller.name}: {operation} of {dict(about.values)}"
            if answer.status_code != wanted:
                wrong.append(f"{asked}: {answer.status_code} and not {wanted}: {answer.text[:200]}")
            if answer.status_code == wanted == 404:
                assert problem_of(answer, 404)
                hidden.add(f"{answer.text} {sorted(answer.headers)}")
            wrong += [f"{asked}: shows {word}" for word in shown_of_others(caller, answer)]
        # What belongs to others is answered as what is not there.
        assert len(hidden) <= 1, hidden
    assert wrong == []
    assert statuses[TABLE[operation][0]] > 0
    assert TABLE[operation][2] == ANYBODY or statuses[401] > 0


def shown_of_others(caller: Caller, answer: httpx.Response) -> list[str]:
    """Words in an answer that only others may see."""
    words = [secret_of(each) for each in ALL if each != caller.organisation]
    return [word for word in words if word in answer.text or word.encode().hex() in answer.text]


def test_many_are_asked_for(world: World) -> None:
    assert len(world.callers) == 1 + 5 * (3 + len(PlatformScope)) + 4
    assert len({each.name for each in world.callers}) == len(world.callers)
