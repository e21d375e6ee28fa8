"""Content formats of CoAP and media types of HTTP (RFC 8075, section 6)."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from .problems import HttpRefused

JSON: Final = "application/json"
EVENT_STREAM: Final = "text/event-stream"
OSCORE: Final = "application/oscore"
OCTETS: Final = "application/octet-stream"
CBOR: Final = "application/cbor"
COSE: Final = 'application/cose; cose-type="cose-sign1"'
_TABLE: Final = {
    0: "text/plain; charset=utf-8",
    18: COSE,
    40: "application/link-format",
    42: OCTETS,
    50: JSON,
    60: CBOR,
    257: "application/concise-problem-details+cbor",
    10001: OSCORE,
}
_NUMBERS: Final = {name.partition(";")[0]: number for number, name in _TABLE.items()}
_ANY: Final = re.compile(r"application/coap-payload\s*;\s*cf=([0-9]{1,5})")
_FORM: Final = "application/x-www-form-urlencoded"
_MAX_CHARACTERS: Final = 512
_MAX_RANGES: Final = 32
_WILD: Final[Mapping[str, int | None]] = {"*/*": None, "application/*": None, "text/*": 0}
_CHARSET: Final = re.compile(r';\s*charset\s*=\s*(?!"?(?:utf-8|us-ascii)"?\s*(?:;|$))')
"""What is no text of CoAP, which is UTF-8 always."""
_COSE_TYPE: Final = re.compile(r';\s*cose-type\s*=(?!\s*"?cose-sign1"?\s*(?:;|$))')
"""Another structure of COSE than the one that a device answers with."""
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
    if _CHARSET.search(media_type) is not None or _COSE_TYPE.search(media_type) is not None:
        return None
    return _NUMBERS.get(media_type.partition(";")[0].strip())


@dataclass(frozen=True, slots=True)
class AcceptedTypes:
    """What a client accepts (RFC 9110, section 12.5.1).

    Attributes:
        ranges: media ranges in small letters with their weights from 0 to 1, those that it prefers
            first.
    """

    ranges: tuple[tuple[str, float], ...]

    @classmethod
    def parse(cls, header: str | None) -> "AcceptedTypes":
        """Read a header field; without one, everything is accepted."""
        if header is None or not header.strip():
            return cls((("*/*", 1.0),))
        weighted = []
        for entry in header[:_MAX_CHARACTERS].lower().split(",")[:_MAX_RANGES]:
            media_range, *parameters = (part.strip() for part in entry.split(";"))
            kept = [each for each in parameters if not each.startswith("q=")]
            weights = [found for each in parameters if (found := _WEIGHT.fullmatch(each))]
            weight = float(weights[0][1]) if weights else 1.0
            if media_range:
                weighted.append((";".join([media_range, *kept]), weight))
        weighted.sort(key=lambda each: -each[1])
        return cls(tuple(weighted))

    @property
    def wants_stream(self) -> bool:
        """Whether a stream of events is what it prefers, and names."""
        names = [media_range.partition(";")[0] for media_range, weight in self.ranges if weight]
        offers = (JSON, CBOR, EVENT_STREAM)
        return EVENT_STREAM in names and self.choose(offers) == EVENT_STREAM

    def choose(self, offers: Iterable[str]) -> str | None:
        """The offer that the client prefers; of equals, the first. None if it accepts none."""
        ranked = [(*self._rank(offer), offer) for offer in offers]
        weight, _, offer = max(ranked, key=lambda each: each[:2])
        return offer if weight > 0 else None

    def content_format(self) -> int | None:
        """The content format that the client prefers, if it names one; None for any.

        Raises:
            HttpRefused: it accepts nothing that a device can have.
        """
        for media_range, weight in self.ranges:
            if weight and media_range in _WILD:
                return _WILD[media_range]
            found = _find(media_range)
            if weight and found is not None:
                return found
        raise HttpRefused(406, "not-acceptable", "no device has any of these media types")

    def _rank(self, offer: str) -> tuple[float, int]:
        """The weight of an offer, by the range that names it most exactly; then who came first."""
        kind = offer.partition("/")[0]
        for name in (offer, f"{kind}/*", "*/*"):
            for place, (media_range, weight) in enumerate(self.ranges):
                if media_range.partition(";")[0] == name:
                    return weight, -place
        return 0.0, 0
