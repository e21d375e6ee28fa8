"""Makes the helpers in tests/support importable; the packages under test come from the install."""

import signal
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

sys.path.insert(0, str(Path(__file__).parent))

from support.project import Program

# The same examples in every run; a test that wants many more carries the marker `long`.
settings.register_profile(
    "project",
    derandomize=True,
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("project")


def pytest_configure() -> None:
    """A run that a shell has put into the background, or nohup, ignores SIGINT; tests send it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the full counts of a requirement as long as they need: three hours."""
    for item in items:
        if item.get_closest_marker("long") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(3 * 60 * 60))


@pytest.fixture
def program(capsys: pytest.CaptureFixture[str]) -> Program:
    """``tinycontainerctl``, run in this process."""
    return Program(capsys)
