"""What does a system call cost? A read straight from the driver, and through the service."""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from support.scripted import Program, Steps
from support.worlds import World, blueprint

from tinycontainer.driver import CallContext
from tinycontainer.driver_table import DriverEntry
from tinycontainer.metadata import Direction, Endpoint, PeerType
from tinycontainer.runtime import Natives

pytestmark = pytest.mark.benchmark(group="call")


class Zeros:
    """Gives zeros."""

    def open(self, peer_endpoint_id: int, context: CallContext) -> int:
        return 1

    def read(self, driver_fd: int, size: int) -> bytes:
        return bytes(size)

    def write(self, driver_fd: int, data: bytes) -> int:
        return len(data)

    def close(self, driver_fd: int) -> None:
        pass


def opened(*, silent: bool) -> Natives:
    """The natives of a container that has its endpoint open."""
    caught: list[Natives] = []

    def start(natives: Natives) -> Steps:
        caught.append(natives)
        natives.open(1)
        yield 1
        return 0

    def loop(_natives: Natives) -> Steps:
        yield 1
        return 0

    entry = DriverEntry(PeerType.LOCAL, 1, "zeros", Zeros)
    world = World(drivers=(entry,), silent=silent)
    endpoint = Endpoint(1, PeerType.LOCAL, 1, Direction.BOTH)
    world.run(blueprint("caller", endpoints=(endpoint,)), Program(loop=loop, start=start))
    world.device.run(1)
    return caught[0]


def test_read_from_the_driver(benchmark: BenchmarkFixture) -> None:
    driver = Zeros()
    assert benchmark(lambda: driver.read(1, 16)) == bytes(16)


def test_read_through_the_service(benchmark: BenchmarkFixture) -> None:
    natives = opened(silent=True)
    assert benchmark(lambda: natives.read(1, 16)) == bytes(16)


def test_read_through_the_service_with_a_sink(benchmark: BenchmarkFixture) -> None:
    natives = opened(silent=False)
    assert benchmark(lambda: natives.read(1, 16)) == bytes(16)
