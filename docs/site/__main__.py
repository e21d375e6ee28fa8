"""Builds the documentation site, into build/site or another directory that is named."""

import sys
from pathlib import Path

from tinycontainer_site.building import build_site
from tinycontainer_site.pages import BrokenSource
from tinycontainer_site.project import ROOT


def main() -> int:
    """Build, and say where the site is; 1 if something in its sources has to be repaired."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build" / "site"
    try:
        build_site(target)
    except BrokenSource as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"built: {target / 'index.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
