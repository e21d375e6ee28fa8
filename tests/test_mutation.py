"""The drawing of mutants: what is changed, that draws repeat, and that tests notice a mutant."""

from pathlib import Path

import pytest
from mutation import Drawn, copy_project, draw, judge, passes
from support.mutating.mutants import find_mutants

SOURCE = b'''"""Words: 1 + 1."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    LIMIT = 5


def f(x: int = 3, *, flag: bool = True) -> "int | None":
    """More words."""
    if x < 2 and not flag:
        raise ValueError(f"{x + 1}")
    for _ in range(x):
        x += g(x)
        continue
    check(x)
    return min(x, -x) if x else None
'''


def changes(source: bytes) -> set[tuple[str, str]]:
    return {(mutant.before, mutant.after) for mutant in find_mutants(source)}


def test_each_kind_of_place_is_changed() -> None:
    assert changes(SOURCE) == {
        ("3", "(4)"),
        ("3", "(2)"),
        ("True", "False"),
        ("x < 2", "x <= 2"),
        ("2", "(3)"),
        ("2", "(1)"),
        ("x < 2 and not flag", "(x < 2 or not flag)"),
        ("x < 2 and not flag", "not (x < 2 and (not flag))"),
        ("not flag", "(flag)"),
        ('raise ValueError(f"{x + 1}")', "pass"),
        ("x += g(x)", "pass"),
        ("continue", "break"),
        ("check(x)", "pass"),
        ("min(x, -x) if x else None", "None"),
        ("min(x, -x) if x else None", "(None if x else min(x, -x))"),
        ("min", "max"),
        ("-x", "(x)"),
    }


def test_a_mutant_differs_in_its_place_only_and_compiles() -> None:
    for mutant in find_mutants(SOURCE):
        mutated = mutant.apply(SOURCE)
        compile(mutated, "mutated", "exec")
        assert mutated != SOURCE
        assert mutated[: mutant.start] == SOURCE[: mutant.start]
        assert mutated.endswith(SOURCE[mutant.start + len(mutant.before.encode()) :])
        assert SOURCE[: mutant.start].count(b"\n") == mutant.line - 1


def test_places_are_counted_in_bytes_not_in_characters() -> None:
    (mutant,) = (
        each for each in find_mutants("x = 'µs' if y else 1 < z\n".encode()) if "<=" in each.after
    )
    assert (
        mutant.apply("x = 'µs' if y else 1 < z\n".encode())
        == "x = 'µs' if y else 1 <= z\n".encode()
    )


def test_the_same_seed_draws_the_same_mutants() -> None:
    paths = [Path("tinycontainer/interfaces/meter.py"), Path("tokens")]
    assert draw(paths, 20, seed=3) == draw(paths, 20, seed=3)
    assert draw(paths, 20, seed=3) != draw(paths, 20, seed=4)
    assert len(set(draw(paths, 20, seed=3))) == 20


@pytest.mark.long
def test_mutants_of_the_meter_are_killed_and_the_copy_is_left_as_it_was(tmp_path: Path) -> None:
    copy = copy_project(tmp_path)
    assert passes(copy, "tests/interfaces")
    drawn = draw([Path("tinycontainer/interfaces/meter.py")], 10, seed=1)
    lives = [each for each in drawn if not judge(each, copy).killed_by]
    assert lives == list[Drawn]()
    assert passes(copy, "tests/interfaces")
