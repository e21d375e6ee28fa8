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
    from support.platform_pages import PageWorld  # noqa: PLC0415 - an optional part
    from support.platforms import made_platform  # noqa: PLC0415
    from support.rollouts import GATEWAY, Rollouts  # noqa: PLC0415

    with made_platform(tmp_path, gateways={GATEWAY: "infra"}) as platform:
        rollouts = Rollouts(platform)
        rollouts.prepare()
        found = PageWorld(rollouts)
        found.fill()
        yield found
