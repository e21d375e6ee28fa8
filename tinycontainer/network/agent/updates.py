"""Updates over the network: one at a time, and what has become of the last one.

An envelope that carries all its payloads is applied while its request is answered. One whose
payloads have to be fetched is answered once it is examined; the device goes on meanwhile, and the
result can be observed. Clauses TC-UPD-25 and TC-UPD-26.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final, TypeAlias

from tinycontainer.errors import LoadError, TinyContainerError, UpdateReason, UpdateRefused
from tinycontainer.suit.processor import PayloadRequest
from tinycontainer.suit.updater import UpdateOutcome, Updater, Updating
from tinycontainer.suit.verification import Examined
from tinycontainer.text import flatten, show
from tinycontainer_tokens.cbor import Value

from .requests.message import Code, Option, to_uint
from .requests.refusing import MAX_PROBLEM_CHARACTERS, RETRY_S, CoapRefused
from .requests.rights import KnownPeer, Right

Answering: TypeAlias = Callable[[], AbstractContextManager[object]]
"""Encloses the change, so that an answer is recorded together with it."""


class UpdateState(IntEnum):
    """What has become of the last update since the boot."""

    NONE = 0
    FETCHING = 1
    DONE = 2
    REPEATED = 3
    REFUSED = 4


@dataclass(frozen=True, slots=True)
class LastUpdate:
    """The last update since the boot.

    Attributes:
        state: what has become of it.
        count: how many there were, this one included.
        uids: of the containers that it is about; none if that is not known.
        sequence: its number.
        digest: SHA-256 of its manifest.
        reason: why it was refused, from a closed list; else empty.
        problem: what exactly, in one line.
    """

    state: UpdateState = UpdateState.NONE
    count: int = 0
    uids: tuple[bytes, ...] = ()
    sequence: int = 0
    digest: bytes = b""
    reason: str = ""
    problem: str = ""

    def encode(self) -> dict[int, Value]:
        """As GET /tc/su shows it."""
        return {
            0: int(self.state),
            1: self.count,
            2: list(self.uids),
            3: self.sequence,
            4: self.digest,
            5: self.reason,
            6: self.problem,
        }


@dataclass(slots=True)
class _Waiting:
    """An update that waits for a payload."""

    updating: Updating
    request: PayloadRequest
    answering: Answering


_CODES: Final = {
    UpdateReason.ENVELOPE: Code.BAD_REQUEST,
    UpdateReason.MANIFEST: Code.BAD_REQUEST,
    UpdateReason.DIGEST: Code.FORBIDDEN,
    UpdateReason.KEY: Code.FORBIDDEN,
    UpdateReason.SIGNATURE: Code.FORBIDDEN,
    UpdateReason.RIGHT: Code.FORBIDDEN,
    UpdateReason.CAPACITY: Code.TOO_LARGE,
    UpdateReason.OLDER: Code.CONFLICT,
    UpdateReason.REUSED_NUMBER: Code.CONFLICT,
}


class Updates:
    """Applies updates to a device.

    Args:
        updater: of the device; None if it takes no updates.
        limit_bytes: longest envelope.
        when_changed: is called when there is something new to observe.
    """

    def __init__(
        self, updater: Updater | None, limit_bytes: int, when_changed: Callable[[], None]
    ) -> None:
        self._updater = updater
        self._when_changed = when_changed
        self._waiting: _Waiting | None = None
        self._last = LastUpdate()
        self.limit_bytes: Final = limit_bytes

    @property
    def wanted(self) -> PayloadRequest | None:
        """The payload that is to be fetched next; None if none is."""
        return None if self._waiting is None else self._waiting.request

    def look(self, peer: KnownPeer) -> LastUpdate:
        """The last update, as a peer may see it: nothing of one about containers of others."""
        is_own = all(peer.may(Right.READ, uid) for uid in self._last.uids)
        return self._last if is_own else replace(LastUpdate(), count=self._last.count)

    def apply(self, envelope: bytes, peer: KnownPeer, answering: Answering) -> None:
        """Apply an envelope, or begin to.

        Args:
            envelope: untrusted bytes.
            peer: who asks for it.
            answering: encloses the change.

        Raises:
            CoapRefused: it is refused; nothing has changed.
        """
        if self._updater is None:
            raise CoapRefused(Code.FORBIDDEN, UpdateReason.KEY, "this device takes no updates")
        if self._waiting is not None:
            waits = ((Option.MAX_AGE, to_uint(RETRY_S)),)
            raise CoapRefused(Code.UNAVAILABLE, "busy", "another update is in progress", waits)
        self._last = LastUpdate(UpdateState.FETCHING, self._last.count + 1)
        try:
            examined = self._updater.examine(envelope).require()
            self._note_subject(examined)
            self._require_right(peer, examined)
            self._advance(self._updater.begin(examined), None, answering)
        except UpdateRefused as refusal:
            raise self._refuse(refusal) from refusal
        except TinyContainerError as error:
            self._end(UpdateState.REFUSED, "failed", flatten(str(error)))
            raise

    def supply(self, content: bytes | None) -> None:
        """Go on with what was fetched.

        Args:
            content: the payload that was wanted; None if there is none to be had.
        """
        waiting, self._waiting = self._waiting, None
        if waiting is None:
            return
        try:
            self._advance(waiting.updating, content, waiting.answering)
        except UpdateRefused as refusal:
            self._refuse(refusal)
        except TinyContainerError as error:  # the state cannot be read or written
            self._end(UpdateState.REFUSED, "failed", flatten(str(error)))

    def _advance(self, updating: Updating, content: bytes | None, answering: Answering) -> None:
        try:
            with answering():
                request = next(updating) if content is None else updating.send(content)
        except StopIteration as end:
            outcome: UpdateOutcome = end.value
            is_new = not outcome.is_repetition
            self._end(UpdateState.DONE if is_new else UpdateState.REPEATED)
        else:
            self._waiting = _Waiting(updating, request, answering)
            self._when_changed()

    def _note_subject(self, examined: Examined) -> None:
        number = examined.number
        self._last = replace(
            self._last,
            uids=examined.uids,
            sequence=number.sequence,
            digest=number.token_sha256,
        )

    def _require_right(self, peer: KnownPeer, examined: Examined) -> None:
        for uid in examined.uids:
            if not peer.may(Right.UPDATE, uid):
                problem = f"{peer.name} has no right to update {show(uid)}"
                self._end(UpdateState.REFUSED, "forbidden", problem)
                raise CoapRefused(Code.FORBIDDEN, "forbidden", problem)

    def _refuse(self, refusal: UpdateRefused) -> CoapRefused:
        problem = ": ".join(part for part in (refusal.place, refusal.problem) if part)
        self._end(UpdateState.REFUSED, refusal.reason, flatten(problem))
        if isinstance(refusal.refusal, LoadError):
            found = CoapRefused.of(refusal.refusal)
            return CoapRefused(found.code, refusal.reason, problem, found.options)
        code = _CODES.get(refusal.reason, Code.UNPROCESSABLE)
        return CoapRefused(code, refusal.reason, problem)

    def _end(self, state: UpdateState, reason: str = "", problem: str = "") -> None:
        self._last = replace(
            self._last, state=state, reason=reason, problem=problem[:MAX_PROBLEM_CHARACTERS]
        )
        self._when_changed()
