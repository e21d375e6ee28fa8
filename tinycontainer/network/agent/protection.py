"""OSCORE and EDHOC: who asks is proved before anything else is read (TC-MGMT-13, TC-MGMT-15).

The library's wrapper lets unprotected requests pass. This site comes before it, and answers them.
It also bounds what strangers who begin an exchange of keys can make the device keep and compute.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from aiocoap import credentials, edhoc, error, interfaces, oscore, oscore_sitewrapper

from tinycontainer.interfaces.network.edhoc_identity import Credential, Identity

from .coap_server import PipeResource, write_answer
from .edhoc_messages import is_panic, is_readable_alone, is_readable_combined
from .requests.message import CoapAnswer, Code, Method, Option, to_uint
from .requests.rates import Rates
from .requests.refusing import CoapRefused, bad_request

MAX_SESSIONS: Final = 24
"""Sessions that EDHOC has made; a client whose session was forgotten begins another one."""
MAX_EXCHANGES: Final = 8
"""Exchanges of keys that were begun. There are 48 identifiers for exchanges and sessions."""
EXCHANGE_MESSAGES_PER_S: Final = 20
_OSCORE: Final = 9
_EDHOC: Final = 21
_OUTER_METHODS: Final = frozenset({2, 5})
"""POST, and FETCH for those who observe."""
_EXCHANGE_PATH: Final = (".well-known", "edhoc")
_OUTSIDE: Final = frozenset({_OSCORE, *Option})
"""Options that are allowed outside; those among them that belong inside are ignored there."""


@dataclass(frozen=True, slots=True)
class Protection:
    """How a device recognises its peers.

    Attributes:
        contexts: the open OSCORE context of each peer that has one, by name.
        identity: the device's own, for EDHOC; None without it.
        credentials: of each peer that has one, by name.
    """

    contexts: Mapping[str, Any] = field(default_factory=dict)
    identity: Identity | None = None
    credentials: Mapping[str, Credential] = field(default_factory=dict)


class _Known(credentials.CredentialsMap):  # type: ignore[misc]
    """All contexts and credentials; the library puts its sessions in here, without a bound."""

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, value)
        if isinstance(value, edhoc.EdhocResponderContext):
            self._forget(MAX_EXCHANGES, is_session=False)
            self._forget(MAX_SESSIONS, is_session=True)

    def _forget(self, most: int, *, is_session: bool) -> None:
        """Forget the oldest of a kind beyond a number."""
        found = [
            key
            for key, value in self.items()
            if isinstance(value, edhoc.EdhocResponderContext)
            and hasattr(value, "recipient_replay_window") is is_session
        ]
        for key in found[: max(0, len(found) - most)]:
            del self[key]


class _Wrapper(oscore_sitewrapper.OscoreSiteWrapper):  # type: ignore[misc]
    """The library's wrapper, with one identity whatever the device is called by."""

    identity: Any = None

    def _get_edhoc_identity(self, _origin: str) -> Any:
        return self.identity


class ProtectedSite(PipeResource):
    """Lets in what one of its peers has protected; the answers are protected as well.

    Args:
        site: what is protected; its requests carry the name of the peer.
        protection: how peers are recognised.
        now_s: monotonic seconds.
    """

    def __init__(
        self, site: interfaces.Resource, protection: Protection, now_s: Callable[[], float]
    ) -> None:
        known = _Known()
        for name, context in protection.contexts.items():
            context.authenticated_claims = [name]
            known[name] = context
        for name, credential in protection.credentials.items():
            known[name] = edhoc.EdhocCredentials(suite=2, method=3, peer_cred=credential)
        self._wrapper = _Wrapper(site, known)
        if protection.identity is not None:
            self._wrapper.identity = own_credentials(protection.identity)
        self._rates = Rates(now_s, per_s=EXCHANGE_MESSAGES_PER_S, burst=2 * MAX_EXCHANGES, shared=1)
        self._log = logging.getLogger("coap-server")

    async def render_to_pipe(self, pipe: Any) -> None:
        """Answer a request."""
        message = pipe.request
        try:
            refused = self._refuse(message)
            if refused is None:
                await self._wrapper.render_to_pipe(pipe)
                return
        except error.RenderableError:
            raise
        except BaseException as problem:  # foreign code reads what strangers have sent
            if not isinstance(problem, Exception) and not is_panic(problem):
                raise
            self._log.warning("refused with 4.00: %s", type(problem).__name__)
            raise error.BadRequest from problem
        self._log.warning("refused with %s: %s", refused.code.dotted, message.remote.uri)
        message.payload = b""  # it is kept for a while with its answer
        pipe.add_response(write_answer(refused), is_last=True)

    def _refuse(self, message: Any) -> CoapAnswer | None:
        """The answer to a message that the library does not get; None if it may have it."""
        path = tuple(message.opt.uri_path)
        has_identity = self._wrapper.identity is not None
        if has_identity and path == _EXCHANGE_PATH and message.opt.oscore is None:
            refused = self._limit()
            is_message = int(message.code) == Method.POST
            is_readable = is_readable_alone
        else:
            refused = _refuse_unprotected(message, path, has_identity=has_identity)
            is_message = message.opt.edhoc
            is_readable = is_readable_combined
        if refused is None and is_message and not is_readable(message.payload):
            return bad_request("a message of an exchange of keys cannot be read").answer()
        return refused

    def _limit(self) -> CoapAnswer | None:
        """The answer to one message of an exchange of keys too many."""
        wait_s = self._rates.admit(b"")
        if wait_s == 0:
            return None
        age = ((Option.MAX_AGE, to_uint(int(wait_s) + 1)),)
        problem = "too many begin an exchange of keys"
        return CoapRefused(Code.TOO_MANY_REQUESTS, "too-many-requests", problem, age).answer()


def own_credentials(identity: Identity, peer: Credential | None = None) -> Any:
    """An identity as the library wants it.

    Args:
        identity: one's own.
        peer: the other side, for the one who begins.
    """
    return edhoc.EdhocCredentials(
        suite=2,
        method=3,
        own_cred_style="by-value",
        own_cred=identity.credential,
        private_key=identity.private_key,
        peer_cred=peer,
        # Its third message beside a block of an upload would be more than a datagram holds.
        use_combined_edhoc=False,
    )


def _refuse_unprotected(
    message: Any, path: tuple[str, ...], *, has_identity: bool
) -> CoapAnswer | None:
    """The answer to a request that is not protected as it must be; None if it may be opened."""
    numbers = [int(option.number) for option in message.opt.option_list()]
    is_possible = int(message.code) in _OUTER_METHODS
    if _OSCORE not in numbers or path or not is_possible:
        # With a path outside, the library would treat it as an exchange of keys.
        refusal = CoapRefused(Code.UNAUTHORIZED, "unauthorized", "only protected requests")
        return refusal.answer()
    outside = _OUTSIDE | {_EDHOC} if has_identity else _OUTSIDE
    unknown = [number for number in numbers if number % 2 and number not in outside]
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
