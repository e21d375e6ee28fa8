"""The page of benchmarks says what the committed results hold; results can be compared."""

import json
import subprocess
import sys
from pathlib import Path

from support.measuring.benchmark_page import page
from support.measuring.requirements import REQUIREMENTS
from support.project import ROOT

RESULTS = ROOT / "docs" / "benchmarks.json"
COMPARE = ROOT / "tests" / "benchmarks" / "compare.py"


def test_the_page_is_made_of_the_committed_results() -> None:
    made = page(json.loads(RESULTS.read_text()))
    assert (ROOT / "docs" / "benchmarks.md").read_text() == made
    assert "Not measured." not in made


def test_every_requirement_was_measured() -> None:
    rows = json.loads(RESULTS.read_text())["rows"]
    assert [each.text for each in REQUIREMENTS if each.worst(rows) is None] == []


def test_the_plots_of_the_page_are_there() -> None:
    text = (ROOT / "docs" / "benchmarks.md").read_text()
    for name in ("benchmarks-calls.png", "benchmarks-growth.png"):
        assert f"]({name})" in text
        assert (ROOT / "docs" / name).read_bytes().startswith(b"\x89PNG")


def test_a_ratio_that_changed_by_more_than_its_spread_is_marked(tmp_path: Path) -> None:
    def results(name: str, *medians: float) -> Path:
        rows = [
            {
                "question": "call",
                "case": f"case {number}",
                "subject": "path",
                "ratios": {"bare": {"min": m, "q1": m - 0.1, "median": m, "q3": m + 0.1}},
            }
            for number, m in enumerate(medians)
        ]
        path = tmp_path / name
        path.write_text(json.dumps({"rows": rows}))
        return path

    old, new = results("old.json", 1.0, 1.0), results("new.json", 1.5, 1.1, 1.2)
    done = subprocess.run(
        [sys.executable, COMPARE, old, new], capture_output=True, text=True, check=True
    )
    lines = done.stdout.splitlines()
    assert lines[0].endswith("1 (0.9-1.1)  ->  1.5 (1.4-1.6)  x1.50 *")
    assert lines[1].endswith("1 (0.9-1.1)  ->  1.1 (1-1.2)  x1.10")
    assert lines[2].endswith(f"only in {new}")
