"""Runs the yard on the event loop of its caller: the gateway and all boxes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

from tinycontainer.assembly import Device, Installation, boot, make_setup, read_plan
from tinycontainer.interfaces.clock import WallClock
from tinycontainer.interfaces.network.oscore import open_contexts
from tinycontainer.state import MemoryState

from ...agent.address import Address
from ...agent.changes import Changes
from ...agent.ending import Ending, served_beside
from ...agent.making import make_served, opened_protection
from ...agent.served_plan import find_address
from ...agent.serving import Served, serve
from ...gateway.gateway import ServedGateway, serve_gateway
from ...gateway.gateway_file import read_gateway_file
from ...gateway.named_files import read_contexts
from .yard_files import YardFiles


@asynccontextmanager
async def running_gateway(files: YardFiles) -> AsyncIterator[None]:
    """Run the gateway of a yard until the block is left; it answers when the block begins.

    Args:
        files: of the yard.

    Raises:
        OSError: an address cannot be used.
        StateFileError: its state cannot be used.
        DeviceFileError: another file cannot be used.
    """
    plan = read_gateway_file(files.gateway_file)
    ready, ending = asyncio.Event(), Ending()
    with open_contexts(read_contexts(plan)) as contexts:
        served = ServedGateway(plan, contexts, ready.set)
        async with served_beside({ending: serve_gateway(served, ending)}):
            await ready.wait()
            yield


@asynccontextmanager
async def running_yard(
    files: YardFiles, when_registered: Callable[[str, str], None]
) -> AsyncIterator[None]:
    """Run all boxes of a yard until the block is left; all of them answer when the block begins.

    At the end the gateway forgets them, and their containers end with their grace; so leave the
    gateway's block after this one.

    Args:
        files: of the yard.
        when_registered: is called with the name of a box that is registered at the gateway, and an
            empty text; when it no longer is, or is not to begin with, with the reason.

    Raises:
        OSError: an address cannot be used.
        DeviceFileError: a device file, or a file that it names, cannot be used.
        RuntimeUnavailable: a runtime cannot work in this process.
    """
    with ExitStack() as held:
        installation = held.enter_context(Installation())
        boxes = []
        for name in files.names:
            box = _open_box(held, installation, files.device_file(name), name, when_registered)
            boxes.append((*box, Ending(), asyncio.Event()))
            await asyncio.sleep(0)  # the gateway may answer
        works = {
            ending: serve(served, address, ending, ready.set, _do_nothing)
            for served, address, ending, ready in boxes
        }
        async with served_beside(works):
            for *_, ready in boxes:
                await ready.wait()
            yield


def _open_box(
    held: ExitStack,
    installation: Installation,
    path: Path,
    name: str,
    when_registered: Callable[[str, str], None],
) -> tuple[Served, Address]:
    """A box, and where it is served; its state and its contexts are in use while it is held."""
    plan = read_plan(path, installation.files)
    protection = held.enter_context(opened_protection(plan))
    changes, clock = Changes(), WallClock()
    setup = make_setup(plan, clock, installation, remembers=True)
    state = setup.state or MemoryState()
    setup = replace(setup, state=state)
    device = Device(setup, clock, [changes])
    try:
        boot(device, setup, plan)
    except BaseException:
        device.close(recording=False)
        raise
    held.callback(device.close)
    served = make_served(
        plan,
        device,
        setup,
        state,
        changes,
        protection,
        lambda _request, _answer: None,
        lambda _directory, problem: when_registered(name, problem),
    )
    return served, find_address(plan)


def _do_nothing() -> None:
    """Nobody is told that a box ends."""
