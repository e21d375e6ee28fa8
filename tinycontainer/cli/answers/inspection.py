"""The answer of `inspect`: what a file holds, byte by byte."""

from typing import Literal

from .base import AnswerTable
from .tokens import ReadableToken, ShownToken, UnreadableToken


class ShownContainer(AnswerTable):
    """The first level of metadata; optional numbers that are absent are null."""

    uid: str
    """Escaped."""
    uid_hex: str
    """The same bytes in hexadecimal digits."""
    type: int
    """The container type's number."""
    type_name: str
    """Its name."""
    syscall_mask_token: ShownToken
    exec_time_ms: int | None
    """Longest execution of a loop."""
    period_ms: int | None
    """From one planned loop to the next."""
    period_max_ms: int | None
    """Longest gap between the beginnings of two loops."""
    lifetime_loops: int | None
    """Number of loops of one start."""
    priority: int | None
    """0 (highest) to 15."""


class ShownEndpoint(AnswerTable):
    """An endpoint of metadata."""

    id: int
    """The number with which the container opens it."""
    peer: str
    """`container`, `local` or `remote`."""
    peer_uid: str | None
    """Of a peer that is a container, escaped."""
    peer_endpoint: int
    """The peer's endpoint, or the driver's place."""
    direction: str
    """`in`, `out` or `both`, as the peer sees it."""
    token: ShownToken | None


class ShownSecurity(AnswerTable):
    """The third level of metadata; 0 is no limit."""

    start_max_duration_ms: int
    loop_period_ms: int
    loop_max_duration_ms: int
    loop_max_lifetime: int
    """Loops."""
    stop_max_duration_ms: int
    data_token: ShownToken
    code_token: ShownToken
    metadata_token: ShownToken


class ShownSection(AnswerTable):
    """A section, or a part of it."""

    bytes: int
    """Its length."""
    sha256: str
    """In hexadecimal digits."""


class EffectiveTiming(AnswerTable):
    """What holds: the optional numbers of the first level overrule those of the third."""

    start_max_ms: int
    period_ms: int
    period_max_ms: int
    loop_max_ms: int
    lifetime_loops: int
    stop_max_ms: int
    priority: int


class CborNode(AnswerTable):
    """An item of CBOR."""

    offset: int
    """In bytes, from the beginning of the file."""
    length: int
    """In bytes, with everything inside."""
    hex: str
    """The bytes that are its own, those of its children left out; cut with three full stops."""
    diagnostic: str
    """Diagnostic notation (RFC 8949)."""
    meaning: str
    """In words."""
    children: list["CborNode"]


class ShownMetadata(AnswerTable):
    """Metadata that can be decoded."""

    kind: Literal["metadata"]
    bytes: int
    """Its length."""
    profile: str | None
    """Of its tokens; null without one that can be read."""
    riot_2024_objection: str | None
    """Why the C firmware would not take it; null if it would."""
    container: ShownContainer
    endpoints: list[ShownEndpoint] | None
    """Null if that level is absent."""
    security: ShownSecurity | None
    """Null if that level is absent."""
    signed_prefix: ShownSection
    """The part of the metadata that its own token signs."""
    effective: EffectiveTiming


class RefusedMetadata(AnswerTable):
    """Metadata that is refused."""

    kind: Literal["metadata"]
    bytes: int
    """Its length."""
    problem: str
    """Why it is refused."""


class InspectedMetadata(ShownMetadata):
    """A file with metadata."""

    tree: CborNode


class InspectedRefused(RefusedMetadata):
    """A file with metadata that is refused."""

    tree: CborNode


class InspectedBundle(AnswerTable):
    """A file with a bundle."""

    kind: Literal["bundle"]
    metadata: ShownMetadata | RefusedMetadata
    data: ShownSection
    code: ShownSection
    tree: CborNode


class InspectedToken(ReadableToken):
    """A file with one token."""

    kind: Literal["token"]
    tree: CborNode


class InspectedUnreadable(UnreadableToken):
    """A file with what may be a token, and cannot be read."""

    kind: Literal["token"]
    tree: CborNode


class InspectedDirectory(AnswerTable):
    """A directory of the C firmware's examples."""

    kind: Literal["directory"]
    runtime: str
    """The runtime that its name gives."""
    metadata: ShownMetadata | RefusedMetadata
    data: ShownSection | None
    """Null without such a file."""
    code: ShownSection | None
    """Null without such a file."""
    tree: CborNode


InspectAnswer = (
    InspectedMetadata
    | InspectedRefused
    | InspectedBundle
    | InspectedToken
    | InspectedUnreadable
    | InspectedDirectory
)
