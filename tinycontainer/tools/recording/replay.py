"""Repeats the management calls of a recording, and compares their outcomes and traces."""

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any, Final

from tinycontainer.assembly import Device
from tinycontainer.device.containers.limits import MAX_BUNDLE_BYTES
from tinycontainer.errors import TinyContainerError
from tinycontainer.jsonl import INT64, whole_number
from tinycontainer.text import flatten, unshow

from .player import PlayedClock
from .recorded_device import INTERRUPTED, PART_BYTES, Digest, describe_failure
from .tape import TapeReader

_TIMES: Final = range(INT64.stop)
_MAX_REASON_CHARACTERS: Final = 100


def replay(
    device: Device,
    tape: TapeReader,
    clock: PlayedClock,
    digest: Digest,
) -> bool:
    """Make the management calls of a recorded run on another device.

    Args:
        device: made of the player's parts.
        tape: what was recorded, after its header.
        clock: the device's clock.
        digest: one of the device's sinks.

    Returns:
        Whether an operator interrupted the recorded run.

    Raises:
        RecordingFull: the recording ends before its run; up to there it was repeated.
        RecordingError: a line is malformed.
        ReplayDiverged: the replay does something else than the recorded run.
    """
    was_interrupted = False
    while True:
        values = tape.take()
        if values.keys() == {"end", *digest.now}:
            _compare(tape, values, digest)
            clock.end_at(tape.checked(_check_moment, values["end"]))
            tape.require_end()
            return was_interrupted
        failure = _repeat(device, tape, values)
        tape.raise_failure()
        was_interrupted = was_interrupted or failure == INTERRUPTED
        done = tape.ask({}, "done", *digest.now)
        if done["done"] != failure:
            raise tape.diverged(f"{_shown(done['done'])}, in the replay {_shown(failure)}")
        _compare(tape, done, digest)


def _repeat(device: Device, tape: TapeReader, values: Mapping[str, Any]) -> str:
    """Make a management call; returns the text that stands for its failure."""
    call = tape.checked(lambda line: _find_call(device, tape, line), values)
    try:
        call()
    except (TinyContainerError, KeyboardInterrupt) as error:
        tape.raise_failure()
        return describe_failure(error)
    return ""


def _find_call(device: Device, tape: TapeReader, values: Mapping[str, Any]) -> Callable[[], object]:
    """The call that a line asks for.

    Raises:
        ValueError: it is not a management call.
    """
    by_content = {"load": device.load, "reconfigure": device.reconfigure}
    by_uid = {
        "start": device.start,
        "stop": device.stop,
        "kill": device.kill,
        "delete": device.delete,
    }
    match values:
        case {"do": str(verb), "size": size} if len(values) == 2 and verb in by_content:
            whole_number(size, range(MAX_BUNDLE_BYTES + 1))
            # Read when the call is made: here an error of the tape, a ValueError as well, would be
            # reported a second time as an error of this line.
            return lambda: by_content[verb](_read_content(tape, size))
        case {"do": "replace", "size": size, "confirm_ms": confirm_ms} if len(values) == 3:
            whole_number(size, range(MAX_BUNDLE_BYTES + 1))
            if confirm_ms is not None:
                whole_number(confirm_ms, _TIMES[1:])
            return lambda: device.replace(_read_content(tape, size), confirm_ms)
        case {"do": "judge", "size": size, "replaces": bool(replaces)} if len(values) == 3:
            whole_number(size, range(MAX_BUNDLE_BYTES + 1))
            return lambda: device.judge(_read_content(tape, size), replaces=replaces)
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
        case {"do": "end-trace", "reason": str(reason)} if len(values) == 2:
            return lambda: device.end_trace(reason[:_MAX_REASON_CHARACTERS])
        case {"do": "look"} if len(values) == 1:
            return lambda: device.now_ns
    raise ValueError("is no management call")


def _read_content(tape: TapeReader, size: int) -> bytes:
    content = bytearray()
    while len(content) < size:
        values = tape.ask({}, "part")
        content += tape.checked(_decode_part, values["part"])
    if len(content) > size:
        raise tape.diverged("there is more of it than its size says")
    return bytes(content)


def _decode_part(value: object) -> bytes:
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
        raise tape.diverged(f"up to here the recorded run has {counts}")
    if values["digest"] != now["digest"]:
        raise tape.diverged("since the last management call an event is another one")


def _check_moment(value: object) -> int:
    return whole_number(value, _TIMES)


def _shown(failure: object) -> str:
    return flatten(str(failure)) if failure else "the call succeeded"
