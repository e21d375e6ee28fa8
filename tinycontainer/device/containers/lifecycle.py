"""The life of a container: states, events and one table of transitions (TC-LIFE-01).

Everything about state lives in this file. A row may carry a guard, which is a named function of the
condition; nothing is decided beside the table. The paper's figure of the state machine was not
available to us: the states are the firmware's flags.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tinycontainer.errors import InvalidTransition


class State(StrEnum):
    """Where a container is in its life."""

    PROVISIONING = "provisioning"
    READY = "ready"
    RUNNING = "running"
    STOPPING = "stopping"
    DELETING = "deleting"
    GONE = "gone"


class Event(StrEnum):
    """What happens to a container."""

    LOADED = "loaded"
    REJECTED = "rejected"
    START = "start"
    RECONFIGURED = "reconfigured"
    STOP = "stop"
    KILL = "kill"
    EXIT = "exit"
    FAULT = "fault"
    DELETE = "delete"
    FINALIZED = "finalized"
    ERASED = "erased"


@dataclass(frozen=True, slots=True)
class Condition:
    """A state with what it has to remember.

    Attributes:
        state: the state.
        delete_pending: whether the container is erased once it has stopped.
        stop_hook_aborted: whether its stop hook runs no more.
    """

    state: State
    delete_pending: bool = False
    stop_hook_aborted: bool = False


@dataclass(frozen=True, slots=True)
class Transition:
    """One row of the table.

    Attributes:
        source: state before.
        event: what happens.
        target: state after.
        guard: condition under which the row applies; None for always.
        delete_pending, stop_hook_aborted: what is remembered from now on; None keeps it.
    """

    source: State
    event: Event
    target: State
    guard: Callable[[Condition], bool] | None = None
    delete_pending: bool | None = None
    stop_hook_aborted: bool | None = None


def delete_is_pending(condition: Condition) -> bool:
    """Guard: the container is erased once it has stopped."""
    return condition.delete_pending


def no_delete_is_pending(condition: Condition) -> bool:
    """Guard: the container stays loaded after it has stopped."""
    return not condition.delete_pending


# Short names, so that a row of the table is a line.
_S = State
_E = Event
TRANSITIONS: Final = (
    Transition(_S.PROVISIONING, _E.LOADED, _S.READY),
    Transition(_S.PROVISIONING, _E.REJECTED, _S.DELETING),
    Transition(_S.READY, _E.START, _S.RUNNING),
    Transition(_S.READY, _E.DELETE, _S.DELETING),
    Transition(_S.READY, _E.RECONFIGURED, _S.READY),
    Transition(_S.RUNNING, _E.RECONFIGURED, _S.RUNNING),
    Transition(_S.RUNNING, _E.STOP, _S.STOPPING),
    Transition(_S.RUNNING, _E.KILL, _S.STOPPING, stop_hook_aborted=True),
    Transition(_S.RUNNING, _E.EXIT, _S.STOPPING),
    Transition(_S.RUNNING, _E.FAULT, _S.STOPPING),
    Transition(_S.RUNNING, _E.DELETE, _S.STOPPING, delete_pending=True),
    Transition(_S.STOPPING, _E.DELETE, _S.STOPPING, delete_pending=True),
    Transition(_S.STOPPING, _E.KILL, _S.STOPPING, stop_hook_aborted=True),
    Transition(_S.STOPPING, _E.FAULT, _S.STOPPING, stop_hook_aborted=True),
    Transition(
        _S.STOPPING, _E.FINALIZED, _S.READY, guard=no_delete_is_pending, stop_hook_aborted=False
    ),
    Transition(_S.STOPPING, _E.FINALIZED, _S.DELETING, guard=delete_is_pending),
    Transition(_S.DELETING, _E.ERASED, _S.GONE),
)


def after(condition: Condition, event: Event) -> Condition:
    """The condition that follows an event.

    Raises:
        InvalidTransition: the event has no place in this state.
    """
    for row in TRANSITIONS:
        if row.source is not condition.state or row.event is not event:
            continue
        if row.guard is None or row.guard(condition):
            return _apply(row, condition)
    raise InvalidTransition(f"{event} is not possible in state {condition.state}")


def require_possible(condition: Condition, event: Event) -> None:
    """Check that an event is possible, and change nothing.

    Raises:
        InvalidTransition: the event has no place in this state.
    """
    after(condition, event)


def _apply(row: Transition, condition: Condition) -> Condition:
    is_pending, is_aborted = row.delete_pending, row.stop_hook_aborted
    return Condition(
        row.target,
        condition.delete_pending if is_pending is None else is_pending,
        condition.stop_hook_aborted if is_aborted is None else is_aborted,
    )
