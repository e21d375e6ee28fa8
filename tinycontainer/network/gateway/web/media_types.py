"""Content formats of CoAP and media types of HTTP (RFC 8075, section 6)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from .problems import HttpRefused

JSON: Final = "application/json"
EVENT_STREAM: Final = "text/event-stream"
OSCORE: Final = "application/oscore"
OCTETS: Final = "application/octet-stream"
_TABLE: Final = {
    0: "text/plain; charset=utf-8",
    40: "application/link-format",
    42: OCTETS,
    50: JSON,
    60: "application/cbor",
    257: "application/concise-problem-details+cbor",
    10001: OSCORE,
}
_NUMBERS: Final = {name.partition(";")[0]: number for number, name in _TABLE.items()}
_ANY: Final = re.compile(r"application/coap-payload\s*;\s*cf=([0-9]{1,5})")
_FORM: Final = "application/x-www-form-urlencoded"
_MAX_CHARACTERS: Final = 512
_WEIGHT: Final = re.compile(r"q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)")


def media_type_of(content_format: int) -> str:
    """The media type of a content format; `application/coap-payload` for one without."""
    return _TABLE.get(content_format, f"application/coap-payload;cf={content_format}")


def content_format_of(media_type: str) -> int:
    """The content format of a media type.

    Raises:
        HttpRefused: it has none.
    """
    found = _find(media_type[:_MAX_CHARACTERS].strip().lower())
    if found is None:
        hint = ""
        if media_type.lower().startswith(_FORM):
            hint = "; with curl, write -H 'Content-Type: application/octet-stream'"
        raise HttpRefused(415, "unsupported-media-type", f"no device knows this media type{hint}")
    return found


def _find(media_type: str) -> int | None:
    numbered = _ANY.fullmatch(media_type)
    if numbered is not None:
        number = int(numbered[1])
        return number if number < 1 << 16 else None
    return _NUMBERS.get(media_type.partition(";")[0].strip())


@dataclass(frozen=True, slots=True)
class AcceptedTypes:
    """What a client accepts (RFC 9110, section 12.5.1).

    Attributes:
        ranges: media ranges in small letters, those that it prefers first; without those of
            weight 0.
    """

    ranges: tuple[str, ...]

    @classmethod
    def parse(cls, header: str | None) -> "AcceptedTypes":
        """Read a header field; without one, everything is accepted."""
        if header is None or not header.strip():
            return cls(("*/*",))
        return cls(_read_ranges(header[:_MAX_CHARACTERS].lower()))

    @property
    def wants_stream(self) -> bool:
        """Whether it is a stream of events, by this name."""
        return EVENT_STREAM in (each.partition(";")[0] for each in self.ranges)

    def choose(self, offers: Iterable[str]) -> str | None:
        """The offer that the client prefers; of equals, the first. None if it accepts none."""
        offered = [*offers]
        for media_range in self.ranges:
            for offer in offered:
                if _matches(media_range, offer):
                    return offer
        return None

    def content_format(self) -> int | None:
        """The content format that the client prefers, if it names one; None for any.

        Raises:
            HttpRefused: it accepts nothing that a device can have.
        """
        for media_range in self.ranges:
            if media_range.endswith("/*"):
                return None
            found = _find(media_range)
            if found is not None:
                return found
        raise HttpRefused(406, "not-acceptable", "no device has any of these media types")


@lru_cache(256)  # clients send few different ones, and each is read twice
def _read_ranges(header: str) -> tuple[str, ...]:
    weighted = []
    for entry in header.split(",")[:32]:
        media_range, *parameters = (part.strip() for part in entry.split(";"))
        kept = [each for each in parameters if not each.startswith("q=")]
        weights = [found for each in parameters if (found := _WEIGHT.fullmatch(each))]
        weight = float(weights[0][1]) if weights else 1.0
        if media_range and weight > 0:
            weighted.append((weight, ";".join([media_range, *kept])))
    weighted.sort(key=lambda each: -each[0])
    return tuple(media_range for _, media_range in weighted)


def _matches(media_range: str, offer: str) -> bool:
    name = offer.partition(";")[0]
    kind = name.partition("/")[0]
    return media_range.partition(";")[0] in (name, f"{kind}/*", "*/*")
