"""Makes the helpers in tests/support importable; the packages under test come from the install."""

import gc
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

sys.path.insert(0, str(Path(__file__).parent))

from support.project import Program

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from support.browsers import RealBrowser

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


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Look for garbage more seldom, and not among all tests and modules, which stay to the end.

    With 10,000 tests, to look through all of that took a seventh of the time.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.set_threshold(5_000)
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the full counts of a requirement as long as they need: three hours."""
    for item in items:
        if item.get_closest_marker("long") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(3 * 60 * 60))


@pytest.fixture
def program(capsys: pytest.CaptureFixture[str]) -> Program:
    """``tinycontainerctl``, run in this process."""
    return Program(capsys)


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Browser"]:
    """A browser for a module: while it runs, its driver's event loop holds the thread."""
    from support.browsers import CHROMIUM, running_chromium  # noqa: PLC0415 - few modules need it

    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    with running_chromium(tmp_path_factory.mktemp("chromium")) as running:
        yield running


@pytest.fixture
def browser(chromium: "Browser") -> Iterator["RealBrowser"]:
    """A browser of one test, which is to have done nothing harmful."""
    from support.browsers import RealBrowser  # noqa: PLC0415 - few modules need it

    browser = RealBrowser(chromium)
    yield browser
    browser.close()
    browser.require_harmless()
