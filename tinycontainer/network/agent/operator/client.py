"""The operator's side of the management of a device (version 2)."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Final, Protocol

from tinycontainer.state import StoredEvent

from ..requests.blocks import encode_block
from ..requests.message import (
    BLOCK_BYTES,
    Block,
    CoapAnswer,
    CoapRequest,
    Code,
    Format,
    Method,
    Option,
    to_uint,
)
from .answers import (
    AnswerUnreadable,
    SeenContainer,
    SeenUpdate,
    read_checks,
    read_container,
    read_containers,
    read_events,
    read_problem,
    read_stored_events,
    read_update,
)

_DEVICE_ID: Final = ("device-id", "")
_UPDATE: Final = ("tc", "su")
_ETAG_BYTES: Final = 8


class Unreachable(Exception):
    """The device did not answer."""


class Asleep(Unreachable):
    """The device sleeps; the text is one line, fit to be shown."""


class Unproved(Unreachable):
    """What came as an answer is not the device's own; the text is one line, fit to be shown."""


class DeviceRefused(Exception):
    """The device answered with an error; the text is one line, fit to be shown."""


class Transport(Protocol):
    """What carries a request to the device."""

    def ask(self, request: CoapRequest) -> CoapAnswer:
        """Send a request and wait for its answer.

        Raises:
            TimeoutError: there was none in time.
            Unreachable: there cannot be one.
        """

    def observe(self, request: CoapRequest) -> Iterator[CoapAnswer]:
        """The answer to a request now, and again whenever it has changed; without an end.

        Raises:
            TimeoutError: there was none in time.
            Unreachable: there cannot be one.
        """


def _pass_over(_sent_bytes: int, _all_bytes: int) -> None:
    pass


class Requests:
    """Sends requests, again where that is safe, and in blocks where they are long.

    Args:
        transport: carries them.
        random_bytes: draws a number of bytes, for ids and tags.
        tries: how often a request is sent at most.
        show_progress: gets how many bytes of a long payload are sent, and how many there are; at
            the end both are equal.
    """

    def __init__(
        self,
        transport: Transport,
        random_bytes: Callable[[int], bytes],
        tries: int = 3,
        show_progress: Callable[[int, int], None] = _pass_over,
    ) -> None:
        self.transport = transport
        self.random_bytes = random_bytes
        self._tries = tries
        self._show_progress = show_progress

    def send(self, request: CoapRequest) -> CoapAnswer:
        """Send a request that is safe to be repeated.

        Raises:
            DeviceRefused: the answer is an error.
            Unreachable: there was none.
        """
        for _ in range(self._tries):
            try:
                answer = self._send_once(request)
            except TimeoutError:
                continue
            if answer.code is not Code.INCOMPLETE:  # the device has lost the blocks of before
                return require_success(answer)
        raise Unreachable(f"no answer after {self._tries} tries")

    def _send_once(self, request: CoapRequest) -> CoapAnswer:
        size = len(request.payload)
        if size <= BLOCK_BYTES:
            return self.transport.ask(request)
        tag = (Option.REQUEST_TAG, self.random_bytes(4))
        answer = CoapAnswer(Code.CONTINUE)
        for begin in range(0, size, BLOCK_BYTES):
            part = request.payload[begin : begin + BLOCK_BYTES]
            block = Block(begin // BLOCK_BYTES, begin + len(part) < size, BLOCK_BYTES)
            options = [*request.options, tag, (Option.BLOCK1, encode_block(block))]
            if begin == 0:
                options.append((Option.SIZE1, to_uint(size)))
            answer = self.transport.ask(
                CoapRequest(b"", request.method, request.path, request.query, tuple(options), part)
            )
            if answer.code is not Code.CONTINUE:
                break
            self._show_progress(begin + len(part), size)
        self._show_progress(size, size)
        return answer


def require(answer: CoapAnswer, code: Code) -> CoapAnswer:
    """An answer with the code that the request has if it is carried out.

    Raises:
        AnswerUnreadable: it has another one.
    """
    if answer.code is not code:
        raise AnswerUnreadable(f"it is {answer.code.dotted} and not {code.dotted}")
    return answer


def require_success(answer: CoapAnswer) -> CoapAnswer:
    """An answer that is no error.

    Raises:
        DeviceRefused: it is one.
    """
    if answer.code < Code.BAD_REQUEST:
        return answer
    has_problem = answer.format is Format.PROBLEM
    problem = read_problem(answer.payload) if has_problem else "refused, without a reason"
    raise DeviceRefused(f"{answer.code.dotted} {problem}")


class Client:
    """Requests of version 2, and their answers.

    Args:
        requests: sends them.
    """

    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    def containers(self) -> list[SeenContainer]:
        """All containers, by slot."""
        return read_containers(self._ask(Method.GET, ("tc", "c")).payload)

    def container(self, uid: bytes) -> SeenContainer:
        """One container."""
        return read_container(self._ask(Method.GET, ("tc", "c", uid.hex())).payload)

    def watch(self) -> Iterator[list[SeenContainer]]:
        """All containers, now and whenever something has changed."""
        for answer in self._observe(("tc", "c")):
            yield read_containers(answer.payload)

    def events(self, since: int) -> tuple[int, list[tuple[int, str]]]:
        """The newest number, and at most 32 events above a number."""
        return read_events(self._ask(Method.GET, ("tc", "e"), (f"since={since}",)).payload)

    def stored_events(self, since: int) -> tuple[int, list[StoredEvent], bytes | None]:
        """The same as the device keeps them, and the chain value before the first (TC-EVID-05)."""
        answer = self._ask(Method.GET, ("tc", "e"), (f"since={since}",))
        return read_stored_events(answer.payload)

    def evidence(self, nonce: bytes, uid: bytes | None = None) -> bytes:
        """What the device signs of itself; nothing of it is checked.

        Args:
            nonce: 8 to 32 bytes, drawn for this.
            uid: of the container to which it is limited; None for the whole device.
        """
        query = (f"nonce={nonce.hex()}", *(() if uid is None else (f"uid={uid.hex()}",)))
        return self._ask(Method.GET, ("tc", "ev"), query).payload

    def follow(self, since: int) -> Iterator[tuple[int, str]]:
        """The events above a number, and all that come."""
        for _ in self._observe(("tc", "e")):
            while found := self.events(since)[1]:
                numbers = [since, *(number for number, _ in found)]
                if any(after <= before for before, after in pairwise(numbers)):
                    raise AnswerUnreadable("the numbers of events do not rise")
                yield from found
                since = numbers[-1]

    def judge(self, bundle: bytes, *, replaces: bool) -> list[tuple[str, bool | None, str]]:
        """What the device would say to a bundle; nothing changes."""
        query = ("replaces",) if replaces else ()
        answer = self._ask(Method.POST, ("tc", "j"), query, bundle, code=Code.CHANGED)
        checks = read_checks(answer.payload)
        if not checks:
            raise AnswerUnreadable("a verdict has no checks")
        return checks

    def load(self, uid: bytes, bundle: bytes) -> None:
        """Load a bundle."""
        self._change(Method.PUT, uid, payload=bundle, code=Code.CREATED)

    def replace(self, uid: bytes, bundle: bytes, confirm_ms: int | None = None) -> None:
        """Replace what is loaded, if it is still what it is now.

        Args:
            uid: of the container.
            bundle: the new version.
            confirm_ms: within which the new version must complete a loop (TC-LOAD-18).
        """
        query = () if confirm_ms is None else (f"confirm={confirm_ms}",)
        etag = bytes.fromhex(self.container(uid).sha256)[:_ETAG_BYTES]
        self._change(Method.PUT, uid, (), query, bundle, ((Option.IF_MATCH, etag),))

    def update(self, envelope: bytes) -> None:
        """Apply a SUIT envelope; payloads that it does not carry may yet have to be fetched."""
        request_id = f"id={self._requests.random_bytes(8).hex()}"
        self._ask(Method.POST, _UPDATE, (request_id,), envelope, code=Code.CHANGED)

    def last_update(self) -> SeenUpdate:
        """What has become of the last update since the boot."""
        return read_update(self._ask(Method.GET, _UPDATE).payload)

    def follow_update(self) -> Iterator[SeenUpdate]:
        """The last update, now and whenever it has changed."""
        for answer in self._observe(_UPDATE):
            yield read_update(answer.payload)

    def reconfigure(self, uid: bytes, metadata: bytes) -> None:
        """Give a container new metadata."""
        self._change(Method.PUT, uid, ("m",), payload=metadata)

    def order(self, uid: bytes, verb: str) -> None:
        """Start, stop or kill a container."""
        self._change(Method.POST, uid, query=(verb,))

    def delete(self, uid: bytes) -> None:
        """Delete a container."""
        self._change(Method.DELETE, uid, code=Code.DELETED)

    def withdraw(self, uid: bytes, token: bytes) -> None:
        """Take back all rights of a container by its owner's token."""
        self._change(Method.POST, uid, ("w",), payload=token)

    def device_id(self) -> bytes:
        """The identifier of the device."""
        return self._ask(Method.GET, _DEVICE_ID).payload

    def set_device_id(self, identifier: bytes) -> None:
        """Give the device an identifier; to repeat that changes nothing."""
        self._ask(Method.POST, _DEVICE_ID, payload=identifier, code=Code.CHANGED)

    def _change(
        self,
        method: Method,
        uid: bytes,
        below: tuple[str, ...] = (),
        query: tuple[str, ...] = (),
        payload: bytes = b"",
        options: tuple[tuple[int, bytes], ...] = (),
        code: Code = Code.CHANGED,
    ) -> None:
        request_id = f"id={self._requests.random_bytes(8).hex()}"
        path = ("tc", "c", uid.hex(), *below)
        self._ask(method, path, (*query, request_id), payload, options, code)

    def _ask(
        self,
        method: Method,
        path: tuple[str, ...],
        query: tuple[str, ...] = (),
        payload: bytes = b"",
        options: tuple[tuple[int, bytes], ...] = (),
        code: Code = Code.CONTENT,
    ) -> CoapAnswer:
        request = CoapRequest(b"", method, path, query, options, payload)
        return require(self._requests.send(request), code)

    def _observe(self, path: tuple[str, ...]) -> Iterator[CoapAnswer]:
        try:
            for answer in self._requests.transport.observe(CoapRequest(b"", Method.GET, path)):
                yield require(require_success(answer), Code.CONTENT)
        except TimeoutError:
            raise Unreachable("no answer") from None
