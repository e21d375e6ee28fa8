"""Where the project's files are."""

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[3]
"""The folder of the project."""

SITE: Final = ROOT / "docs" / "site"
"""The folder of what only the site needs."""
