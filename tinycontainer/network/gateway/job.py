"""A job: a request that waits for its device, and what has become of it.

Everything about the states of a job is in this file.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ..agent.requests.message import CoapAnswer, CoapRequest, Method


class JobState(StrEnum):
    """What has become of a job."""

    QUEUED = "queued"
    SENDING = "sending"
    DONE = "done"
    """The device has answered; its answer can be an error."""
    CHALLENGED = "challenged"
    """The device wants to know that whoever asks is there: the client is to ask anew."""
    UNKNOWN = "unknown"
    """It was sent, and may have been carried out; nobody knows."""
    CANCELLED = "cancelled"
    EXPIRED = "expired"

    @property
    def has_ended(self) -> bool:
        """Whether nothing more becomes of it."""
        return self not in (JobState.QUEUED, JobState.SENDING)


class JobEvent(StrEnum):
    """What happens to a job."""

    SEND = "send"
    ANSWER = "answer"
    CHALLENGE = "challenge"
    NO_ANSWER = "no answer"
    NOT_SENT = "not sent"
    LOSE = "lose"
    CANCEL = "cancel"
    EXPIRE = "expire"


TRANSITIONS: Final = {
    (JobState.QUEUED, JobEvent.SEND): JobState.SENDING,
    (JobState.QUEUED, JobEvent.CANCEL): JobState.CANCELLED,
    (JobState.QUEUED, JobEvent.EXPIRE): JobState.EXPIRED,
    (JobState.SENDING, JobEvent.ANSWER): JobState.DONE,
    (JobState.SENDING, JobEvent.CHALLENGE): JobState.CHALLENGED,
    # It can be sent again: the device recognises a repetition.
    (JobState.SENDING, JobEvent.NO_ANSWER): JobState.QUEUED,
    (JobState.SENDING, JobEvent.NOT_SENT): JobState.QUEUED,
    (JobState.SENDING, JobEvent.LOSE): JobState.UNKNOWN,
}


class IllegalJobEvent(ValueError):
    """An event that cannot happen in a state; nothing has changed."""


@dataclass(frozen=True, slots=True)
class Job:
    """A job.

    Attributes:
        number: jobs of a device are delivered in the order of their numbers.
        id: 32 hexadecimal digits, which nobody can guess.
        device: name of the device.
        owner: name of the token that made it; empty where everybody may do everything.
        request: what is to be asked, its payload included.
        state: what has become of it.
        created_s: Unix time.
        deadline_s: Unix time after which it is not sent any more.
        ended_s: Unix time of its end; 0 until then.
        attempts: how often it was sent, or may have been.
        answer: of the device, if it has answered.
    """

    number: int
    id: str
    device: str
    owner: str
    request: CoapRequest
    state: JobState
    created_s: float
    deadline_s: float
    ended_s: float = 0.0
    attempts: int = 0
    answer: CoapAnswer | None = None

    def state_after(self, event: JobEvent) -> JobState:
        """The state that an event leads to.

        Raises:
            IllegalJobEvent: it cannot happen now.
        """
        after = TRANSITIONS.get((self.state, event))
        if after is None:
            raise IllegalJobEvent(f"a job that is {self.state} has no event {event}")
        # What was sent and not answered can be over for its client, and done by its device.
        ends_unanswered = after in (JobState.CANCELLED, JobState.EXPIRED) and self.may_be_done
        return JobState.UNKNOWN if ends_unanswered else after

    @property
    def may_be_done(self) -> bool:
        """Whether its device may have carried it out already."""
        return self.attempts > 0 and self.request.method is not Method.GET
