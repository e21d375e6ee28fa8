"""Version 2: the resources below /tc (TC-MGMT-09 to TC-MGMT-12)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from typing import Any, Final

from tinycontainer.device.containers.lifecycle import State
from tinycontainer.device.containers.limits import Capacity
from tinycontainer.device.containers.view import View
from tinycontainer.device.device import BareDevice
from tinycontainer.errors import TinyContainerError
from tinycontainer.state import DeviceState, StoredAnswer
from tinycontainer.text import flatten, show
from tinycontainer.tools.evidence import StatedContainer, uid_of_event
from tinycontainer.trace import Account
from tinycontainer_tokens import KeyMaterial, StepOutcome
from tinycontainer_tokens.cbor import Value, encode
from tinycontainer_tokens.envelope import MAX_TOKEN_BYTES

from .changes import Changes
from .evidence import Evidence
from .identity import DeviceId
from .requests.bundles import find_uid, find_uid_of_bundle
from .requests.message import BLOCK_BYTES, CoapAnswer, CoapRequest, Code, Format, Method, Option
from .requests.needs import find_verb
from .requests.refusing import CoapRefused, bad_request
from .requests.rights import KnownPeer, Right
from .requests.target import ID_DIGITS, Target
from .updates import Updates

EVENTS_PER_ANSWER: Final = 32
MAX_CONFIRM_MS: Final = 24 * 60 * 60 * 1000
MAX_VERDICT_BYTES: Final = BLOCK_BYTES
"""Of all checks of a bundle: one block, as nothing is kept for a client that asks for a second."""
_PROBLEM_CHARACTERS: Final = (512, 256, 128, 64, 32, 16, 0)
_ETAG_BYTES: Final = 8
_VERDICTS: Final = {
    StepOutcome.FAILED: 0,
    StepOutcome.PASSED: 1,
    StepOutcome.SKIPPED: 2,
}
_STATES: Final = {State.READY: 1, State.RUNNING: 2, State.STOPPING: 3, State.DELETING: 4}


@dataclass(frozen=True, slots=True)
class _Repetition:
    """Identifies a request, so that a repetition is recognised.

    Attributes:
        peer: who asks.
        request_id: its id.
        fingerprint: of the rest of it; a repetition has the same one.
    """

    peer: bytes
    request_id: bytes
    fingerprint: bytes

    @classmethod
    def of(
        cls, request: CoapRequest, target: Target, peer: KnownPeer, payload: bytes
    ) -> "_Repetition":
        """A request that changes something.

        Raises:
            CoapRefused: it has no id.
        """
        if target.request_id is None:
            raise bad_request(
                f"id: is missing: a change needs id= and {ID_DIGITS} hexadecimal digits"
            )
        said = (request.method.name, target.kind, target.uid, sorted(target.query.items()))
        fingerprint = sha256(repr(said).encode() + payload).digest()
        return cls(sha256(peer.name.encode()).digest(), target.request_id, fingerprint)

    def answer(self, content: bytes) -> CoapAnswer:
        """What was answered before.

        Args:
            content: as the state has kept it.

        Raises:
            CoapRefused: that was another request.
        """
        if content[1:] != self.fingerprint:
            raise bad_request("id: was used for another request; draw a new one for each")
        return CoapAnswer(Code(content[0]))


class Resources:
    """Answers requests of version 2.

    Args:
        device: the device.
        state: remembers answers, boots and the time.
        capacity: what fits on the device.
        device_id: its identifier.
        changes: what has changed since the boot.
        now_s: the device's time in Unix seconds.
        updates: applies updates.
        evidence_key: signs what the device states of itself; None if it states nothing.
    """

    def __init__(
        self,
        device: BareDevice,
        state: DeviceState,
        capacity: Capacity,
        device_id: DeviceId,
        changes: Changes,
        now_s: Callable[[], int],
        updates: Updates,
        evidence_key: KeyMaterial | None = None,
    ) -> None:
        self._device = device
        self._state = state
        self._capacity = capacity
        self._device_id = device_id
        self._changes = changes
        self._now_s = now_s
        self._updates = updates
        self._hashes: dict[bytes, tuple[int, bytes]] = {}
        self._evidence = Evidence(
            evidence_key, device, state, device_id, now_s, self._state_containers
        )

    def payload_limit(self, request: CoapRequest, target: Target) -> int:
        """The most bytes of payload that this request can use."""
        if request.method in (Method.GET, Method.DELETE):
            return 0
        if target.kind == "metadata":
            return self._capacity.metadata_bytes
        if target.kind == "update":
            return self._updates.limit_bytes
        if target.kind == "withdrawal":
            return MAX_TOKEN_BYTES
        takes_bundle = target.kind == "judge" or request.method is Method.PUT
        return self._capacity.bundle_bytes if takes_bundle else 0

    def handle(
        self, request: CoapRequest, target: Target, peer: KnownPeer, payload: bytes
    ) -> CoapAnswer:
        """Carry out a request that its peer has the right to make.

        Args:
            request: what is asked.
            target: about what.
            peer: who asks.
            payload: all of it.

        Raises:
            CoapRefused: it is refused.
        """
        try:
            if target.kind == "judge":
                return self._judge(target, peer, payload)
            if target.kind == "evidence":
                return self._evidence.answer(request, target, peer)
            if request.method is Method.GET:
                return self._look(target, peer)
            return self._change(request, target, peer, payload)
        except TinyContainerError as error:
            raise CoapRefused.of(error) from error

    # Looking.

    def _look(self, target: Target, peer: KnownPeer) -> CoapAnswer:
        match target.kind:
            case "device":
                return _content(self._describe_device())
            case "containers":
                seen = [view for view in self._device if peer.may(Right.READ, view.uid)]
                account = self._device.account()
                return _content([self._describe(view, account) for view in seen])
            case "events":
                return self._events(target, peer)
            case "update":
                return _content(self._updates.look(peer).encode())
        uid = target.uid or b""
        view = self._device[uid]
        if target.kind == "metadata":
            return CoapAnswer(Code.CONTENT, self._device.metadata(uid).raw, Format.CBOR)
        etag = (Option.ETAG, self._hash_of(view)[:_ETAG_BYTES])
        return _content(self._describe(view, self._device.account()), etag)

    def _describe_device(self) -> dict[int, Any]:
        capacity = self._capacity
        return {
            0: self._device_id.read(),
            1: capacity.slots,
            2: capacity.slots - len(self._device),
            3: capacity.metadata_bytes,
            4: capacity.code_bytes,
            5: capacity.data_bytes,
            6: self._state.remembered().count,
            7: self._now_s(),
            8: self._device.events(0, 0).newest,
        }

    def _describe(self, view: View, account: Account) -> dict[int, Any]:
        return {
            0: view.uid,
            1: _STATES.get(view.state, 0),
            2: view.loops,
            3: "" if view.last_exit is None else show(str(view.last_exit).encode(), 256),
            4: self._changes.of_containers.get(view.uid, 0),
            5: self._hash_of(view),
            6: view.slot,
            7: _describe_usage(view, account),
        }

    def _state_containers(self, uid: bytes | None) -> tuple[StatedContainer, ...]:
        seen = (view for view in self._device if uid is None or view.uid == uid)
        return tuple(
            StatedContainer(view.uid, _STATES.get(view.state, 0), self._hash_of(view), view.loops)
            for view in seen
        )

    def _hash_of(self, view: View) -> bytes:
        """SHA-256 of the bundle, worked out again only after the container has changed."""
        change = self._changes.of_containers.get(view.uid, 0)
        known = self._hashes.get(view.uid)
        if known is not None and known[0] == change:
            return known[1]
        found = sha256(self._device.bundle(view.uid)).digest()
        if len(self._hashes) > self._capacity.slots:
            self._hashes.clear()
        self._hashes[view.uid] = change, found
        return found

    def _events(self, target: Target, peer: KnownPeer) -> CoapAnswer:
        since = _whole_number(target, "since", 0)
        if peer.uids is not None:
            found = self._device.events(since)
            shown = frozenset(show(uid) for uid in peer.uids)
            own = (each for each in found.entries if uid_of_event(each.content) in shown)
            seen = islice(own, EVENTS_PER_ANSWER)
            return _content({0: found.newest, 1: [[each.number, each.content] for each in seen]})
        found = self._device.events(since, EVENTS_PER_ANSWER)
        rows = [[each.number, each.content] for each in found.entries]
        before = found.entries[0].number - 1 if found.entries else found.newest
        return _content({0: found.newest, 1: rows, 2: self._state.event_chain(before)})

    # Changing.

    def _judge(self, target: Target, peer: KnownPeer, payload: bytes) -> CoapAnswer:
        if not peer.may(Right.LOAD, find_uid_of_bundle(payload)):
            problem = f"{peer.name} has no right to {Right.LOAD}"
            raise CoapRefused(Code.FORBIDDEN, "forbidden", problem)
        checks = self._device.judge(payload, replaces="replaces" in target.query)
        content = b""
        for most in _PROBLEM_CHARACTERS:
            rows: Value = [
                [each.name, _VERDICTS[each.outcome], flatten(each.detail)[:most]] for each in checks
            ]
            content = encode(rows)
            if len(content) <= MAX_VERDICT_BYTES:
                break
        return CoapAnswer(Code.CHANGED, content, Format.CBOR)

    def _change(
        self, request: CoapRequest, target: Target, peer: KnownPeer, payload: bytes
    ) -> CoapAnswer:
        uid = target.uid or b""
        key = _Repetition.of(request, target, peer, payload)
        known = self._state.answer(key.peer, key.request_id)
        if known is not None:
            return key.answer(known)
        match request.method:
            case Method.POST if target.kind == "update":
                answer = CoapAnswer(Code.CHANGED)
                self._updates.apply(payload, peer, lambda: self._answering(key, Code.CHANGED))
            case Method.POST if target.kind == "withdrawal":
                with self._answering(key, Code.CHANGED) as answer:
                    self._device.withdraw(uid, payload)
            case Method.PUT if target.kind == "metadata":
                self._require_uid(uid, find_uid(payload))
                with self._answering(key, Code.CHANGED) as answer:
                    self._device.reconfigure(payload)
            case Method.PUT:
                self._require_uid(uid, find_uid_of_bundle(payload))
                answer = self._put(request, target, key, payload)
            case Method.DELETE:
                with self._answering(key, Code.DELETED) as answer:
                    self._device.delete(uid)
            case _:
                verb = find_verb(target)
                with self._answering(key, Code.CHANGED) as answer:
                    getattr(self._device, verb)(uid)
        return answer

    def _put(
        self, request: CoapRequest, target: Target, key: _Repetition, payload: bytes
    ) -> CoapAnswer:
        uid = target.uid or b""
        wanted = [value for number, value in request.options if number == Option.IF_MATCH]
        if not wanted:
            with self._answering(key, Code.CREATED) as answer:
                self._device.load(payload)
            return answer
        etag = self._hash_of(self._device[uid])[:_ETAG_BYTES] if uid in self._device else None
        if etag is None or (b"" not in wanted and etag not in wanted):
            problem = "If-Match: another version is loaded, or none"
            raise CoapRefused(Code.PRECONDITION_FAILED, "precondition-failed", problem)
        confirm_ms = _whole_number(target, "confirm", 0)
        if confirm_ms > MAX_CONFIRM_MS:
            raise bad_request(f"confirm: is more than {MAX_CONFIRM_MS}")
        with self._answering(key, Code.CHANGED) as answer:
            self._device.replace(payload, confirm_ms=confirm_ms or None)
        return answer

    @contextmanager
    def _answering(self, key: _Repetition, code: Code) -> Iterator[CoapAnswer]:
        """Let an answer be recorded together with the change that is made within."""
        content = bytes([code]) + key.fingerprint
        with self._device.answering(StoredAnswer(key.peer, key.request_id, content)):
            yield CoapAnswer(code)

    def _require_uid(self, wanted: bytes, found: bytes | None) -> None:
        """Refuse what names another container; what names none is for the device to refuse."""
        if found is not None and found != wanted:
            raise bad_request(f"the metadata is of {show(found)}, the path of {show(wanted)}")


def _content(value: Any, *options: tuple[int, bytes]) -> CoapAnswer:
    return CoapAnswer(Code.CONTENT, encode(value), Format.CBOR, options)


def _describe_usage(view: View, account: Account) -> Value:
    did = view.statistics
    return [
        account.shares[view.uid],
        account.idle_share,
        did.execution_ns,
        did.instructions,
        did.peak_memory_bytes,
        did.calls,
        did.refusals,
        did.deadline_misses,
        did.skipped_periods,
    ]


def _whole_number(target: Target, name: str, default: int) -> int:
    text = target.query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise bad_request(f"{name}: is no whole number")
    return int(text)
