"""The life cycle: every state and every event, against a table typed from the semantics."""

from itertools import product

import pytest
from support.scripted import ScriptedRuntime
from support.worlds import blueprint

from tinycontainer import metadata as metadata_codec
from tinycontainer.device.containers.container import Container
from tinycontainer.device.containers.lifecycle import TRANSITIONS, Condition, Event, State, after
from tinycontainer.device.containers.limits import Capacity
from tinycontainer.device.containers.memory import Slot
from tinycontainer.device.containers.verification import Grant, Validity
from tinycontainer.errors import InvalidTransition
from tinycontainer.tools.packing.packing import pack_unsigned
from tinycontainer.trace import TraceEvent, Tracer
from tinycontainer.trace.events import Transitioned

# Before, event -> after, delete pending after, stop hook aborted after; None: as it was.
LEGAL: dict[tuple[str, str], tuple[str, bool | None, bool | None]] = {
    ("provisioning", "loaded"): ("ready", None, None),
    ("provisioning", "rejected"): ("deleting", None, None),
    ("ready", "start"): ("running", None, None),
    ("ready", "delete"): ("deleting", None, None),
    ("ready", "reconfigured"): ("ready", None, None),
    ("running", "reconfigured"): ("running", None, None),
    ("running", "stop"): ("stopping", None, None),
    ("running", "kill"): ("stopping", None, True),
    ("running", "exit"): ("stopping", None, None),
    ("running", "fault"): ("stopping", None, None),
    ("running", "delete"): ("stopping", True, None),
    ("stopping", "delete"): ("stopping", True, None),
    ("stopping", "kill"): ("stopping", None, True),
    ("stopping", "fault"): ("stopping", None, True),
    ("deleting", "erased"): ("gone", None, None),
}


def follows(before: Condition, event: Event) -> Condition | None:
    """What the semantics say; None if the event has no place."""
    if (before.state, event) == ("stopping", "finalized"):
        if before.delete_pending:
            return Condition(State.DELETING, True, before.stop_hook_aborted)
        return Condition(State.READY)
    if (before.state, event) not in LEGAL:
        return None
    target, pending, aborted = LEGAL[before.state, event]
    return Condition(
        State(target),
        before.delete_pending if pending is None else pending,
        before.stop_hook_aborted if aborted is None else aborted,
    )


def conditions() -> list[Condition]:
    return [Condition(*values) for values in product(State, (False, True), (False, True))]


@pytest.mark.parametrize("event", Event)
@pytest.mark.parametrize(
    "before", conditions(), ids=lambda c: f"{c.state}-{c.delete_pending:d}{c.stop_hook_aborted:d}"
)
@pytest.mark.clause("TC-LIFE-01")
def test_every_event_in_every_state_does_what_the_table_says(
    before: Condition, event: Event
) -> None:
    expected = follows(before, event)
    if expected is None:
        with pytest.raises(InvalidTransition) as caught:
            after(before, event)
        assert event.value in str(caught.value)
        assert before.state.value in str(caught.value)
    else:
        assert after(before, event) == expected


def loaded(condition: Condition) -> Container:
    metadata = metadata_codec.decode(pack_unsigned(blueprint("box"), b"box", b"").metadata)
    granted = Grant(0, None, Validity(), ())
    return Container(Slot(0, Capacity()), metadata, ScriptedRuntime({}), granted, condition)


@pytest.mark.parametrize("before", conditions(), ids=str)
@pytest.mark.clause("TC-LIFE-01")
def test_an_illegal_event_changes_nothing_and_is_not_traced(before: Condition) -> None:
    for event in Event:
        container, told = loaded(before), list[TraceEvent]()
        tracer = Tracer([told.append], lambda: 7)
        if follows(before, event) is None:
            with pytest.raises(InvalidTransition):
                container.apply(event, tracer)
            assert container.condition == before
            assert told == []
        else:
            container.apply(event, tracer, "why")
            assert [(e.before, e.trigger, e.after, e.reason) for e in _transitions(told)] == [
                (before.state, event, container.state, "why")
            ]


def _transitions(told: list[TraceEvent]) -> list[Transitioned]:
    return [event for event in told if isinstance(event, Transitioned)]


def test_no_two_rows_of_the_table_apply_to_one_condition() -> None:
    for before, event in product(conditions(), Event):
        applicable = [
            row
            for row in TRANSITIONS
            if row.source is before.state
            and row.event is event
            and (row.guard is None or row.guard(before))
        ]
        assert len(applicable) == (follows(before, event) is not None)


def test_nothing_leads_out_of_gone_and_nothing_back_to_provisioning() -> None:
    assert not [row for row in TRANSITIONS if row.source is State.GONE]
    assert not [row for row in TRANSITIONS if row.target is State.PROVISIONING]


def test_a_delete_that_is_pending_survives_whatever_happens_while_stopping() -> None:
    condition = after(Condition(State.RUNNING), Event.DELETE)
    for event in (Event.KILL, Event.FAULT, Event.DELETE):
        condition = after(condition, event)
        assert condition.delete_pending
    assert after(condition, Event.FINALIZED).state is State.DELETING


def test_an_aborted_stop_hook_is_forgotten_once_the_container_is_ready_again() -> None:
    condition = after(after(Condition(State.RUNNING), Event.KILL), Event.FINALIZED)
    again = after(after(condition, Event.START), Event.STOP)
    assert not again.stop_hook_aborted
