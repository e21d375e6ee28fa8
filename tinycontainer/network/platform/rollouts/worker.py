"""What works on rollouts and jobs: threads that may be killed at any moment, and go on later."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from ..database import PlatformDatabase
from ..delivery.delivering import advance
from ..delivery.gateway_answers import GatewayFailed
from ..delivery.gateway_client import GatewayClient
from ..delivery.progress import (
    DeliveryLost,
    DeliveryProgress,
    DeliveryReached,
    DeliveryRefused,
    DeliveryStep,
    DeliveryWaits,
)
from ..evidence.looking import EvidenceLooker
from ..log import NoteEvent, note_nothing
from ..tables.rollouts import RolloutRow
from .jobs import (
    CALLING_OFF_S,
    LEASE_S,
    NO_ANSWER,
    EndedJob,
    JobOutcome,
    end_job,
    keep_progress,
    take_job,
)
from .looking import LookedAt, keep_all_reported, take_look
from .steps import find_due, step_rollout
from .tasks import TakenJob, TaskLoader
from .watching import WatchedDevices

STEPS_AT_ONCE: Final = 8
"""Steps of a delivery in a row, before other jobs get their turn."""
SHORT_S: Final = 0.2
"""After which a job goes on that others were let before."""
UNREACHED_S: Final = 5.0
"""After which it is looked again whether the gateway of a job is known."""
CALLED_OFF_S: Final = 60.0
"""For how long after its deadline a job goes on that the gateway cannot call off."""


@dataclass(slots=True)
class RolloutWorker:
    """Works on what is due. Several can work on one database, in threads and in processes.

    Attributes:
        database: what the platform remembers.
        gateways: by name.
        now_s: Unix time.
        random_bytes: draws a number of unpredictable bytes.
        look_s: after how many seconds a device is asked again what it runs.
        say: takes one line for the log, without secrets.
        lease_s: after how many seconds another worker may take over a job of one that was killed.
        note: takes what has come of jobs and rollouts.
        watched: devices that somebody looks at just now.
    """

    database: PlatformDatabase
    gateways: Mapping[str, GatewayClient]
    now_s: Callable[[], float]
    random_bytes: Callable[[int], bytes]
    look_s: float
    say: Callable[[str], None]
    lease_s: float = LEASE_S
    note: NoteEvent = note_nothing
    watched: WatchedDevices = field(default_factory=WatchedDevices)
    _tasks: TaskLoader = field(init=False)
    _evidence: EvidenceLooker = field(init=False)

    def __post_init__(self) -> None:
        self._tasks = TaskLoader(self.database)
        self._evidence = EvidenceLooker(self.database, self.now_s, self.random_bytes)

    def step(self) -> bool:
        """Let the rollout that is due first do what it can; whether one was due."""
        now_s = self.now_s()
        with self.database.reading() as session:
            number = find_due(session, now_s)
        if number is None:
            return False
        with self.database.transaction() as session:
            rollout = session.get_one(RolloutRow, number)
            before = rollout.state, rollout.wave
            step_rollout(session, rollout, now_s, self.random_bytes)
            after = rollout.state, rollout.wave
        if after != before:
            self.note("rollout", number=number, state=after[0], wave=after[1])
        return True

    def deliver(self) -> bool:
        """Work on the job that is due first; whether one was due."""
        with self.database.transaction() as session:
            row = take_job(
                session,
                frozenset(self.gateways),
                self.now_s(),
                self.random_bytes,
                self.lease_s,
            )
            job = None if row is None else self._tasks.load(session, row)
        if job is None:
            return False
        client = self.gateways.get(job.gateway)
        if job.is_cancelled or self._is_late(job):
            self._call_off(job, client)
        elif client is None:
            self._keep(job, job.progress, UNREACHED_S)
        else:
            self._advance(job, client)
        return True

    def look(self) -> bool:
        """Ask the device that is due first what it runs, and for evidence; whether one was due."""
        with self.database.transaction() as session:
            seen = take_look(session, frozenset(self.gateways), self.now_s(), self.look_s)
        if seen is None:
            return False
        client = self.gateways[seen.gateway]
        try:
            found = client.containers(seen.endpoint)
            if found is None:
                return True
            with self.database.transaction() as session:
                keep_all_reported(session, seen.device_id, found, self.now_s())
            self._evidence.look(seen.device_id, seen.endpoint, client)
        except GatewayFailed as failure:
            self.say(f"gateway {seen.gateway}: {failure}")
        return True

    def watch(self) -> bool:
        """Ask the device that somebody looks at and that is due first; whether one was due."""
        seen = self.watched.take(frozenset(self.gateways), self.now_s())
        if seen is None:
            return False
        has_failed = True
        try:
            self._watch(seen, self.gateways[seen.gateway])
            has_failed = False
        except GatewayFailed as failure:
            self.say(f"gateway {seen.gateway}: {failure}")
        finally:
            self.watched.give_back(seen, self.now_s(), has_failed=has_failed)
        return True

    def _watch(self, seen: LookedAt, client: GatewayClient) -> None:
        """Ask a device what it runs, and for events; nothing is written if nothing is new.

        Raises:
            GatewayFailed: the gateway gives nothing that can be used.
        """
        found = client.containers(seen.endpoint)
        is_to_be_written = self.watched.note(seen, found, self.now_s())
        if found is None:
            return
        if is_to_be_written:
            with self.database.transaction() as session:
                keep_all_reported(session, seen.device_id, found, self.now_s())
        if self._evidence.has_news(seen.device_id, seen.endpoint, client):
            self._evidence.look(seen.device_id, seen.endpoint, client)

    def _advance(self, job: TakenJob, client: GatewayClient) -> None:
        """Go on with a delivery, as far as it goes without waiting."""
        progress = job.progress
        for left in reversed(range(STEPS_AT_ONCE)):
            match advance(job.task, progress, client):
                case DeliveryWaits(progress=progress, after_s=after_s):
                    wait_s = after_s if left else max(after_s, SHORT_S)
                    # What was asked must not be forgotten when the next thing is asked.
                    if not self._keep(job, progress, wait_s):
                        return
                case DeliveryLost(problem=problem, after_s=after_s):
                    self.say(f"gateway {job.gateway}: {problem}")
                    self._keep(job, progress, max(after_s, SHORT_S))
                    return
                case DeliveryReached(reported=reported):
                    self._end(job, EndedJob(JobOutcome.REACHED, "", "", True, reported))
                    return
                case DeliveryRefused(reason=reason, detail=detail, reported=reported):
                    self._end(job, EndedJob(JobOutcome.REFUSED, reason, detail, True, reported))
                    return

    def _call_off(self, job: TakenJob, client: GatewayClient | None) -> None:
        """End a job that is to end, once nothing of it is under way at the gateway."""
        is_over = job.deadline_s is not None and self.now_s() > job.deadline_s + CALLED_OFF_S
        if client is None or is_over or self._is_called_off(job, client):
            ended = EndedJob(JobOutcome.LATE, NO_ANSWER, "the device has not answered in time")
            self._end(job, EndedJob(JobOutcome.CANCELLED) if job.is_cancelled else ended)
            return
        # It is being sent just now, so that there will be an answer.
        match advance(job.task, job.progress, client):
            case DeliveryReached(reported=reported):
                self._end(job, EndedJob(JobOutcome.REACHED, "", "", True, reported))
            case DeliveryRefused(reason=reason, detail=detail, reported=reported):
                self._end(job, EndedJob(JobOutcome.REFUSED, reason, detail, True, reported))
            case DeliveryWaits(progress=progress):
                self._keep(job, progress, CALLING_OFF_S)
            case DeliveryLost():
                self._keep(job, job.progress, CALLING_OFF_S)

    def _is_called_off(self, job: TakenJob, client: GatewayClient) -> bool:
        """Whether nothing is under way at the gateway, or is no more."""
        if job.progress.step is DeliveryStep.CONFIRM:
            return False  # the device has changed something, and only says what has come of it
        place = job.progress.gateway_job
        try:
            return not place or client.cancel(place)
        except GatewayFailed as failure:
            self.say(f"gateway {job.gateway}: {failure}")
            return False

    def _is_late(self, job: TakenJob) -> bool:
        return job.deadline_s is not None and self.now_s() >= job.deadline_s

    def _keep(self, job: TakenJob, progress: DeliveryProgress, after_s: float) -> bool:
        now_s = self.now_s()
        if job.deadline_s is not None and job.deadline_s > now_s:
            after_s = min(after_s, job.deadline_s - now_s)
        with self.database.transaction() as session:
            text = progress.to_json()
            return keep_progress(session, job.number, job.lease, text, now_s, after_s, self.lease_s)

    def _end(self, job: TakenJob, ended: EndedJob) -> None:
        with self.database.transaction() as session:
            end_job(session, job.number, job.lease, ended, self.now_s())
        self.note(
            "job",
            number=job.number,
            kind=job.task.kind.value,
            gateway=job.gateway,
            outcome=ended.outcome.value,
            reason=ended.reason,
        )
