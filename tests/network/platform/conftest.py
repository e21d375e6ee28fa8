"""What several tests of the platform begin with."""

import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal

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


def _as_long_as_possible(fixture_name: str, config: pytest.Config) -> Literal["function", "module"]:
    """With PostgreSQL, for one test: the platform of the next test uses the same database."""
    return "function" if POSTGRESQL else "module"


@pytest.fixture(scope=_as_long_as_possible)
def unchanged_platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Platform"]:
    """A platform with four organisations, for all tests of a module that are only refused."""
    from support.platforms import empty_database, made_platform  # noqa: PLC0415 - an optional part

    with made_platform(tmp_path_factory.mktemp("unchanged"), url=POSTGRESQL) as made:
        yield made
    if POSTGRESQL:
        empty_database(POSTGRESQL)
