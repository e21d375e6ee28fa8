"""A container that makes the calls of a test, on a device with drivers, and the refusals it got."""

from support.drivers import Puppet, served_by
from support.worlds import ALL_CALLS, Remote, World, blueprint, local, times
from tinycontainer.metadata import Endpoint
from tinycontainer.tools.packing.packing import Blueprint
from tinycontainer.trace.events import Refused

PLACES = range(1, 7)
"""Peer endpoint ids with a driver."""

EVERY_PLACE = tuple(local(place, peer=place) for place in PLACES)
"""One endpoint for each driver, with the same number."""


def caller_plan(*endpoints: Endpoint, mask: int = ALL_CALLS) -> Blueprint:
    """Metadata of the container ``box``: one loop each ms, with these endpoints."""
    return blueprint("box", mask=mask, endpoints=endpoints, security=times(period=1))


def make_caller(*endpoints: Endpoint, driver: Puppet | None = None) -> tuple[World, Remote]:
    """A device with a driver at all places, and a started container with these endpoints.

    Args:
        endpoints: of the container.
        driver: serves all places; by default each place has a driver of its own.
    """
    entries = [served_by(driver or Puppet(), peer=place) for place in PLACES]
    world = World(bare=True, drivers=tuple(entries))
    return world, Remote(world, caller_plan(*endpoints))


def refused_calls(world: World, uid: str = "box") -> list[tuple[str, int, str, int]]:
    """Call, subject, reason and result of each refused call of a container."""
    return [(e.call, e.subject, e.reason, e.result) for e in world.of(Refused, uid)]
