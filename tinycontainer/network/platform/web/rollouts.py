"""Rollouts over HTTP."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends
from sqlalchemy.orm import Session
from starlette.responses import Response

from tinycontainer.tools.rollouts import RolloutEvent

from ..actor import Actor, PlatformScope
from ..fleet.judgement import Judge
from ..rollouts import control
from ..rollouts.previewing import preview_targets
from ..tables.rollouts import RolloutRow
from .bodies import MAX_NUMBER, NumberPath
from .callers import caller
from .fleet_bodies import AfterName, NamePath
from .judgement_bodies import Answer, AnswerReason, JudgedDevicesShown, JudgementShown
from .overviews import OverviewShown
from .parts import PlatformParts
from .rollout_bodies import (
    BeforeRollout,
    PreviewAsked,
    PreviewShown,
    Progress,
    Reason,
    RolloutDeviceShown,
    RolloutDevicesShown,
    RolloutGiven,
    RolloutShown,
    RolloutsShown,
    StartGiven,
    State,
)
from .starting import judge_targets, start_judged

PAGE: Final = 100


def make_router(parts: PlatformParts, judge: Judge) -> APIRouter:
    """The routes of rollouts.

    Args:
        parts: what they work on.
        judge: says what devices would do.
    """
    router = APIRouter(prefix="/api/rollouts", tags=["rollouts"])
    _add_looking(router, parts)
    _add_starting(router, parts, judge)
    _add_controls(router, parts)
    return router


def _add_looking(router: APIRouter, parts: PlatformParts) -> None:
    reader = Annotated[Actor, Depends(caller(PlatformScope.READ))]

    @router.get("")
    def list_rollouts(
        actor: reader, before: BeforeRollout = MAX_NUMBER, state: State = None
    ) -> RolloutsShown:
        """Rollouts that the organisation runs, or that are for its devices, a page of them."""
        with parts.database.reading() as session:
            rows = control.list_rollouts(session, actor, before, PAGE + 1, state)
            following = rows[PAGE - 1].id if len(rows) > PAGE else None
            names = control.names_of(session, rows)
            shown = [RolloutShown.of(row, names) for row in rows[:PAGE]]
            return RolloutsShown(rollouts=shown, next=following)

    @router.get("/{number}")
    def show_rollout(actor: reader, number: NumberPath) -> RolloutShown:
        """A rollout, and how many devices of each wave are how far."""
        with parts.database.reading() as session:
            return _shown(session, control.find_rollout(session, actor, number))

    @router.get("/{number}/overview")
    def show_overview(actor: reader, number: NumberPath) -> OverviewShown:
        """The course of a rollout: why devices have failed, what has changed, and how fast."""
        with parts.database.reading() as session:
            row = control.find_rollout(session, actor, number)
            return OverviewShown.of(session, row, parts.now_s())

    @router.get("/{number}/devices")
    def list_rollout_devices(
        actor: reader,
        number: NumberPath,
        progress: Progress = None,
        reason: Reason = None,
        after: AfterName = "",
    ) -> RolloutDevicesShown:
        """How far a rollout is with each of its devices, by name, a page of them."""
        with parts.database.reading() as session:
            row = control.find_rollout(session, actor, number)
            found = control.list_rollout_devices(session, row, progress, after, PAGE + 1, reason)
            following = found[PAGE - 1][0] if len(found) > PAGE else ""
            shown = [RolloutDeviceShown.of(*each) for each in found[:PAGE]]
            return RolloutDevicesShown(devices=shown, next=following)


def _add_starting(router: APIRouter, parts: PlatformParts, judge: Judge) -> None:
    reader = Annotated[Actor, Depends(caller(PlatformScope.READ))]
    deployer = Annotated[Actor, Depends(caller(PlatformScope.DEPLOY))]

    @router.post("", status_code=201)
    def add_rollout(actor: deployer, given: RolloutGiven) -> RolloutShown:
        """As infrastructure: draft a rollout of a release that is complete."""
        with parts.changing(actor) as session:
            row = control.add_rollout(
                session, actor, given.new(), parts.now_s(), parts.random_bytes
            )
            return _shown(session, row)

    @router.post("/preview")
    def preview_rollout(actor: deployer, asked: PreviewAsked) -> PreviewShown:
        """As infrastructure: how many devices a rollout would be for, and be in each wave."""
        uid, waves = bytes.fromhex(asked.uid), asked.plan.terms().plan.waves
        with parts.database.reading() as session:
            return PreviewShown.of(
                preview_targets(
                    session, actor, uid, asked.number, asked.query, waves, parts.now_s()
                )
            )

    @router.post("/{number}/judgement")
    def judge_rollout(actor: reader, number: NumberPath) -> JudgementShown:
        """Whether the devices that a draft is for would take the release, and if not, why."""
        return judge_targets(parts, judge, actor, number).shown()

    @router.post("/{number}/judgement/devices")
    def list_judged_devices(
        actor: reader,
        number: NumberPath,
        answer: Answer = None,
        reason: AnswerReason = None,
        after: AfterName = "",
    ) -> JudgedDevicesShown:
        """What each device that a draft is for would say, by name, a page of them."""
        found = judge_targets(parts, judge, actor, number).found
        return JudgedDevicesShown.of(found, answer, reason, after, PAGE)

    @router.post("/{number}/start")
    def start_rollout(actor: deployer, number: NumberPath, given: StartGiven) -> RolloutShown:
        """As infrastructure: start a draft, once its devices are judged.

        If some devices would not take the release, or cannot be judged, it starts only for whoever
        says how many they are.
        """
        return start_judged(parts, judge, actor, number, given.despite)


def _add_controls(router: APIRouter, parts: PlatformParts) -> None:
    deployer = Annotated[Actor, Depends(caller(PlatformScope.DEPLOY))]

    def control_rollout(actor: Actor, number: int, event: RolloutEvent) -> RolloutShown:
        with parts.changing(actor) as session:
            row = control.control_rollout(session, actor, number, event, parts.now_s())
            return _shown(session, row)

    @router.post("/{number}/pause")
    def pause_rollout(actor: deployer, number: NumberPath) -> RolloutShown:
        """As infrastructure: tell no further device for now."""
        return control_rollout(actor, number, RolloutEvent.PAUSE)

    @router.post("/{number}/resume")
    def resume_rollout(actor: deployer, number: NumberPath) -> RolloutShown:
        """As infrastructure: go on, though devices have failed that are failed now."""
        return control_rollout(actor, number, RolloutEvent.RESUME)

    @router.post("/{number}/cancel")
    def cancel_rollout(actor: deployer, number: NumberPath) -> RolloutShown:
        """As infrastructure: end it; what devices were told and have not got is called off."""
        return control_rollout(actor, number, RolloutEvent.CANCEL)

    @router.post("/{number}/retry")
    def retry_rollout(actor: deployer, number: NumberPath) -> RolloutShown:
        """As infrastructure: let the devices that have failed wait for another attempt."""
        with parts.changing(actor) as session:
            row = control.retry_failed(session, actor, number, parts.now_s())
            return _shown(session, row)

    @router.delete("/{number}/devices/{name}", status_code=204, response_class=Response)
    def skip_device(actor: deployer, number: NumberPath, name: NamePath) -> None:
        """As infrastructure: take a device out of a rollout."""
        with parts.changing(actor) as session:
            control.skip_device(session, actor, number, name, parts.now_s())


def _shown(session: Session, row: RolloutRow) -> RolloutShown:
    session.flush()
    return RolloutShown.of(row, control.names_of(session, (row,)))
