"""URIs of CoAP, read strictly: `remote` and the driver `coap` accept the same ones."""

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class CoapUri:
    """A URI that was read.

    Attributes:
        host: a name or an IP address, without brackets.
        path: of a resource; empty or a slash if it names none.
    """

    host: str
    path: str

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
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
        host.encode("idna")
        is_sound = parts.scheme == "coap" and bool(host) and parts.port != 0
    except ValueError:
        is_sound = False
    if not is_sound or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError("is no URI such as coap://[::1]:5683/reports")
    return CoapUri(host, parts.path)
