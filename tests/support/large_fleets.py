"""A platform whose database is as full as that of many devices after a year.

The four parties make a few releases by requests; all that there are many of is written in one
transaction, as the platform itself would have left it.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from support.deliveries import DeviceDouble
from support.fleets import device_file, key_files
from support.four_parties import BOX, good
from support.platforms import BEGIN_S, Platform
from support.renting import HOUR_S, LIMITS
from support.rollouts import GATEWAY, Rollouts
from support.sboms import TLS, Sboms, document
from tinycontainer.network.platform.people.organisation import add_organisation
from tinycontainer.network.platform.rollouts.terms import RolloutTerms
from tinycontainer.network.platform.tables.base import PlatformTable
from tinycontainer.network.platform.tables.catalogue import (
    ApplicationRow,
    ReleaseRow,
    ReleaseToken,
)
from tinycontainer.network.platform.tables.components import ReleaseComponentRow
from tinycontainer.network.platform.tables.evidence import DeviceEventRow, DeviceEvidenceRow
from tinycontainer.network.platform.tables.fleet import DeviceProfile, DeviceRow
from tinycontainer.network.platform.tables.people import AuditEntry, Organisation
from tinycontainer.network.platform.tables.renting import OfferRow, RentalRow
from tinycontainer.network.platform.tables.rollouts import (
    DeviceContainerRow,
    JobRow,
    RolloutDeviceRow,
    RolloutRow,
    RolloutWaveRow,
)
from tinycontainer.tools.rollouts import DeviceProgress, RolloutPlan, RolloutState, Wave
from tinycontainer_tokens import Role

OTHER_OWNERS: Final = ("barn", "yard")
"""Each has one device of twenty; ``boxes`` has the others."""
OTHER_INFRASTRUCTURE: Final = "field"
"""Operates one device of ten; ``infra`` operates the others."""
PROFILES: Final = 64
SITES: Final = ("paris", "rome", "oslo", "bern")
KINDS: Final = ("box", "gate", "pump", "drone")
RARE_SITE: Final = "attic"
"""Label of the last device but nine."""
ROLLOUTS: Final = 100
WHOLE: Final = 20
"""Of the rollouts, those over the whole fleet; each other one is for a twentieth of it."""
RELEASES: Final = 120
COMPONENTS: Final = 40
AUDIT_ENTRIES: Final = 2
"""For each device."""
EVENTS: Final = 10
"""Of each device."""
AT_ONCE: Final = 20
"""Devices that the rollout which runs tells at the same time."""
_COMPLETE: Final = 2
_TERMS: Final = RolloutTerms(RolloutPlan((Wave(10), Wave(100))))
_RUNNING: Final = RolloutTerms(RolloutPlan((Wave(100),), most_at_once=AT_ONCE))
_ENDED: Final = ("done", "failed", "skipped", "done", "done")
_SAID: Final = {3: (False, "ABSENT"), 5: (True, "READY"), 7: (False, ""), 9: (False, "RUNNING")}
"""Of twenty devices: whether one has what it is to run, and its state; the others run it."""
_BLANK: Final = {"reason": "", "detail": ""}


@dataclass(frozen=True)
class LargeFleet:
    """What is in the database.

    Attributes:
        world: what brings releases to the devices.
        devices: how many there are.
        ids: of the devices of ``boxes`` that ``infra`` operates, by their names.
        running: number of a rollout to all of these, which is done with half of them.
        draft: number of one that is not started.
        halted: number of one to all of these, which has failed on some.
    """

    world: Rollouts
    devices: int
    ids: Mapping[str, int]
    running: int
    draft: int
    halted: int

    @property
    def names(self) -> list[str]:
        """The names of all devices, in their order."""
        return [_name(number) for number in range(self.devices)]


def fill(platform: Platform, devices: int) -> LargeFleet:
    """Write all into an empty platform that has the gateway `GATEWAY`.

    Args:
        platform: with the four parties.
        devices: how many; at least 100.
    """
    world = Rollouts(platform)
    world.prepare(_COMPLETE)
    good(Sboms(world.parties).give(document(TLS, *map(_component, range(COMPONENTS)))))
    owner = world.parties.client(Role.OWNER)
    for number in range(PROFILES):
        text = device_file(f"[capacity]\ncode_bytes = {65_536 + number}\n")
        body = {"name": f"plain {number}", "device_file": text, "key_files": key_files()}
        good(owner.post("/api/profiles", json=body))
    world.bundle()
    with platform.database.transaction() as session:
        organisations = _add_organisations(session)
        ids = _add_devices(session, organisations, devices)
        releases = _add_releases(session)
        rollouts = _add_rollouts(session, organisations, releases[:_COMPLETE], list(ids.values()))
        _add_containers(session, list(ids.values()), releases)
        _add_renting(session, organisations["boxes"], releases[_COMPLETE:])
        _add_audit(session, sorted(organisations.values()), devices)
        _add_events(session, list(ids.values()), releases[0])
    world.gateway.fleet.update({_name(number): DeviceDouble() for number in range(devices)})
    return LargeFleet(world, devices, ids, **rollouts)


def _name(number: int) -> str:
    return f"box-{number:05}"


def _component(number: int) -> dict[str, str]:
    name = f"part-{number}"
    return {"name": name, "version": "1.0", "purl": f"pkg:generic/{name}@1.0"}


def _add_organisations(session: Session) -> dict[str, int]:
    for name in OTHER_OWNERS:
        add_organisation(session, name, [Role.OWNER], BEGIN_S)
    add_organisation(session, OTHER_INFRASTRUCTURE, [Role.INFRASTRUCTURE], BEGIN_S)
    session.flush()
    return {row.name: row.id for row in session.scalars(select(Organisation))}


def _add_devices(
    session: Session, organisations: Mapping[str, int], devices: int
) -> dict[str, int]:
    profiles = session.scalars(select(DeviceProfile.id).order_by(DeviceProfile.id)).all()
    like = session.get_one(DeviceProfile, profiles[0])
    own = {organisations["boxes"]: profiles}
    for each in OTHER_OWNERS:
        made = DeviceProfile(**_copy(like, id=None, organisation_id=organisations[each]))
        session.add(made)
        session.flush()
        own[organisations[each]] = [made.id]
    rows = []
    for number in range(devices):
        owner = organisations[{9: "barn", 19: "yard"}.get(number % 20, "boxes")]
        operator = organisations[OTHER_INFRASTRUCTURE if number % 10 == 8 else "infra"]
        site = RARE_SITE if number == devices - 10 else SITES[number % len(SITES)]
        is_reached = number % 5 != 4  # those that are not wait in every rollout, before the others
        rows.append(
            {
                "organisation_id": owner,
                "infrastructure_id": operator,
                "name": _name(number),
                "kind": KINDS[number // 4 % len(KINDS)],
                "group": f"hall-{number % 20}",
                "labels": {"site": site, "serial": f"s{number}", "floor": str(number % 7)},
                "profile_id": own[owner][number % len(own[owner])],
                "device_id": f"urn:box:{number}",
                "gateway": GATEWAY if is_reached else None,
                "endpoint": _name(number) if is_reached else None,
                "takes_updates": False,
                "look_due_s": None,
                "created_s": BEGIN_S,
            }
        )
    session.execute(insert(DeviceRow), rows)
    found = select(DeviceRow.name, DeviceRow.id).where(
        DeviceRow.organisation_id == organisations["boxes"],
        DeviceRow.infrastructure_id == organisations["infra"],
    )
    return {row.name: row.id for row in session.execute(found.order_by(DeviceRow.name))}


def _add_releases(session: Session) -> list[int]:
    """Further releases of the same application, with the components and tokens of the first."""
    like = session.scalars(select(ReleaseRow).order_by(ReleaseRow.id).limit(1)).one()
    numbers = range(_COMPLETE + 1, RELEASES + 1)
    session.execute(insert(ReleaseRow), [_copy(like, id=None, number=each) for each in numbers])
    releases = [*session.scalars(select(ReleaseRow.id).order_by(ReleaseRow.number))]
    components = session.scalars(select(ReleaseComponentRow)).all()
    tokens = session.scalars(select(ReleaseToken).where(ReleaseToken.release_id == like.id)).all()
    for table, those in ((ReleaseComponentRow, components), (ReleaseToken, tokens)):
        session.execute(
            insert(table),
            [_copy(each, release_id=number) for number in releases[_COMPLETE:] for each in those],
        )
    common = {"organisation_id": like.developer_id, "created_s": BEGIN_S}
    applications = [
        {"uid": b"other%03d" % number, "name": f"other {number}", **common}
        for number in range(RELEASES)
    ]
    session.execute(insert(ApplicationRow), applications)
    return releases


def _add_rollouts(
    session: Session, organisations: Mapping[str, int], releases: list[int], ids: list[int]
) -> dict[str, int]:
    """Rollouts in all states; of those that overlap, the last one over the whole fleet counts.

    Those that have halted have failed on a fifth of their devices.
    """
    found = {}
    unreached = set(session.scalars(select(DeviceRow.id).where(DeviceRow.gateway.is_(None))))
    for number in range(ROLLOUTS):
        is_whole = number >= ROLLOUTS - WHOLE
        state = [*RolloutState][number % len(RolloutState)]
        name = {ROLLOUTS - 1: "running", ROLLOUTS - 2: "draft", ROLLOUTS - 3: "halted"}.get(number)
        state = state if name is None else RolloutState(name)
        row = RolloutRow(
            organisation_id=organisations["infra"],
            owner_id=organisations["boxes"],
            release_id=releases[number % len(releases)],
            name=f"rollout {number}",
            query="" if is_whole else f"group=hall-{number % 20}",
            plan=(_RUNNING if name == "running" else _TERMS).stored(),
            priority=0,
            state=state.value,
            wave=1 if state.has_ended else 0,
            salt=f"{number:032x}",
            halt_reason="too many have failed" if state is RolloutState.HALTED else "",
            created_s=BEGIN_S,
            started_s=None if state is RolloutState.DRAFT else BEGIN_S,
            ended_s=BEGIN_S if state.has_ended else None,
        )
        session.add(row)
        session.flush()
        if name is not None:
            found[name] = row.id
        if state is not RolloutState.DRAFT:
            targets = ids if is_whole else ids[number % 20 :: 20]
            done = set(ids[: len(ids) // 2]) - unreached if name == "running" else None
            _add_targets(session, row, targets, done)
    return found


def _add_targets(
    session: Session, rollout: RolloutRow, ids: list[int], done: Collection[int] | None
) -> None:
    """Put devices into a rollout; of one that counts, some are done and the others wait."""
    state = RolloutState(rollout.state)
    plan = RolloutTerms.of(rollout).plan
    rows = [
        {
            "rollout_id": rollout.id,
            "device_id": each,
            "wave": 1 if place >= len(ids) // 10 and len(plan.waves) > 1 else 0,
            "progress": _overruled(state, place)
            if done is None
            else ("done" if each in done else "waiting"),
            "attempts": 0 if done is not None and each not in done else 1,
            **_BLANK,
            "changed_s": BEGIN_S,
        }
        for place, each in enumerate(ids)
    ]
    for row in rows:
        if row["progress"] == DeviceProgress.FAILED:
            row.update(reason=f"reason-{row['device_id'] % 40}", detail="it does not want it")
    counted = Counter((row["wave"], row["progress"]) for row in rows)
    waves = [
        {
            "rollout_id": rollout.id,
            "number": number,
            "per_cent": wave.per_cent,
            "forgiven": 0,
            **{each.value: counted[number, each.value] for each in DeviceProgress},
        }
        for number, wave in enumerate(plan.waves)
    ]
    session.execute(insert(RolloutWaveRow), waves)
    session.execute(insert(RolloutDeviceRow), rows)


def _overruled(state: RolloutState, place: int) -> str:
    is_overruled = state.is_open and (state is not RolloutState.HALTED or place % 5 != 1)
    return DeviceProgress.SUPERSEDED.value if is_overruled else _ENDED[place % len(_ENDED)]


def _add_containers(session: Session, ids: list[int], releases: list[int]) -> None:
    """What each device has said, and its last delivery, which has ended."""
    application = session.scalars(select(ReleaseRow.application_id).limit(1)).one()
    rollout = session.scalars(select(RolloutRow.id).order_by(RolloutRow.id).limit(1)).one()
    containers, jobs = [], []
    for place, each in enumerate(ids):
        about = {"device_id": each, "application_id": application}
        release = releases[min(place % 50, 3)]
        has_it, state = _SAID.get(place % 20, (True, "RUNNING"))
        containers.append(
            {
                **about,
                "desired_release_id": release,
                "desired_s": BEGIN_S,
                "reported_release_id": release if has_it else None,
                "reported_state": state,
                "reported_exit": "",
                "reported_s": BEGIN_S,
            }
        )
        jobs.append(
            {
                **about,
                **_BLANK,
                "kind": "deliver",
                "release_id": release,
                "rollout_id": rollout,
                "nonce": bytes(8),
                "progress": "",
                "is_cancelled": False,
                "due_s": BEGIN_S,
                "outcome": "reached",
                "created_s": BEGIN_S,
                "ended_s": BEGIN_S,
            }
        )
    session.execute(insert(DeviceContainerRow), containers)
    session.execute(insert(JobRow), jobs)


def _add_renting(session: Session, owner: int, releases: list[int]) -> None:
    offers = [
        {
            "owner_id": owner,
            "name": f"offer {number}",
            "description": "boxes",
            "query": "label.site=paris and not kind=gate",
            "limits": dict(LIMITS),
            "is_open": True,
            "created_s": BEGIN_S,
        }
        for number in range(RELEASES)
    ]
    session.execute(insert(OfferRow), offers)
    offer = session.scalars(select(OfferRow.id).order_by(OfferRow.id).limit(1)).one()
    rentals = [
        {
            "offer_id": offer,
            "release_id": each,
            "from_s": int(BEGIN_S),
            "until_s": int(BEGIN_S) + HOUR_S,
            "state": "asked",
            "asked_by": "dev-admin",
            "asked_s": BEGIN_S,
        }
        for each in releases
    ]
    session.execute(insert(RentalRow), rentals)


def _add_audit(session: Session, organisations: list[int], devices: int) -> None:
    last = session.scalars(select(AuditEntry).order_by(AuditEntry.number.desc()).limit(1)).one()
    rows = [
        _copy(
            last,
            number=last.number + 1 + place,
            organisation_id=organisations[place % len(organisations)],
            detail=json.dumps({"place": place}),
        )
        for place in range(AUDIT_ENTRIES * devices)
    ]
    session.execute(insert(AuditEntry), rows)


def _add_events(session: Session, ids: list[int], release: int) -> None:
    known = {"salt": bytes(16), "series": 1, "series_s": BEGIN_S}
    known |= {"problem": "", "problem_detail": ""}
    session.execute(insert(DeviceEvidenceRow), [{"device_id": each, **known} for each in ids])
    common = {
        "series": 1,
        "content": b'{"time_s":1800000000,"at_ns":0,"event":"loaded","uid":"box"}',
        "previous_chain": bytes(32),
        "is_proved": True,
        "kind": "loaded",
        "uid": bytes.fromhex(BOX),
        "at_s": int(BEGIN_S),
        "release_id": release,
    }
    session.execute(insert(DeviceEventRow), [*_events(ids, common)])


def _events(ids: list[int], common: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Of each device as many; one of all has crashed."""
    for number in range(1, EVENTS + 1):
        for place, each in enumerate(ids):
            kind = "crashed" if (number, place) == (1, 0) else "loaded"
            yield {**common, "device_id": each, "number": number, "kind": kind}


def _copy(row: PlatformTable, **changes: Any) -> dict[str, Any]:
    """The values of a row for another one; None leaves a column to the database."""
    values = {each.key: getattr(row, each.key) for each in row.__table__.columns} | changes
    return {
        name: value for name, value in values.items() if name not in changes or value is not None
    }
