"""The part of the pytest plugin that is registered when a test first asks for a device."""

from collections.abc import Generator
from typing import Final

import pytest

from tinycontainer.text import show

from .report import describe_rig
from .session import BenchFactory

FACTORY: Final = pytest.StashKey[BenchFactory]()
_NAME: Final = "tinycontainer-reporting"


def watch(request: pytest.FixtureRequest, factory: BenchFactory) -> None:
    """Let the report of a test show its devices if it fails.

    Args:
        request: of the test.
        factory: makes its devices.
    """
    request.node.stash[FACTORY] = factory
    manager = request.config.pluginmanager
    if not manager.has_plugin(_NAME):
        manager.register(Reporting(), _NAME)


class Reporting:
    """Adds a section for each device to the report of a failed test."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """See pytest."""
        report = yield
        factory = item.stash.get(FACTORY, None)
        if factory is not None and report.when == "call" and report.failed:
            for rig in factory.rigs:
                names = ", ".join(map(show, rig.uids)) or rig.name
                report.sections.append((f"tinycontainer: {names}", describe_rig(rig)))
        return report
