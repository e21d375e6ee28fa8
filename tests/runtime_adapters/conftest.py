"""Container suites run on every engine; a test that needs an ability says so by a marker."""

from collections.abc import Iterator

import pytest
from support.engines import ENGINES, abilities, running_on


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Iterator[str]:
    """The engine's name; runtimes that `support.wasm.modules` makes are of this engine."""
    name: str = request.param
    for marker in request.node.iter_markers("needs"):
        (ability,) = marker.args
        if ability not in abilities(name):
            pytest.skip(f"{name} has not the ability {ability}")
    with running_on(name):
        yield name
