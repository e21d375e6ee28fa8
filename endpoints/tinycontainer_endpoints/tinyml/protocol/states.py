"""The states of an execution context. Everything about state lives in this file, as one table.

COMPUTING is seen in wall time only: in virtual time the answer comes within the same call.
"""

from collections.abc import Mapping
from enum import Enum, IntEnum, auto
from types import MappingProxyType
from typing import Final

from .codes import ErrorCode, make_refusal


class ContextState(IntEnum):
    """What an execution context is ready for; STATUS gives the number."""

    EMPTY = 0
    LOADING = 1
    READY = 2
    PRIMED = 3
    COMPUTING = 4
    DONE = 5


class ContextEvent(Enum):
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


TRANSITIONS: Final[Mapping[tuple[ContextState, ContextEvent], ContextState]] = MappingProxyType(
    {
        (ContextState.EMPTY, ContextEvent.BEGIN_MODEL): ContextState.LOADING,
        (ContextState.EMPTY, ContextEvent.BIND): ContextState.READY,
        (ContextState.EMPTY, ContextEvent.RESET_MODEL): ContextState.EMPTY,
        (ContextState.LOADING, ContextEvent.MODEL_DATA): ContextState.LOADING,
        (ContextState.LOADING, ContextEvent.ACCEPTED): ContextState.READY,
        (ContextState.LOADING, ContextEvent.REJECTED): ContextState.EMPTY,
        (ContextState.LOADING, ContextEvent.RESET_MODEL): ContextState.EMPTY,
        (ContextState.READY, ContextEvent.INPUT): ContextState.READY,
        (ContextState.READY, ContextEvent.INPUT_DATA): ContextState.READY,
        (ContextState.READY, ContextEvent.INPUTS_COMPLETE): ContextState.PRIMED,
        (ContextState.READY, ContextEvent.RESET_INPUTS): ContextState.READY,
        (ContextState.READY, ContextEvent.RESET_MODEL): ContextState.EMPTY,
        (ContextState.PRIMED, ContextEvent.INPUT): ContextState.READY,
        (ContextState.PRIMED, ContextEvent.COMPUTE): ContextState.COMPUTING,
        (ContextState.PRIMED, ContextEvent.RESET_INPUTS): ContextState.READY,
        (ContextState.PRIMED, ContextEvent.RESET_MODEL): ContextState.EMPTY,
        (ContextState.COMPUTING, ContextEvent.ANSWERED): ContextState.DONE,
        (ContextState.COMPUTING, ContextEvent.FAILED): ContextState.READY,
        (ContextState.DONE, ContextEvent.INPUT): ContextState.READY,
        (ContextState.DONE, ContextEvent.RESET_INPUTS): ContextState.READY,
        (ContextState.DONE, ContextEvent.RESET_MODEL): ContextState.EMPTY,
    }
)


def find_next_state(state: ContextState, event: ContextEvent) -> ContextState:
    """The state after an event.

    Raises:
        DriverError: code 12, the event is not possible in this state; 4, an inference is under way.
            Nothing has changed.
    """
    following = TRANSITIONS.get((state, event))
    if following is None:
        code = ErrorCode.BUSY if state is ContextState.COMPUTING else ErrorCode.INVALID_STATE
        raise make_refusal(code, f"{event.name} is not possible in the state {state.name}")
    return following
