"""A device that reports each change once it is acknowledged, until it is killed.

    python -m support.killed_device STATE_FILE SEED

Every line is what the owner then knows: slots, metadata, what runs, sequences, time. The same
seed makes the same changes.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

from support.scripted import Program, trap, work
from support.withdrawals import withdrawal
from support.worlds import World, blueprint, newer, times
from tinycontainer.errors import InvalidTransition, LoadError, UnknownContainer
from tinycontainer.state import Ownership, SqliteState
from tinycontainer.tools.packing.packing import Blueprint
from tinycontainer_tokens import Kind, SequenceSubject

CHANGES = 40
UIDS = ("a", "b", "traps")
_VERBS = (
    *("load", "load", "start", "start", "stop", "kill", "delete", "withdraw", "change", "replace"),
    *("run", "run"),
)


def boot(path: Path) -> tuple[World, SqliteState]:
    """A device that owns a state file, with all that it remembers."""
    state = SqliteState(path, Ownership.SOLE)
    programs = {uid: Program(work(10), stop=work(10)) for uid in UIDS}
    programs["traps"] = Program(work(10), start=None, stop=trap())
    epoch_s = max(1_000_000, state.remembered().time_s)
    world = World(programs, state=state, epoch_s=epoch_s, silent=True)
    world.device.restore()
    state.begin_boot(epoch_s)
    return world, state


def report(state: SqliteState) -> dict[str, Any]:
    """What a device is to be after a boot."""
    return {
        "time_s": state.remembered().time_s,
        "containers": {
            entry.uid.decode(): [
                entry.slot,
                sha256(entry.metadata).hexdigest(),
                entry.wants_to_run,
            ]
            for entry in state.containers()
        },
        "sequences": {
            f"{uid} {kind.name}": newest.sequence
            for uid in UIDS
            for kind in (Kind.MASK, Kind.CODE, Kind.METADATA)
            if (newest := state.newest(SequenceSubject(uid.encode(), kind))) is not None
        },
    }


def changes(world: World, state: SqliteState, seed: int) -> Iterator[dict[str, Any]]:
    """Make random changes; a report after each."""
    dice = Random(seed)
    plans: dict[str, Blueprint] = {
        uid: blueprint(uid, security=times(period=10, loop=5, stop=5, lifetime=60)) for uid in UIDS
    }
    for _ in range(CHANGES):
        uid = dice.choice(UIDS)
        with suppress(LoadError, InvalidTransition, UnknownContainer):
            match dice.choice(_VERBS):
                case "load":
                    world.add(plans[uid])
                case "change":
                    plans[uid] = newer(plans[uid], mask=dice.randrange(1, 32))
                    world.reconfigure(plans[uid])
                case "replace":
                    plans[uid] = newer(plans[uid], mask=dice.randrange(1, 32))
                    bundle = world.pack(replace(plans[uid], security=times(period=10, loop=5)))
                    world.device.replace(bundle.encode(), dice.choice([None, 30]))
                case "withdraw":
                    plans[uid] = newer(plans[uid])
                    sequence = plans[uid].options.sequence
                    plans[uid] = newer(plans[uid])
                    world.device.withdraw(uid, withdrawal(uid, sequence))
                case "run":
                    world.device.run(for_ms=dice.choice([5, 50, 11_000]))
                case verb:
                    getattr(world.device, verb)(uid)
        yield report(state)


def main() -> None:
    """Report each change on standard output."""
    world, state = boot(Path(sys.argv[1]))
    _print(report(state))
    for line in changes(world, state, int(sys.argv[2])):
        _print(line)


def _print(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
