"""What is said of judgements over HTTP."""

from dataclasses import asdict

from pydantic import Field

from tinycontainer.tools.lint import Severity
from tinycontainer.tools.rollouts.query_text import MAX_QUERY_CHARACTERS

from ..fleet.judgement import JudgedRelease
from ..fleet.judging import CountedRefusal, Group
from ..fleet.linting import FleetFinding
from .bodies import JsonAnswer, JsonBody
from .fleet_bodies import LAST_S


class JudgementAsked(JsonBody):
    """Which devices a release is for."""

    query: str = Field(max_length=MAX_QUERY_CHARACTERS)
    at_s: int | None = Field(
        None, ge=0, le=LAST_S, description="Unix seconds; by default the time of the platform"
    )


class RefusedShown(JsonAnswer):
    """Devices that would refuse a release alike: at which check, and why."""

    check: str
    reason: str
    detail: str
    expected: str | None
    found: str | None
    cause: str | None
    devices: int
    examples: list[str]
    """Names of some of them."""

    @classmethod
    def of(cls, refusal: CountedRefusal, group: Group) -> "RefusedShown":
        """From what was judged."""
        return cls(**asdict(refusal), devices=group.devices, examples=group.examples)


class UnjudgedShown(JsonAnswer):
    """Devices that were not judged, because there was too much to judge."""

    devices: int
    reasons: dict[str, int]


class FindingShown(JsonAnswer):
    """What lint found, and how many devices' profiles it concerns."""

    rule: str
    severity: Severity
    place: str
    message: str
    advice: str
    devices: int
    examples: list[str]
    """Names of some of them."""

    @classmethod
    def of(cls, finding: FleetFinding, group: Group) -> "FindingShown":
        """From what was found."""
        return cls(
            rule=finding.rule.id,
            severity=finding.severity,
            place=finding.place,
            message=finding.message,
            advice=finding.rule.advice,
            devices=group.devices,
            examples=group.examples,
        )


class JudgementShown(JsonAnswer):
    """Whether the devices would take a release; each device counts once.

    What lint finds is advice: it changes nothing of what is accepted or refused.
    """

    at_s: int
    devices: int
    accepted: int
    refused: list[RefusedShown]
    unjudged: UnjudgedShown
    findings: list[FindingShown]
    """What lint found, the worst first."""
    findings_left_out: int
    """Others, none of them worse."""
    linted: int
    """Devices by whose profiles lint has looked."""

    @classmethod
    def of(cls, found: JudgedRelease, at_s: int) -> "JudgementShown":
        """From what was judged."""
        fleet, lint = found.fleet, found.lint
        return cls(
            at_s=at_s,
            devices=fleet.devices,
            accepted=fleet.accepted,
            refused=[RefusedShown.of(*each) for each in fleet.refused.items()],
            unjudged=UnjudgedShown(
                devices=sum(fleet.unjudged.values()),
                reasons={reason.value: count for reason, count in fleet.unjudged.items()},
            ),
            findings=[FindingShown.of(*each) for each in lint.findings.items()],
            findings_left_out=lint.left_out,
            linted=lint.devices,
        )
