"""What a signature will mean, in lines. All of it comes from the bytes that are signed."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from tinycontainer.interfaces.analysis import Analyser
from tinycontainer.metadata import ContainerType
from tinycontainer.text import flatten, show
from tinycontainer.tools.artefact.moments import format_duration, format_utc
from tinycontainer.tools.diff.comparison import Change
from tinycontainer_tokens import Claims, Kind, Profile

from .code_look import describe_code, look_at_code
from .differences import describe_endpoints, list_differences
from .examining import ExaminedRequest
from .metadata_lines import describe_mask, describe_metadata
from .signed import Signed
from .warning_lines import list_warnings

_HEAD_BYTES: Final = 64


@dataclass(frozen=True, slots=True)
class Description:
    """What is shown before a signature; every text is fit to be shown.

    Attributes:
        heading: what is to be signed.
        meaning: what a signature will say, in lines.
        since: what it is compared with.
        changes: what differs from it.
        warnings: what to look at twice.
    """

    heading: str
    meaning: tuple[str, ...]
    since: str
    changes: tuple[Change, ...]
    warnings: tuple[str, ...]

    @property
    def lines(self) -> tuple[str, ...]:
        """All of it, as a terminal shows it."""
        return (
            self.heading,
            *(f"  {line}" for line in self.meaning),
            self.since,
            *(f"  {each.area}: {each.text}" for each in self.changes),
            *(f"warning: {line}" for line in self.warnings),
        )


def describe(
    new: ExaminedRequest,
    last: Signed | None,
    analysers: Mapping[ContainerType, Analyser],
    now_s: int,
) -> Description:
    """Say what a signature will mean, and what differs from the last one.

    Args:
        new: what is to be signed.
        last: what was signed here before for this part; None if nothing was.
        analysers: say what code does, by container type.
        now_s: Unix seconds.
    """
    look = None
    if new.part.kind is Kind.CODE and new.covered is not None:
        look = look_at_code(new.covered, analysers)
    meaning = [*_describe_validity(new.claims, now_s), *_describe_binding(new)]
    if new.covered is not None:
        meaning.append(f"{len(new.covered)} bytes, sha256 {_sha256(new.covered)}")
    if look is not None:
        meaning += describe_code(look)
    meaning += _describe_content(new)
    changes = () if last is None else list_differences(last, new, look, analysers)
    return Description(
        heading=flatten(f"{new.part.name} of the container {show_uid(new.order.uid)}, {_of(new)}"),
        meaning=tuple(map(flatten, meaning)),
        since=_describe_last(last, changes),
        changes=tuple(Change(each.area, each.kind, flatten(each.text)) for each in changes),
        warnings=tuple(map(flatten, list_warnings(new, last, now_s))),
    )


def show_uid(uid: bytes) -> str:
    """A uid as text and in digits: text that looks alike can be of other bytes."""
    return f"{show(uid)} (hex:{uid.hex()})"


def _of(new: ExaminedRequest) -> str:
    if new.claims.sequence is None:
        return f"without a version, for release {new.order.number}"
    return f"version {new.claims.sequence}"


def _describe_validity(claims: Claims, now_s: int) -> Iterator[str]:
    begin_s, end_s = claims.not_before_s, claims.expires_s
    begins = "at once" if begin_s is None else f"from {format_utc(begin_s)} on"
    if end_s is None:
        yield f"valid {begins}, without an end"
    elif end_s <= now_s:
        yield f"valid {begins}; it expired at {format_utc(end_s)}"
    else:
        left = format_duration(end_s - now_s)
        yield f"valid {begins}; it expires in {left}, at {format_utc(end_s)}"
    if claims.issued_s is not None:
        yield f"says that it was issued at {format_utc(claims.issued_s)}"
    audience = claims.audience
    yield "for every device" if audience is None else f"for the device {show(audience)} only"


def _describe_binding(new: ExaminedRequest) -> Iterator[str]:
    profile = new.order.profile
    if profile is Profile.RIOT_2024:
        yield f"a token of {profile}, which is bound to no container"
    else:
        yield f"a token of {profile}, signed as the {new.part.role}"


def _describe_content(new: ExaminedRequest) -> Iterator[str]:
    if new.part.kind is Kind.DATA and new.covered:
        yield _head(new.covered)
    if new.claims.mask is not None:
        yield describe_mask(new.claims.mask)
    if new.endpoint is not None:
        yield from describe_endpoints(new.order.uid, (new.endpoint,))
    if new.metadata is not None:
        yield from describe_metadata(new.metadata)


def _head(data: bytes) -> str:
    head = data[:_HEAD_BYTES]
    is_text = head.isascii() and head.decode("ascii", "replace").isprintable()
    shown = show(head) if is_text else f"hex:{head.hex()}"
    return f"begins with {shown}" if len(data) > _HEAD_BYTES else f"is {shown}"


def _describe_last(last: Signed | None, changes: tuple[Change, ...]) -> str:
    if last is None:
        return "this is the first version that you sign here"
    since = f"since version {last.version}, which you signed at {format_utc(last.signed_s)}"
    return f"{since}:" if changes else f"{since}: no difference"


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
