"""Who asks over HTTP, and what that one may do."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from ipaddress import ip_address
from typing import Final

from starlette.datastructures import Headers

from ..gateway_file import TokenTable, TokenVerb
from .problems import HttpRefused

MAX_TOKEN_CHARACTERS: Final = 512
_SCHEME: Final = "bearer "
_CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="gateway"'}
_HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::[0-9]{1,5})?")


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody who may ask.

    Attributes:
        name: of the token; empty for everybody.
        verbs: what it may do.
        groups: to devices of which groups; None for all devices.
    """

    name: str
    verbs: frozenset[TokenVerb]
    groups: frozenset[str] | None = None

    def may(self, verb: TokenVerb) -> bool:
        """Whether it may do this at all."""
        return verb in self.verbs

    def reaches(self, groups: frozenset[str]) -> bool:
        """Whether it may do it to a device of these groups."""
        return self.groups is None or not self.groups.isdisjoint(groups)


EVERYBODY: Final = Holder("", frozenset(TokenVerb))


class Access:
    """Knows the holders of tokens by the hashes of these.

    Args:
        tokens: of the gateway's file; none if everybody may do everything.
    """

    def __init__(self, tokens: Iterable[TokenTable]) -> None:
        self._holders = {
            bytes.fromhex(token.sha256): Holder(
                token.name,
                frozenset(token.verbs),
                None if token.groups is None else frozenset(token.groups),
            )
            for token in tokens
        }

    @property
    def has_holders(self) -> bool:
        """Whether tokens are needed."""
        return bool(self._holders)

    def find(self, name: str) -> Holder | None:
        """The holder of this name; None if there is none, or none any more."""
        if not self._holders:
            return EVERYBODY if name == EVERYBODY.name else None
        return next((each for each in self._holders.values() if each.name == name), None)

    def identify(self, headers: Headers) -> Holder:
        """Who sends a request with these header fields.

        Raises:
            HttpRefused: nobody who is known; or, where everybody may ask, a page of another site.
        """
        if not self._holders:
            _require_same_site(headers)
            return EVERYBODY
        fields = headers.getlist("authorization")
        # Of two, a proxy on the way may have looked at the other one.
        given = fields[0] if len(fields) == 1 else ""
        if given[: len(_SCHEME)].lower() != _SCHEME or len(given) > MAX_TOKEN_CHARACTERS:
            raise HttpRefused(401, "unauthorized", "a bearer token is needed", _CHALLENGE)
        # Whoever measures how long the search takes learns of hashes, and no token from these.
        digest = sha256(given[len(_SCHEME) :].strip().encode()).digest()
        holder = self._holders.get(digest)
        if holder is None:
            raise HttpRefused(401, "unauthorized", "this token is not known", _CHALLENGE)
        return holder


def _require_same_site(headers: Headers) -> None:
    """Refuse what a browser sends for a page of somebody else.

    Without tokens, whoever is on this machine may do everything; the pages that somebody on this
    machine looks at may not.
    """
    host = headers.get("host", "")
    found = _HOST.fullmatch(host)
    is_local = found is not None and _is_loopback(found[1].strip("[]").lower())
    origin = headers.get("origin", "")
    is_own = not origin or origin.partition("://")[2] == host
    if not is_local or not is_own:
        problem = "without tokens, only pages and programs of this machine are answered"
        raise HttpRefused(403, "forbidden", problem)
    if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        raise HttpRefused(403, "forbidden", "this is asked by a page of another site")


def _is_loopback(name: str) -> bool:
    """Whether a name is surely one of this machine: any other can be made to lead here."""
    try:
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return False
