"""Repeats the management calls of a recording, and compares what becomes of them."""

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any, Final

from tinycontainer.assembly import Device
from tinycontainer.device.containers.limits import MAX_BUNDLE_BYTES
from tinycontainer.errors import TinyContainerError
from tinycontainer.jsonl import INT64, whole_number
from tinycontainer.text import flatten, unshow

from .devices import INTERRUPTED, PART_BYTES, outcome
from .digest import Digest
from .player import PlayedClock
from .tape import TapeReader

_TIMES: Final = range(INT64.stop)


def replay(
    device: Device,
    tape: TapeReader,
    clock: PlayedClock,
    digest: Digest,
) -> bool:
    """Do with a device what was done with the recorded one.

    Args:
        device: made of the player's parts.
        tape: what was recorded, behind its header.
        clock: the device's clock.
        digest: one of the device's sinks.

    Returns:
        Whether an operator interrupted the recorded run.

    Raises:
        RecordingError: a line is malformed.
        ReplayDiverged: the replay does something else than the recorded run.
    """
    was_interrupted = False
    while True:
        values = tape.take()
        if values.keys() == {"end", *digest.now}:
            _compare(tape, values, digest)
            clock.end_at(tape.checked(_moment, values["end"]))
            return was_interrupted
        became = _repeat(device, tape, values)
        tape.raise_failure()
        was_interrupted = was_interrupted or became == INTERRUPTED
        done = tape.ask({}, "done", *digest.now)
        if done["done"] != became:
            raise tape.diverged(f"{_told(done['done'])}, in the replay {_told(became)}")
        _compare(tape, done, digest)


def _repeat(device: Device, tape: TapeReader, values: Mapping[str, Any]) -> str:
    """Make a management call; what became of it."""
    deed = tape.checked(lambda line: _deed(device, line), values)
    if values["do"] in ("load", "reconfigure"):
        content = _content(tape, values["size"])
        take = device.load if values["do"] == "load" else device.reconfigure
        deed = lambda: take(content)  # noqa: E731
    try:
        deed()
    except (TinyContainerError, KeyboardInterrupt) as error:
        tape.raise_failure()
        return outcome(error)
    return ""


def _deed(device: Device, values: Mapping[str, Any]) -> Callable[[], object]:
    """The call that a line asks for.

    Raises:
        ValueError: it is none.
    """
    by_uid = {
        "start": device.start,
        "stop": device.stop,
        "kill": device.kill,
        "delete": device.delete,
    }
    match values:
        case {"do": "load" | "reconfigure", "size": size} if len(values) == 2:
            whole_number(size, range(MAX_BUNDLE_BYTES + 1))
            return lambda: None
        case {"do": str(verb), "uid": str(shown)} if len(values) == 2 and verb in by_uid:
            uid = unshow(shown)
            return lambda: by_uid[verb](uid)
        case {"do": "run", "ms": None} if len(values) == 2:
            return device.run
        case {"do": "run", "ms": for_ms} if len(values) == 2:
            whole_number(for_ms, _TIMES)
            return lambda: device.run(for_ms)
        case {"do": "run-until", "ms": at_ms} if len(values) == 2:
            whole_number(at_ms)
            return lambda: device.run_until(at_ms)
        case {"do": "look"} if len(values) == 1:
            return lambda: device.now_ns
    raise ValueError("is no management call")


def _content(tape: TapeReader, size: int) -> bytes:
    content = bytearray()
    while len(content) < size:
        values = tape.ask({}, "part")
        content += tape.checked(_part, values["part"])
    if len(content) > size:
        raise tape.diverged("there is more of it than its size says")
    return bytes(content)


def _part(value: object) -> bytes:
    if not isinstance(value, str):
        raise ValueError("part: is no text")
    try:
        part = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("part: is not base64") from None
    if not 0 < len(part) <= PART_BYTES:
        raise ValueError(f"part: has not 1 to {PART_BYTES} bytes")
    return part


def _compare(tape: TapeReader, values: Mapping[str, Any], digest: Digest) -> None:
    now = digest.now
    if values["events"] != now["events"]:
        counts = f"{flatten(str(values['events']))} events, in the replay {now['events']}"
        raise tape.diverged(f"up to here the recorded run has told {counts}")
    if values["digest"] != now["digest"]:
        raise tape.diverged("since the last management call an event is another one")


def _moment(value: object) -> int:
    return whole_number(value, _TIMES)


def _told(became: object) -> str:
    return flatten(str(became)) if became else "the call succeeded"
