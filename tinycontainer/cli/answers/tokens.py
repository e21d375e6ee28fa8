"""What answers say of tokens."""

from typing import Literal

from pydantic import Field

from .base import AnswerTable


class ShownClaims(AnswerTable):
    """The claims of a token; those that it does not make are absent."""

    mask: str = ""
    """The mask of calls, in hexadecimal digits."""
    calls: list[str] = Field(default_factory=list)
    """The calls that the mask allows."""
    sha256: str = ""
    """The hash of what is signed, in hexadecimal digits."""
    uid: str = ""
    """The container's uid, escaped."""
    kind: str = ""
    """`mask`, `endpoint`, `data`, `code` or `metadata`."""
    audience: str = ""
    """The device that it is for, escaped."""
    sequence: int = 0
    """It replaces tokens with a lower number."""
    not_before_s: int = 0
    """Unix seconds."""
    expires_s: int = 0
    """Unix seconds."""
    issued_s: int = 0
    """Unix seconds."""


class UnreadableClaims(AnswerTable):
    """Claims that cannot be read."""

    problem: str
    """Why."""


class ReadableToken(AnswerTable):
    """A token as it is, nothing verified."""

    bytes: int
    """Its length."""
    profile: str
    """`rfc9052` or `riot-2024`."""
    algorithm: str
    """How it is signed."""
    tagged: bool
    """Whether it has tags of CBOR."""
    kid: str | None
    """The identifier of the key, escaped."""
    claims: ShownClaims | UnreadableClaims


class UnreadableToken(AnswerTable):
    """A token that is absent, or cannot be read."""

    bytes: int
    """Its length; 0 if it is absent."""
    problem: str
    """Why it cannot be read, or `absent`."""


ShownToken = ReadableToken | UnreadableToken


class ExplainedFault(AnswerTable):
    """A fault in three parts; all null where nothing failed."""

    expected: str | None
    """What would have been right."""
    found: str | None
    """What is there."""
    cause: str | None
    """The likely cause; null if none was found."""


class TokenStep(ExplainedFault):
    """A step of the verification."""

    number: int
    """From 1."""
    check: str
    """Its name, as in the specification."""
    outcome: str
    """`passed`, `failed` or `skipped`."""
    detail: str
    """More about it; may be empty."""


class AbsentToken(AnswerTable):
    """A place without a token."""

    place: str
    """Where in the container."""
    status: Literal["absent"]


class VerifiedToken(ExplainedFault):
    """A token and how its verification went."""

    place: str
    """Where in the container it is."""
    status: Literal["invalid", "valid", "signature-valid"]
    """`signature-valid` if what is signed was not at hand."""
    failed_check: str | None
    """The step that failed."""
    problem: str | None
    """What it says."""
    claims: ShownClaims | None
    """Null if they could not be read."""
    steps: list[TokenStep]
    """All steps, in their order."""


JudgedToken = VerifiedToken | AbsentToken
