"""What a judgement looks like to programs: plain values for JSON, and JUnit XML.

Everything that an implementation said is shown escaped: it can be read and do nothing else.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree

from tinycontainer.text import flatten, show

from ..protocol import HelloReply
from .suite import CaseOutcome, CaseResult, conforms


def as_values(results: Sequence[CaseResult], hello: HelloReply | None) -> dict[str, Any]:
    """A whole judgement as plain values."""
    return {
        "conforms": conforms(results),
        "implementation": None
        if hello is None
        else {"name": show(hello.name), "version": show(hello.version)},
        "counts": counts(results),
        "cases": [_case(result) for result in results],
    }


def counts(results: Sequence[CaseResult]) -> dict[str, int]:
    """How many cases had which outcome."""
    found = Counter(result.outcome for result in results)
    return {outcome.value: found[outcome] for outcome in CaseOutcome}


def _case(result: CaseResult) -> dict[str, Any]:
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
    """A whole judgement as JUnit XML, in ASCII."""
    found = counts(results)
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
        _add(suite, result)
    encoded: bytes = ElementTree.tostring(suite, encoding="us-ascii", xml_declaration=True)
    return encoded


def _add(suite: ElementTree.Element, result: CaseResult) -> None:
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
