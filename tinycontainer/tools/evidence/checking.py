"""Checks evidence: a signed statement, and the events that it covers (TC-EVID-08 and on)."""

from collections.abc import Sequence
from enum import StrEnum
from itertools import pairwise
from typing import NoReturn

from tinycontainer.errors import TinyContainerError
from tinycontainer.state import CHAIN_BYTES, StoredEvent, extend_chain
from tinycontainer.text import show
from tinycontainer_tokens import Algorithm, CborError, KeyMaterial
from tinycontainer_tokens.cbor import decode_tagged
from tinycontainer_tokens.envelope import Envelope, proof_holds, protected_header

from .own_events import hash_events, uid_of_event
from .signing import SIGN1_TAG
from .statement import MAX_STATEMENT_BYTES, Statement


class EvidenceFault(StrEnum):
    """Why evidence proves nothing."""

    FORM = "form"
    SIGNATURE = "signature"
    NONCE = "nonce"
    EVENTS = "events"


class EvidenceRefused(TinyContainerError):
    """Evidence that proves nothing.

    Attributes:
        fault: the kind of fault.
        problem: what exactly, in one line.
    """

    def __init__(self, fault: EvidenceFault, problem: str) -> None:
        super().__init__(f"{fault}: {problem}")
        self.fault = fault
        self.problem = problem


def check_statement(content: bytes, public_key: KeyMaterial, nonce: bytes) -> Statement:
    """Check what is said to be a device's statement.

    Args:
        content: untrusted bytes.
        public_key: of the device: Ed25519. Its secret half is not needed.
        nonce: what the one who asked has drawn for this statement.

    Returns:
        What the device has stated, after it got the nonce.

    Raises:
        EvidenceRefused: it is no statement, not signed by this key, or for another nonce.
    """
    envelope = _open(content)
    if not proof_holds(envelope, public_key):
        _refuse(EvidenceFault.SIGNATURE, "the statement is not signed by this key")
    try:
        statement = Statement.decode(envelope.payload)
    except (CborError, ValueError) as error:
        _refuse(EvidenceFault.FORM, f"the statement: {error}")
    if statement.nonce != nonce:
        _refuse(EvidenceFault.NONCE, "the statement answers another question, with another nonce")
    return statement


def check_events(
    statement: Statement,
    previous_chain: bytes,
    events: Sequence[StoredEvent],
    since: int | None = None,
) -> tuple[StoredEvent, ...]:
    """Check that events are those of the device: none changed, left out or made up.

    Args:
        statement: one that was checked, and that is not limited to one container.
        previous_chain: the chain value before the first event. It may be untrusted.
        events: untrusted, in the order of their numbers.
        since: number of the event after which an earlier statement had ``previous_chain``; None
            if there is none: then the events have to begin with the oldest that the device keeps,
            or before.

    Returns:
        The events that are proved: all but those that are newer than the statement.

    Raises:
        EvidenceRefused: they are not those of the statement.
    """
    if statement.event_chain is None:
        _refuse(EvidenceFault.EVENTS, "the statement is limited to one container")
    if len(previous_chain) != CHAIN_BYTES:
        _refuse(EvidenceFault.EVENTS, f"a chain value is not {CHAIN_BYTES} bytes")
    if any(after.number != before.number + 1 for before, after in pairwise(events)):
        _refuse(EvidenceFault.EVENTS, "an event is missing, or they are out of order")
    newest = statement.newest_event
    covered = tuple(event for event in events if event.number <= newest)
    first = covered[0].number if covered else newest + 1
    if first > statement.oldest_event if since is None else first != since + 1:
        wanted = statement.oldest_event if since is None else since + 1
        _refuse(EvidenceFault.EVENTS, f"they do not begin with event {wanted}")
    if covered and covered[-1].number != newest:
        _refuse(EvidenceFault.EVENTS, f"they end before event {newest}, the newest")
    if extend_chain(previous_chain, covered) != statement.event_chain:
        _refuse(EvidenceFault.EVENTS, "an event was changed or made up")
    return covered


def check_own_events(
    statement: Statement, events: Sequence[StoredEvent]
) -> tuple[StoredEvent, ...]:
    """Check that events are all that the device keeps of the container of a statement.

    Args:
        statement: one that was checked, and that is limited to one container.
        events: untrusted, in the order of their numbers; those of others are passed over.

    Returns:
        The events that are proved.

    Raises:
        EvidenceRefused: they are not those of the statement.
    """
    if statement.uid is None:
        _refuse(EvidenceFault.EVENTS, "the statement is not limited to one container")
    shown = show(statement.uid)
    kept = range(statement.oldest_event, statement.newest_event + 1)
    own = tuple(
        event for event in events if event.number in kept and uid_of_event(event.content) == shown
    )
    if hash_events(own) != statement.own_events_sha256:
        _refuse(EvidenceFault.EVENTS, "an event was changed, left out or made up")
    return own


def _open(content: bytes) -> Envelope:
    """Take a COSE_Sign1 apart; its signature is not judged yet."""
    try:
        tags, message = decode_tagged(content, MAX_STATEMENT_BYTES)
    except CborError as error:
        _refuse(EvidenceFault.FORM, str(error))
    if tags != (SIGN1_TAG,) or not isinstance(message, list) or len(message) != 4:
        _refuse(EvidenceFault.FORM, f"it is no COSE_Sign1 with its tag ({SIGN1_TAG})")
    protected, unprotected, payload, proof = message
    if protected != protected_header(Algorithm.EDDSA, None) or unprotected != {}:
        _refuse(EvidenceFault.FORM, "its headers are not alg EdDSA (-8) alone")
    if not isinstance(payload, bytes) or not isinstance(proof, bytes):
        _refuse(EvidenceFault.FORM, "payload and signature are not byte strings")
    return Envelope(True, Algorithm.EDDSA, protected, payload, proof)


def _refuse(fault: EvidenceFault, problem: str) -> NoReturn:
    raise EvidenceRefused(fault, problem)
