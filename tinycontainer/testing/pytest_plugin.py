"""The door of the pytest plugin: options and fixtures; all else is loaded when a test uses it.

Every run of pytest loads this module where the project is installed, so it imports nothing of it.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .bench.session import BenchFactory, BenchSession

_OPTION = "--tinycontainer-engine"
_INI = "tinycontainer_engine"
_FIXTURE = "tinycontainer_engine"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option and the setting that choose engines."""
    what = "run each test of a container on this engine, such as pywasm, wasmtime or rbpf"
    group = parser.getgroup("tinycontainer", "tests of containers")
    group.addoption(
        _OPTION,
        action="append",
        metavar="NAME",
        help=f"{what}; can be repeated, and takes names with commas between them",
    )
    parser.addini(_INI, f"{what}; several for several runs of each test", type="args", default=[])


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Repeat each test of a container on each engine that is asked for."""
    if _FIXTURE in metafunc.fixturenames:
        given = metafunc.config.getoption(_OPTION) or metafunc.config.getini(_INI)
        names = [name for each in given for name in each.split(",") if name]
        if names:
            metafunc.parametrize(_FIXTURE, list(dict.fromkeys(names)))


@pytest.fixture
def tinycontainer_engine() -> str | None:
    """The engine that runs the containers of this test; None for what the device file says."""
    return None


@pytest.fixture(scope="session")
def _tinycontainer_session() -> "Iterator[BenchSession]":
    """What the tests of one session share."""
    from .bench.session import BenchSession  # noqa: PLC0415 - only tests of containers load it

    session = BenchSession()
    yield session
    session.close()


@pytest.fixture
def tinycontainer_device(
    request: pytest.FixtureRequest,
    tinycontainer_engine: str | None,
    _tinycontainer_session: "BenchSession",
) -> "Iterator[BenchFactory]":
    """Makes a device in virtual time that the test drives; see docs/test-a-container.md."""
    from .bench.reporting import watch  # noqa: PLC0415
    from .bench.session import BenchFactory  # noqa: PLC0415

    factory = BenchFactory(
        _tinycontainer_session, request.path, request.config.rootpath, tinycontainer_engine
    )
    watch(request, factory)
    yield factory
    factory.close()
