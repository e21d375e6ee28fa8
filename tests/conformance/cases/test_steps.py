"""Steps of cases: each key has its fields, and an error says where it is and what is allowed."""

from pathlib import Path

import pytest
from support.conformance.cases import CASES, SPECS
from support.errors import catch_error

from tinycontainer.conformance.cases.case import Case
from tinycontainer.conformance.cases.steps import STEP_TYPES, StepTable
from tinycontainer.errors import DeviceFileError
from tinycontainer.files.toml_file import read_toml

RUNTIME_CASE = (SPECS / "cases" / "runtime-imports.toml").read_text()


def case_with(step: str) -> str:
    """A case whose first step is this one."""
    before, found, after = RUNTIME_CASE.partition("steps = [\n")
    assert found
    return f"{before}{found}    {step},\n{after}"


def read_case(path: Path, text: str) -> Case:
    path.write_text(text)
    return read_toml(path, Case)


def test_every_type_of_step_is_in_a_case_and_is_read_as_what_its_key_says() -> None:
    steps = [step for case in CASES for step in case.steps]
    assert {type(step) for step in steps} == set(STEP_TYPES.values())
    for key, step_type in STEP_TYPES.items():
        assert step_type.key == key
        assert key in step_type.model_fields


@pytest.mark.parametrize("step_type", STEP_TYPES.values(), ids=STEP_TYPES)
def test_the_key_of_a_type_of_step_is_no_field_of_another(step_type: type[StepTable]) -> None:
    others = [other for other in STEP_TYPES.values() if other is not step_type]
    assert len(others) == len(STEP_TYPES) - 1
    assert not [other for other in others if step_type.key in other.model_fields]


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ('{ load = "unknown" }', "load unknown"),
        ("{ begin = true }", "begin"),
        ("{ advance = 10 }", "advance 10"),
        ("{ boot = true }", "boot"),
        ('{ store = "fails" }', "store fails"),
        ('{ section = "code", size = 3 }', "section code"),
        ('{ event = "log", of = "unknown" }', "event log"),
    ],
)
def test_a_step_is_described_in_a_few_words(tmp_path: Path, step: str, words: str) -> None:
    case = read_case(tmp_path / "case.toml", case_with(step))
    assert case.steps[0].describe() == words


ALL_KEYS = ", ".join(STEP_TYPES)


@pytest.mark.parametrize(
    ("step", "problem"),
    [
        ("{ }", f"steps[0]: a step has exactly one of {ALL_KEYS}"),
        ("{ times = 1 }", f"steps[0]: a step has exactly one of {ALL_KEYS}"),
        (
            '{ load = "a", start = "a" }',
            f"steps[0]: a step has exactly one of {ALL_KEYS}; this one has load and start",
        ),
        (
            '{ log = "a", state = "a", now = "ready" }',
            f"steps[0]: a step has exactly one of {ALL_KEYS}; this one has state and log",
        ),
        ("7", "steps[0]: a step is a table"),
        (
            '{ load = "a", times = 3 }',
            "steps[0].times: does not belong to a step with load, which can have refused; it is 3",
        ),
        (
            '{ states = "a", refused = "token" }',
            (
                "steps[0].refused: does not belong to a step with states, which can have are;"
                ' it is "token"'
            ),
        ),
        (
            '{ order = [], lines = ["a"] }',
            (
                "steps[0].lines: does not belong to a step with order, which can have nothing else;"
                " it is an array"
            ),
        ),
        (
            '{ "\\u001b{0}" = 1, end = true }',
            (
                "steps[0].\\x1b{0}: does not belong to a step with end, which can have refused;"
                " it is 1"
            ),
        ),
        ("{ begin = false }", "steps[0].begin: Input should be True; it is false"),
        (
            '{ store = "full" }',
            "steps[0].store: Input should be 'fails' or 'works'; it is \"full\"",
        ),
        (
            "{ advance = 100001 }",
            "steps[0].advance: Input should be less than or equal to 100000; it is 100001",
        ),
        ('{ advance = "1" }', 'steps[0].advance: Input should be a valid integer; it is "1"'),
        ('{ bytes_of = "unknown" }', "steps[0].part: is missing"),
        (
            '{ bytes_of = "unknown", part = "code", take = [0] }',
            "steps[0].take: a span has two ends",
        ),
        ('{ log = "a", gaps_ms = [1, 2, 3] }', "steps[0].gaps_ms: a span has two ends"),
        (
            '{ section = "code" }',
            "steps[0]: section names a size, or the container whose section it is",
        ),
        (
            '{ section = "code", size = 1, of = "unknown" }',
            "steps[0]: section names a size, or the container whose section it is",
        ),
        *(
            (step, f"steps[0].{key}: there is no container nobody")
            for key, step in (
                ("load", '{ load = "nobody" }'),
                ("bundle", '{ bundle = "nobody" }'),
                ("reconfigure", '{ reconfigure = "nobody" }'),
                ("bytes_of", '{ bytes_of = "nobody", part = "code" }'),
                ("of", '{ section = "code", of = "nobody" }'),
            )
        ),
    ],
)
def test_a_wrong_step_is_refused_with_its_place(tmp_path: Path, step: str, problem: str) -> None:
    path = tmp_path / "case.toml"
    error = catch_error(DeviceFileError, read_case, path, case_with(step))
    assert str(error) == f"{path}: {problem}"
