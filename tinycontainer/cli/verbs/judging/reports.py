"""How verify and explain show tokens, problems and explanations."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from tinycontainer.device.containers.verification import TokenReport
from tinycontainer.text import flatten
from tinycontainer.tools.explain.admission import ExplainedCheck
from tinycontainer.tools.explain.contradictions import Problem
from tinycontainer.tools.explain.explanation import Explanation
from tinycontainer.tools.inspect.inspection import claims_as_dict
from tinycontainer_tokens import StepOutcome


def describe_status(report: TokenReport) -> str:
    """One word: absent, invalid, valid, or signature-valid if the content was not at hand."""
    if report.verification is None:
        return "absent"
    if not report.verification.valid:
        return "invalid"
    content_known = report.verification.steps[-1].outcome is StepOutcome.PASSED
    has_content = report.verification.require().sha256 is not None
    return "valid" if content_known or not has_content else "signature-valid"


def explanation_as_dict(explanation: Explanation | None) -> dict[str, str | None]:
    """The three fields; all are null where nothing failed."""
    if explanation is None:
        return {"expected": None, "found": None, "cause": None}
    return {
        "expected": flatten(explanation.expected),
        "found": flatten(explanation.found),
        "cause": None if explanation.cause is None else flatten(explanation.cause),
    }


def explanation_lines(explanation: Explanation | None, indent: int) -> Iterator[str]:
    """The three fields as lines."""
    if explanation is None:
        return
    pad = " " * indent
    fields = explanation_as_dict(explanation)
    yield f"{pad}expected: {fields['expected']}"
    yield f"{pad}found: {fields['found']}"
    yield f"{pad}likely cause: {fields['cause'] or 'none was found'}"


def problem_as_dict(problem: Problem) -> dict[str, str | None]:
    """A problem that is not one token's."""
    return {
        "check": problem.check,
        "problem": problem.problem,
        **explanation_as_dict(problem.explanation),
    }


def problem_lines(problem: Problem) -> Iterator[str]:
    """A problem that is not one token's, as lines."""
    yield f"{problem.check}: {problem.problem}"
    yield from explanation_lines(problem.explanation, 2)


def report_as_dict(report: TokenReport, explanation: Explanation | None) -> dict[str, Any]:
    """A token's steps and claims."""
    verification = report.verification
    if verification is None:
        return {"place": report.place, "status": describe_status(report)}
    failure = verification.failure
    claims = verification.claims
    return {
        "place": report.place,
        "status": describe_status(report),
        "failed_check": None if failure is None else failure.check,
        "problem": None if failure is None else failure.detail,
        **explanation_as_dict(explanation),
        "claims": None if claims is None else claims_as_dict(claims),
        "steps": [
            {
                "number": step.number,
                "check": step.check,
                "outcome": step.outcome,
                "detail": step.detail,
                **explanation_as_dict(explanation if step is failure else None),
            }
            for step in verification.steps
        ],
    }


def report_lines(
    report: TokenReport, explanation: Explanation | None, indent: int = 0
) -> Iterator[str]:
    """A token's steps as lines."""
    pad = " " * indent
    yield f"{pad}{report.place}: {describe_status(report)}"
    if report.verification is None:
        return
    for step in report.verification.steps:
        detail = f": {step.detail}" if step.detail else ""
        yield f"{pad}  {step.number:2}. {step.check:<10} {step.outcome}{detail}"
        if step is report.verification.failure:
            yield from explanation_lines(explanation, indent + 6)


def checks_as_dicts(checks: Iterable[ExplainedCheck]) -> list[dict[str, Any]]:
    """The checks of a load, numbered."""
    return [
        {
            "number": number,
            "check": each.check.name,
            "outcome": each.check.outcome,
            "reason": each.check.reason,
            "detail": each.check.detail,
            **explanation_as_dict(each.explanation),
            "token": None
            if each.check.report is None
            else report_as_dict(each.check.report, each.explanation),
        }
        for number, each in enumerate(checks, start=1)
    ]


def check_lines(checks: Sequence[ExplainedCheck], indent: int = 0) -> Iterator[str]:
    """The checks of a load as lines, numbered."""
    pad = " " * indent
    width = max((len(each.check.name) for each in checks), default=0)
    for number, each in enumerate(checks, start=1):
        detail = f": {flatten(each.check.detail)}" if each.check.detail else ""
        yield f"{pad}{number:3}. {each.check.name:<{width}} {each.check.outcome}{detail}"
        yield from explanation_lines(each.explanation, indent + 7)
