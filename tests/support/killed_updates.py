"""A device that changes three containers at once, again and again, until its process is killed.

It reports what its owner then knows: slots, versions, what runs, sequences, numbers of updates, and
the answers that are kept.
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import Any

from support.joint_changes import QUICK, SLOW, change, gone, numbered, plan
from support.worlds import World
from tinycontainer.errors import ContainerRefused
from tinycontainer.interfaces.updating import ContainerChange
from tinycontainer.state import Ownership, SqliteState, StoredAnswer
from tinycontainer_tokens import Kind, SequenceSubject

UPDATES = 5
UIDS = ("a", "b", "c", "d")
KINDS = (Kind.MASK, Kind.CODE, Kind.METADATA, None)


def boot(path: Path) -> tuple[World, SqliteState]:
    """A device that owns a state file, with all that it remembers."""
    state = SqliteState(path, Ownership.SOLE)
    programs = {uid: SLOW if uid in "ab" else QUICK for uid in UIDS}
    world = World(programs, state=state, silent=True)
    world.device.restore()
    return world, state


def report(state: SqliteState) -> dict[str, Any]:
    """What a device is to be after a boot."""
    answers = [state.answer(b"peer", _request(number)) for number in range(UPDATES)]
    return {
        "containers": {
            entry.uid.decode(): [
                entry.slot,
                sha256(entry.metadata).hexdigest(),
                entry.wants_to_run,
            ]
            for entry in state.containers()
        },
        "sequences": {
            f"{uid} {subject.kind_name}": newest.sequence
            for uid in UIDS
            for kind in KINDS
            if (newest := state.newest(subject := SequenceSubject(uid.encode(), kind))) is not None
        },
        "answers": [None if each is None else each.decode() for each in answers],
    }


@dataclass(frozen=True)
class Step:
    """An update, and how long the device runs then, in ms."""

    changes: tuple[ContainerChange, ...]
    run_ms: int


def series(seed: int) -> tuple[Step, ...]:
    """Random updates of three containers each."""
    return tuple(_series(Random(seed)))


def _series(dice: Random) -> Iterator[Step]:
    for number in range(UPDATES):
        changes = (
            gone(uid)
            if dice.random() < 0.15
            else change(plan(uid, number + 1, mask=dice.randrange(32)), starts=dice.random() < 0.7)
            for uid in dice.sample(UIDS, 3)
        )
        yield Step(tuple(changes), dice.choice([0, 2, 20, 20]))


def updates(world: World, state: SqliteState, steps: Iterable[Step]) -> Iterator[dict[str, Any]]:
    """Make updates; a report after each. Some are refused."""
    for number, step in enumerate(steps):
        answer = StoredAnswer(b"peer", _request(number), str(number).encode())
        with suppress(ContainerRefused), world.device.answering(answer):
            world.device.change_together(step.changes, numbered(number + 1))
        world.device.run(for_ms=step.run_ms)
        yield report(state)


def update_when_asked(path: Path, steps: Iterable[Step], pipe: Connection) -> None:
    """In a process of its own: make the next update when a message comes, and send a report."""
    world, state = boot(path)
    pipe.send_bytes(b"ready")
    coming = updates(world, state, steps)
    while pipe.recv_bytes():
        pipe.send_bytes(json.dumps(next(coming)).encode())


def _request(number: int) -> bytes:
    return number.to_bytes(8, "big")
