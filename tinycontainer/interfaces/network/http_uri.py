"""URIs of HTTP, read strictly: those of devices at a gateway, and what a gateway refers to."""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin, urlsplit

from .coap_uri import is_loopback, names_host

DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_MAX_CHARACTERS: Final = 2048
_CHARACTERS: Final = re.compile(r"[A-Za-z0-9._~%!$&'()*+,;=:@/\[\]-]+")
"""Of a URI without a query and a fragment (RFC 3986, appendix A)."""


@dataclass(frozen=True, slots=True)
class HttpUri:
    """A URI that was read.

    Attributes:
        scheme: ``http`` or ``https``.
        host: a name in small letters or an IP address, without brackets.
        port: 1 to 65535; that of the scheme if it names none.
        path: begins with a slash, or is empty.
    """

    scheme: str
    host: str
    port: int
    path: str

    @property
    def is_loopback(self) -> bool:
        """Whether it is surely this machine: a name can mean any."""
        return is_loopback(self.host)

    @property
    def name(self) -> str:
        """The last segment of its path, by which people call a device."""
        return self.path.rstrip("/").rpartition("/")[2]

    def resolve(self, reference: str) -> "HttpUri":
        """What a reference means that this server gave; it must lead to this server again.

        Raises:
            ValueError: it is no URI, or one of another server.
        """
        host = f"[{self.host}]" if ":" in self.host else self.host
        base = f"{self.scheme}://{host}:{self.port}{self.path}"
        try:
            is_sound = _CHARACTERS.fullmatch(reference) is not None
            found = parse_http_uri(urljoin(base, reference) if is_sound else "")
        except ValueError:
            raise ValueError("is no URI") from None
        if (found.scheme, found.host, found.port) != (self.scheme, self.host, self.port):
            raise ValueError("is the URI of another server")
        return found


def parse_http_uri(text: str) -> HttpUri:
    """Read a URI such as ``https://gateway/devices/box1``: no user, no query, no fragment.

    Raises:
        ValueError: it is no such URI.
    """
    # The library would cut some characters out of a URI before it takes it apart.
    is_sound = len(text) <= _MAX_CHARACTERS and _CHARACTERS.fullmatch(text) is not None
    try:
        parts = urlsplit(text if is_sound else "")
        port = parts.port
        is_sound &= parts.scheme in DEFAULT_PORTS and port != 0 and names_host(parts.netloc)
    except ValueError:
        is_sound = False
    if not is_sound:
        raise ValueError("is no URI such as https://gateway/devices/box1")
    port = DEFAULT_PORTS[parts.scheme] if port is None else port
    return HttpUri(parts.scheme, parts.hostname or "", port, parts.path)
