"""The states of an execution context. Everything about state lives in this file, as one table.

COMPUTING is seen in wall time only: in virtual time the answer comes within the same call.
"""

from collections.abc import Mapping
from enum import Enum, IntEnum, auto
from types import MappingProxyType
from typing import Final

from .codes import Code, refusal


class State(IntEnum):
    """What an execution context is ready for; the numbers stand in STATUS."""

    EMPTY = 0
    LOADING = 1
    READY = 2
    PRIMED = 3
    COMPUTING = 4
    DONE = 5


class Event(Enum):
    """What happens to an execution context."""

    BEGIN_MODEL = auto()
    MODEL_DATA = auto()
    ACCEPTED = auto()
    REJECTED = auto()
    BIND = auto()
    INPUT = auto()
    INPUT_DATA = auto()
    INPUTS_COMPLETE = auto()
    COMPUTE = auto()
    ANSWERED = auto()
    FAILED = auto()
    RESET_INPUTS = auto()
    RESET_MODEL = auto()


TRANSITIONS: Final[Mapping[tuple[State, Event], State]] = MappingProxyType(
    {
        (State.EMPTY, Event.BEGIN_MODEL): State.LOADING,
        (State.EMPTY, Event.BIND): State.READY,
        (State.EMPTY, Event.RESET_MODEL): State.EMPTY,
        (State.LOADING, Event.MODEL_DATA): State.LOADING,
        (State.LOADING, Event.ACCEPTED): State.READY,
        (State.LOADING, Event.REJECTED): State.EMPTY,
        (State.LOADING, Event.RESET_MODEL): State.EMPTY,
        (State.READY, Event.INPUT): State.READY,
        (State.READY, Event.INPUT_DATA): State.READY,
        (State.READY, Event.INPUTS_COMPLETE): State.PRIMED,
        (State.READY, Event.RESET_INPUTS): State.READY,
        (State.READY, Event.RESET_MODEL): State.EMPTY,
        (State.PRIMED, Event.INPUT): State.READY,
        (State.PRIMED, Event.COMPUTE): State.COMPUTING,
        (State.PRIMED, Event.RESET_INPUTS): State.READY,
        (State.PRIMED, Event.RESET_MODEL): State.EMPTY,
        (State.COMPUTING, Event.ANSWERED): State.DONE,
        (State.COMPUTING, Event.FAILED): State.READY,
        (State.DONE, Event.INPUT): State.READY,
        (State.DONE, Event.RESET_INPUTS): State.READY,
        (State.DONE, Event.RESET_MODEL): State.EMPTY,
    }
)


def after(state: State, event: Event) -> State:
    """The state after an event.

    Raises:
        DriverError: code 12, the event has no place in this state; 4, an inference is under way.
            Nothing has changed.
    """
    following = TRANSITIONS.get((state, event))
    if following is None:
        code = Code.BUSY if state is State.COMPUTING else Code.INVALID_STATE
        raise refusal(code, f"{event.name} in the state {state.name}")
    return following
