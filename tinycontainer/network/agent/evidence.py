"""Evidence over the network: the device states what it is, and signs it (TC-EVID-01 to 07)."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Final, TypeAlias

from tinycontainer.device.device import BareDevice
from tinycontainer.state import DeviceState, StoredEvents
from tinycontainer.text import show
from tinycontainer.tools.evidence import (
    MAX_STATEMENT_BYTES,
    NONCE_BYTES,
    StatedContainer,
    Statement,
    StatementTooLong,
    hash_events,
    sign_statement,
    uid_of_event,
)
from tinycontainer_tokens import KeyMaterial
from tinycontainer_tokens.claims import MAX_UID_BYTES

from .identity import DeviceId
from .requests.blocks import decode_block
from .requests.message import CoapAnswer, CoapRequest, Code, Format, Option, to_uint
from .requests.refusing import CoapRefused, bad_request
from .requests.rights import KnownPeer, Right
from .requests.target import Target

_MAX_KEPT: Final = 4
_Asked: TypeAlias = tuple[str, bytes, bytes | None]
"""Name of the peer, nonce, and the uid to which the statement is limited."""


class Evidence:
    """Answers with signed statements.

    Args:
        key: of the device; None if it has none.
        device: the device.
        state: remembers boots and the chain over events.
        device_id: its identifier.
        now_s: the device's time in Unix seconds.
        list_containers: all containers by slot, or those with a uid.
    """

    def __init__(
        self,
        key: KeyMaterial | None,
        device: BareDevice,
        state: DeviceState,
        device_id: DeviceId,
        now_s: Callable[[], int],
        list_containers: Callable[[bytes | None], tuple[StatedContainer, ...]],
    ) -> None:
        self._key = key
        self._device = device
        self._state = state
        self._device_id = device_id
        self._now_s = now_s
        self._list_containers = list_containers
        self._kept: OrderedDict[_Asked, bytes] = OrderedDict()

    def answer(self, request: CoapRequest, target: Target, peer: KnownPeer) -> CoapAnswer:
        """Answer a question for evidence.

        Args:
            request: what is asked.
            target: about what.
            peer: who asks; it may read of the device as a whole.

        Raises:
            CoapRefused: the device has no key, the peer has no right to it, the query cannot be
                read, or the statement is too long.
            TinyContainerError: the state cannot be read.
        """
        if self._key is None:
            raise CoapRefused(Code.NOT_FOUND, "not-found", "the device has no key for evidence")
        nonce = _from_digits(target, "nonce", NONCE_BYTES)
        uid = None
        if "uid" in target.query:
            uid = _from_digits(target, "uid", range(1, MAX_UID_BYTES + 1))
        if peer.uids is not None and uid is None:
            problem = f"{peer.name} has no right to all: name one of its containers by uid="
            raise CoapRefused(Code.FORBIDDEN, "forbidden", problem)
        if not peer.may(Right.READ, uid):
            problem = f"{peer.name} has no right to {Right.READ}"
            raise CoapRefused(Code.FORBIDDEN, "forbidden", problem)
        signed = self._continue((peer.name, nonce, uid), request, self._key)
        # A nonce is for one question: nobody on the way may answer with what was answered before.
        age = ((Option.MAX_AGE, to_uint(0)),)
        return CoapAnswer(Code.CONTENT, signed, Format.COSE_SIGN1, age)

    def _continue(self, asked: _Asked, request: CoapRequest, key: KeyMaterial) -> bytes:
        """A new statement; or the one of before, of which a later block is asked for."""
        option = request.option(Option.BLOCK2)
        if option is not None and decode_block(option).number > 0 and asked in self._kept:
            return self._kept[asked]
        _, nonce, uid = asked
        signed = self._sign(nonce, uid, key)
        self._kept.pop(asked, None)
        if len(self._kept) >= _MAX_KEPT:
            self._kept.popitem(last=False)
        self._kept[asked] = signed
        return signed

    def _sign(self, nonce: bytes, uid: bytes | None, key: KeyMaterial) -> bytes:
        events = self._device.events()  # what is not recorded yet is recorded before
        entries = events.entries
        statement = Statement(
            nonce=nonce,
            boots=self._state.remembered().count,
            time_s=self._now_s(),
            oldest_event=entries[0].number if entries else events.newest + 1,
            newest_event=events.newest,
            containers=self._list_containers(uid),
            device_id=self._device_id.read() or None,
            event_chain=self._state.event_chain(events.newest) if uid is None else None,
            uid=uid,
            own_events_sha256=None if uid is None else _hash_own(events, uid),
            trace_sha256=self._device.trace_sha256 if uid is None else None,
        )
        try:
            return sign_statement(statement, key)
        except StatementTooLong as error:
            problem = f"at most {MAX_STATEMENT_BYTES} bytes are stated; name one container by uid="
            raise CoapRefused(Code.TOO_LARGE, "too-large", problem) from error


def _hash_own(events: StoredEvents, uid: bytes) -> bytes:
    shown = show(uid)
    return hash_events(each for each in events.entries if uid_of_event(each.content) == shown)


def _from_digits(target: Target, name: str, lengths: range) -> bytes:
    digits = target.query.get(name, "")
    try:
        found = bytes.fromhex(digits) if digits.isalnum() else b""
    except ValueError:
        found = b""
    if len(found) not in lengths:
        least, most = 2 * lengths[0], 2 * lengths[-1]
        raise bad_request(f"{name}: is not {least} to {most} hexadecimal digits, in pairs")
    return found
