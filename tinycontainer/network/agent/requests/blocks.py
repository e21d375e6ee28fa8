"""Uploads in blocks, each of one peer and within bounds (TC-MGMT-05, TC-MGMT-06)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from .message import BLOCK_BYTES, Block, CoapAnswer, CoapRequest, Code, Option, from_uint, to_uint
from .refusing import RETRY_S, CoapRefused, too_large

UPLOADS_PER_PEER: Final = 4
UPLOADS: Final = 16
UPLOAD_S: Final = 30.0
MAX_BLOCK_OPTION_BYTES: Final = 3
_SMALLEST_BLOCK_BYTES: Final = 16

_Key: TypeAlias = tuple[bytes, int, tuple[str, ...], tuple[str, ...], bytes]


def decode_block(value: bytes) -> Block:
    """Read an option Block1 or Block2.

    Raises:
        CoapRefused: it is malformed.
    """
    number = from_uint(value)
    if len(value) > MAX_BLOCK_OPTION_BYTES:
        raise CoapRefused(Code.BAD_OPTION, "bad-option", "a block option is too long")
    size_bytes = _SMALLEST_BLOCK_BYTES << (number & 7)
    if size_bytes > BLOCK_BYTES:  # the exponent 7 means something else over TCP (RFC 8323)
        raise CoapRefused(Code.BAD_REQUEST, "bad-request", "a block has a size that does not exist")
    return Block(number >> 4, bool(number & 8), size_bytes)


def encode_block(block: Block) -> bytes:
    """Write an option Block1 or Block2."""
    size_exponent = block.size_bytes.bit_length() - _SMALLEST_BLOCK_BYTES.bit_length()
    return to_uint(block.number << 4 | block.more << 3 | size_exponent)


@dataclass(slots=True)
class _Upload:
    """What has come of a payload.

    Attributes:
        last_s: when its last block came.
        content: the bytes so far.
        last: the block that came last, with its bytes.
    """

    last_s: float
    content: bytearray = field(default_factory=bytearray)
    last: tuple[Block, bytes] | None = None


class Uploads:
    """Assembles payloads. What goes wrong ends the upload that it belongs to, and no other.

    Args:
        now_s: monotonic seconds.
    """

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._open: dict[_Key, _Upload] = {}

    def __len__(self) -> int:
        return len(self._open)

    @property
    def held_bytes(self) -> int:
        """What all open uploads hold together."""
        return sum(len(upload.content) for upload in self._open.values())

    def take(self, request: CoapRequest, block: Block, most_bytes: int) -> bytes | CoapAnswer:
        """Take a block.

        Args:
            request: of which the payload is one block.
            block: which one.
            most_bytes: how long the whole payload may be.

        Returns:
            The whole payload with its last block; before, what the block is answered.

        Raises:
            CoapRefused: it is out of order, too long, or there is no room; its upload is gone.
        """
        now_s = self._now_s()
        self._expire(now_s)
        key = _key(request)
        upload = self._open.pop(key, None)
        if upload is not None and upload.last == (block, request.payload):
            # A repetition, so the last block has not come yet. It does not prolong the upload.
            self._open[key] = upload
            return _continue(block)
        if block.number == 0:
            upload = _Upload(now_s)
        if upload is None or block.number * block.size_bytes != len(upload.content):
            raise _incomplete("a block is out of order, or its upload is over")
        size = len(request.payload)
        is_short = size < block.size_bytes if block.more else not size and block.number > 0
        if size > block.size_bytes or is_short:
            raise _incomplete("a block has another length than its option says")
        announced = from_uint(request.option(Option.SIZE1) or b"")
        if max(announced, len(upload.content) + size) > most_bytes:
            raise too_large("payload", most_bytes)
        upload.content += request.payload
        if not block.more:
            return bytes(upload.content)
        self._require_room(request.peer)
        upload.last = block, request.payload
        self._keep(key, upload, now_s)
        return _continue(block)

    def _keep(self, key: _Key, upload: _Upload, now_s: float) -> None:
        upload.last_s = now_s
        self._open[key] = upload

    def _expire(self, now_s: float) -> None:
        for key in [*self._open]:
            if now_s - self._open[key].last_s >= UPLOAD_S:
                del self._open[key]

    def _require_room(self, peer: bytes) -> None:
        own = sum(key[0] == peer for key in self._open)
        if own >= UPLOADS_PER_PEER or len(self._open) >= UPLOADS:
            waits = ((Option.MAX_AGE, to_uint(RETRY_S)),)
            problem = "too many uploads are open"
            raise CoapRefused(Code.UNAVAILABLE, "busy", problem, waits)


def _key(request: CoapRequest) -> _Key:
    tag = request.option(Option.REQUEST_TAG) or b""
    return request.peer, request.method, request.path, request.query, tag


def _continue(block: Block) -> CoapAnswer:
    return CoapAnswer(Code.CONTINUE, options=((Option.BLOCK1, encode_block(block)),))


def _incomplete(problem: str) -> CoapRefused:
    return CoapRefused(Code.INCOMPLETE, "incomplete", problem)
