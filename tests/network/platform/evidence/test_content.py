"""Events are read strictly, whatever a device or its gateway says."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinycontainer.device.containers.milestones import Milestones
from tinycontainer.network.platform.evidence.content import EventFacts, EvidenceKind, read_event
from tinycontainer.trace import events

TRANSITIONS = {
    ("start", "ready", ""): EvidenceKind.STARTED,
    ("fault", "running", "trap in loop unreachable"): EvidenceKind.CRASHED,
    ("fault", "running", "overrun in loop"): EvidenceKind.CRASHED,
    ("stop", "running", "stopped"): EvidenceKind.ENDED,
    ("kill", "running", "killed"): EvidenceKind.ENDED,
    ("exit", "running", "returned 7"): EvidenceKind.ENDED,
    ("delete", "running", "deleted"): EvidenceKind.ENDED,
    ("delete", "ready", "deleted"): EvidenceKind.REMOVED,
    ("finalized", "stopping", ""): EvidenceKind.OTHER,
}
OTHERS = (
    (events.Loaded(b"box", 0, "wasm", "", (), 1, 1, 1), EvidenceKind.LOADED, ""),
    (events.Reconfigured(b"box", 1, 2, (), ()), EvidenceKind.CHANGED, ""),
    (events.Replacing(b"box", 0), EvidenceKind.CHANGED, ""),
    (events.ReplacementConfirmed(b"box"), EvidenceKind.CHANGED, ""),
    (events.Updated(b"box", 1), EvidenceKind.CHANGED, ""),
    (events.ReplacementUndone(b"box", "words of a tenant"), EvidenceKind.UNDONE, ""),
    (events.LoadRefused(b"box", "load", "token", "the key"), EvidenceKind.REFUSED, "token"),
    (events.Withdrawn(b"box", 1), EvidenceKind.WITHDRAWN, ""),
    (events.RightExpired(b"box", "mask", 0, 9), EvidenceKind.EXPIRED, "mask"),
    (events.Logged(b"box", b"words"), EvidenceKind.OTHER, ""),
)


def encoded(event: events.TraceEvent) -> bytes:
    """As a device keeps it."""
    return Milestones(lambda: 1_800_000_000).encode(event)


@pytest.mark.clause("TC-PLAT-60")
@pytest.mark.parametrize(("said", "kind"), TRANSITIONS.items(), ids=str)
def test_a_transition_is_told_by_its_trigger(
    said: tuple[str, str, str], kind: EvidenceKind
) -> None:
    trigger, before, reason = said
    found = read_event(encoded(events.Transitioned(b"box", before, trigger, "stopping", reason)))
    assert found == EventFacts(
        kind=kind,
        uid=b"box",
        at_s=1_800_000_000,
        reason=reason.partition(" ")[0] if kind in ("ended", "crashed") else "",
        before=before,
        after="stopping",
    )


@pytest.mark.clause("TC-PLAT-60")
@pytest.mark.parametrize(("event", "kind", "reason"), OTHERS, ids=str)
def test_each_milestone_is_told(event: events.TraceEvent, kind: EvidenceKind, reason: str) -> None:
    found = read_event(encoded(event))
    assert (found.kind, found.uid, found.reason) == (kind, b"box", reason)


@pytest.mark.parametrize("uid", [b"\x00\xff\\", "böx".encode(), b"x" * 63])
def test_a_uid_is_read_as_it_is(uid: bytes) -> None:
    assert read_event(encoded(events.Withdrawn(uid, 1))).uid == uid


@pytest.mark.clause("TC-PLAT-60")
@pytest.mark.parametrize(
    "content",
    [
        b"", b"\xff", b"[]", b"7", b"[" * 1024, b'{"event":7}', b'{"event":["loaded"]}',
        b'{"event":"transition","trigger":[]}', b'{"event":"transition","trigger":"\\u001b[2J"}',
        b'{"event":NaN}', b"9" * 1024,
    ],
)  # fmt: skip
def test_what_cannot_be_understood_is_of_the_other_kind(content: bytes) -> None:
    assert read_event(content) == EventFacts(EvidenceKind.OTHER)


@pytest.mark.parametrize(
    "values",
    [
        {"uid": "\x1b[2J"}, {"uid": ""}, {"uid": "x" * 64}, {"uid": 7}, {"uid": "\\"},
        {"time_s": -1}, {"time_s": True}, {"time_s": 1e3}, {"time_s": 10**30},
        {"before": "\x1b"}, {"after": ["ready"]},
    ],
    ids=str,
)  # fmt: skip
def test_a_value_that_is_none_is_left_out(values: dict[str, object]) -> None:
    content = json.dumps({"event": "loaded"} | values).encode()
    assert read_event(content) == EventFacts(EvidenceKind.LOADED)


@pytest.mark.clause("TC-PLAT-60")
@pytest.mark.parametrize("reason", ["trap\x1b in loop", "secret-of-a-tenant", "", ["trap"], None])
def test_a_reason_that_is_no_known_word_is_not_shown(reason: object) -> None:
    values = {"event": "transition", "trigger": "fault", "reason": reason}
    assert read_event(json.dumps(values).encode()) == EventFacts(EvidenceKind.CRASHED)


@given(
    st.binary(max_size=1024)
    | st.dictionaries(
        st.sampled_from(["event", "uid", "trigger", "reason", "before", "time_s", "token"]),
        st.sampled_from(["transition", "load-refused", "fault", "start"])
        | st.text()
        | st.integers()
        | st.lists(st.none()),
    ).map(lambda values: json.dumps(values).encode())
)
def test_whatever_comes_is_read_and_every_text_is_printable(content: bytes) -> None:
    found = read_event(content)
    for text in (found.reason, found.before, found.after):
        assert text.isascii()
        assert text.isprintable()
        assert len(text) <= 64
