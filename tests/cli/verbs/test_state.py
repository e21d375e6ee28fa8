"""state: what a device remembers, shown, judged, and its time set by hand."""

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from support.joint_changes import QUICK, change, gone, numbered, plan
from support.project import Program
from support.worlds import World, blueprint

from tinycontainer.state import (
    Ownership,
    SqliteState,
    StateChange,
    StoredAnswer,
    StoredContainer,
)
from tinycontainer.state.database import Database
from tinycontainer.state.schema import MIGRATIONS
from tinycontainer.state.tables import ASIDE, checksum_of
from tinycontainer_tokens import Accepted, Kind, SequenceSubject

NOON_S = 1769860800
HOSTILE = b"\x1b[31m\n\xe2\x80\xae[bold]"


def stored(slot: int, uid: str) -> StoredContainer:
    bundle = World().pack(blueprint(uid))
    return StoredContainer(slot, uid.encode(), bundle.metadata, bundle.code, bundle.data)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A state with something of everything."""
    path = tmp_path / "device.db"
    state = SqliteState(path, Ownership.SOLE)
    state.begin_boot(NOON_S - 5)
    change = StateChange(
        accepted=(
            (SequenceSubject(b"box", Kind.CODE), Accepted((1 << 64) - 1, b"\xab" * 32)),
            (SequenceSubject(HOSTILE, Kind.ENDPOINT, 7), Accepted(1, bytes(32))),
            (SequenceSubject(b"box", None), Accepted(3, b"\xcd" * 32)),
        ),
        stored=(
            replace(stored(0, "box"), wants_to_run=True, loops=7),
            replace(stored(2, "pal"), last_exit=b'["trap", "loop", 0, "\\u001b[31m"]'),
            replace(stored(5, "odd"), last_exit=b"\xff\x1b"),
        ),
        now_s=NOON_S,
        events=(b"one", b"two"),
        answer=StoredAnswer(b"p", bytes(8), b"a"),
    )
    state.record(change)
    state.record(StateChange(device_id=b"desk\x1b"))
    state.set_aside(5, "token: the key of the owner is \x1b[31m unknown")
    state.close()
    return path


@pytest.mark.clause("TC-STATE-12")
def test_all_of_it_is_in_the_object(file: Path, program: Program) -> None:
    before = file.read_bytes()
    found = program.json("state", file)
    assert (found["file"], found["boots"], found["time_s"]) == ("device.db", 1, NOON_S)
    assert found["time"] == "2026-01-31T12:00:00Z"
    assert found["device_id"] == "desk\\x1b"
    assert found["events"] == {"newest": 2, "kept": 2}
    box, pal = found["containers"]
    assert box == {
        "slot": 0,
        "uid": "box",
        "bundle_sha256": stored(0, "box").bundle_sha256().hex(),
        "wants_to_run": True,
        "loops": 7,
        "last_exit": "",
    }
    assert (pal["slot"], pal["wants_to_run"]) == (2, False)
    assert pal["last_exit"] == "trap in loop \\x1b[31m"
    (odd,) = found["kept_aside"]
    assert (odd["slot"], odd["uid"], odd["last_exit"]) == (5, "odd", "h'ff1b'")
    assert odd["problem"] == "token: the key of the owner is \\x1b[31m unknown"
    assert {each["uid"]: each["sequence"] for each in found["sequences"]} == {
        "box": (1 << 64) - 1,
        "\\x1b[31m\\x0a\\xe2\\x80\\xae[bold]": 1,
    }
    assert found["updates"] == [{"uid": "box", "sequence": 3, "digest": "cd" * 32}]
    assert "problems" not in found
    assert file.read_bytes() == before


@pytest.mark.clause("TC-STATE-12", "TC-STATE-18", "TC-UPD-22")
def test_the_numbers_of_updates_are_shown(tmp_path: Path, program: Program) -> None:
    path = tmp_path / "device.db"
    world = World(dict.fromkeys("ab", QUICK), state=SqliteState(path, Ownership.SOLE))
    world.device.change_together([change(plan("a")), change(plan("b"))], numbered(3))
    world.device.change_together([gone("a"), change(plan("b"))], numbered((1 << 64) - 1))
    world.device.close()
    last = {"sequence": (1 << 64) - 1, "digest": "ff" * 32}
    found = program.json("state", path, "--events")
    assert found["updates"] == [{"uid": "a", **last}, {"uid": "b", **last}]
    updated = [each for each in found["events"]["entries"] if each["event"] == "updated"]
    assert [each["uid"] for each in updated] == ["a", "b", "a", "b"]
    assert program.good("state", path).count(str((1 << 64) - 1)) == 2


@pytest.mark.clause("TC-STATE-12", "TC-STATE-18")
def test_events_are_listed_with_their_times_and_nothing_acts(
    tmp_path: Path, program: Program
) -> None:
    path = tmp_path / "device.db"
    state = SqliteState(path, Ownership.SOLE)
    fault = (
        b'{"time_s":%d,"at_ns":5,"event":"transition","uid":"box","before":"running",'
        b'"trigger":"fault","after":"stopping","reason":"trap \\u001b[31m"}' % NOON_S
    )
    unreadable = (b"", b"\x1b[31m", b"[1]", b'{"time_s":1}', fault.replace(b"fault", b"\xff"))
    hostile = (
        b'{"time_s":0,"at_ns":0,"event":"loaded","uid":"box","slot":0,"type":"\\u001b[31m",'
        b'"profile":"\\u202e","unsigned":["\\u001b[0m"],"metadata_bytes":1,"code_bytes":1,'
        b'"data_bytes":1}'
    )
    state.record(StateChange(events=(fault, *unreadable, hostile)))
    state.close()
    first, *others, last = program.json("state", path, "--events")["events"]["entries"]
    assert (first["number"], first["time"]) == (1, "2026-01-31T12:00:00Z")
    assert (first["event"], first["uid"], first["trigger"]) == ("transition", "box", "fault")
    assert first["reason"] == "trap \\x1b[31m"
    assert last["text"].isprintable()
    assert [each.get("content") for each in others] == [each.hex() for each in unreadable]
    shown = program.good("state", path, "--events")
    assert "running -> stopping on fault (trap \\x1b[31m)" in " ".join(shown.split())
    assert "\x1b" not in shown
    assert "Events" not in program.good("state", path)


@pytest.mark.clause("TC-STATE-12", "TC-STATE-18")
def test_no_text_of_an_event_acts_on_a_terminal(tmp_path: Path, program: Program) -> None:
    path = tmp_path / "device.db"
    state = SqliteState(path, Ownership.SOLE)
    hostile = "\x1b[31m\u202e\ud800\n"
    head: dict[str, object] = {"time_s": NOON_S, "at_ns": 5, "uid": "box"}
    sizes = {"slot": 0, "metadata_bytes": 1, "code_bytes": 1, "data_bytes": 1}
    events: list[dict[str, object]] = [
        {
            "event": "transition",
            "before": hostile,
            "trigger": hostile,
            "after": hostile,
            "reason": hostile,
        },
        {"event": "load-refused", "verb": hostile, "problem": hostile, "reason": hostile},
        {"event": "loaded", "type": hostile, "profile": hostile, "unsigned": [hostile], **sizes},
        {"event": "hook-began", "hook": hostile, "number": 77},
    ]
    state.record(StateChange(events=tuple(json.dumps(head | each).encode() for each in events)))
    state.close()
    shown = program.good("state", path, "--events")
    assert shown.replace("\n", "").isprintable()
    assert "\u202e" not in shown
    found = program.json("state", path, "--events")["events"]["entries"]
    assert [each["number"] for each in found] == [1, 2, 3, 4]
    assert "\\x1b[31m" in found[0]["text"]
    for each in (text for entry in found for text in (entry["text"], *entry.get("unsigned", ()))):
        assert each == "" or (each.isascii() and each.isprintable())


@pytest.mark.clause("TC-STATE-12")
def test_the_tables_show_the_same_and_nothing_acts(file: Path, program: Program) -> None:
    shown = program.good("state", file)
    first, _, tables = shown.partition("\n")
    kept = "2 events, 2 of them kept; identifier desk\\x1b"
    assert first == f"device.db: 1 boot; time 2026-01-31T12:00:00Z; {kept}"
    for word in (
        "Containers",
        "running",
        "stopped",
        "trap in loop",
        "Set aside",
        "Newest accepted tokens",
    ):
        assert word in tables
    for word in ("Newest updates", "18446744073709551615", "abababababab...", "\\x1b[31m\\x0a"):
        assert word in tables
    assert "\x1b" not in shown
    assert "\u202e" not in shown


@pytest.mark.parametrize("problem", [b"\x1b[31m\nred", b"\xff\xfe", b"\xe2\x80\xae"])
def test_a_reason_that_was_written_by_hand_does_nothing(
    file: Path, program: Program, problem: bytes
) -> None:
    with closing(sqlite3.connect(file)) as connection:
        ((*columns, before),) = connection.execute(ASIDE.read_all).fetchall()
        columns[-1] = problem
        checksum = checksum_of(tuple(columns))
        connection.execute(ASIDE.write, (*columns, checksum))
        connection.execute("UPDATE seal SET total = total + ?", (checksum - before,))
        connection.commit()
    shown = program.good("state", file)
    assert "\x1b" not in shown
    (aside,) = program.json("state", file)["kept_aside"]
    assert aside["problem"].isascii()
    assert aside["problem"].isprintable()


@pytest.mark.parametrize(
    "last_exit",
    [b"1", b"[]", b'["stopped", null, 1e999, ""]', b"[" * 256, b'["\xff"]', b'"\x1b[31m"'],
)
def test_an_end_that_cannot_be_read_is_shown_as_bytes(
    tmp_path: Path, program: Program, last_exit: bytes
) -> None:
    state = SqliteState(tmp_path / "device.db", Ownership.SOLE)
    state.record(StateChange(stored=(replace(stored(0, "box"), last_exit=last_exit),)))
    state.close()
    (box,) = program.json("state", tmp_path / "device.db")["containers"]
    assert box["last_exit"] == f"h'{last_exit.hex()}'"


def test_a_new_state_is_one_line(tmp_path: Path, program: Program) -> None:
    SqliteState(tmp_path / "device.db").accept([])
    state = SqliteState(tmp_path / "device.db", Ownership.SOLE)
    state.record(StateChange(events=(b"e",)))
    state.close()
    shown = program.good("state", tmp_path / "device.db")
    assert shown == "device.db: 0 boots; time not known yet; 1 event, 1 of them kept\n"


@pytest.mark.clause("TC-STATE-12")
def test_a_check_names_containers_whose_metadata_does_not_fit(file: Path, program: Program) -> None:
    assert program.good("state", file, "--check").endswith("sound: 2 containers\n")
    assert program.json("state", file, "--check")["problems"] == []
    state = SqliteState(file, Ownership.SOLE)
    broken = (
        replace(stored(1, "other"), uid=HOSTILE),
        replace(stored(3, "third"), metadata=b"\xff\x1b"),
    )
    state.record(StateChange(stored=broken))
    state.close()
    code, out, err = program("state", file, "--check")
    assert (code, err) == (1, "")
    first, second = out.splitlines()[-2:]
    assert first == ("slot 1: the metadata is of other, not of \\x1b[31m\\x0a\\xe2\\x80\\xae[bold]")
    assert second.startswith("slot 3: the metadata cannot be decoded: ")
    assert program.json("state", file, "--check", code=1)["problems"] == [first, second]
    program.good("state", file)


@pytest.mark.parametrize(
    ("text", "time_s"),
    [
        ("1700000000", 1700000000),
        ("2026-01-31T12:00:00Z", NOON_S),
        ("2026-01-31T13:00:00+01:00", NOON_S),
        ("2026-01-31T12:00:00", NOON_S),
        ("2026-01-31", NOON_S - 43200),
        ("0", 0),
    ],
)
@pytest.mark.clause("TC-STATE-10")
def test_the_time_is_set_also_back(file: Path, program: Program, text: str, time_s: int) -> None:
    assert program.json("state", file, "--set-time", text) == {
        "file": "device.db",
        "before_s": NOON_S,
        "time_s": time_s,
    }
    found = program.json("state", file)
    assert (found["time_s"], found["boots"], len(found["containers"])) == (time_s, 1, 2)


def test_it_says_from_what_to_what(file: Path, program: Program) -> None:
    line = program.good("state", file, "--set-time", "1700000000")
    assert line == (
        "device.db: the time was 2026-01-31T12:00:00Z; it is 2023-11-14T22:13:20Z now\n"
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tomorrow",
        "-1",
        "1.5",
        "9" * 400,
        "253402300800",
        "0001-01-01",
        "\x1b[31m",
        "\uff11\uff17",
    ],
)
def test_what_is_no_time_is_refused_in_one_line(file: Path, program: Program, text: str) -> None:
    assert "is no time such as" in program.bad("state", file, "--set-time", text)


@pytest.mark.clause("TC-STATE-09", "TC-STATE-10")
def test_while_a_device_owns_it_the_file_is_shown_and_its_time_stays(
    file: Path, program: Program
) -> None:
    owner = SqliteState(file, Ownership.SOLE)
    owner.begin_boot(NOON_S + 5)
    line = program.bad("state", file, "--set-time", "0")
    assert line == "device.db: is in use by another device; end that one, or name another file"
    found = program.json("state", file)
    assert (found["boots"], found["time_s"]) == (2, NOON_S + 5)
    owner.close()


@pytest.mark.parametrize("more", [(), ("--check",), ("--set-time", "0"), ("--json",)])
@pytest.mark.clause("TC-STATE-03", "TC-STATE-12")
def test_a_bad_file_is_one_line_and_stays(
    tmp_path: Path, program: Program, more: tuple[str, ...]
) -> None:
    path = tmp_path / "device.db"
    for content, words in (
        (b"", "is damaged"),
        (b"\x1b[31m not a state", "is no state file of this program"),
        (bytes(8192), "is no state file of this program"),
    ):
        path.write_bytes(content)
        assert words in program.bad("state", path, *more)
        assert path.read_bytes() == content
    path.unlink()
    assert "there is no such file" in program.bad("state", path, *more)
    assert not path.exists()
    assert "is a directory, pipe or device" in program.bad("state", tmp_path, *more)


def test_an_older_file_is_refused_by_who_only_looks(tmp_path: Path, program: Program) -> None:
    path = tmp_path / "device.db"
    older = Database(path, lambda _: True, MIGRATIONS[:1])
    with older.transaction():
        pass
    older.close()
    before = path.read_bytes()
    assert "has the older schema 1" in program.bad("state", path)
    assert path.read_bytes() == before


def test_check_and_set_time_do_not_go_together(file: Path, program: Program) -> None:
    assert "--set-time stands alone" in program.bad("state", file, "--check", "--set-time", 0)


def test_a_demo_keeps_the_state_of_its_device(tmp_path: Path, program: Program) -> None:
    program.good("demo", "--keep", tmp_path / "box")
    found = json.loads(program.good("state", tmp_path / "box" / "device.db", "--json"))
    assert {"uid": "mapper", "sequence": 3}.items() <= next(
        each for each in found["sequences"] if each["uid"] == "mapper"
    ).items()
