"""Parameters of a registration: what a query may say, and within which bounds (RFC 9176, 5)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from tinycontainer.network.agent.requests.refusing import bad_request
from tinycontainer.text import show

MAX_QUERY_PARTS: Final = 16
MAX_PART_CHARACTERS: Final = 255
"""Of a segment of a path or a part of a query; CoAP has at most 255 bytes (RFC 7252, 5.10)."""
MAX_ATTRIBUTES: Final = 8
MAX_ATTRIBUTE_BYTES: Final = 128
"""Of the value of one."""
WIRE_LIFETIMES_S: Final = range(1, 1 << 32)
SLEEPS_S: Final = range(86_400 + 1)
AWAKES_S: Final = range(1, 3600 + 1)

_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,63}")
_ATTRIBUTE_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,32}")
_OWN: Final = frozenset({"ep", "d", "lt", "base", "sleep", "awake"})
_OF_LINKS: Final = frozenset(
    {"anchor", "ct", "href", "hreflang", "if", "media", "rel", "rev", "rt", "sz", "title", "type"}
)
_RESERVED: Final = _OF_LINKS | {"count", "page"}
"""What these mean in a link or a lookup is fixed: an attribute of this name could not be shown."""
_MAX_DIGITS: Final = 10

Attributes: TypeAlias = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a query says of a registration. None stands for what it does not say.

    Attributes:
        name: of the endpoint (``ep``).
        sector: ``d``.
        lifetime_s: ``lt``, 1 to 4294967295.
        base: ``base``, untrusted.
        sleep_s: ``sleep``, 0 to 86400.
        awake_s: ``awake``, 1 to 3600.
        attributes: all others, in their order.
    """

    name: str | None = None
    sector: str | None = None
    lifetime_s: int | None = None
    base: str | None = None
    sleep_s: int | None = None
    awake_s: int | None = None
    attributes: Attributes = ()


def read_parameters(query: Sequence[str]) -> Parameters:
    """Read the query of a registration or of its update.

    Args:
        query: its parts, untrusted; not more and not longer than the bounds of this module.

    Raises:
        CoapRefused: a parameter of ours is malformed or repeated, or an attribute out of bounds.
    """
    own: dict[str, str] = {}
    others: list[tuple[str, str]] = []
    for part in query:
        name, _, value = part.partition("=")
        if name not in _OWN:
            others.append((name, value))
        elif name in own:
            raise bad_request(f"{name}: is there twice")
        else:
            own[name] = value
    require_attributes(tuple(others))
    sector = own.get("d")
    return Parameters(
        _read_name("ep", own.get("ep")),
        _read_name("d", sector) if sector else sector,
        _read_seconds("lt", own.get("lt"), WIRE_LIFETIMES_S),
        own.get("base"),
        _read_seconds("sleep", own.get("sleep"), SLEEPS_S),
        _read_seconds("awake", own.get("awake"), AWAKES_S),
        tuple(others),
    )


def merge_attributes(before: Attributes, after: Attributes) -> Attributes:
    """Attributes after an update: those that it names replace all of the same name.

    Raises:
        CoapRefused: they are too many together.
    """
    named = {name for name, _ in after}
    merged = (*(each for each in before if each[0] not in named), *after)
    require_attributes(merged)
    return merged


def require_attributes(attributes: Attributes) -> None:
    """Refuse attributes that could not be kept or shown.

    Raises:
        CoapRefused: they are too many, or one is malformed or too long.
    """
    if len(attributes) > MAX_ATTRIBUTES:
        raise bad_request(f"there are more than {MAX_ATTRIBUTES} further parameters")
    for name, value in attributes:
        if not is_attribute(name, value):
            raise bad_request(
                f"{show(name, 32)}: its name is reserved, or has other characters than letters,"
                f" digits and . _ -, or its value is not printable or longer than"
                f" {MAX_ATTRIBUTE_BYTES} bytes"
            )


def is_attribute(name: str, value: str) -> bool:
    """Whether this can be a further parameter of a registration."""
    if _ATTRIBUTE_NAME.fullmatch(name) is None or name in _OWN or name in _RESERVED:
        return False
    is_short = len(value) <= MAX_ATTRIBUTE_BYTES
    return is_short and value.isprintable() and len(value.encode()) <= MAX_ATTRIBUTE_BYTES


def is_name(text: str) -> bool:
    """Whether this can name an endpoint or a sector."""
    return _NAME.fullmatch(text) is not None


def read_number(name: str, text: str, allowed: range) -> int:
    """Read a number of a query.

    Raises:
        CoapRefused: it is none, or out of range.
    """
    is_short = text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS
    if not is_short or int(text) not in allowed:
        raise bad_request(f"{name}: is no whole number from {allowed[0]} to {allowed[-1]}")
    return int(text)


def _read_seconds(name: str, text: str | None, allowed: range) -> int | None:
    return None if text is None else read_number(name, text, allowed)


def _read_name(name: str, text: str | None) -> str | None:
    if text is not None and not is_name(text):
        raise bad_request(f"{name}: is not 1 to 63 letters, digits and . _ -")
    return text
