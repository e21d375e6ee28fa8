"""Makes the package of the site's builder importable, which is not installed."""

import sys

from support.project import ROOT

sys.path.append(str(ROOT / "docs" / "site"))
