"""Where a device or a gateway is served."""

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

DEFAULT_PORT: Final = 5683
"""Of CoAP."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where something is served.

    Attributes:
        host: an IP address.
        port: of UDP or TCP.
    """

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine reaches it."""
        return ip_address(self.host).is_loopback

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @classmethod
    def parse(cls, text: str, default_port: int = DEFAULT_PORT) -> "Address":
        """Read an address such as ``[::1]:5683`` or ``127.0.0.1``.

        Args:
            text: the address.
            default_port: the port of one that names none.

        Raises:
            ValueError: it is no address.
        """
        host, port = text, str(default_port)
        if text.startswith("["):
            host, bracket, rest = text[1:].partition("]")
            if not bracket or (rest and not rest.startswith(":")):
                raise ValueError("it is no address such as [::1]:5683")
            port = rest[1:] or port
        elif text.count(":") == 1:
            host, _, port = text.partition(":")
        if not (port.isascii() and port.isdigit() and 0 < int(port) < 1 << 16):
            raise ValueError("the port is not 1 to 65535")
        return cls(str(ip_address(host)), int(port))
