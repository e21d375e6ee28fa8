"""The page docs/benchmarks.md, made of results and of the text in tests/benchmarks/page.md."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from support.measuring.requirements import REQUIREMENTS, Row
from support.project import ROOT

_TEXT: Final = ROOT / "tests" / "benchmarks" / "page.md"
_PLACE: Final = re.compile(r"^\{(.+)\}$", re.MULTILINE)
_UNITS: Final = (("s", 1.0), ("ms", 1e-3), ("us", 1e-6), ("ns", 1e-9))


def page(results: Mapping[str, Any]) -> str:
    """The page, in Markdown.

    Args:
        results: the machine and the rows, as `pytest --benchmark-json` writes them here.
    """
    rows: Sequence[Row] = results["rows"]
    made = {"machine": _machine(results["machine"]), "requirements": _requirements(rows)}
    questions = dict.fromkeys(str(row["question"]) for row in rows)
    for question in questions:
        found = [_cells(row) for row in rows if row["question"] == question]
        made[f"table: {question}"] = _table(("case", "time", "against", "ratio", "more"), found)
    text = _TEXT.read_text()
    if unplaced := questions.keys() - set(re.findall(r"\{table: (.+)\}", text)):
        raise ValueError(f"{_TEXT.name} has no place for {sorted(unplaced)}")
    return _PLACE.sub(lambda place: made.get(place[1], "Not measured."), text)


def _machine(machine: Mapping[str, Any]) -> str:
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    return (
        f"{machine['system']} on {machine['architecture']} ({machine['processor']},"
        f" {machine['cores']} cores), {machine['python']}; {packages}."
    )


def _requirements(rows: Sequence[Row]) -> str:
    cells = []
    for each in REQUIREMENTS:
        worst = each.worst(rows)
        if worst is not None:
            verdict = "yes" if worst <= each.at_most else "**no**"
            cells.append((each.text, f"{each.at_most:g}", f"{worst:.3g}", verdict))
    return _table(("requirement", "at most", "measured", "holds"), cells)


def _cells(row: Row) -> tuple[str, ...]:
    seconds, subject = row["seconds"], row["subject"]
    against = [f"{name} {_time(seconds[name]['median'])}" for name in seconds if name != subject]
    ratios = [
        f"{name}: {ratio['median']:.3g} ({ratio['q1']:.3g} to {ratio['q3']:.3g})"
        for name, ratio in row["ratios"].items()
    ]
    facts = [f"{name.replace('_', ' ')} {value:,}" for name, value in row["facts"].items()]
    time = f"{subject} {_time(seconds[subject]['median'])}"
    return row["case"], time, *("<br>".join(lines) for lines in (against, ratios, facts))


def _time(seconds: float) -> str:
    name, size = next(((n, s) for n, s in _UNITS if seconds >= s), _UNITS[-1])
    return f"{seconds / size:.3g} {name}"


def _table(titles: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [titles, ("---",) * len(titles), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
