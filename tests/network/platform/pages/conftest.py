"""What the tests of pages begin with."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from support.platform_pages import PageWorld


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
