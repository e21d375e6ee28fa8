"""Jobs on their way: kept before their client knows of them, delivered in order, each once.

A device recognises a repeated request of version 2 by its id, and one that is protected from end to
end by its number. So these are sent again if no answer came, also after the gateway itself was
ended. Of any other change nobody knows whether it was made; it is not sent again.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from tinycontainer.errors import TinyContainerError

from ...agent.requests.message import CoapAnswer, CoapRequest, Code, Method, Option
from ..job import Job, JobEvent, JobState
from ..store import GatewayStore, NewJob
from .answers import BadAnswer, NoAnswer
from .devices import DeviceAsleep, Devices, NotThere, TooOften

AGAIN_S: Final = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
"""How long to wait before a job is sent again to a device that does not answer."""
BAD_ANSWERS: Final = 3
"""After so many attempts, an answer that cannot be used ends a job."""
LOOK_S: Final = 1.0
"""How often deadlines are looked at."""
FORGET_S: Final = 60.0
"""How often ended jobs are forgotten."""
ID_BYTES: Final = 16
_PARTIAL_IV_BITS: Final = 7
"""Of the first byte of an OSCORE option: the length of the partial IV (RFC 8613, section 6.1)."""


class QueueFull(Exception):
    """No more jobs can wait; the text is one line."""


@dataclass(frozen=True, slots=True)
class JobLimits:
    """Bounds of jobs.

    Attributes:
        per_device: that wait for one device.
        all: of all devices, ended ones included.
        bytes: of payload, of all that wait.
        kept_s: how long a job waits at the most, and is kept after its end.
    """

    per_device: int
    all: int
    bytes: int
    kept_s: float


class Jobs:
    """All jobs of a gateway.

    Args:
        store: keeps them.
        devices: carry them.
        limits: their bounds.
        now_s: Unix time.
        random_bytes: draws a number of unpredictable bytes.
    """

    def __init__(
        self,
        store: GatewayStore,
        devices: Devices,
        limits: JobLimits,
        now_s: Callable[[], float],
        random_bytes: Callable[[int], bytes],
    ) -> None:
        self._store = store
        self._devices = devices
        self._limits = limits
        self._now_s = now_s
        self._random_bytes = random_bytes
        self._waiting = store.waiting()
        self._waiting_bytes = store.waiting_bytes()
        self._is_taken_up = False
        self._deliveries: dict[str, asyncio.Task[None]] = {}
        self._awake: dict[str, asyncio.Event] = {}
        self._changed: dict[str, list[asyncio.Event]] = {}
        self.when_changed: Callable[[Job], None] | None = None

    def waiting(self, device: str) -> int:
        """How many jobs wait for a device."""
        return self._waiting.get(device, 0)

    def count(self) -> dict[str, int]:
        """How many jobs are in each state that any is in."""
        return self._store.count_jobs()

    def accept(
        self, device: str, owner: str, request: CoapRequest, patience_s: float | None = None
    ) -> Job:
        """Keep a job, and deliver it when its device is awake.

        Args:
            device: its name.
            owner: who asks.
            request: all of it.
            patience_s: how long it waits at the most; None for as long as jobs are kept.

        Raises:
            QueueFull: too many jobs wait for the device, or for all.
        """
        if self.waiting(device) >= self._limits.per_device:
            raise QueueFull(
                f"{self._limits.per_device} jobs wait for it; cancel some, or ask later"
            )
        if sum(self._waiting.values()) >= self._limits.all:
            raise QueueFull(f"{self._limits.all} jobs wait; cancel some, or ask later")
        if self._waiting_bytes + len(request.payload) > self._limits.bytes:
            raise QueueFull(f"{self._limits.bytes} bytes wait; cancel some jobs, or ask later")
        now_s = self._now_s()
        wait_s = self._limits.kept_s if patience_s is None else min(patience_s, self._limits.kept_s)
        job_id = self._random_bytes(ID_BYTES).hex()
        job = self._store.add_job(NewJob(job_id, device, owner, request, now_s, now_s + wait_s))
        self._waiting[device] = self.waiting(device) + 1
        self._waiting_bytes += len(request.payload)
        self._tell(job)
        self.wake(device)
        return job

    def find(self, job_id: str) -> Job | None:
        """A job; None if it is not known, or not any more."""
        return self._store.find_job(job_id)

    def of_device(self, device: str, owner: str, most: int) -> list[Job]:
        """The newest jobs that somebody has for a device, the newest first, without payloads."""
        return self._store.jobs_of(device, owner, most)

    def cancel(self, job: Job) -> Job:
        """End a job that was not sent yet.

        Raises:
            IllegalJobEvent: it was sent, or it has ended.
        """
        return self._change(job, JobEvent.CANCEL)

    async def wait(self, job: Job, most_s: float) -> Job:
        """A job when it has changed, or after so many seconds as it is then."""
        changed = asyncio.Event()
        waiting = self._changed.setdefault(job.id, [])
        waiting.append(changed)
        try:
            now = self.find(job.id) or job
            if now.state is not job.state:
                return now
            async with asyncio.timeout(most_s):
                await changed.wait()
        except TimeoutError:
            pass
        finally:
            waiting.remove(changed)
            if not waiting:
                self._changed.pop(job.id, None)
        return self.find(job.id) or job

    async def wait_for_end(self, job: Job, most_s: float) -> Job:
        """A job when it has ended, or after so many seconds as it is then."""
        loop = asyncio.get_running_loop()
        end_s = loop.time() + most_s
        while not job.state.has_ended and (left_s := end_s - loop.time()) > 0:
            job = await self.wait(job, left_s)
        return job

    def wake(self, device: str) -> None:
        """A device may be awake: deliver what waits for it."""
        if device in self._awake:
            self._awake[device].set()
        elif self.waiting(device) and self._is_taken_up:
            self._awake[device] = asyncio.Event()
            self._deliveries[device] = asyncio.create_task(self._deliver(device))

    async def run(self, may: Callable[[Job], bool]) -> None:
        """Go on with the jobs of before, and end those whose time is over, until cancelled.

        Args:
            may: whether the owner of a job may still have this asked; the others are cancelled.
        """
        forget_s = 0.0
        try:
            while True:
                now_s = self._now_s()
                with suppress(TinyContainerError):  # the state cannot be used now
                    if not self._is_taken_up:
                        self._take_up(may)
                    for job in self._store.overdue_jobs(now_s):
                        self._change(job, JobEvent.EXPIRE)
                    if now_s >= forget_s:
                        self._store.forget_jobs(now_s - self._limits.kept_s, self._limits.all)
                        forget_s = now_s + FORGET_S
                for device in [*self._waiting]:
                    # Whatever a delivery has ended by, the state that could not be used among it.
                    if device not in self._awake and self._devices.is_awake(device):
                        self.wake(device)
                await asyncio.sleep(LOOK_S)
        finally:
            for task in [*self._deliveries.values()]:
                task.cancel()

    def _take_up(self, may: Callable[[Job], bool]) -> None:
        """Settle what was sent before the last end, and what today's file does not allow."""
        for job in self._store.sent_jobs():
            self._settle_unanswered(job)
        for job_id in self._store.open_ids():
            found = self._store.find_job(job_id)
            if found is not None and not may(found):
                self._change(found, JobEvent.CANCEL)
        self._is_taken_up = True

    async def _deliver(self, device: str) -> None:
        """Deliver the jobs of a device in their order, while it is awake."""
        try:
            await self._deliver_in_order(device, self._awake[device])
        except TinyContainerError:  # the state cannot be used; a later call tries again
            return
        finally:
            del self._awake[device], self._deliveries[device]

    async def _deliver_in_order(self, device: str, awake: asyncio.Event) -> None:
        failures = 0
        while (job := self._store.next_job(device)) is not None:
            if not self._devices.is_awake(device):
                return
            awake.clear()
            if job.state is JobState.SENDING:  # what has become of it could not be written
                self._settle_unanswered(job)
                continue
            if job.deadline_s <= self._now_s():
                self._change(job, JobEvent.EXPIRE)
                continue
            if await self._attempt(job):
                failures = 0
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(AGAIN_S[min(failures, len(AGAIN_S) - 1)]):
                    await awake.wait()
            failures += 1

    async def _attempt(self, job: Job) -> bool:
        """Send a job once; whether it has ended."""
        job = self._change(job, JobEvent.SEND)
        self._devices.doubts.begin(job.device, job.request)
        try:
            answer = await (await self._devices.ask(job.device, job.request)).whole()
        except (NotThere, DeviceAsleep, TooOften):
            if not self._change(job, JobEvent.NOT_SENT).attempts:
                self._devices.doubts.end(job.device)
            return False
        except (NoAnswer, BadAnswer) as problem:
            is_over = isinstance(problem, BadAnswer) and job.attempts >= BAD_ANSWERS
            again = can_be_repeated(job.request) and not is_over
            self._change(job, JobEvent.NO_ANSWER if again else JobEvent.LOSE)
            return not again
        self._settle(job, answer)
        return True

    def _settle_unanswered(self, job: Job) -> None:
        """A job was sent, and its answer is not known: it waits again, or is over."""
        self._change(job, JobEvent.NO_ANSWER if can_be_repeated(job.request) else JobEvent.LOSE)

    def _settle(self, job: Job, answer: CoapAnswer) -> None:
        if job.request.option(Option.OSCORE) is None:
            self._change(job, JobEvent.ANSWER, answer)
        elif _is_challenge(answer):
            self._change(job, JobEvent.CHALLENGE, answer)
        elif job.attempts > 1 and answer.code is Code.UNAUTHORIZED:
            # A replay, says the device: it took one of the attempts before.
            self._change(job, JobEvent.LOSE)
        else:
            self._change(job, JobEvent.ANSWER, answer)

    def _change(self, job: Job, event: JobEvent, answer: CoapAnswer | None = None) -> Job:
        after = self._store.change_job(job, event, self._now_s(), answer)
        if after.state.has_ended:
            if job.attempts:
                self._devices.doubts.end(job.device)
            self._waiting_bytes -= len(job.request.payload)
            left = self.waiting(job.device) - 1
            self._waiting[job.device] = left
            if left <= 0:
                del self._waiting[job.device]
        self._tell(after)
        return after

    def _tell(self, job: Job) -> None:
        for changed in self._changed.get(job.id, ()):
            changed.set()
        if self.when_changed is not None:
            self.when_changed(job)


def can_be_repeated(request: CoapRequest) -> bool:
    """Whether a device that gets a request again does nothing again."""
    if request.method is Method.GET or request.option(Option.OSCORE) is not None:
        return True
    return request.path[:1] == ("tc",)


def _is_challenge(answer: CoapAnswer) -> bool:
    """Whether the answer to a protected request looks like a challenge (RFC 8613, B.1.2).

    Nobody but its client can read it. But such an answer has a number of its own; any other goes
    by the number of its request.
    """
    option = dict(answer.options).get(Option.OSCORE, b"")
    return bool(option) and bool(option[0] & _PARTIAL_IV_BITS)
