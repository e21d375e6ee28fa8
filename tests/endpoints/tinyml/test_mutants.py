"""Hostile models: whatever the check accepts, no interpreter crashes, hangs or starves on.

The full count, with what became of the mutants, for every interpreter that is installed:

    pytest -m long -s tests/endpoints/tinyml/test_mutants.py
"""

import pytest
from support.tinyml.client import each_backend
from support.tinyml.mutants import judge_mutants

SAMPLE, FULL = 600, 20_000


def judge(backend: str, count: int, seed: int) -> None:
    verdicts = judge_mutants(backend, count, seed)
    print(f"\n{backend}: {verdicts}")  # noqa: T201 - the counts are asked for
    assert verdicts.lost == verdicts.starved == 0, verdicts.culprits[:3]
    assert verdicts.declined == 0, "the check accepted what the interpreter refuses"
    assert verdicts.computed > count // 20, "too few mutants come as far as the interpreter"


@pytest.mark.clause("TC-TML-14")
@each_backend
def test_a_sample_of_mutants_harms_nobody(backend: str) -> None:
    judge(backend, SAMPLE, seed=1)


@pytest.mark.long
@each_backend
def test_twenty_thousand_mutants_harm_nobody(backend: str) -> None:
    judge(backend, FULL, seed=2)
