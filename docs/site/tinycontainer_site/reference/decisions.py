"""The page that lists the decisions, from the pages in docs/adr/."""

import re

from ..pages import Page, Stage

_HEAD = """# Decisions

Each page says what there was to decide, which ways there were, and why one was chosen. A later
decision that replaces an earlier one says so.
"""


def add_decisions(stage: Stage) -> None:
    """Add the page."""
    lines = [_HEAD]
    for path in sorted(path for path in stage.pages if path.startswith("adr/")):
        page = stage.pages[path]
        found = re.search(r"^# (.+)$", page.text, re.MULTILINE)
        title = found[1] if found else path
        lines.append(f"- [{title}](site:{page.path})")
    stage.add(Page("adr/index.md", "\n".join(lines) + "\n", "docs/adr"))
