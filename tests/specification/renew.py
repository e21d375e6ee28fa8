"""Makes the pages of specs/ that follow from others again: coverage, the diagram, clauses used."""

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.conformance import cases as conformance
from support.specification import SPECS, diagram, matrix


def main() -> None:
    """Write them all."""
    (SPECS / "coverage.md").write_text(matrix())
    page = SPECS / "lifecycle.md"
    text = re.sub(r"```mermaid.*?```", diagram(), page.read_text(), flags=re.DOTALL)
    page.write_text(text)
    (conformance.SPECS / "clauses-used.md").write_text(conformance.clauses_used())


if __name__ == "__main__":
    main()
