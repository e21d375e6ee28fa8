"""Events of a device as its gateway passes them on: nothing in them is trusted."""

from dataclasses import dataclass
from itertools import pairwise

from tinycontainer.state import CHAIN_BYTES, MAX_COUNT, MAX_EVENT_BYTES, StoredEvent

from ...agent.operator.answers import read_stored_events
from .gateway_answers import GatewayFailed

MOST_EVENTS = 32
"""In one answer (TC-MGMT-09)."""


@dataclass(frozen=True, slots=True)
class EventPage:
    """An answer of a device that was asked for events.

    Attributes:
        newest: number of the newest event; 0 if there never was one.
        events: the oldest first; at most `MOST_EVENTS`, with rising numbers.
        chain: the chain value before the first of them, or after the newest of all if there are
            none here (TC-EVID-05).
    """

    newest: int
    events: tuple[StoredEvent, ...]
    chain: bytes


def read_event_page(body: bytes, since: int) -> EventPage:
    """Read an answer of GET /tc/e.

    Args:
        body: untrusted CBOR, of bounded length.
        since: the number that was asked with.

    Raises:
        GatewayFailed: it cannot be used.
    """
    try:
        newest, events, chain = read_stored_events(body)
    except ValueError as error:
        raise GatewayFailed(f"its answer cannot be used: {error}") from None
    problem = _find_problem(newest, events, since)
    if problem:
        raise GatewayFailed(f"its answer cannot be used: {problem}")
    if chain is None or len(chain) != CHAIN_BYTES:
        raise GatewayFailed("its answer cannot be used: no chain value is with the events")
    return EventPage(newest, tuple(events), chain)


def _find_problem(newest: int, events: list[StoredEvent], since: int) -> str:
    if len(events) > MOST_EVENTS:
        return f"it has more than {MOST_EVENTS} events"
    if newest > MAX_COUNT or any(each.number > MAX_COUNT for each in events):
        return "the number of an event is too large"
    if any(len(each.content) > MAX_EVENT_BYTES for each in events):
        return f"an event has more than {MAX_EVENT_BYTES} bytes"
    numbers = [since, *(each.number for each in events)]
    if any(after <= before for before, after in pairwise(numbers)):
        return "the numbers of events do not rise"
    return ""
