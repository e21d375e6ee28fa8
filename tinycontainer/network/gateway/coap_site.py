"""What the gateway answers over CoAP: the directory, and blobs for devices that fetch them.

What a device has protected is opened here, with the context that the gateway shares with it.
"""

from collections.abc import Callable
from hashlib import sha256
from typing import Any, Final

from tinycontainer.interfaces.network.coap_uri import parse_coap_uri

from ..agent.coap_server import PipeResource, cut_answer, read_request, write_answer
from ..agent.protection import ProtectedSite
from ..agent.requests.message import CoapAnswer, CoapRequest, Code, Format, Method, Option
from ..agent.requests.rates import Rates
from ..agent.requests.refusing import CoapRefused, bad_request, too_often
from .blobs import Blobs, BlobsBusy
from .directory.resources import DirectoryResources

BLOBS: Final = "blobs"
_ETAG_BYTES: Final = 8
_BUSY: Final = ((int(Option.MAX_AGE), b"\x05"),)


class GatewaySite(PipeResource):
    """Answers devices.

    Args:
        directory: where they register.
        blobs: that they fetch.
        rates: bounds how often each host may fetch blobs.
        is_near: whether a host is that of a device that is registered; for others, no blob is
            fetched from elsewhere.
    """

    def __init__(
        self,
        directory: DirectoryResources,
        blobs: Blobs,
        rates: Rates,
        is_near: Callable[[str], bool],
    ) -> None:
        self._directory = directory
        self._blobs = blobs
        self._rates = rates
        self._is_near = is_near

    async def render_to_pipe(self, pipe: Any) -> None:
        """Answer a request."""
        request = read_request(pipe.request)
        try:
            answer = await self._handle(request, pipe.request.remote)
            if request is not None:
                answer = cut_answer(request, answer)
        except CoapRefused as refusal:
            answer = refusal.answer()
        pipe.request.payload = b""  # it is kept for a while with its answer
        pipe.add_response(write_answer(answer), is_last=True)

    async def _handle(self, request: CoapRequest | None, remote: Any) -> CoapAnswer:
        if request is None:
            return CoapAnswer(Code.METHOD_NOT_ALLOWED)
        claims = [str(claim) for claim in getattr(remote, "authenticated_claims", ())]
        identity = claims[0] if len(claims) == 1 else ""
        if request.path[:1] == (BLOBS,):
            return await self._give(request, remote)
        return self._directory.handle(request, identity, str(remote.uri_base))

    async def _give(self, request: CoapRequest, remote: Any) -> CoapAnswer:
        """A blob: it is signed, and its hash is in what its device has got already."""
        host = parse_coap_uri(str(remote.uri_base)).host
        wait_s = self._rates.admit(host.encode())
        if wait_s > 0:
            raise too_often(wait_s)
        if request.method is not Method.GET:
            raise CoapRefused(Code.METHOD_NOT_ALLOWED, "method-not-allowed", "blobs are only read")
        digits = request.path[1] if len(request.path) == 2 else ""
        try:
            digest = bytes.fromhex(digits)
        except ValueError:
            digest = b""
        if len(digest) != sha256().digest_size:
            raise bad_request("a blob has a SHA-256 of 64 hexadecimal digits")
        try:
            found = await self._blobs.find(digest, lambda: self._is_near(host))
        except BlobsBusy:
            problem = "too many blobs are being fetched"
            raise CoapRefused(Code.UNAVAILABLE, "busy", problem, _BUSY) from None
        if found is None:
            raise CoapRefused(Code.NOT_FOUND, "unknown-blob", "no blob has this hash")
        etag = ((int(Option.ETAG), digest[:_ETAG_BYTES]),)
        return CoapAnswer(Code.CONTENT, found, Format.OCTETS, etag)


class DoubleSite(PipeResource):
    """Two doors: one for what is protected, one for what is not.

    Args:
        site: answers both; it sees who has proved to be whom.
        protected: opens what is protected, and gives it to the same site; None without devices.
    """

    def __init__(self, site: GatewaySite, protected: ProtectedSite | None) -> None:
        self._site = site
        self._protected = protected

    async def render_to_pipe(self, pipe: Any) -> None:
        """Answer a request."""
        is_protected = pipe.request.opt.oscore is not None
        if is_protected and self._protected is None:
            refusal = CoapRefused(Code.UNAUTHORIZED, "unauthorized", "no device is listed here")
            pipe.add_response(write_answer(refusal.answer()), is_last=True)
            return
        site = self._protected if is_protected and self._protected is not None else self._site
        await site.render_to_pipe(pipe)
