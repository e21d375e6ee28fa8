"""The manager: judges each request in one order, and answers it (TC-MGMT-01).

It changes the device between two slices of its run, and never waits.
"""

from dataclasses import replace
from typing import Final

from tinycontainer.errors import TinyContainerError

from .published import Published
from .requests.blocks import Uploads, decode_block
from .requests.message import (
    MAX_URI_PARTS,
    CoapAnswer,
    CoapRequest,
    Code,
    Format,
    Method,
    Option,
    from_uint,
)
from .requests.needs import RIGHTS_OF_PAYLOADS, needed_rights
from .requests.options import require_format, require_known_options
from .requests.published_table import CONTAINER_PATH, DEVICE_ID_PATH
from .requests.published_table import OPTIONS as PUBLISHED_OPTIONS
from .requests.rates import Rates
from .requests.refusing import CoapRefused, too_large, too_often
from .requests.rights import KnownPeer, Peers
from .requests.target import Target
from .resources import Resources

_OF_PAYLOADS: Final = frozenset({Option.BLOCK1})


class Manager:
    """Answers requests.

    Args:
        peers: who is known.
        rates: bounds how often each peer may ask.
        uploads: keeps what comes in blocks.
        published: version 1.
        resources: version 2.
    """

    def __init__(
        self,
        peers: Peers,
        rates: Rates,
        uploads: Uploads,
        published: Published,
        resources: Resources,
    ) -> None:
        self._peers = peers
        self._rates = rates
        self._uploads = uploads
        self._published = published
        self._resources = resources

    def handle(self, request: CoapRequest) -> CoapAnswer:
        """Answer a request, whatever it is."""
        try:
            answer = self._judge(request)
            accepted = request.option(Option.ACCEPT)
            if answer.code is Code.CONTENT and accepted is not None and answer.format is not None:
                require_format(accepted, answer.format, Code.NOT_ACCEPTABLE)
        except CoapRefused as refusal:
            return refusal.answer()
        except TinyContainerError as error:  # the state cannot be read
            return CoapRefused.of(error).answer()
        return answer

    def _judge(self, request: CoapRequest) -> CoapAnswer:
        peer = self._peers.find(request.peer)
        if peer is None:
            raise CoapRefused(Code.UNAUTHORIZED, "unauthorized", "this peer is not known")
        wait_s = self._rates.admit(request.peer)
        if wait_s > 0:
            raise too_often(wait_s)
        if max(len(request.path), len(request.query)) > MAX_URI_PARTS:
            raise CoapRefused(Code.BAD_REQUEST, "bad-request", "path or query: too many parts")
        if request.path in (CONTAINER_PATH, DEVICE_ID_PATH):
            require_known_options(request, PUBLISHED_OPTIONS)
            return self._published.handle(request)
        return self._judge_resource(request, peer)

    def _judge_resource(self, request: CoapRequest, peer: KnownPeer) -> CoapAnswer:
        target = Target.of(request)
        rights = needed_rights(request, target)
        limit_bytes = self._resources.payload_limit(request, target)
        known = _OF_PAYLOADS if limit_bytes else frozenset()
        if request.method is Method.PUT:
            known |= {Option.IF_MATCH}
        require_known_options(request, known)
        # For these, about which containers they are is known when the payload has come.
        is_open = request.method is Method.POST and target.kind in RIGHTS_OF_PAYLOADS
        for right in rights:
            if not (right in peer.rights if is_open else peer.may(right, target.uid)):
                problem = f"{peer.name} has no right to {right}"
                raise CoapRefused(Code.FORBIDDEN, "forbidden", problem)
        given = request.option(Option.CONTENT_FORMAT)
        if given is not None and limit_bytes:
            wanted = Format.CBOR if target.kind == "metadata" else Format.OCTETS
            require_format(given, wanted, Code.UNSUPPORTED_FORMAT)
        payload = self._receive(request, limit_bytes)
        if isinstance(payload, CoapAnswer):
            return payload
        answer = self._resources.handle(request, target, peer, payload)
        last_block = request.option(Option.BLOCK1)
        if last_block is None:
            return answer
        return replace(answer, options=(*answer.options, (Option.BLOCK1, last_block)))

    def look(self, request: CoapRequest) -> CoapAnswer:
        """Answer an observer again: as it has sent no request, none is counted."""
        try:
            peer = self._peers.find(request.peer)
            if peer is None:
                raise CoapRefused(Code.UNAUTHORIZED, "unauthorized", "this peer is not known")
            return self._resources.handle(request, Target.of(request), peer, b"")
        except CoapRefused as refusal:
            return refusal.answer()

    def _receive(self, request: CoapRequest, limit_bytes: int) -> bytes | CoapAnswer:
        option = request.option(Option.BLOCK1)
        if option is not None:
            return self._uploads.take(request, decode_block(option), limit_bytes)
        size = request.option(Option.SIZE1)
        if max(len(request.payload), from_uint(size or b"")) > limit_bytes:
            raise too_large("payload", limit_bytes)
        return request.payload
