"""What the tests of rollouts begin with."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from support.rollouts import Rollouts

POSTGRESQL = os.environ.get("TINYCONTAINER_TEST_POSTGRESQL", "")
"""URL of an empty database of PostgreSQL, on which the rows are if given."""


@pytest.fixture
def rollouts(tmp_path: Path) -> Iterator["Rollouts"]:
    """Four parties with a complete release."""
    from support.platforms import empty_database, made_platform  # noqa: PLC0415 - an optional part
    from support.rollouts import GATEWAY, Rollouts  # noqa: PLC0415

    with made_platform(tmp_path, url=POSTGRESQL, gateways={GATEWAY: "infra"}) as platform:
        found = Rollouts(platform)
        found.prepare()
        yield found
    if POSTGRESQL:
        empty_database(POSTGRESQL)
