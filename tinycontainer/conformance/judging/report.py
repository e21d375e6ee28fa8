"""The results of a suite for programs: plain values for JSON, and JUnit XML.

Everything that an implementation said is escaped, so that it can do nothing but be read.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree

from tinycontainer.text import flatten, show

from ..protocol import HelloReply
from .suite import CaseOutcome, CaseResult, Conformance, Verdict


def as_values(
    results: Sequence[CaseResult], hello: HelloReply | None, judgement: Conformance
) -> dict[str, Any]:
    """All results as plain values, for JSON."""
    return {
        "conforms": judgement.verdict is Verdict.CONFORMS,
        "verdict": judgement.verdict.value,
        "not_judged": list(judgement.not_judged),
        "implementation": None
        if hello is None
        else {"name": show(hello.name), "version": show(hello.version)},
        "counts": count_outcomes(results),
        "cases": [_case_values(result) for result in results],
    }


def count_outcomes(results: Sequence[CaseResult]) -> dict[str, int]:
    """How many cases had which outcome."""
    found = Counter(result.outcome for result in results)
    return {outcome.value: found[outcome] for outcome in CaseOutcome}


def _case_values(result: CaseResult) -> dict[str, Any]:
    return {
        "id": result.case.id,
        "title": show(result.case.title),
        "group": result.case.group,
        "clauses": list(result.case.clauses),
        "outcome": result.outcome.value,
        "variants": result.variants,
        "problems": [flatten(problem) for problem in result.problems],
        "seconds": round(result.seconds, 3),
    }


def as_junit(results: Sequence[CaseResult], hello: HelloReply | None) -> bytes:
    """All results as JUnit XML, in ASCII."""
    found = count_outcomes(results)
    name = "implementation" if hello is None else show(f"{hello.name} {hello.version}")
    suite = ElementTree.Element(
        "testsuite",
        name=f"TinyContainer conformance of {name}",
        tests=str(len(results)),
        failures=str(found["failed"] + found["unexpected-pass"]),
        skipped=str(found["skipped"] + found["expected-failure"]),
        errors="0",
        time=f"{sum(result.seconds for result in results):.3f}",
    )
    for result in results:
        _add_case(suite, result)
    encoded: bytes = ElementTree.tostring(suite, encoding="us-ascii", xml_declaration=True)
    return encoded


def _add_case(suite: ElementTree.Element, result: CaseResult) -> None:
    case = ElementTree.SubElement(
        suite,
        "testcase",
        name=result.case.id,
        classname=f"conformance.{result.case.group}",
        time=f"{result.seconds:.3f}",
    )
    text = "\n".join(
        [show(result.case.title), ", ".join(result.case.clauses)]
        + [flatten(problem) for problem in result.problems]
    )
    if not result.outcome.is_good:
        element = ElementTree.SubElement(case, "failure", message=result.outcome.value)
        element.text = text
    elif result.outcome is not CaseOutcome.PASSED:
        element = ElementTree.SubElement(case, "skipped", message=result.outcome.value)
        element.text = text
