"""The answers of `platform`."""

from typing import Literal

from .base import AnswerTable
from .inspection import ShownSection
from .judging import VersionChange
from .tokens import ShownClaims


class CheckedPlatform(AnswerTable):
    """`platform serve --check`: the file can be served."""

    file: str
    http: str


class PlatformLine(AnswerTable):
    """The platform is served from now on."""

    at: str
    """ISO 8601, in UTC; in all lines."""
    event: Literal["serving"]
    http: str


class PlatformRequestLine(AnswerTable):
    """A request was answered."""

    at: str
    event: Literal["request"]
    method: str
    route: str
    """The resource, without what its path names; empty if there is none."""
    status: int
    ms: float
    """Until the answer began."""


class PlatformJobLine(AnswerTable):
    """A job on a device has ended."""

    at: str
    event: Literal["job"]
    number: int
    kind: str
    gateway: str
    outcome: str
    reason: str


class PlatformRolloutLine(AnswerTable):
    """A rollout has changed by itself."""

    at: str
    event: Literal["rollout"]
    number: int
    state: str
    wave: int


class PlatformWarningLine(AnswerTable):
    """An operator may have to do something."""

    at: str
    event: Literal["warning"]
    problem: str


PlatformServeAnswer = (
    CheckedPlatform
    | PlatformLine
    | PlatformRequestLine
    | PlatformJobLine
    | PlatformRolloutLine
    | PlatformWarningLine
)


class PlatformInitAnswer(AnswerTable):
    """An organisation was added."""

    organisation: str
    admin: str
    password: str
    """Empty if it was given."""


class PlatformCopyAnswer(AnswerTable):
    """The database was copied, or made from a copy."""

    file: str
    """The copy."""


class PlatformAuditAnswer(AnswerTable):
    """Whether the audit is as it was written."""

    entries: int
    """From the first one on, that are."""
    sha256: str
    """Of the last one of them."""
    problem: str
    """What is wrong after them; empty if nothing is."""


class PlatformSignAnswer(AnswerTable):
    """What was signed, or is to be signed, and what that means."""

    uid: str
    """Escaped."""
    uid_hex: str
    number: int
    """Of the release."""
    part: str
    """`code`, `data`, `mask`, `endpoint-N` or `metadata`."""
    role: str
    """Of the party that signs it."""
    profile: str
    key_sha256: str
    """Of the public key, in hexadecimal digits."""
    payload: str
    """The claims as they are signed, in hexadecimal digits."""
    claims: ShownClaims
    covered: ShownSection | None
    """Null for a mask, which is in the claims."""
    heading: str
    meaning: list[str]
    """What the signature will mean, in lines."""
    since: str
    """What was signed here before."""
    changes: list[VersionChange]
    """Since then."""
    warnings: list[str]
    signed: bool
    """Whether the platform has taken the token; false for `--dry-run`."""


class PlatformWithdrawAnswer(AnswerTable):
    """Rights that were taken back, or are to be, and what that means."""

    uid: str
    """Escaped."""
    uid_hex: str
    sequence: int
    """No mask up to this one counts any more."""
    key_sha256: str
    """Of the public key, in hexadecimal digits."""
    payload: str
    """The claims as they are signed, in hexadecimal digits."""
    heading: str
    meaning: list[str]
    """What the signature will mean, in lines, with what to look at twice."""
    signed: bool
    """Whether the platform has taken the token; false for `--dry-run`."""


class DemoPersonAnswer(AnswerTable):
    """Somebody of the demo, the admin of an organisation."""

    name: str
    organisation: str
    role: str
    password: str
    token_file: str
    """Of the API token."""
    key_file: str
    """Of the private key."""
    history: str
    """Folder of what this one has signed."""


class PlatformDemoAnswer(AnswerTable):
    """The demo is served."""

    platform: str
    """URI."""
    gateway: str
    """URI."""
    gateway_token_file: str
    """Of the token with which the platform asks the gateway."""
    boxes: list[str]
    people: list[DemoPersonAnswer]


class StoryExpectationAnswer(AnswerTable):
    """Something that the story expects."""

    text: str
    held: bool
    seen: str
    """What was seen; empty if it held."""
    wanted: str
    """What should have been; empty if it held."""


class PlatformDemoCheckAnswer(AnswerTable):
    """`platform demo --check`: the story was played."""

    held: bool
    """Whether everything happened as expected."""
    expectations: list[StoryExpectationAnswer]
