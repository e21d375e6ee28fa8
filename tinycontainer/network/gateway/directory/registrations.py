"""A registration as a value that is within its bounds, and what keeps registrations."""

import math
import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, Protocol

from tinycontainer.interfaces.network.coap_uri import parse_coap_uri

from .link_format import MAX_CONTENT_BYTES
from .parameters import (
    AWAKES_S,
    MAX_ATTRIBUTES,
    SLEEPS_S,
    Attributes,
    is_attribute,
    is_name,
)
from .requester import MAX_BASE_CHARACTERS, Requester, host_of

MAX_LIFETIME_S: Final = 90_000
"""25 hours: what RFC 9176 takes if a device names none, and here the longest too."""

_LOCATION: Final = re.compile(r"[0-9a-f]{16}")


class RegistrationChange(Enum):
    """What has become of a registration."""

    MADE = auto()
    """Or replaced: the endpoint has begun anew, and may have forgotten what it knew."""
    RENEWED = auto()
    DELETED = auto()


@dataclass(frozen=True, slots=True)
class Registration:
    """What an endpoint has said of itself, and when.

    Attributes:
        name: of the endpoint (``ep``): 1 to 63 letters, digits and . _ -
        sector: ``d``, of the same characters; empty if none.
        identity: the name that OSCORE has proved; empty if the request was not protected.
        location: last segment of its path ``/rd/{location}``: 16 hexadecimal digits.
        base: ``coap://host:port`` of the device, in its one form; the host is an IP address.
        lifetime_s: 1 to 90000, after the last registration or renewal.
        renewed_s: Unix time of the last registration or renewal.
        sleep_s: for how long it sleeps at the most, 0 to 86400; 0: it never sleeps.
        awake_s: for how long it can be reached after it was heard, up to 3600; at least 1 if it
            sleeps.
        attributes: further parameters of the registration, such as ``et``; at most 8.
        links: its links in link-format as it sent them, at most 4096 bytes, checked.
        is_base_given: whether it named the base itself; if not, the base is its last source.

    Raises:
        ValueError: one of them is beyond its bounds.
    """

    name: str
    sector: str
    identity: str
    location: str
    base: str
    lifetime_s: int
    renewed_s: float
    sleep_s: int = 0
    awake_s: int = 0
    attributes: Attributes = ()
    links: str = ""
    is_base_given: bool = False

    def __post_init__(self) -> None:
        _require("name", is_name(self.name))
        _require("sector", not self.sector or is_name(self.sector))
        _require("identity", not self.identity or is_name(self.identity))
        _require("location", _LOCATION.fullmatch(self.location) is not None)
        is_short = len(self.base) <= MAX_BASE_CHARACTERS
        _require("base", is_short and parse_coap_uri(self.base).origin == self.base)
        _require("lifetime", 1 <= self.lifetime_s <= MAX_LIFETIME_S)
        _require("time", math.isfinite(self.renewed_s) and self.renewed_s >= 0)
        _require("sleep", self.sleep_s in SLEEPS_S)
        _require("awake", self.awake_s in AWAKES_S or self.awake_s == self.sleep_s == 0)
        are_sound = all(is_attribute(*each) for each in self.attributes)
        _require("attributes", are_sound and len(self.attributes) <= MAX_ATTRIBUTES)
        _require("links", len(self.links.encode()) <= MAX_CONTENT_BYTES)

    @property
    def expires_s(self) -> float:
        """Unix time from which on it has expired."""
        return self.renewed_s + self.lifetime_s

    @property
    def host(self) -> str:
        """Of its base; IPv6 in brackets."""
        return host_of(self.base)

    def is_live(self, now_s: float) -> bool:
        """Whether it has not expired.

        Args:
            now_s: Unix time.
        """
        return now_s < self.expires_s

    def is_of(self, requester: Requester) -> bool:
        """Whether it is the requester's own: of its identity or, without one, of its host."""
        is_same = self.identity == requester.identity
        return is_same and (bool(self.identity) or self.host == requester.host)


class RegistrationStore(Protocol):
    """Keeps registrations for the next start. A change is kept when its method returns."""

    def registrations(self) -> list[Registration]:
        """All that were kept.

        Raises:
            TinyContainerError: they cannot be read.
        """
        ...

    def keep_registration(self, registration: Registration) -> None:
        """Keep one; it replaces that of the same name and sector.

        Raises:
            TinyContainerError: it cannot be kept.
        """
        ...

    def forget_registration(self, name: str, sector: str) -> None:
        """Forget one, if it is kept.

        Raises:
            TinyContainerError: it cannot be forgotten.
        """
        ...


class MemoryRegistrationStore:
    """Keeps registrations as long as it lives."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], Registration] = {}

    def registrations(self) -> list[Registration]:
        """All that were kept."""
        return [*self._kept.values()]

    def keep_registration(self, registration: Registration) -> None:
        """Keep one; it replaces that of the same name and sector."""
        self._kept[registration.name, registration.sector] = registration

    def forget_registration(self, name: str, sector: str) -> None:
        """Forget one, if it is kept."""
        self._kept.pop((name, sector), None)


def _require(subject: str, is_sound: bool) -> None:
    if not is_sound:
        raise ValueError(f"{subject}: is malformed or out of bounds")
