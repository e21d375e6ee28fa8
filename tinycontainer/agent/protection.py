"""OSCORE (RFC 8613): who asks is proved before anything else is read (TC-MGMT-13).

The library's wrapper lets unprotected requests pass; this one stands before it, and answers them.
"""

import logging
from collections.abc import Mapping
from typing import Any, Final

from aiocoap import credentials, interfaces, oscore, oscore_sitewrapper

from .coap_server import write_answer
from .requests.message import CoapAnswer, Code, Option
from .requests.refusing import CoapRefused

_OSCORE: Final = 9
_OUTSIDE: Final = frozenset({_OSCORE, *Option})
"""Options that can stand outside; what stands there and belongs inside is passed over."""


class ProtectedSite(interfaces.Resource):  # type: ignore[misc]
    """Lets in what one of its peers has protected; the answers are protected as well.

    Args:
        site: what is protected.
        contexts: the open context of each peer, by the name that the site is told.
    """

    def __init__(self, site: interfaces.Resource, contexts: Mapping[str, Any]) -> None:
        known = credentials.CredentialsMap()
        for name, context in contexts.items():
            context.authenticated_claims = [name]
            known[f":{name}"] = context
        self._wrapper = oscore_sitewrapper.OscoreSiteWrapper(site, known)
        self._log = logging.getLogger("coap-server")

    async def render_to_pipe(self, pipe: Any) -> None:
        """Answer a request."""
        refused = _refuse(pipe.request)
        if refused is None:
            await self._wrapper.render_to_pipe(pipe)
            return
        self._log.warning("refused with %s: %s", refused.code.dotted, pipe.request.remote.uri)
        pipe.add_response(write_answer(refused), is_last=True)

    # The rest of the interface is for what aiocoap would do in place of `render_to_pipe`.

    async def render(self, request: Any) -> Any:
        """Not used."""
        raise NotImplementedError

    async def needs_blockwise_assembly(self, request: Any) -> bool:
        """Never: only what stands inside is in blocks."""
        return False

    def get_resources_as_linkheader(self) -> Any:
        """Not used."""
        raise NotImplementedError


def _refuse(message: Any) -> CoapAnswer | None:
    """The answer to a request that is not protected as it must be; None if it may be opened."""
    numbers = [int(option.number) for option in message.opt.option_list()]
    if _OSCORE not in numbers or tuple(message.opt.uri_path):
        # With a path outside, the library would take it for an exchange of keys.
        refusal = CoapRefused(Code.UNAUTHORIZED, "unauthorized", "only protected requests")
        return refusal.answer()
    unknown = [number for number in numbers if number % 2 and number not in _OUTSIDE]
    if unknown:
        return _bad_option(f"option {unknown[0]} is critical and not known here")
    try:
        found = oscore.verify_start(message)
    except (oscore.ProtectionInvalid, IndexError):  # the latter for a length that is missing
        return _bad_option("the OSCORE option cannot be read")
    if numbers.count(_OSCORE) > 1 or oscore.COSE_COUNTERSIGNATURE0 in found:
        return _bad_option("the OSCORE option is there more than once, or of a group")
    return None


def _bad_option(problem: str) -> CoapAnswer:
    return CoapRefused(Code.BAD_OPTION, "bad-option", problem).answer()
