"""Who asks the directory, from where, and which base URI it may register."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final, TypeAlias

from tinycontainer.interfaces.network.coap_uri import CoapUri, parse_coap_uri
from tinycontainer.network.agent.requests.refusing import bad_request

MAX_BASE_CHARACTERS: Final = 128

_Ip: TypeAlias = IPv4Address | IPv6Address
_SCHEME: Final = "coap://"
_BROADCAST: Final = IPv4Address("255.255.255.255")


def host_of(base: str) -> str:
    """The host of a base URI in its one form, as it stands there: IPv6 in brackets."""
    return base.removeprefix(_SCHEME).rpartition(":")[0]


def without_zone(base: str) -> str:
    """A base URI as others may see it: without the zone of an address (RFC 9176, section 6.1)."""
    address, percent, rest = base.partition("%")
    return f"{address}{rest[rest.index(']') :]}" if percent else base


@dataclass(frozen=True, slots=True)
class Requester:
    """Who asks.

    Attributes:
        identity: the name that OSCORE has proved; empty if the request was not protected.
        source: ``coap://host:port`` of the datagram, in its one form.
    """

    identity: str
    source: str

    @classmethod
    def of(cls, identity: str, source: str) -> "Requester":
        """Who has sent a datagram.

        Args:
            identity: the name that OSCORE has proved; empty if none.
            source: ``coap://host:port`` of the datagram; the host is an IP address.

        Raises:
            ValueError: the source is no such URI.
        """
        uri = parse_coap_uri(source)
        return cls(identity, _one_form(_unmapped(ip_address(uri.host)), uri.port))

    @property
    def host(self) -> str:
        """From where it asks: IPv6 in brackets."""
        return host_of(self.source)

    @property
    def is_loopback(self) -> bool:
        """Whether it is on this machine."""
        return parse_coap_uri(self.source).is_loopback

    def read_base(self, text: str) -> str:
        """Read a base URI that it registers.

        The gateway will send requests there, so it is an address, and none by which a device could
        have the gateway ask itself, or many at once.

        Args:
            text: untrusted.

        Returns:
            The URI in its one form.

        Raises:
            CoapRefused: it is no URI of an address, or not one that the requester may give.
        """
        try:
            uri = parse_coap_uri(text[: MAX_BASE_CHARACTERS + 1])
            address = _unmapped(ip_address(uri.host))
        except ValueError:
            raise bad_request("base: is no URI such as coap://[2001:db8::7]:5683") from None
        if uri.path or len(text) > MAX_BASE_CHARACTERS or text.endswith(("?", "#")):
            raise bad_request("base: has more than a scheme, an address and a port")
        self._require_usable(address, uri)
        return _one_form(address, uri.port)

    def _require_usable(self, address: _Ip, uri: CoapUri) -> None:
        if address.is_multicast or address.is_unspecified or address == _BROADCAST:
            raise bad_request("base: is not the address of one device")
        if isinstance(address, IPv6Address) and (address.is_link_local or address.scope_id):
            raise bad_request("base: is of one link; leave it out, and the source is taken")
        if address.is_loopback and not self.is_loopback:
            raise bad_request("base: is a loopback address, and the request came from elsewhere")
        if not self.identity and host_of(_one_form(address, uri.port)) != self.host:
            raise bad_request("base: is another host than that which asks without protection")


def _unmapped(address: _Ip) -> _Ip:
    """An IPv4 address that is written as one of IPv6 is one of IPv4: it has one form."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _one_form(address: _Ip, port: int) -> str:
    return CoapUri(str(address), "", port).origin
