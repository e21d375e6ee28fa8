"""How what is served is told to end: by who asks, by a signal, or by the end of a block."""

import asyncio
import os
import signal

import pytest

from tinycontainer.network.agent.ending import Ending, served_beside, until_interrupted


async def serve(ending: Ending, said: list[str]) -> None:
    """Something that is served; it says what it does."""
    asked = asyncio.Event()
    ending.when_asked = asked.set
    said.append("begins")
    try:
        await asked.wait()
        await asyncio.sleep(0)
        said.append("ends")
    except asyncio.CancelledError:
        said.append("is torn off")
        raise


async def fail() -> None:
    await asyncio.sleep(0)
    raise OSError("the port is in use")


def test_who_asks_again_is_in_a_hurry() -> None:
    asked = []
    ending = Ending()
    assert not ending.is_asked
    ending.ask()
    assert (ending.is_asked, ending.is_urgent) == (True, False)
    ending.when_asked = lambda: asked.append(ending.is_urgent)
    ending.ask()
    assert ending.is_urgent
    assert asked == [True]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_asks_for_the_end(number: int) -> None:
    said: list[str] = []

    async def run(ending: Ending) -> None:
        asyncio.get_running_loop().call_soon(os.kill, os.getpid(), number)
        await serve(ending, said)

    asyncio.run(until_interrupted(run))
    assert said == ["begins", "ends"]


def test_the_end_of_a_block_ends_all_that_is_served_beside_it() -> None:
    said: list[str] = []

    async def run() -> None:
        one, two = Ending(), Ending()
        async with served_beside({one: serve(one, said), two: serve(two, said)}):
            await asyncio.sleep(0)
            said.append("goes on")

    asyncio.run(run())
    assert said == ["begins", "begins", "goes on", "ends", "ends"]


def test_an_error_of_the_block_comes_out_as_it_is_after_all_has_ended() -> None:
    said: list[str] = []

    async def run() -> None:
        ending = Ending()
        async with served_beside({ending: serve(ending, said)}):
            await asyncio.sleep(0)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(run())
    assert said == ["begins", "ends"]


def test_a_block_that_is_cancelled_ends_all_in_order() -> None:
    said: list[str] = []

    async def run() -> None:
        ending = Ending()
        async with served_beside({ending: serve(ending, said)}):
            await asyncio.Event().wait()

    async def cancel() -> None:
        running = asyncio.create_task(run())
        while not said:
            await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(cancel())
    assert said == ["begins", "ends"]


def test_what_one_of_them_raises_ends_the_block_and_the_others() -> None:
    said: list[str] = []

    async def run() -> None:
        ending = Ending()
        async with served_beside({ending: serve(ending, said), Ending(): fail()}):
            await asyncio.Event().wait()

    with pytest.raises(OSError, match="the port is in use"):
        asyncio.run(run())
    assert said == ["begins", "is torn off"]


def test_a_block_beside_nothing_is_only_a_block() -> None:
    async def run() -> str:
        async with served_beside({}):
            return "done"

    assert asyncio.run(run()) == "done"
