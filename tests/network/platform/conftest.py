"""What several tests of the platform begin with."""

import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from support.platforms import Platform

collect_ignore_glob = [] if find_spec("fastapi") and find_spec("sqlalchemy") else ["*"]
"""All of them without the extra `platform`."""


POSTGRESQL = os.environ.get("TINYCONTAINER_TEST_POSTGRESQL", "")
"""URL of an empty database of PostgreSQL, on which platforms of tests keep their rows if given."""


@pytest.fixture
def platform(tmp_path: Path) -> Iterator["Platform"]:
    """A platform with four organisations."""
    from support.platforms import empty_database, made_platform  # noqa: PLC0415 - an optional part

    with made_platform(tmp_path, url=POSTGRESQL) as made:
        yield made
    if POSTGRESQL:
        empty_database(POSTGRESQL)
