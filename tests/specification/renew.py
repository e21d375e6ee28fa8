"""Makes specs/coverage.md and the diagram of the life cycle again, from what they are made of."""

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.specification import SPECS, diagram, matrix


def main() -> None:
    """Write both."""
    (SPECS / "coverage.md").write_text(matrix())
    page = SPECS / "lifecycle.md"
    text = re.sub(r"```mermaid.*?```", diagram(), page.read_text(), flags=re.DOTALL)
    page.write_text(text)


if __name__ == "__main__":
    main()
