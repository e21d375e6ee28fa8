"""The answers of verbs that make keys, code and containers."""

from pydantic import Field

from .base import AnswerTable


class KeygenAnswer(AnswerTable):
    """What `keygen` made: files, or, with --oscore, folders."""

    files: list[str] = Field(default_factory=list)
    """The files, of keys or of an identity."""
    folders: list[str] = Field(default_factory=list)
    """The folders of the two sides of an OSCORE context."""
    sha256: str = ""
    """Of the bearer token, with --bearer."""


class NewAnswer(AnswerTable):
    """The container that was made."""

    directory: str
    files: list[str]
    """In it."""
    next: list[str]
    """Commands that run and change it."""


class BuildAnswer(AnswerTable):
    """The code that was made."""

    file: str | None
    """The file of the code; null if it was only disassembled."""
    bytes: int | None
    """Its length."""
    debug_file: str | None = None
    """The file that says where the code comes from."""
    places: int = 0
    """How many rows it has."""
    notes: list[str] = Field(default_factory=list)
    """What its author should know."""
    disassembly: list[str] = Field(default_factory=list)
    """One instruction each; of a file, with --disasm."""
    output: list[str] = Field(default_factory=list)
    """The commands that were run, and what compilers wrote; of a directory."""


class SignAnswer(AnswerTable):
    """The token that was made."""

    file: str
    """Where it is."""
    bytes: int
    """Its length."""
    profile: str
    """`rfc9052` or `riot-2024`."""


class SectionSizes(AnswerTable):
    """The lengths of the three sections, in bytes."""

    metadata: int
    code: int
    data: int


class FirmwareRemark(AnswerTable):
    """Something that the C firmware would not take, or would take in another way."""

    id: str
    """The rule of `lint`."""
    place: str
    """Where in the container."""
    message: str
    """What is found there."""


class PackedAnswer(AnswerTable):
    """The container that `pack`, `assemble` or `convert` wrote."""

    files: list[str]
    """What was written."""
    bytes: SectionSizes
    fits: str | None
    """The board or device file whose capacities it was judged by."""
    code_judged: bool
    """Whether an installed runtime has judged the code."""
    firmware: list[FirmwareRemark]
    """What the C firmware would object to; of the profile `riot-2024` only."""
