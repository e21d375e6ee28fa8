"""Compares two files of results, row by row, with their spread.

    python tests/benchmarks/compare.py OLD.json NEW.json

For each ratio: its median in both with their quartiles, and the new by the old. `*` stands where
the quartiles of the two do not overlap, so that more than noise has changed.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

Spread: TypeAlias = Mapping[str, float]


def comparison(old: Path, new: Path) -> str:
    """A line for each ratio that is in either file."""
    before, after = _ratios(old), _ratios(new)
    width = max((len(name) for name in before | after), default=0)
    lines = []
    for name in before | after:
        if name in before and name in after:
            found = _compared(before[name], after[name])
        else:
            found = f"only in {old if name in before else new}"
        lines.append(f"{name:{width}}  {found}\n")
    return "".join(lines)


def _ratios(path: Path) -> dict[str, Spread]:
    return dict(_named(json.loads(path.read_text())["rows"]))


def _named(rows: list[dict[str, Any]]) -> Iterator[tuple[str, Spread]]:
    for row in rows:
        for name, spread in row["ratios"].items():
            yield f"{row['question']}: {row['case']}: {row['subject']} / {name}", spread


def _compared(old: Spread, new: Spread) -> str:
    apart = new["q1"] > old["q3"] or new["q3"] < old["q1"]
    by = new["median"] / old["median"]
    return f"{_shown(old)}  ->  {_shown(new)}  x{by:.2f}{' *' if apart else ''}"


def _shown(spread: Spread) -> str:
    return f"{spread['median']:.3g} ({spread['q1']:.3g}-{spread['q3']:.3g})"


if __name__ == "__main__":
    sys.stdout.write(comparison(Path(sys.argv[1]), Path(sys.argv[2])))
