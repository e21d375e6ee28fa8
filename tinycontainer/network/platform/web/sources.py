"""Where a request comes from: an address, and a page."""

from ipaddress import ip_address
from typing import Final

from starlette.requests import Request

from ..refusing import forbidden
from .parts import PlatformParts

_FORWARDED: Final = ("x-forwarded-for", "forwarded")


def source_address(request: Request, parts: PlatformParts) -> str:
    """The address of the client, or of the network that it comes from."""
    peer = request.client.host if request.client else ""
    if not parts.is_behind_proxy:
        return peer
    # The last one is what the proxy has added; those before it are what the client says.
    said = request.headers.getlist("x-forwarded-for")
    last = said[-1].rpartition(",")[2].strip() if said else ""
    return last if _is_address(last) else peer


def is_local(request: Request, parts: PlatformParts) -> bool:
    """Whether a request surely comes from this machine."""
    address = source_address(request, parts)
    is_forwarded = any(name in request.headers for name in _FORWARDED)
    return not is_forwarded and _is_address(address) and ip_address(address).is_loopback


def require_same_site(request: Request) -> None:
    """Refuse what a browser sends for a page of another site.

    Raises:
        PlatformRefused: it is sent for one.
    """
    if request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        raise forbidden("this is asked by a page of another site")
    origin = request.headers.get("origin", "")
    if origin and origin.partition("://")[2] != request.headers.get("host", ""):
        raise forbidden("this is asked by a page of another site")


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
