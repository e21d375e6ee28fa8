"""What is said of judgements over HTTP."""

from dataclasses import asdict
from enum import StrEnum
from itertools import islice
from typing import Annotated

from fastapi import Query
from pydantic import Field

from tinycontainer.tools.lint import Severity
from tinycontainer.tools.rollouts.query_text import MAX_QUERY_CHARACTERS

from ..fleet.judgement import JudgedRelease
from ..fleet.judging import CountedRefusal, Group, JudgedCase, Unjudged
from ..fleet.linting import FleetFinding
from .bodies import JsonAnswer, JsonBody
from .fleet_bodies import LAST_S

_REASON_CHARACTERS = 64


class DeviceVerdict(StrEnum):
    """What a device would say to a release."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNJUDGED = "unjudged"


Answer = Annotated[DeviceVerdict | None, Query(description="only those that would say so")]
AnswerReason = Annotated[
    str | None,
    Query(max_length=_REASON_CHARACTERS, description="only those with this reason"),
]


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


class JudgedDeviceShown(JsonAnswer):
    """What a device would say to a release, and why."""

    device: str
    answer: DeviceVerdict
    check: str
    reason: str
    """Empty if it would accept it; so are the others."""
    detail: str

    @classmethod
    def of(cls, device: str, said: JudgedCase) -> "JudgedDeviceShown":
        """From the name of the device and what was judged."""
        answer, check, reason, detail = DeviceVerdict.ACCEPTED, "", "", ""
        match said:
            case Unjudged():
                answer, reason = DeviceVerdict.UNJUDGED, said.value
            case CountedRefusal():
                answer = DeviceVerdict.REFUSED
                check, reason, detail = said.check, said.reason, said.detail
        return cls(device=device, answer=answer, check=check, reason=reason, detail=detail)


class JudgedDevicesShown(JsonAnswer):
    """Devices that were judged, by their names."""

    devices: list[JudgedDeviceShown]
    next: str
    """The value of `after` for those that follow; empty if there are no more."""

    @classmethod
    def of(
        cls,
        found: JudgedRelease,
        answer: DeviceVerdict | None,
        reason: str | None,
        after: str,
        most: int,
    ) -> "JudgedDevicesShown":
        """A page of them.

        Args:
            found: what was judged.
            answer: only those that would say so; None for all.
            reason: only those with this one; None for all.
            after: name after which they begin.
            most: how many.
        """
        answers = found.fleet.answers
        every = (
            JudgedDeviceShown.of(name, answers[name]) for name in sorted(answers) if name > after
        )
        wanted = (
            each
            for each in every
            if answer in (None, each.answer) and reason in (None, each.reason)
        )
        shown = list(islice(wanted, most + 1))
        following = shown[most - 1].device if len(shown) > most else ""
        return cls(devices=shown[:most], next=following)
