"""Devices, what they accept, and whether they would take a release, over HTTP."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from ..actor import Actor, PlatformScope
from ..evidence.keeping import forget_proofs
from ..fleet import devices, profiles
from ..fleet.devices import NewDevice, read_query
from ..fleet.evidence_keys import read_evidence_key
from ..fleet.finding import list_devices as find_devices
from ..fleet.judgement import Judge, gather
from ..fleet.summary import summarize
from ..refusing import bad_request
from ..rollouts.targets import join_rollouts, leave_rollouts
from ..rollouts.withdrawing import tell_of_withdrawals
from .bodies import MAX_NUMBER, NumberPath
from .callers import caller
from .choices import DevicesAsked
from .counts import add_counts
from .fleet_bodies import (
    AfterName,
    DeviceChange,
    DeviceGiven,
    DeviceShown,
    DevicesShown,
    NamePath,
    ProfileGiven,
    ProfileListed,
    ProfileShown,
    ProfilesShown,
    SummaryShown,
)
from .judgement_bodies import JudgementAsked, JudgementShown
from .parts import PlatformParts
from .release_bodies import Number, Uid

PAGE: Final = 100


def make_router(parts: PlatformParts, judge: Judge) -> APIRouter:
    """The routes of devices, profiles and judgements.

    Args:
        parts: what they work on.
        judge: says what devices would do.
    """
    router = APIRouter(prefix="/api", tags=["fleet"])
    _add_looking(router, parts)
    add_counts(router, parts)
    _add_changing(router, parts)
    _add_profiles(router, parts)
    _add_judgement(router, parts, judge)
    return router


def _add_looking(router: APIRouter, parts: PlatformParts) -> None:
    @router.get("/devices")
    def list_devices(
        actor: Annotated[Actor, Depends(caller(PlatformScope.READ))],
        asked: Annotated[DevicesAsked, Depends()],
        after: AfterName = "",
    ) -> DevicesShown:
        """Devices that the organisation owns or operates and means, by name, a page of them."""
        choice = asked.choice(parts.now_s())
        with parts.database.reading() as session:
            rows = find_devices(session, actor, choice, after, PAGE + 1)
            names = devices.names_of(session, rows)
            following = rows[PAGE - 1].name if len(rows) > PAGE else ""
            shown = [DeviceShown.of(row, names) for row in rows[:PAGE]]
            return DevicesShown(devices=shown, next=following)

    @router.get("/devices/summary")
    def summarize_devices(
        actor: Annotated[Actor, Depends(caller(PlatformScope.READ))],
        asked: Annotated[DevicesAsked, Depends()],
    ) -> SummaryShown:
        """How many of the devices that are meant are of each kind, group and profile."""
        now_s = parts.now_s()
        choice = asked.choice(now_s)
        with parts.database.reading() as session:
            return SummaryShown.of(summarize(session, actor, choice, now_s))

    @router.get("/devices/{name}")
    def show_device(
        actor: Annotated[Actor, Depends(caller(PlatformScope.READ))], name: NamePath
    ) -> DeviceShown:
        """A device that the organisation owns or operates."""
        with parts.database.reading() as session:
            row = devices.find_device(session, actor, name)
            return DeviceShown.of(row, devices.names_of(session, (row,)))


def _add_changing(router: APIRouter, parts: PlatformParts) -> None:
    deployer = Annotated[Actor, Depends(caller(PlatformScope.DEPLOY))]

    @router.post("/devices", status_code=201)
    def add_device(actor: deployer, given: DeviceGiven) -> DeviceShown:
        """As the owner: take a device."""
        return take_device(parts, actor, given)

    @router.patch("/devices/{name}")
    def change_device(actor: deployer, name: NamePath, given: DeviceChange) -> DeviceShown:
        """As the owner: change a device."""
        changes = given.model_dump(exclude_none=True)
        if not changes:
            problem = "nothing is to be changed; give kind, group, labels, profile or evidence_key"
            raise bad_request(problem)
        if "profile" in changes:
            changes["profile_id"] = changes.pop("profile")
        if "evidence_key" in changes:
            changes["evidence_key"] = _read_key(changes["evidence_key"])
        with parts.changing(actor) as session:
            row = devices.find_own(session, actor, name)
            key = row.evidence_key
            row = devices.change_device(session, actor, name, changes, parts.now_s())
            if row.evidence_key != key:
                forget_proofs(session, row.id)
            join_rollouts(session, row, parts.now_s())
            return DeviceShown.of(row, devices.names_of(session, (row,)))

    @router.delete("/devices/{name}", status_code=204, response_class=Response)
    def delete_device(actor: deployer, name: NamePath) -> None:
        """As the owner: forget a device."""
        with parts.changing(actor) as session:
            now_s = parts.now_s()
            leave_rollouts(session, devices.find_own(session, actor, name), now_s)
            devices.delete_device(session, actor, name, now_s)


def take_device(parts: PlatformParts, actor: Actor, given: DeviceGiven) -> DeviceShown:
    """Take a device, tell it of what was withdrawn, and let it join rollouts.

    Args:
        parts: what it works on.
        actor: who asks.
        given: the device.

    Raises:
        PlatformRefused: as for `devices.add_device`; or its key cannot be used.
    """
    new = NewDevice(
        name=given.name,
        infrastructure=given.infrastructure,
        kind=given.kind,
        group=given.group,
        labels=given.labels,
        profile_id=given.profile,
        device_id=given.device_id,
        evidence_key=_read_key(given.evidence_key),
    )
    with parts.changing(actor) as session:
        row = devices.add_device(session, actor, new, parts.now_s())
        tell_of_withdrawals(session, row, parts.now_s(), parts.random_bytes)
        join_rollouts(session, row, parts.now_s())
        return DeviceShown.of(row, devices.names_of(session, (row,)))


def _read_key(text: str | None) -> bytes | None:
    """A key for evidence; None if there is none, or is to be none."""
    return read_evidence_key(text) if text else None


def _add_profiles(router: APIRouter, parts: PlatformParts) -> None:
    reader = Annotated[Actor, Depends(caller(PlatformScope.READ))]
    deployer = Annotated[Actor, Depends(caller(PlatformScope.DEPLOY))]

    @router.get("/profiles")
    def list_profiles(
        actor: reader, after: Annotated[int, Query(ge=0, le=MAX_NUMBER)] = 0
    ) -> ProfilesShown:
        """Profiles of the organisation, and of devices that it operates, a page of them."""
        with parts.database.reading() as session:
            rows = profiles.list_profiles(session, actor, after, PAGE + 1)
            following = rows[PAGE - 1].id if len(rows) > PAGE else None
            shown = [ProfileListed.of(row) for row in rows[:PAGE]]
            return ProfilesShown(profiles=shown, next=following)

    @router.post("/profiles", status_code=201)
    def add_profile(actor: deployer, given: ProfileGiven) -> ProfileShown:
        """As the owner: take the public half of a device file; a private key is refused."""
        with parts.changing(actor) as session:
            row = profiles.add_profile(
                session, actor, given.name, given.device_file, given.key_files, parts.now_s()
            )
            return ProfileShown.of(row)

    @router.get("/profiles/{number}")
    def show_profile(actor: reader, number: NumberPath) -> ProfileShown:
        """What a profile says."""
        with parts.database.reading() as session:
            return ProfileShown.of(profiles.find_profile(session, actor, number))

    @router.delete("/profiles/{number}", status_code=204, response_class=Response)
    def delete_profile(actor: deployer, number: NumberPath) -> None:
        """As the owner: forget a profile that no device has."""
        with parts.changing(actor) as session:
            profiles.delete_profile(session, actor, number, parts.now_s())


def _add_judgement(router: APIRouter, parts: PlatformParts, judge: Judge) -> None:
    @router.post("/releases/{uid}/{number}/judgement")
    def judge_release(
        actor: Annotated[Actor, Depends(caller(PlatformScope.READ))],
        uid: Uid,
        number: Number,
        asked: JudgementAsked,
    ) -> JudgementShown:
        """Whether the devices that a query means would take a release, and if not, why."""
        wanted = read_query(asked.query)
        at_s = int(parts.now_s()) if asked.at_s is None else asked.at_s
        with parts.database.reading() as session:
            found = gather(session, actor, bytes.fromhex(uid), number, wanted)
        return JudgementShown.of(judge.judge(found, at_s), at_s)
