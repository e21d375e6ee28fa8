"""Makes again what follows from the code or from other pages, in specs/ and docs/.

Coverage, clauses used, the diagram of states, the graph of wings, the module map, the promises of
answers.
"""

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.answers import PROMISED, promises
from support.conformance import cases as conformance
from support.specification import SPECS, diagram, matrix
from support.structure import DOCS, module_page, wing_diagram


def main() -> None:
    """Write them all."""
    (SPECS / "coverage.md").write_text(matrix())
    _redraw(SPECS / "lifecycle.md", diagram())
    _redraw(DOCS / "architecture.md", wing_diagram())
    (DOCS / "modules.md").write_text(module_page())
    PROMISED.write_text(promises())
    (conformance.SPECS / "clauses-used.md").write_text(conformance.clauses_used())


def _redraw(page: Path, graph: str) -> None:
    page.write_text(re.sub(r"```mermaid.*?```", graph, page.read_text(), flags=re.DOTALL))


if __name__ == "__main__":
    main()
