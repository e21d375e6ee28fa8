"""Events as lines: what programs and people read, and that hostile text in them is inert."""

import hashlib
import json
import string
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.drivers import Puppet, raising, served_by
from support.scripted import Program, Steps, calling, trap
from support.worlds import World, blueprint, local, refused

from tinycontainer.errors import DriverError, LoadReason
from tinycontainer.interfaces.runtime import Natives
from tinycontainer.trace import Human, JsonLines, TraceEvent, as_dict, describe, events
from tinycontainer.trace.events import (
    Called,
    DeadlineMissed,
    DescriptorClosed,
    Dispatched,
    Dropped,
    HookBegan,
    HookEnded,
    Loaded,
    LoadRefused,
    Logged,
    PeriodsSkipped,
    Refused,
    ReplacementConfirmed,
    ReplacementUndone,
    Replacing,
    Transitioned,
    Withdrawn,
)

INERT = set(string.printable) - set("\t\n\r\x0b\x0c")
EVIL = "\x1b[2J\x1b]0;owned\x07\r\n\u202eabc\u2066\u200b\"'\\}{\x00\x7f\x9b31m<script>"


KINDS = [
    kind
    for kind in vars(events).values()
    if isinstance(kind, type) and issubclass(kind, TraceEvent) and kind is not TraceEvent
]
FREE_TEXT = {"problem", "reason", "detail"}
"""Fields of text that may quote what came from outside; the others hold the device's own words."""


def filled(kind: type[TraceEvent], raw: bytes, text: str) -> TraceEvent:
    """An event of a kind, with hostile content in every field that can have it."""
    values: dict[object, Any] = {
        bytes: raw,
        str: "word",
        int: 7,
        tuple[int, ...]: (1, 2),
        tuple[str, ...]: ("word",),
        tuple[tuple[int, int], ...]: ((1, 2),),
    }
    given_values = {
        field.name: text if _is_free(kind, field.name) else values[field.type]
        for field in fields(kind)
        if field.init
    }
    return kind(**given_values)


def _is_free(kind: type[TraceEvent], name: str) -> bool:
    return name in FREE_TEXT and (kind, name) not in {
        (LoadRefused, "reason"),
        (Refused, "reason"),
        (DescriptorClosed, "reason"),
    }


def printed(*written: TraceEvent, with_data: bool = False) -> tuple[list[str], list[str]]:
    """The lines that the two sinks write: for programs, and for people."""
    json_lines, human_lines = list[str](), list[str]()
    for event in written:
        JsonLines(json_lines.append, with_data=with_data)(event)
        Human(human_lines.append)(event)
    return json_lines, human_lines


def is_inert(json_lines: list[str], human_lines: list[str]) -> bool:
    """Every line is one line of printable ASCII."""
    ends = all(line.endswith("\n") and line.isascii() for line in json_lines)
    bodies = [line[:-1] for line in json_lines] + human_lines
    return ends and all(set(body) <= INERT for body in bodies)


def test_every_kind_of_event_has_a_name_of_its_own() -> None:
    names = [kind.name for kind in KINDS]
    assert len(set(names)) == len(names) == 22
    assert all(set(name) <= set(string.ascii_lowercase + "-") for name in names)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_json_line_says_which_event_it_is(kind: type[TraceEvent]) -> None:
    (line,), _ = printed(filled(kind, b"x", "text"))
    values = json.loads(line)
    assert values["event"] == kind.name
    assert len(values) == len(fields(kind)) + 1 + (kind is Called)


@given(st.sampled_from(KINDS), st.binary(max_size=80), st.text(st.characters(), max_size=40))
def test_no_untrusted_value_does_anything_but_be_read(
    kind: type[TraceEvent], raw: bytes, text: str
) -> None:
    json_lines, human_lines = printed(filled(kind, raw, text))
    assert is_inert(json_lines, human_lines)
    assert len(json_lines) == 1
    assert isinstance(json.loads(json_lines[0]), dict)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@pytest.mark.parametrize(
    "text",
    [EVIL, "\ud800", "\udfff\ud800", "a\u2028b\u2029", ""],
    ids=["evil", "lone", "swapped", "lines", "empty"],
)
@pytest.mark.clause("TC-RT-16")
def test_hostile_text_in_every_event_is_inert(kind: type[TraceEvent], text: str) -> None:
    event = filled(kind, text.encode("utf-8", "surrogatepass"), text)
    assert is_inert(*printed(event))
    assert is_inert(*printed(event, with_data=True))


def test_different_hostile_names_look_different() -> None:
    names = [b"a", b"\\x61", b"a\x00", b"a\\x00", "\u0430".encode(), b"\xd0"]
    shown = [json.loads(printed(Dropped(name, 0, 0))[0][0])["uid"] for name in names]
    assert len(set(shown)) == len(names)


@given(st.binary(max_size=80))
def test_names_and_lines_stay_inert_when_a_program_has_read_the_json(raw: bytes) -> None:
    (line,), _ = printed(Logged(raw, raw))
    values = json.loads(line)
    assert set(values["uid"] + values["line"]) <= INERT


def test_json_lines_hold_the_fields_of_the_event() -> None:
    event = HookEnded(b"box", "loop", "completed", 3, 99, 7, "", memory_bytes=65536)
    event.at_ns = 12
    (line,), _ = printed(event)
    assert json.loads(line) == {
        "at_ns": 12,
        "event": "hook-ended",
        "uid": "box",
        "hook": "loop",
        "how": "completed",
        "result": 3,
        "used_ns": 99,
        "instructions": 7,
        "detail": "",
        "frames": [],
        "memory_bytes": 65536,
    }


@pytest.mark.clause("TC-TOOL-04")
def test_payload_is_shown_as_length_and_hash_unless_asked_for() -> None:
    event = Called(b"box", "read", 1, 6, b"secret")
    values = as_dict(event)
    assert (values["bytes"], values["sha256"]) == (6, hashlib.sha256(b"secret").hexdigest())
    assert "data" not in values
    assert "secret" not in printed(event)[0][0]
    assert b"secret".hex() not in printed(event)[0][0]
    values = as_dict(event, with_data=True)
    assert (values["bytes"], values["data"]) == (6, b"secret".hex())
    assert "sha256" not in values


def test_payload_is_nothing_for_people() -> None:
    assert describe(Called(b"box", "read", 1, 6, b"secret")) is None


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (
            Loaded(b"x", 2, "wasm", "rfc9052", (), 1, 10, 3),
            "loaded into slot 2 (wasm, 10 B, rfc9052)",
        ),
        (
            Loaded(b"x", 2, "wasm", "rfc9052", ("code token",), 1, 10, 3),
            "(wasm, 10 B, rfc9052, UNSIGNED: code token)",
        ),
        (Loaded(b"x", 2, "wasm", "", ("mask token",), 1, 10, 3), "UNSIGNED"),
        (
            LoadRefused(b"x", "load", "token", "code token: step 6"),
            "REFUSED to load: token: code token",
        ),
        (Transitioned(b"x", "running", "fault", "stopping", "trap in loop"), "(trap in loop)"),
        (
            Transitioned(b"x", "running", "fault", "stopping", "trap in loop", ((3, 418), (0, 9))),
            "on fault (trap in loop at function 3, offset 0x1a2)",
        ),
        (Refused(b"x", "open", 7, "not-served", -1, "lamp"), "REFUSED open(7): not-served (lamp)"),
        (Logged(b"x", b"hello"), 'log "hello"'),
        (Dropped(b"x", 3, 4), "3 log lines, 4 refusals"),
        (DeadlineMissed(b"x", 2_500_000), "2.500 ms"),
        (PeriodsSkipped(b"x", 5), "5 periods skipped"),
        (Replacing(b"x", 0), "is being replaced"),
        (Replacing(b"x", 2_500_000), "is being replaced, to be confirmed within 2.5 ms"),
        (ReplacementConfirmed(b"x"), "the replacement is confirmed"),
        (Withdrawn(b"x", 7), "all rights WITHDRAWN by sequence 7"),
        (ReplacementUndone(b"x", "too late\x1b[2J"), "is UNDONE: too late\\x1b[2J"),
    ],
)
def test_people_read_words(event: TraceEvent, words: str) -> None:
    _, (line,) = printed(event)
    assert words in line
    assert "  x  " in line


@pytest.mark.parametrize(
    "event",
    [Dispatched(b"x", 1, 2), HookBegan(b"x", "loop", 1), HookEnded(b"x", "a", "b", 0, 0, 0, "")],
)
def test_events_for_programs_only_are_not_shown_to_people(event: TraceEvent) -> None:
    _, human_lines = printed(event)
    assert human_lines == []


def test_a_long_uid_is_cut_for_people_but_not_for_programs() -> None:
    (json_line,), (human_line,) = printed(Dropped(b"u" * 63, 1, 0))
    assert json.loads(json_line)["uid"] == "u" * 63
    assert "u" * 21 not in human_line
    assert "..." in human_line


def evil_driver() -> Puppet:
    kind = type(EVIL.replace("\x00", ""), (Exception,), {})
    return Puppet(on_read=raising(kind()), on_write=raising(DriverError(3, EVIL)))


def test_a_device_full_of_hostile_text_gives_inert_traces() -> None:
    json_lines, human_lines = list[str](), list[str]()
    sinks = (JsonLines(json_lines.append), Human(human_lines.append))
    world = World(bare=True, sinks=sinks, drivers=(served_by(evil_driver()),))
    uid, seen = EVIL[:40], list[object]()
    calls = (
        lambda natives: natives.log(EVIL.encode()),
        lambda natives: natives.log(b"\xff\xfe\x1b"),
        lambda natives: natives.open(1),
        lambda natives: natives.read(1, 3),
        lambda natives: natives.write(1, EVIL.encode()),
    )

    def loop(natives: Natives) -> Steps:
        yield from calling(seen, *calls)(natives)
        yield from trap(1)(natives)
        return 0

    world.run(blueprint(uid, endpoints=(local(),)), Program(loop))
    world.device.run()
    with refused(LoadReason.CODE_INADMISSIBLE):
        world.add(blueprint(EVIL[20:]))
    assert seen == [None, None, 1, -1, -3]
    assert is_inert(json_lines, human_lines)
    assert len(json_lines) == len(world.events)
    assert len({json.loads(line)["uid"] for line in json_lines}) == 2
