"""Repeats the management calls of a recording, and compares their outcomes and traces."""

import re
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any, Final

from tinycontainer.assembly import Device
from tinycontainer.device.containers.limits import MAX_BUNDLE_BYTES
from tinycontainer.device.looking import require_uid
from tinycontainer.interfaces.updating import UPDATE_NUMBERS, ContainerChange, UpdateSection
from tinycontainer.jsonl import INT64, whole_number
from tinycontainer.state import StoredAnswer
from tinycontainer.text import flatten, unshow
from tinycontainer_tokens import Accepted

from .parts import read_parts
from .player import PlayedClock
from .recorded_device import FAILURES, INTERRUPTED, Digest, describe_failure
from .tape import TapeReader

_TIMES: Final = range(INT64.stop)
_MAX_REASON_CHARACTERS: Final = 100
_KEYS_OF_A_REQUEST: Final = frozenset({"asked", "method", "path", "code"})
_KEYS_OF_A_PAUSE: Final = frozenset({"sleep", "stop"})
_METHODS: Final = frozenset({"GET", "POST", "PUT", "DELETE"})
_DIGEST_BYTES: Final = 32
_CODE: Final = re.compile(r"[2-5]\.[0-3][0-9]")


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
        if values.keys() == _KEYS_OF_A_REQUEST:
            tape.checked(_check_request, values)
            continue
        if values.keys() == _KEYS_OF_A_PAUSE and values["stop"] is False:
            clock.pass_over(tape.checked(_check_moment, values["sleep"]))
            continue
        failure = _repeat(device, tape, values)
        tape.raise_failure()
        was_interrupted = was_interrupted or failure == INTERRUPTED
        done = tape.ask({}, "done", *digest.now)
        if done["done"] != failure:
            raise tape.diverged(f"{_shown(done['done'])}, in the replay {_shown(failure)}")
        _compare(tape, done, digest)


def _repeat(device: Device, tape: TapeReader, values: Mapping[str, Any]) -> str:
    """Make a management call; returns the text that stands for its failure."""
    without_answer = {key: value for key, value in values.items() if key != "answer"}
    call = tape.checked(lambda line: _find_call(device, tape, line), without_answer)
    answer = tape.checked(_read_answer, values["answer"]) if "answer" in values else None
    try:
        with nullcontext() if answer is None else device.answering(answer):
            call()
    except FAILURES as error:
        tape.raise_failure()
        return describe_failure(error)
    return ""


def _find_call(device: Device, tape: TapeReader, values: Mapping[str, Any]) -> Callable[[], object]:
    """The call that a line asks for.

    Raises:
        ValueError: it is not a management call.
    """
    by_content = {"load": device.load, "reconfigure": device.reconfigure}
    by_uid: dict[str, Callable[[bytes], object]] = {
        "start": device.start,
        "stop": device.stop,
        "kill": device.kill,
        "delete": device.delete,
        "newest-update": device.newest_update,
    }
    alone: dict[str, Callable[[], object]] = {
        "restore": device.restore,
        "wind-down": device.wind_down,
        "look": lambda: device.now_ns,
    }
    match values:
        case {"do": str(verb), "size": size} if len(values) == 2 and verb in by_content:
            whole_number(size, range(MAX_BUNDLE_BYTES + 1))
            # Read when the call is made: here an error of the tape, a ValueError as well, would be
            # reported a second time as an error of this line.
            return lambda: by_content[verb](read_parts(tape, size))
        case {"do": "replace", "size": size, "confirm_ms": confirm_ms} if len(values) == 3:
            whole_number(size, range(MAX_BUNDLE_BYTES + 1))
            if confirm_ms is not None:
                whole_number(confirm_ms, _TIMES[1:])
            return lambda: device.replace(read_parts(tape, size), confirm_ms)
        case {"do": "withdraw", "uid": str(shown), "size": size} if len(values) == 3:
            uid = require_uid(unshow(shown))
            whole_number(size, range(MAX_BUNDLE_BYTES + 1))
            return lambda: device.withdraw(uid, read_parts(tape, size))
        case {"do": "change-together", "changes": list(changes)} if len(values) == 4:
            number = _read_number(values.get("sequence"), values.get("digest"))
            planned = _read_changes(changes)
            return lambda: device.change_together([_fill(tape, *each) for each in planned], number)
        case {"do": "refuse-update", "uid": str(shown), "reason": str(reason)} if len(values) == 4:
            uid, problem = unshow(shown), _read_text(values.get("problem"))
            return lambda: device.refuse_update(uid, reason, problem)
        case {"do": "judge", "size": size, "replaces": bool(replaces)} if len(values) == 3:
            whole_number(size, range(MAX_BUNDLE_BYTES + 1))
            return lambda: device.judge(read_parts(tape, size), replaces=replaces)
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
        case {"do": "run-due", "ms": for_ms} if len(values) == 2:
            whole_number(for_ms, _TIMES)
            return lambda: device.run_due(for_ms)
        case {"do": "load-sections", "sizes": [_, _, _] as sizes} if len(values) == 2:
            for size in sizes:
                whole_number(size, range(MAX_BUNDLE_BYTES + 1))
            return lambda: device.load_sections(*(read_parts(tape, size) for size in sizes))
        case {"do": "events", "since": since, "most": most} if len(values) == 3:
            whole_number(since, _TIMES)
            whole_number(most, _TIMES)
            return lambda: device.events(since, most)
        case {"do": str(verb)} if len(values) == 1 and verb in alone:
            return alone[verb]
        case {"do": "end-trace", "reason": str(reason)} if len(values) == 2:
            return lambda: device.end_trace(reason[:_MAX_REASON_CHARACTERS])
    raise ValueError("is no management call")


def _read_number(sequence: object, digest: object) -> Accepted:
    raw = bytes.fromhex(digest) if isinstance(digest, str) else b""
    if len(raw) != _DIGEST_BYTES:
        raise ValueError("digest: is no SHA-256")
    return Accepted(whole_number(sequence, UPDATE_NUMBERS), raw)


def _read_text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("problem: is no text")
    return value


def _read_changes(changes: list[object]) -> list[tuple[bytes, list[int], bool]]:
    planned = [_read_change(change) for change in changes]
    if not planned or len({uid for uid, _, _ in planned}) < len(planned):
        raise ValueError("changes: are none, or two of one uid")
    return planned


def _read_change(change: object) -> tuple[bytes, list[int], bool]:
    """What becomes of one container by an update; its sections are read later."""
    match change:
        case [str(uid), [] | [_, _, _] as sizes, bool(starts)]:
            bounds = range(MAX_BUNDLE_BYTES + 1)
            return unshow(uid), [whole_number(size, bounds) for size in sizes], starts
    raise ValueError("changes: is no uid, sizes of sections, and whether it starts")


def _fill(tape: TapeReader, uid: bytes, sizes: list[int], starts: bool) -> ContainerChange:
    sections = dict(zip(UpdateSection, (read_parts(tape, size) for size in sizes), strict=False))
    return ContainerChange(uid, sections, starts)


def _compare(tape: TapeReader, values: Mapping[str, Any], digest: Digest) -> None:
    now = digest.now
    if values["events"] != now["events"]:
        counts = f"{flatten(str(values['events']))} events, in the replay {now['events']}"
        raise tape.diverged(f"up to here the recorded run has {counts}")
    if values["digest"] != now["digest"]:
        raise tape.diverged("since the last management call an event is another one")


def _check_request(values: Mapping[str, Any]) -> None:
    """Check a line about a request; it is for readers, and nothing is repeated."""
    who, method, path, code = (values[key] for key in ("asked", "method", "path", "code"))
    is_whole = (
        (who is None or isinstance(who, str))
        and isinstance(method, str)
        and method in _METHODS
        and isinstance(path, str)
        and path.startswith("/")
        and isinstance(code, str)
        and _CODE.fullmatch(code) is not None
    )
    if not is_whole:
        raise ValueError("is no request: who asked what, and the code of the answer")
    for each in (who or "", path):
        unshow(each)


def _read_answer(value: object) -> StoredAnswer:
    match value:
        case [str(peer), str(request_id), str(content)]:
            return StoredAnswer(*(bytes.fromhex(each) for each in (peer, request_id, content)))
    raise ValueError("answer: is none of a request")


def _check_moment(value: object) -> int:
    return whole_number(value, _TIMES)


def _shown(failure: object) -> str:
    return flatten(str(failure)) if failure else "the call succeeded"
