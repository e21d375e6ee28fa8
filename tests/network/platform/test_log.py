"""The log of a platform: a line for each thing that happens, and never a reason to stop."""

import json

import pytest

from tinycontainer.network.platform.log import MAX_CHARACTERS, PlatformLog


def make_log(lines: list[str], *, as_json: bool) -> PlatformLog:
    return PlatformLog(lines.append, lambda: 1_800_000_000.25, as_json)


def test_a_program_gets_an_object_in_each_line() -> None:
    lines: list[str] = []
    log = make_log(lines, as_json=True)
    log.note("request", route="/api/devices", status=200)
    log.warn("north:\nit cannot be reached" + "x" * 1000)
    first, second = map(json.loads, lines)
    at = "2027-01-15T08:00:00.250+00:00"
    assert first == {"at": at, "event": "request", "route": "/api/devices", "status": 200}
    assert second["event"] == "warning"
    assert "\n" not in second["problem"]
    assert len(second["problem"]) == MAX_CHARACTERS


def test_people_get_warnings_only() -> None:
    lines: list[str] = []
    log = make_log(lines, as_json=False)
    log.note("request", route="/", status=200)
    log.warn("north:\nit cannot be reached")
    assert lines == [r"warning: north:\x0ait cannot be reached"]


@pytest.mark.parametrize("as_json", [True, False])
def test_a_log_that_nobody_takes_any_more_ends_nothing(as_json: bool) -> None:
    def refuse(_line: str) -> None:
        raise BrokenPipeError

    log = PlatformLog(refuse, lambda: 0.0, as_json)
    log.note("request", status=200)
    log.warn("north: it cannot be reached")
