"""How verbs show which expectations of a run have held, and which have not."""

from collections.abc import Sequence
from typing import Any

from tinycontainer.scenario.expectations import ExpectationResult
from tinycontainer.text import flatten, show

from ...printing import print_table
from ...verb import say


def expectations_as_dicts(results: Sequence[ExpectationResult]) -> list[dict[str, Any]]:
    """The results as plain values."""
    return [
        {
            "text": result.text,
            "found": result.found,
            "held": result.held,
            "place": result.place,
            "wanted": result.wanted,
            "seen": result.seen,
        }
        for result in results
    ]


def print_expectations(results: Sequence[ExpectationResult]) -> None:
    """Print the results as a table."""
    rows = [("held" if each.held else "FAILED", show(each.text), each.found) for each in results]
    print_table("What had to happen", ("", "expectation", "found"), rows)


def say_unmet(results: Sequence[ExpectationResult]) -> None:
    """Say of each expectation that did not hold where it is, what it wants and what was seen."""
    for each in results:
        if not each.held:
            example = f"; {each.seen}" if each.seen else ""
            line = f'{each.place}: "{show(each.text)}" did not hold: expected {each.wanted}'
            say(f"error: {flatten(line)}; seen {each.found} times{example}")
