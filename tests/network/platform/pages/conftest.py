"""What the tests of pages begin with."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from support.browsers import RealBrowser
    from support.platform_pages import PageWorld
    from support.served_pages import ServedWorld


@pytest.fixture
def world(tmp_path: Path) -> Iterator["PageWorld"]:
    """A platform with something on each page."""
    from support.platform_pages import filled  # noqa: PLC0415 - an optional part

    with filled(tmp_path) as found:
        yield found


@pytest.fixture(scope="session")
def unchanged(tmp_path_factory: pytest.TempPathFactory) -> Iterator["PageWorld"]:
    """The same, for tests that only look, and that are refused."""
    from support.platform_pages import filled  # noqa: PLC0415 - an optional part

    with filled(tmp_path_factory.mktemp("pages")) as found:
        yield found


@pytest.fixture
def served(world: "PageWorld", browser: "RealBrowser") -> Iterator["ServedWorld"]:
    """A platform of one test, for a browser."""
    from support.served_pages import serving_pages  # noqa: PLC0415 - an optional part

    with serving_pages(world) as found:
        yield found
        browser.close()  # streams end with it


@pytest.fixture(scope="session")
def served_unchanged(unchanged: "PageWorld") -> Iterator["ServedWorld"]:
    """One platform for all tests with a browser that only look: its streams know one loop."""
    from support.served_pages import serving_pages  # noqa: PLC0415 - an optional part

    with serving_pages(unchanged) as found:
        yield found
