"""The answers of verbs that look at files and implementations, and judge them."""

from .base import AnswerTable
from .tokens import ExplainedFault, JudgedToken


class FoundProblem(ExplainedFault):
    """A fault that is not one token's."""

    check: str
    """The check that failed."""
    problem: str
    """What it says."""


class VerifyAnswer(AnswerTable):
    """Every token of a container, judged."""

    file: str
    profile: str
    """The layout that was asked for."""
    valid: bool
    """Whether all of it holds."""
    form_objection: str | None
    """What speaks against the form of the file."""
    problems: list[FoundProblem]
    tokens: list[JudgedToken]


class ExplainedStep(ExplainedFault):
    """A check of a load."""

    number: int
    """From 1."""
    check: str
    """Its name."""
    outcome: str
    """`held`, `failed`, or why it was not made."""
    reason: str | None
    """The reason for which the device would refuse."""
    detail: str
    """More about it; may be empty."""
    token: JudgedToken | None
    """The token that it is about."""


class ExplainAnswer(AnswerTable):
    """Whether a device would load a container."""

    file: str
    at: str
    """When, in ISO 8601."""
    would_load: bool
    reason: str | None
    """The first reason to refuse."""
    verdict: str
    """The same in words."""
    checks: list[ExplainedStep]


class AuditedContainer(AnswerTable):
    """A container of an audit."""

    uid: str
    """Escaped."""
    uid_hex: str
    """The same bytes in hexadecimal digits."""
    file: str


class SeverityCounts(AnswerTable):
    """How many findings there are of each severity."""

    error: int
    warning: int
    note: int


class LintFinding(AnswerTable):
    """A finding."""

    id: str
    """The rule, as in the specification."""
    severity: str
    """`error`, `warning` or `note`."""
    uid: str | None
    """Of the container; null if it is about the device."""
    container: int | None
    """Its place in `containers`, from 0."""
    place: str
    """Where in the container or the device file."""
    message: str
    """What is found there."""
    advice: str
    """What to do."""


class LintAnswer(AnswerTable):
    """An audit of containers."""

    device: str | None
    """The device file."""
    profile: str | None
    """The profile that was asked for."""
    at: int
    """When, in Unix seconds."""
    containers: list[AuditedContainer]
    counts: SeverityCounts
    findings: list[LintFinding]


class VersionChange(AnswerTable):
    """A change from the old version to the new one."""

    area: str
    """What it is about."""
    kind: str
    """What sort of change it is."""
    text: str
    """In words."""


class ClosedEndpoint(AnswerTable):
    """An endpoint whose descriptor a reconfiguration closes."""

    endpoint: int
    reason: str


class ReconfigurationVerdict(AnswerTable):
    """Whether a running container can be changed from the old version to the new one."""

    possible: bool
    obstacles: list[str]
    """Why it cannot."""
    unsettled: list[str]
    """What cannot be said from the files alone."""
    closes: list[ClosedEndpoint]


class DiffAnswer(AnswerTable):
    """What changes between two versions."""

    old: str
    new: str
    changes: list[VersionChange]
    reconfiguration: ReconfigurationVerdict


class TensorAnswer(AnswerTable):
    """An input or an output of a model."""

    name: str
    """Escaped."""
    type: str
    """Of its elements, such as `i8`."""
    shape: list[int]
    size_bytes: int
    scale: float
    """Of its quantisation; 0 without one."""
    zero_point: int
    """Of its quantisation; 0 without one."""


class QuotaNeed(AnswerTable):
    """What a model needs of a quota."""

    quota: str
    needed: int
    default: int
    """What a container may use, on the board or device that was asked about."""


class ModelAnswer(AnswerTable):
    """A model, and whether a container could load it."""

    size_bytes: int
    code: int
    """0 if a container may load it, else the code of the refusal."""
    verdict: str
    """The same in words."""
    problems: list[str]
    """Everything for which it is refused."""
    inputs: list[TensorAnswer]
    outputs: list[TensorAnswer]
    operators: dict[str, int]
    """How many of each."""
    needs: list[QuotaNeed]
    accepted: bool
    host: str
    """The board, or the driver of the device file, whose quotas hold."""


class ImplementationName(AnswerTable):
    """How an implementation calls itself."""

    name: str
    version: str


class CaseAnswer(AnswerTable):
    """A case of the suite, judged."""

    id: str
    title: str
    group: str
    clauses: list[str]
    outcome: str
    """`passed`, `failed`, `skipped`, `expected-failure` or `unexpected-pass`."""
    variants: int
    """How often it was run, in different forms."""
    problems: list[str]
    seconds: float


class ConformAnswer(AnswerTable):
    """An implementation, judged."""

    conforms: bool
    verdict: str
    not_judged: list[str]
    """Clauses about which nothing is known."""
    implementation: ImplementationName | None
    """Null if it has not said its name."""
    counts: dict[str, int]
    """How many cases had each outcome."""
    cases: list[CaseAnswer]
