"""Brings one device to what is wanted, step by step.

Each call makes a few exchanges and returns; between two calls a `DeliveryProgress` is all that is
kept. A call that is made again from an older progress does nothing twice: the id of each change
follows from the delivery and from what is changed, so that for the device it is one request
(TC-MGMT-10). What a delivery ends with is what the device was seen to have, never what was sent.
"""

from dataclasses import replace
from typing import Any, Final

from tinycontainer.text import show

from ...gateway.directory.presence import Presence
from ...gateway.job import JobState
from .beginning import begin
from .gateway_answers import GatewayFailed, GatewayProblem, read_refusal
from .gateway_client import MAX_WAIT_S, DeviceReply, GatewayClient
from .progress import (
    MAX_POLLS,
    MAX_ROUNDS,
    ContainerState,
    DeliveryLost,
    DeliveryOutcome,
    DeliveryProgress,
    DeliveryReached,
    DeliveryRefused,
    DeliveryStep,
    DeliveryWaits,
    ReportedContainer,
)
from .task import DeliveryKind, DeliveryTask

NOT_CONFIRMED: Final = "not-confirmed"
CRASHED: Final = "crashed"
ENDED: Final = "ended"
STOPPED: Final = "stopped"
UNSETTLED: Final = "unsettled"
_NOW_S: Final = 0.0
_SETTLE_S: Final = 2.0
"""For what goes on within a device, such as a container that winds down."""
_AWAKE_S: Final = 2.0
"""Doubled each time that a device which should be awake has not answered."""
_MAX_AWAKE_S: Final = 60.0
_OVERDUE_S: Final = 10.0
_GONE_S: Final = 60.0
_AFTER_WAKING_S: Final = 1.0
_MAX_ASLEEP_S: Final = 600.0
_MIN_TRIAL_S: Final = 1.0
_MAX_TRIAL_S: Final = 30.0
_BEGIN_AGAIN_S: Final = 5.0
_MAX_BEGIN_AGAIN_S: Final = 300.0
_REFUSED_S: Final = 30
_MAX_REFUSED_S: Final = 3600
_FAILED_S: Final = 30
_TOKEN_REFUSED_S: Final = 600
_LATER: Final = frozenset({429, 503})
_NOT_AS_IT_WAS: Final = frozenset({404, 409, 412})
_NUMBER_USED: Final = frozenset({"older", "reused-number"})
"""Conflicts of an update that no look can solve (TC-UPD-09)."""
_ENDS: Final = {"stopped": STOPPED, "killed": STOPPED, "returned": ENDED, "lifetime": ENDED}
"""By the first word of a last exit; everything else is a crash."""
_WINDING_DOWN: Final = frozenset({ContainerState.STOPPING, ContainerState.DELETING})
_LOOKS: Final = frozenset({DeliveryStep.LOOK, DeliveryStep.CONFIRM})


def advance(
    task: DeliveryTask, progress: DeliveryProgress, client: GatewayClient
) -> DeliveryOutcome:
    """Do the next step of a delivery. It never sleeps.

    Args:
        task: what is to be reached.
        progress: what the last call has returned, or an older one; a new one at the beginning.
        client: the gateway of the device.
    """
    try:
        if progress.gateway_job:
            return _Following(task, client).follow(progress)
        return begin(task, progress, client)
    except GatewayFailed as failure:
        usual_s = _TOKEN_REFUSED_S if failure.refuses_token else _FAILED_S
        return DeliveryLost(str(failure), _bounded(failure.after_s, usual_s), failure.refuses_token)


class _Following:
    """One step whose request is under way."""

    def __init__(self, task: DeliveryTask, client: GatewayClient) -> None:
        self._task = task
        self._client = client

    def follow(self, progress: DeliveryProgress) -> DeliveryOutcome:
        """See what has become of the request that is under way."""
        state = self._client.look_at(progress.gateway_job, MAX_WAIT_S)
        if state is not None and not state.has_ended:
            return self._wait(progress)
        done = replace(progress, gateway_job="", polls=0)
        reply = None
        if state is JobState.DONE:
            reply = self._client.result(progress.gateway_job)
        if reply is None:  # nobody knows whether it was carried out, but for the device
            return DeliveryWaits(_look_anew(done), _BEGIN_AGAIN_S)
        if done.step in _LOOKS:
            return self._take_look(done, reply)
        if reply.problem is not None:
            return self._take_refusal(done, reply, reply.problem)
        if done.step is DeliveryStep.UPDATE:
            return self._take_update(done, reply.body)
        was_started = done.was_started or done.step is DeliveryStep.START
        return DeliveryWaits(
            replace(done, step=DeliveryStep.CONFIRM, was_started=was_started), _NOW_S
        )

    def _wait(self, progress: DeliveryProgress) -> DeliveryWaits:
        """Wait until the device may have answered."""
        listed = self._client.presence(self._task.device)
        if listed is not None and listed.presence is Presence.AWAKE:
            polled = replace(progress, polls=min(progress.polls + 1, MAX_POLLS))
            return DeliveryWaits(polled, min(_AWAKE_S * (1 << progress.polls), _MAX_AWAKE_S))
        after_s = _GONE_S
        if listed is not None and listed.presence is Presence.ASLEEP:
            after_s = listed.back_s + _AFTER_WAKING_S if listed.back_s else _OVERDUE_S
        return DeliveryWaits(replace(progress, polls=0), min(after_s, _MAX_ASLEEP_S))

    def _take_refusal(
        self, progress: DeliveryProgress, reply: DeviceReply, problem: GatewayProblem
    ) -> DeliveryOutcome:
        if not problem.code:  # an answer that cannot be used; what it answers may be done
            return _begin_again(progress, problem.detail)
        if reply.status in _LATER:
            return DeliveryWaits(progress, _bounded(reply.after_s, _REFUSED_S))
        is_absent = problem.reason == "unknown-uid"
        if is_absent and self._task.kind is not DeliveryKind.DELIVER:
            return DeliveryWaits(replace(progress, step=DeliveryStep.CONFIRM), _NOW_S)
        is_conflict = reply.status in _NOT_AS_IT_WAS and problem.reason not in _NUMBER_USED
        if problem.code == "4.08" or (is_conflict and problem.reason != "not-found"):
            return _begin_again(progress, f"{problem.reason}: {problem.detail}")
        return DeliveryRefused(problem.reason, problem.detail, progress.reported)

    def _take_look(self, progress: DeliveryProgress, reply: DeviceReply) -> DeliveryOutcome:
        problem = reply.problem
        if problem is not None and problem.reason != "unknown-uid":
            return self._take_refusal(progress, reply, problem)
        try:
            seen = None if problem is not None else _read_container(reply.body, self._task.uid)
        except ValueError as error:
            return _begin_again(progress, f"what the device has said of it cannot be used: {error}")
        progress = replace(progress, reported=seen)
        if seen is not None and seen.state in _WINDING_DOWN:
            return DeliveryWaits(progress, _SETTLE_S)
        if self._task.kind is not DeliveryKind.DELIVER:
            return self._judge_absence(progress, seen)
        if seen is None or seen.sha256 != self._task.sha256:
            return self._judge_other(progress, seen)
        return self._judge_version(progress, seen)

    def _judge_absence(
        self, progress: DeliveryProgress, seen: ReportedContainer | None
    ) -> DeliveryOutcome:
        """Judge a device that is not to have the container."""
        is_withdrawal = self._task.kind is DeliveryKind.WITHDRAW
        is_changed = progress.step is DeliveryStep.CONFIRM
        if seen is None and (is_changed or not is_withdrawal):
            return DeliveryReached(None)
        if is_changed:
            return _begin_again(progress, "the device has the container again")
        step = DeliveryStep.WITHDRAW if is_withdrawal else DeliveryStep.REMOVE
        return DeliveryWaits(replace(progress, step=step, etag=seen.etag if seen else ""), _NOW_S)

    def _judge_version(
        self, progress: DeliveryProgress, seen: ReportedContainer
    ) -> DeliveryOutcome:
        """Judge a device that has the version."""
        task = self._task
        if seen.state is ContainerState.READY:
            if progress.is_trial and not seen.last_exit:  # the device is about to start it
                return DeliveryWaits(progress, _SETTLE_S)
            if not task.starts:
                return DeliveryReached(seen)
            if not progress.was_started and not progress.is_trial:
                return DeliveryWaits(replace(progress, step=DeliveryStep.START), _NOW_S)
            if not seen.last_exit:
                return _begin_again(progress, "the device has not started it")
            return DeliveryRefused(_name_end(seen.last_exit), seen.last_exit, seen)
        # After a kill nobody remembers that it is on trial; a completed loop shows that it is not.
        if task.confirm_ms is not None and not seen.loops:
            after_s = min(max(task.confirm_ms / 1000, _MIN_TRIAL_S), _MAX_TRIAL_S)
            return DeliveryWaits(progress, after_s)
        return DeliveryReached(seen)

    def _judge_other(
        self, progress: DeliveryProgress, seen: ReportedContainer | None
    ) -> DeliveryOutcome:
        """Judge a device that has another version, or none."""
        task, etag = self._task, "" if seen is None else seen.etag
        if progress.step is DeliveryStep.LOOK:
            runs = seen is not None and seen.state is ContainerState.RUNNING
            is_trial = runs and task.confirm_ms is not None and task.envelope is None
            kept = replace(progress, step=DeliveryStep.KEEP, etag=etag, is_trial=is_trial)
            return DeliveryWaits(kept, _NOW_S)
        if task.envelope is not None and not progress.was_started:
            return DeliveryWaits(replace(progress, step=DeliveryStep.UPDATE), _NOW_S)
        if progress.is_trial and etag == progress.etag:
            detail = "the device has the version of before again: the new one has completed no loop"
            return DeliveryRefused(NOT_CONFIRMED, f"{detail} within {task.confirm_ms} ms", seen)
        return _begin_again(progress, "the device has accepted it, and has another version now")

    def _take_update(self, progress: DeliveryProgress, body: Any) -> DeliveryOutcome:
        """Judge what a device says of its last update."""
        values = body if isinstance(body, dict) else {}
        uids = values.get("uids")
        is_ours = isinstance(uids, list) and show(self._task.uid) in uids
        if is_ours and values.get("state") == "fetching":
            return DeliveryWaits(replace(progress, step=DeliveryStep.CONFIRM), _BEGIN_AGAIN_S)
        if is_ours and values.get("state") == "refused":
            reason, detail = read_refusal(values.get("reason"), values.get("problem"))
            return DeliveryRefused(reason, detail, progress.reported)
        return _begin_again(progress, "the device has accepted the update, and has not the version")


def _read_container(body: Any, uid: bytes) -> ReportedContainer:
    """What a device says of its container.

    Raises:
        ValueError: it is something else.
    """
    if not isinstance(body, dict) or body.get("uid") != show(uid, 64):
        raise ValueError("uid: is that of another one")
    return ReportedContainer.of({**body, "sha256": body.get("bundle")})


def _look_anew(progress: DeliveryProgress) -> DeliveryProgress:
    """The progress of a delivery that takes nothing for granted but what it has seen."""
    return DeliveryProgress(rounds=progress.rounds, reported=progress.reported)


def _begin_again(progress: DeliveryProgress, problem: str) -> DeliveryOutcome:
    """Look anew, after a while; so often and no oftener."""
    if progress.rounds >= MAX_ROUNDS:
        detail = f"it was looked at {MAX_ROUNDS} times, and is not as it should be; last: {problem}"
        return DeliveryRefused(UNSETTLED, detail, progress.reported)
    after_s = min(_BEGIN_AGAIN_S * (1 << progress.rounds), _MAX_BEGIN_AGAIN_S)
    anew = _look_anew(progress)
    return DeliveryWaits(replace(anew, rounds=progress.rounds + 1), after_s)


def _name_end(last_exit: str) -> str:
    return _ENDS.get(last_exit.partition(" ")[0], CRASHED)


def _bounded(after_s: int | None, usual_s: float) -> float:
    return usual_s if after_s is None else float(min(max(after_s, 1), _MAX_REFUSED_S))
