"""URIs of CoAP, read strictly: `remote` and the driver `coap` accept the same ones."""

import re
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Final
from urllib.parse import urlsplit

DEFAULT_PORT: Final = 5683
"""Of CoAP over UDP (RFC 7252, section 6.1)."""

_MAX_CHARACTERS: Final = 2048
_HOST_AND_PORT: Final = re.compile(r"(?:\[(?P<address>[^\[\]]+)\]|(?P<name>[^\[\]:]+))(?::[0-9]*)?")
_NAME: Final = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?")


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
            host = self.host.encode("idna").decode("ascii")
        return f"coap://[{host}]:{self.port}" if ":" in host else f"coap://{host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether it is surely this machine: a name can mean any."""
        return is_loopback(self.host)


def is_loopback(host: str) -> bool:
    """Whether a host is surely this machine: an address says so, and a name can mean any."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def parse_coap_uri(text: str) -> CoapUri:
    """Read a URI such as ``coap://[2001:db8::7]/reports``: no user, no query, no fragment.

    Raises:
        ValueError: it is no such URI.
    """
    # The library would cut these out of a URI before it takes it apart.
    is_sound = text.isprintable() and " " not in text
    try:
        parts = urlsplit(text[: _MAX_CHARACTERS + 1])
        port = parts.port
        is_sound &= parts.scheme == "coap" and port != 0 and names_host(parts.netloc)
    except ValueError:
        is_sound = False
    if len(text) > _MAX_CHARACTERS or not is_sound or parts.query or parts.fragment:
        raise ValueError("is no URI such as coap://[::1]:5683/reports")
    return CoapUri(parts.hostname or "", parts.path, DEFAULT_PORT if port is None else port)


def names_host(netloc: str) -> bool:
    """Whether this is a name or an address, with a port or without; some libraries take more.

    Args:
        netloc: what stands between the slashes of a URI and its path.

    Raises:
        ValueError: it is not.
    """
    found = _HOST_AND_PORT.fullmatch(netloc)
    if found is None:
        return False
    if found["address"] is not None:
        return bool(IPv6Address(found["address"]))
    return _NAME.fullmatch(found["name"].encode("idna").decode("ascii")) is not None
