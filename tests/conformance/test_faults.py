"""The suite catches a wrong implementation, and names the clause that it breaks."""

import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest
from support.conformance.cases import CASES
from support.conformance.envelope_faults import ENVELOPE_FAULTS
from support.conformance.fault import Fault
from support.conformance.faults import FAULTS
from support.conformance.update_faults import UPDATE_FAULTS
from support.tinyml.client import BACKENDS

from tinycontainer.conformance.judging.suite import CaseOutcome

ALSO_FAILING: dict[str, list[str]] = tomllib.loads(
    Path(__file__).with_name("also_failing.toml").read_text()
)
"""Cases that a fault fails without being about its clause: what it breaks on the way."""

DETECTED: dict[str, str] = tomllib.loads(Path(__file__).with_name("detected.toml").read_text())
"""A fault that a case detects, by the case."""

OF_UPDATES = [*ENVELOPE_FAULTS, *UPDATE_FAULTS]
SAMPLE_STEP = 6
"""Of the faults in updates, one in so many is judged in the default suite."""


def name_fault(fault: Fault) -> str:
    """The name of a fault as the name of a test."""
    return fault.name.replace(" ", "-")


each_fault = pytest.mark.parametrize("fault", FAULTS, ids=name_fault)
each_fault_or_a_sample = pytest.mark.parametrize(
    "fault",
    [
        *(fault for fault in FAULTS if fault not in OF_UPDATES),
        *OF_UPDATES[::SAMPLE_STEP],
        *(
            pytest.param(fault, marks=pytest.mark.long)
            for number, fault in enumerate(OF_UPDATES)
            if number % SAMPLE_STEP
        ),
    ],
    ids=name_fault,
)


def skip_without_interpreter(fault: Fault) -> None:
    if fault.clause.startswith("TC-TML") and not BACKENDS:
        pytest.skip("no inference runtime is installed")


def cases_of(clause: str) -> list[str]:
    return [case.id for case in CASES if clause in case.clauses]


def test_there_are_many_faults_of_many_clauses() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) >= 30
    assert len({fault.clause for fault in FAULTS}) >= 25
    assert set(ALSO_FAILING) <= {fault.name for fault in FAULTS}


@each_fault
def test_the_line_of_a_fault_is_in_its_module_once(fault: Fault) -> None:
    spec = find_spec(fault.module)
    assert spec is not None
    assert spec.origin is not None
    assert Path(spec.origin).read_text().count(fault.right) == 1


@each_fault_or_a_sample
def test_a_fault_is_caught_by_a_case_of_its_clause(fault: Fault) -> None:
    skip_without_interpreter(fault)
    suite = fault.suite()
    for case in sorted(CASES, key=lambda case: DETECTED.get(case.id) != fault.name):
        if fault.clause in case.clauses:
            (result,) = suite.judge([case], lambda _result: None)
            if result.outcome is CaseOutcome.FAILED:
                assert any("step " in problem for problem in result.problems), result.problems
                assert "NameError" not in str(result.problems), "the fault itself is wrong"
                return
    pytest.fail(f"none of {cases_of(fault.clause)} noticed")


def test_every_case_of_newer_groups_detects_a_fault_of_theirs() -> None:
    groups = ("judging", "replacing", "remembering", "update")
    assert set(DETECTED) == {case.id for case in CASES if case.group in groups}
    assert set(DETECTED.values()) <= {fault.name for fault in FAULTS}


@pytest.mark.long
@pytest.mark.parametrize("case_id", DETECTED)
def test_a_case_of_newer_groups_detects_its_fault(case_id: str) -> None:
    (case,) = [case for case in CASES if case.id == case_id]
    (fault,) = [fault for fault in FAULTS if fault.name == DETECTED[case_id]]
    (result,) = fault.suite().judge([case], lambda _result: None)
    assert result.outcome is CaseOutcome.FAILED
    assert all("step " in problem for problem in result.problems)


@pytest.mark.long
@each_fault
def test_cases_that_fail_name_the_clause_or_are_known_to_suffer_from_it(fault: Fault) -> None:
    skip_without_interpreter(fault)
    results = fault.suite().judge(CASES, lambda _result: None)
    failed = {result.case.id for result in results if not result.outcome.is_good}
    skipped = {result.case.id for result in results if result.outcome is CaseOutcome.SKIPPED}
    naming = set(cases_of(fault.clause))
    assert failed & naming
    assert failed - naming == set(ALSO_FAILING.get(fault.name, [])) - skipped
