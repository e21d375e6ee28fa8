"""Fields of forms that several parties fill in: calls that are ticked, and terms of tokens."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from tinycontainer.interfaces.syscalls import Syscall, allowed

from .forms import read_moment, read_number

ALL_CALLS: Final = tuple(each.name.lower() for each in Syscall)
_TICKED: Final = "on"
_MOMENTS: Final = ("not_before", "expires")
_LAST_S: Final = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp())


def tick_calls(mask: int | None) -> dict[str, str]:
    """The fields of calls, of which those in a mask are ticked.

    Args:
        mask: of calls; None for none.
    """
    ticked = {each.name.lower() for each in allowed(mask or 0)}
    return {f"call-{name}": _TICKED if name in ticked else "" for name in ALL_CALLS}


def read_calls(form: Mapping[str, str]) -> list[str]:
    """The names of the calls that are ticked."""
    return [name for name in ALL_CALLS if form.get(f"call-{name}")]


def read_terms(form: Mapping[str, str]) -> dict[str, Any]:
    """Terms as the API takes them; fields that are empty say nothing."""
    found: dict[str, Any] = {
        name: read_moment(form[name]) for name in _MOMENTS if form.get(name, "").strip()
    }
    if form.get("audience"):
        found["audience"] = form["audience"]
    if form.get("sequence", "").strip():
        found["sequence"] = read_number(form["sequence"])
    return found


def write_terms(said: Mapping[str, Any]) -> dict[str, str]:
    """The fields of terms as they are stored."""
    moments = {name: _write_moment(said.get(name)) for name in _MOMENTS}
    sequence = said.get("sequence")
    return {
        **moments,
        "audience": said.get("audience") or "",
        "sequence": "" if sequence is None else str(sequence),
    }


def _write_moment(at_s: int | None) -> str:
    """A moment as browsers take it; empty if their calendar does not have it."""
    if at_s is None or at_s > _LAST_S:
        return ""
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%S")
