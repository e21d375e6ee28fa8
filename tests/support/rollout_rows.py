"""What is asked about rollouts and connections, and for which organisations it is there."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from support.envelopes import IDENTITY, SECTIONS
from support.fleets import Fleet
from support.four_parties import FourParties, good
from support.platforms import ORGANISATIONS
from tinycontainer.suit.drafts import NewVersion, UpdateDraft, make_envelope
from tinycontainer_tokens import Role

Row = tuple[frozenset[str], Mapping[str, str], Any]
"""Who sees it, the values of the path, and the body."""

GATEWAYS: Final = {"north": "infra"}
UID: Final = b"rolled".hex()
ENVELOPE: Final = make_envelope(UpdateDraft(1, IDENTITY, (NewVersion(b"box", SECTIONS),)))
"""Of the container of the four."""
_FOUR: Final = frozenset(ORGANISATIONS)
_SEEING: Final = frozenset({"infra", "boxes"})
_NOBODY: Final[frozenset[str]] = frozenset()
_NONE: Final = "999999"
_DEVICE: Final = "rolled-box"
_STATES: Final = {
    "judgement": "draft",
    "start": "draft",
    "pause": "running",
    "resume": "paused",
    "cancel": "draft",
    "retry": "running",
    "devices": "running",
}
"""In which state a rollout is that something is asked of."""


@dataclass
class RolloutRows:
    """Rollouts of the four, as often as they are used up, and a device that they are for.

    Attributes:
        fleet: of the four parties, for an application of their own.
    """

    fleet: Fleet
    _known: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, parties: FourParties) -> "RolloutRows":
        """Those of an application beside the one of the four parties."""
        own = FourParties(parties.platform, parties.keys, UID)
        own.add_application()
        own.complete()
        fleet = Fleet(own)
        good(fleet.give_device(_DEVICE, fleet.profile(name="rolled")))
        return cls(fleet)

    def about(self, operation: str) -> Iterator[Row]:
        """What is asked about with an operation: one of the four, and none.

        Args:
            operation: method and path, as described.
        """
        match operation.split("/")[2:]:
            case ["devices", _, what]:
                yield from self._about_device(what)
            case ["rollouts"]:
                for seen_by, number in ((_FOUR, 1), (_NOBODY, 999)):
                    yield seen_by, {}, {"uid": UID, "number": number, "name": "first"}
            case ["rollouts", "preview"]:
                for seen_by, number in ((_FOUR, 1), (_NOBODY, 999)):
                    yield seen_by, {}, {"uid": UID, "number": number}
            case ["rollouts", _, *rest]:
                yield from self._about_rollout(rest[0] if rest else "", operation)

    def _about_device(self, what: str) -> Iterator[Row]:
        body = {"gateway": "north", "endpoint": "rolled"} if what == "connection" else None
        for seen_by, name in ((_SEEING, _DEVICE), (_NOBODY, "nobody")):
            yield seen_by, {"name": name}, body

    def _about_rollout(self, what: str, operation: str) -> Iterator[Row]:
        body = {"despite": 0} if what == "start" else None
        is_list = operation.startswith("GET")
        number = self._in_state("draft" if is_list else _STATES[what], operation)
        for seen_by, each in ((_SEEING, str(number)), (_NOBODY, _NONE)):
            yield seen_by, {"number": each, "name": _DEVICE}, body

    def _in_state(self, state: str, purpose: str) -> int:
        """A rollout of the four in a state, which was not used up."""
        known = self._known.get(purpose)
        if known is not None and self._is_still(known, state, purpose):
            return known
        found = self._known[purpose] = self._make(state)
        return found

    def _is_still(self, number: int, state: str, purpose: str) -> bool:
        shown = good(self._client.get(f"/api/rollouts/{number}"))
        is_skipped = "{name}" in purpose and shown["waves"][0]["skipped"]
        return shown["state"] == state and not is_skipped

    def _make(self, state: str) -> int:
        body = {"uid": UID, "number": 1, "name": "first", "query": f"name={_DEVICE}"}
        number = good(self._client.post("/api/rollouts", json=body))["id"]
        for deed in {"running": ("start",), "paused": ("start", "pause")}.get(state, ()):
            given: dict[str, int] | None = {} if deed == "start" else None
            good(self._client.post(f"/api/rollouts/{number}/{deed}", json=given))
        return int(number)

    @property
    def _client(self) -> Any:
        return self.fleet.client(Role.INFRASTRUCTURE)
