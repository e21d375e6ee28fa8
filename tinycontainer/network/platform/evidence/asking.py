"""Asks a device for its new events and a statement, and checks them; a gateway carries all of it.

What fits is proved. What does not fit is kept, as not proved, with what is wrong with it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from tinycontainer.state import KEPT_EVENTS, StoredEvent, extend_chain
from tinycontainer.tools.evidence import (
    EvidenceFault,
    EvidenceRefused,
    Statement,
    check_events,
    check_statement,
)
from tinycontainer_tokens import Algorithm, KeyMaterial

from ..delivery.evidence_answers import MOST_EVENTS
from ..delivery.gateway_answers import GatewayFailed
from ..delivery.gateway_client import GatewayClient
from .known import ProvedUpTo

NONCE_BYTES: Final = 16
ASKING_S: Final = 30.0
"""How long all questions together may take; one that is under way then is the last."""
_MOST_PAGES: Final = KEPT_EVENTS // MOST_EVENTS + 4


class EvidenceTrouble(StrEnum):
    """What does not fit."""

    FORM = "form"
    SIGNATURE = "signature"
    NONCE = "nonce"
    EVENTS = "events"
    UNANSWERED = "unanswered"
    """There is no answer that can be used."""
    ANEW = "anew"
    """The device is in order, but it does not go on with what it proved before."""
    GAP = "gap"
    """The same, and it no longer keeps what came in between."""


@dataclass(frozen=True, slots=True)
class KnownEvidence:
    """What is known of a device before it is asked.

    Attributes:
        key: public half of its key, 32 bytes; None if it is not known.
        newest: number of the newest event of the current series; 0 if there is none.
        proved: how far that series was proved; None if nothing was, or there is no key.
    """

    key: bytes | None
    newest: int = 0
    proved: ProvedUpTo | None = None


@dataclass(frozen=True, slots=True)
class FoundEvidence:
    """What was learnt of a device.

    Attributes:
        events: those that are new, the oldest first.
        chain: the chain value before the first of them.
        proved: how far they are proved; None if this was no proof.
        statement: by which they are; empty if there is none.
        nonce: that was drawn for it.
        begins_series: whether the events do not go on with those that are known.
        trouble: what does not fit; None if all does.
        detail: the same in one line of printable ASCII.
    """

    events: tuple[StoredEvent, ...]
    chain: bytes
    proved: ProvedUpTo | None = None
    statement: bytes = b""
    nonce: bytes = b""
    begins_series: bool = False
    trouble: EvidenceTrouble | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class EvidenceAsker:
    """Asks a device through its gateway.

    Attributes:
        client: of the gateway.
        endpoint: name of the device there.
        now_s: Unix time.
        random_bytes: draws a number of unpredictable bytes.
    """

    client: GatewayClient
    endpoint: str
    now_s: Callable[[], float]
    random_bytes: Callable[[int], bytes]

    def ask(self, known: KnownEvidence) -> FoundEvidence | None:
        """What there is that was not known; None if the device does not answer now.

        Raises:
            GatewayFailed: there is no key, and the gateway gives no events.
        """
        until_s = self.now_s() + ASKING_S
        if known.key is None:
            return self._ask_for_events(known, until_s)
        since = 0 if known.proved is None else known.proved.number
        try:
            run = self._fetch(since, until_s)
        except GatewayFailed as failure:
            return _unanswered(FoundEvidence((), b""), failure)
        if run is None:
            return None
        found = FoundEvidence(run.events, run.chain)
        nonce = self.random_bytes(NONCE_BYTES)
        try:
            content = self.client.evidence(self.endpoint, nonce)
            if content is None:
                return found
            statement = _check(content, known.key, nonce)
            given = replace(found, statement=content, nonce=nonce)
            return self._prove(known.proved, run, given, statement, until_s)
        except EvidenceRefused as refusal:
            trouble = EvidenceTrouble(refusal.fault.value)
            return replace(found, trouble=trouble, detail=refusal.problem)
        except GatewayFailed as failure:
            return _unanswered(found, failure)

    def _prove(
        self,
        proved: ProvedUpTo | None,
        run: "_Run",
        given: FoundEvidence,
        statement: Statement,
        until_s: float,
    ) -> FoundEvidence:
        """What a statement proves.

        Raises:
            EvidenceRefused: nothing.
            GatewayFailed: the gateway gives no more events.
        """
        if run.events and run.events[-1].number > statement.newest_event:
            problem = "an event was there before the statement, which does not cover it"
            raise EvidenceRefused(EvidenceFault.EVENTS, problem)
        run = self._complete(run, statement, until_s)
        since, chain = (None, run.chain) if proved is None else (proved.number, proved.chain)
        try:
            check_events(statement, chain, run.events, since)
        except EvidenceRefused:
            if proved is None:
                raise
            found = self._prove_anew(proved, given, statement, until_s)
            if found is None:
                raise
            return found
        return replace(given, events=run.events, chain=chain, proved=_up_to(statement))

    def _prove_anew(
        self, proved: ProvedUpTo, given: FoundEvidence, statement: Statement, until_s: float
    ) -> FoundEvidence | None:
        """What a statement proves of all that the device keeps; None if nothing.

        Raises:
            GatewayFailed: the gateway gives no more events.
        """
        run = self._complete(_require(self._fetch(0, until_s)), statement, until_s)
        try:
            check_events(statement, run.chain, run.events)
        except EvidenceRefused:
            return None
        found = replace(given, events=run.events, chain=run.chain, proved=_up_to(statement))
        first = run.events[0].number if run.events else statement.newest_event + 1
        if first > proved.number + 1:
            detail = _describe_gap(proved.number, first)
            return _begin_series(found, EvidenceTrouble.GAP, detail)
        old = tuple(each for each in run.events if each.number <= proved.number)
        goes_on = extend_chain(run.chain, old) == proved.chain
        if goes_on and statement.newest_event >= proved.number:
            return replace(found, events=run.events[len(old) :], chain=proved.chain)
        detail = f"the device was set up anew: it does not go on with event {proved.number}"
        return _begin_series(found, EvidenceTrouble.ANEW, detail)

    def _ask_for_events(self, known: KnownEvidence, until_s: float) -> FoundEvidence | None:
        """Without a key: what the gateway says, as it says it."""
        run = self._fetch(known.newest, until_s)
        if run is None:
            return None
        if run.newest < known.newest:
            again = self._fetch(0, until_s)
            if again is None:
                return None
            found = FoundEvidence(again.events, again.chain)
            detail = "the device was set up anew, as its gateway says: its numbers begin again"
            return _begin_series(found, EvidenceTrouble.ANEW, detail)
        found = FoundEvidence(run.events, run.chain)
        if known.newest and run.events and run.events[0].number != known.newest + 1:
            detail = _describe_gap(known.newest, run.events[0].number)
            return _begin_series(found, EvidenceTrouble.GAP, detail)
        return found

    def _complete(self, run: "_Run", statement: Statement, until_s: float) -> "_Run":
        """Events with those that came until the statement was made."""
        last = run.events[-1].number if run.events else run.since
        if last >= statement.newest_event:
            return run
        later = _require(self._fetch(last, until_s))
        return replace(run, events=(*run.events, *later.events))

    def _fetch(self, since: int, until_s: float) -> "_Run | None":
        """All events above a number; None if the device does not answer now."""
        events: tuple[StoredEvent, ...] = ()
        run: _Run | None = None
        last = since
        for _ in range(_MOST_PAGES):
            page = self.client.events(self.endpoint, last)
            if page is None:
                return None
            events = (*events, *page.events)
            chain = page.chain if run is None else run.chain
            run = _Run(since, page.newest, events, chain)
            last = events[-1].number if events else since
            if not page.events or last >= page.newest or self.now_s() > until_s:
                break
        return run


@dataclass(frozen=True, slots=True)
class _Run:
    """Events in a row, as a gateway has given them.

    Attributes:
        since: the number that was asked with.
        newest: number of the newest event that there is.
        events: the oldest first.
        chain: the chain value before the first.
    """

    since: int
    newest: int
    events: tuple[StoredEvent, ...]
    chain: bytes


def _check(content: bytes, key: bytes, nonce: bytes) -> Statement:
    statement = check_statement(content, KeyMaterial(Algorithm.EDDSA, key), nonce)
    if statement.uid is not None:
        problem = "the statement is limited to one container"
        raise EvidenceRefused(EvidenceFault.FORM, problem)
    return statement


def _up_to(statement: Statement) -> ProvedUpTo:
    return ProvedUpTo(statement.newest_event, statement.event_chain or b"")


def _begin_series(found: FoundEvidence, trouble: EvidenceTrouble, detail: str) -> FoundEvidence:
    return replace(found, begins_series=True, trouble=trouble, detail=detail)


def _describe_gap(known: int, first: int) -> str:
    missing = f"events {known + 1} to {first - 1}"
    return f"the device no longer keeps {missing}, or it was set up anew"


def _require(run: _Run | None) -> _Run:
    """A run of a device that was awake a moment ago."""
    if run is None:
        raise GatewayFailed("the device does not answer any more")
    return run


def _unanswered(found: FoundEvidence, failure: GatewayFailed) -> FoundEvidence:
    return replace(found, trouble=EvidenceTrouble.UNANSWERED, detail=str(failure))
