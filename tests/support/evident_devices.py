"""Devices that tell what has happened on them and sign it, as a real one does."""

import json
from dataclasses import dataclass, field
from typing import Any, Final

from tinycontainer.network.platform.delivery.evidence_answers import MOST_EVENTS, EventPage
from tinycontainer.state import CHAIN_BYTES, KEPT_EVENTS, StoredEvent, extend_chain
from tinycontainer.tools.evidence import StatedContainer, Statement, sign_statement
from tinycontainer_tokens import KeyMaterial

KEY: Final = KeyMaterial.from_private(b"the key of a device for evidence"[:32])
TIME_S: Final = 1_800_000_000


@dataclass
class EvidentDevice:
    """What a device remembers of the past.

    Attributes:
        key: that it signs with.
        boots: how often it was started.
        containers: that it states.
        chain: the chain value before the first event that it keeps.
        events: that it keeps, the oldest first.
        newest: number of the newest of all.
        signed: all that it has signed, by nonce.
    """

    key: KeyMaterial = KEY
    boots: int = 1
    containers: tuple[StatedContainer, ...] = ()
    chain: bytes = bytes(CHAIN_BYTES)
    events: list[StoredEvent] = field(default_factory=list)
    newest: int = 0
    signed: dict[bytes, bytes] = field(default_factory=dict)

    def happens(self, event: str, **values: Any) -> None:
        """Remember an event about the container ``box``."""
        known = {"time_s": TIME_S + self.newest, "at_ns": 0, "event": event, "uid": "box"}
        self.remembers(json.dumps(known | values, separators=(",", ":")).encode())

    def moves(self, trigger: str, before: str, after: str, reason: str = "") -> None:
        """Remember that the container changes its state."""
        self.happens("transition", trigger=trigger, before=before, after=after, reason=reason)

    def crashes(self) -> None:
        """Remember a trap; what the container says of it is in it."""
        self.moves("fault", "running", "stopping", "trap in loop secret-of-the-tenant")

    def remembers(self, content: bytes) -> None:
        """Remember an event; the oldest is forgotten if there are too many."""
        self.newest += 1
        self.events.append(StoredEvent(self.newest, content))
        while len(self.events) > KEPT_EVENTS:
            self.chain = extend_chain(self.chain, [self.events.pop(0)])

    def page(self, since: int) -> EventPage:
        """What it answers who asks for events."""
        before = [each for each in self.events if each.number <= since]
        after = [each for each in self.events if each.number > since]
        return EventPage(self.newest, tuple(after[:MOST_EVENTS]), extend_chain(self.chain, before))

    def states(self, nonce: bytes) -> bytes:
        """What it signs."""
        statement = Statement(
            nonce=nonce,
            boots=self.boots,
            time_s=TIME_S + self.newest,
            oldest_event=self.newest - len(self.events) + 1,
            newest_event=self.newest,
            containers=self.containers,
            event_chain=extend_chain(self.chain, self.events),
            trace_sha256=b"\3" * 32,
        )
        self.signed[nonce] = sign_statement(statement, self.key)
        return self.signed[nonce]
