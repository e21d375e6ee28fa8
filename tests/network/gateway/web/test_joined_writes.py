"""Pieces that are written in one turn of the loop are sent together, and none is held for long."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

pytest.importorskip("uvicorn")
from tinycontainer.network.gateway.web.joined_writes import JoinedWrites


class Sent(asyncio.Transport):
    """A transport that notes what it is given, and that it was closed."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1)})
        self.pieces: list[bytes] = []

    def write(self, data: object) -> None:
        self.pieces.append(bytes(data))  # type: ignore[call-overload]

    def close(self) -> None:
        self.pieces.append(b"(closed)")


def sent(write: Callable[[JoinedWrites], Awaitable[None]]) -> list[bytes]:
    async def run() -> list[bytes]:
        transport = Sent()
        await write(JoinedWrites(transport, asyncio.get_running_loop()))
        return transport.pieces

    return asyncio.run(run())


def test_head_and_body_are_sent_together_and_at_once() -> None:
    async def write(joined: JoinedWrites) -> None:
        joined.write(b"head ")
        joined.write(b"body")

    assert sent(write) == [b"head body"]


def test_no_more_than_one_piece_is_held() -> None:
    async def write(joined: JoinedWrites) -> None:
        for number in range(5):
            joined.write(b"%d" % number)

    assert sent(write) == [b"01", b"23", b"4"]


def test_a_piece_alone_is_sent_as_soon_as_nothing_else_is_to_be_done() -> None:
    async def write(joined: JoinedWrites) -> None:
        joined.write(b"head")
        await asyncio.sleep(0.01)
        joined.write(b"event")
        await asyncio.sleep(0.01)

    assert sent(write) == [b"head", b"event"]


def test_what_is_held_is_sent_before_the_end() -> None:
    async def write(joined: JoinedWrites) -> None:
        joined.write(b"last")
        joined.close()
        await asyncio.sleep(0.01)

    assert sent(write) == [b"last", b"(closed)"]


def test_everything_else_is_the_transports_own() -> None:
    async def write(joined: JoinedWrites) -> None:
        assert joined.get_extra_info("peername") == ("127.0.0.1", 1)

    assert sent(write) == []
