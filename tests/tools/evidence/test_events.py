"""Events are proved by a statement: none was changed, left out, made up or moved."""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import sha256

import pytest
from support.evidence import BEFORE, EVENTS, START, STATEMENT, event

from tinycontainer.state import StoredEvent, extend_chain
from tinycontainer.tools.evidence import (
    EvidenceFault,
    EvidenceRefused,
    check_events,
    check_own_events,
    hash_events,
    uid_of_event,
)
from tinycontainer_tokens.cbor import encode

Events = Sequence[StoredEvent]
OWN = tuple(each for each in EVENTS if uid_of_event(each.content) == "box")
LIMITED = replace(
    STATEMENT,
    event_chain=None,
    trace_sha256=None,
    uid=b"box",
    own_events_sha256=hash_events(OWN),
)
CHANGES: dict[str, Callable[[list[StoredEvent]], Events]] = {
    "the first left out": lambda events: events[1:],
    "the last left out": lambda events: events[:-1],
    "one left out": lambda events: events[:2] + events[3:],
    "one left out and numbered on": lambda events: [
        replace(each, number=each.number - (place > 2))
        for place, each in enumerate(events)
        if place != 2
    ],
    "all left out": lambda _: [],
    "one changed": lambda events: [replace(events[0], content=b"{}"), *events[1:]],
    "another uid": lambda events: [*events[:2], event(events[2].number, "else"), *events[3:]],
    "two exchanged": lambda events: [events[1], events[0], *events[2:]],
    "contents exchanged": lambda events: [
        replace(events[0], content=events[1].content + b" "),
        replace(events[1], content=events[0].content),
        *events[2:],
    ],
    "one twice": lambda events: [events[0], *events],
    "one made up before": lambda events: [event(2), *events],
    "one made up within": lambda events: [
        *events[:2],
        event(events[2].number, "box"),
        *(replace(each, number=each.number + 1) for each in events[2:]),
    ],
}


def refuses(check: Callable[[], object]) -> None:
    with pytest.raises(EvidenceRefused) as caught:
        check()
    assert caught.value.fault is EvidenceFault.EVENTS
    assert "\n" not in str(caught.value)


@pytest.mark.clause("TC-EVID-05", "TC-EVID-09")
def test_the_chain_is_made_of_the_events_as_they_are_answered() -> None:
    value = START
    for number, content in ((1, b"one"), (2, b"")):
        value = sha256(value + encode([number, content])).digest()
    assert extend_chain(START, [StoredEvent(1, b"one"), StoredEvent(2, b"")]) == value
    assert extend_chain(value, []) == value


@pytest.mark.clause("TC-EVID-09")
def test_the_events_that_a_device_keeps_are_proved() -> None:
    assert check_events(STATEMENT, BEFORE, EVENTS) == EVENTS
    whole = (event(1), event(2), *EVENTS)  # the oldest of them are no longer kept
    assert check_events(STATEMENT, START, whole) == whole
    newer = event(9)
    assert check_events(STATEMENT, BEFORE, [*EVENTS, newer]) == EVENTS


@pytest.mark.clause("TC-EVID-09")
def test_events_after_those_of_an_earlier_statement_are_proved() -> None:
    earlier = extend_chain(BEFORE, EVENTS[:4])
    assert check_events(STATEMENT, earlier, EVENTS[4:], since=6) == EVENTS[4:]
    refuses(lambda: check_events(STATEMENT, earlier, EVENTS[4:]))
    refuses(lambda: check_events(STATEMENT, earlier, EVENTS[4:], since=5))
    refuses(lambda: check_events(STATEMENT, earlier, EVENTS[5:], since=6))
    refuses(lambda: check_events(STATEMENT, BEFORE, EVENTS[4:], since=6))
    newest = STATEMENT.event_chain or b""
    assert check_events(STATEMENT, newest, [], since=8) == ()
    refuses(lambda: check_events(STATEMENT, newest, [], since=7))


@pytest.mark.clause("TC-EVID-09")
def test_a_device_without_events_proves_that_there_are_none() -> None:
    none = replace(STATEMENT, oldest_event=1, newest_event=0, event_chain=START)
    assert check_events(none, START, []) == ()
    refuses(lambda: check_events(none, BEFORE, []))
    assert check_events(none, START, [event(1)]) == ()


@pytest.mark.clause("TC-EVID-09")
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_what_is_not_as_it_was_is_found(change: Callable[[list[StoredEvent]], Events]) -> None:
    refuses(lambda: check_events(STATEMENT, BEFORE, change([*EVENTS])))


@pytest.mark.clause("TC-EVID-09")
@pytest.mark.parametrize("before", [START, b"", BEFORE + b"\0", BEFORE[:-1]])
def test_no_other_chain_value_leads_there(before: bytes) -> None:
    refuses(lambda: check_events(STATEMENT, before, EVENTS))


@pytest.mark.clause("TC-EVID-06", "TC-EVID-09")
def test_all_events_of_one_container_are_proved_among_those_of_others() -> None:
    for events in (OWN, EVENTS, [event(1), *OWN, event(9)]):
        assert check_own_events(LIMITED, events) == OWN
    assert hash_events(OWN) == sha256(encode([[e.number, e.content] for e in OWN])).digest()


@pytest.mark.clause("TC-EVID-06", "TC-EVID-09")
@pytest.mark.parametrize(
    "name", [name for name in CHANGES if name not in ("one made up before", "contents exchanged")]
)
def test_what_is_not_as_it_was_is_found_of_one_container_too(name: str) -> None:
    refuses(lambda: check_own_events(LIMITED, CHANGES[name]([*OWN])))


@pytest.mark.clause("TC-EVID-09")
def test_each_kind_of_statement_proves_its_own_events_only() -> None:
    refuses(lambda: check_events(LIMITED, BEFORE, EVENTS))
    refuses(lambda: check_own_events(STATEMENT, OWN))


@pytest.mark.clause("TC-EVID-06")
@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"7", b'{"uid":7}', b"{}", b"\xff", b"[" * 100_000, b'{"uid":["a"]}'],
)
def test_what_is_about_no_container_has_no_uid(content: bytes) -> None:
    assert uid_of_event(content) == ""


@pytest.mark.clause("TC-EVID-09")
def test_no_random_change_is_taken_for_what_happened() -> None:
    draws = random.Random(2)
    for _ in range(500):
        events = [*EVENTS]
        for _ in range(draws.randrange(1, 4)):
            place = draws.randrange(len(events))
            match draws.randrange(4):
                case 0:
                    events.insert(place, draws.choice([*EVENTS, event(draws.randrange(12))]))
                case 1 if len(events) > 1:
                    del events[place]
                case 2:
                    events[place] = replace(events[place], content=draws.randbytes(20))
                case _:
                    draws.shuffle(events)
        if tuple(events) != EVENTS and tuple(events[:-1]) != EVENTS:
            refuses(lambda events=events: check_events(STATEMENT, BEFORE, events))  # type: ignore[misc]
