"""What the tests of evidence begin with."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from support.evident_platforms import EvidentWorld

POSTGRESQL = os.environ.get("TINYCONTAINER_TEST_POSTGRESQL", "")
"""URL of an empty database of PostgreSQL, on which the rows are if given."""


@pytest.fixture
def world(tmp_path: Path) -> Iterator["EvidentWorld"]:
    """Four parties with a release on a device that signs what has happened on it."""
    from support.evident_platforms import EvidentWorld  # noqa: PLC0415 - an optional part
    from support.platforms import empty_database, made_platform  # noqa: PLC0415
    from support.rollouts import GATEWAY, Rollouts  # noqa: PLC0415

    with made_platform(tmp_path, url=POSTGRESQL, gateways={GATEWAY: "infra"}) as platform:
        rollouts = Rollouts(platform)
        rollouts.prepare()
        found = EvidentWorld(rollouts)
        found.prepare()
        yield found
    if POSTGRESQL:
        empty_database(POSTGRESQL)
