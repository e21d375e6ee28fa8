"""URIs of CoAP, read strictly: `remote` and the driver `coap` accept the same ones."""

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

DEFAULT_PORT: Final = 5683
"""Of CoAP over UDP (RFC 7252, section 6.1)."""


@dataclass(frozen=True, slots=True)
class CoapUri:
    """A URI that was read.

    Attributes:
        host: a name or an IP address, without brackets.
        path: of a resource; empty or a slash if it names none.
        port: 1 to 65535; the default port if it names none.
    """

    host: str
    path: str
    port: int = DEFAULT_PORT

    @property
    def origin(self) -> str:
        """Scheme, host and port in one form: two URIs of one server have the same."""
        try:
            host = str(ip_address(self.host))
        except ValueError:
            host = self.host.encode("idna").decode("ascii").lower()
        return f"coap://[{host}]:{self.port}" if ":" in host else f"coap://{host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether it is surely this machine: a name can mean any."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False


def parse_coap_uri(text: str) -> CoapUri:
    """Read a URI such as ``coap://[2001:db8::7]/reports``: no user, no query, no fragment.

    Raises:
        ValueError: it is no such URI.
    """
    port: int | None = None
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
        host.encode("idna")
        port = parts.port
        is_sound = parts.scheme == "coap" and bool(host) and port != 0
        # The library would cut these out of a URI before it takes it apart.
        is_sound &= text.isprintable() and " " not in text
    except ValueError:
        is_sound = False
    if not is_sound or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError("is no URI such as coap://[::1]:5683/reports")
    return CoapUri(host, parts.path, DEFAULT_PORT if port is None else port)
