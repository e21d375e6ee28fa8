"""Pages that stay up to date: what is sent when, to whom, and until when."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import delete, update
from support.four_parties import BOX
from support.platform_pages import PageWorld

from tinycontainer.network.platform.actor import PersonRight
from tinycontainer.network.platform.changes import LOOK_S, ChangeWatch
from tinycontainer.network.platform.tables.fleet import DeviceRow
from tinycontainer.network.platform.tables.people import WebSession
from tinycontainer.network.platform.web.pages.live import MOST_OF_ONE, MOST_OF_ORGANISATION

SOON_S = 10


class Follower:
    """A browser that follows a page, as a server hears of it.

    Attributes:
        status: of the answer.
    """

    def __init__(
        self, application: Any, path: str, cookie: str, *more: tuple[bytes, bytes]
    ) -> None:
        headers = [(b"accept", b"text/event-stream"), (b"cookie", cookie.encode()), *more]
        self._scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET",
            "scheme": "http", "path": path, "raw_path": path.encode(), "query_string": b"",
            "headers": [(b"host", b"testserver"), *headers], "client": ("127.0.0.1", 1),
            "server": ("testserver", 80),
        }  # fmt: skip
        self._application = application
        self._messages: asyncio.Queue[Any] = asyncio.Queue()
        self._left = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.status = 0

    async def begin(self) -> None:
        """Ask, and wait for the head of the answer."""
        self._task = asyncio.create_task(
            self._application(self._scope, self._receive, self._messages.put)
        )
        self.status = (await self._next())["status"]

    async def page(self) -> str:
        """The next event that has a page; empty when the stream has ended."""
        text = ""
        while True:
            message = await self._next()
            text += message.get("body", b"").decode()
            if not message.get("more_body"):
                return ""
            *events, text = text.split("\n\n")
            if pages := [each for each in events if each.startswith("event: page\n")]:
                return str(pages[-1])

    async def body(self) -> str:
        """All of an answer that is no stream."""
        text = ""
        while True:
            message = await self._next()
            text += message.get("body", b"").decode()
            if not message.get("more_body"):
                return str(text)

    async def leave(self) -> None:
        """Go away, as a browser does whose tab is closed."""
        self._left.set()
        if self._task is not None:
            await asyncio.wait_for(self._task, SOON_S)

    async def _receive(self) -> dict[str, Any]:
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def _next(self) -> Any:
        return await asyncio.wait_for(self._messages.get(), SOON_S)


def cookie_of(client: httpx.Client) -> str:
    """What a browser sends that has logged in."""
    return "; ".join(f"{name}={value}" for name, value in client.cookies.items())


@asynccontextmanager
async def following(world: PageWorld, path: str, cookie: str) -> AsyncIterator[Follower]:
    """A browser that follows a page until the block is left."""
    found = Follower(world.platform.application, path, cookie)
    await found.begin()
    try:
        yield found
    finally:
        await found.leave()


def change(world: PageWorld, **values: object) -> None:
    """Write into all devices."""
    with world.platform.database.transaction() as session:
        session.execute(update(DeviceRow).values(**values))


@pytest.mark.clause("TC-PLAT-68")
def test_a_change_is_sent_within_two_seconds(world: PageWorld) -> None:
    async def follow() -> None:
        cookie = cookie_of(world.client("boxes").client)
        async with following(world, "/devices", cookie) as follower:
            assert follower.status == 200
            first = await follower.page()
            assert "box-01" in first
            assert "<main" not in first
            began_s = time.monotonic()
            change(world, kind="crate")
            assert "crate" in await follower.page()
            assert time.monotonic() - began_s < 2

    asyncio.run(follow())


@pytest.mark.clause("TC-PLAT-68")
def test_the_stream_ends_with_the_session(world: PageWorld) -> None:
    async def follow() -> None:
        cookie = cookie_of(world.client("boxes").client)
        async with following(world, "/devices", cookie) as follower:
            await follower.page()
            with world.platform.database.transaction() as session:
                session.execute(delete(WebSession))
            change(world, kind="secret")
            assert await follower.page() == ""

    asyncio.run(follow())


@pytest.mark.clause("TC-PLAT-68")
def test_the_stream_ends_with_the_platform(world: PageWorld) -> None:
    async def follow() -> None:
        cookie = cookie_of(world.client("boxes").client)
        async with following(world, "/devices", cookie) as follower:
            await follower.page()
            world.platform.application.state.parts.changes.end()
            assert await follower.page() == ""

    asyncio.run(follow())


@pytest.mark.clause("TC-PLAT-68")
@pytest.mark.parametrize(
    ("organisation", "path", "status"),
    [
        ("infra", f"/releases/{BOX}/1/rollout", 204),
        ("others", f"/releases/{BOX}/1", 404),
        (None, "/devices", 401),
    ],
)
def test_what_cannot_be_followed_says_so(
    world: PageWorld, organisation: str | None, path: str, status: int
) -> None:
    async def follow() -> None:
        cookie = "" if organisation is None else cookie_of(world.client(organisation).client)
        async with following(world, path, cookie) as follower:
            assert follower.status == status

    asyncio.run(follow())


@pytest.mark.clause("TC-PLAT-68")
def test_nobody_follows_too_many_pages_and_a_place_is_free_again(world: PageWorld) -> None:
    async def follow() -> None:
        cookie = cookie_of(world.client("boxes").client)
        followers = [
            Follower(world.platform.application, "/devices", cookie) for _ in range(MOST_OF_ONE + 1)
        ]
        for each in followers:
            await each.begin()
        assert [each.status for each in followers] == [200] * MOST_OF_ONE + [429]
        for each in followers:
            await each.leave()
        async with following(world, "/devices", cookie) as again:
            assert again.status == 200

    asyncio.run(follow())


@pytest.mark.clause("TC-PLAT-68")
def test_one_organisation_does_not_take_the_places_of_all_others(world: PageWorld) -> None:
    async def follow() -> None:
        people = [
            world.platform.add_person("others", f"person-{each}", PersonRight.VIEWER)
            for each in range(MOST_OF_ORGANISATION // MOST_OF_ONE + 1)
        ]
        followers = [
            Follower(world.platform.application, "/rollouts", cookie_of(each))
            for each in people
            for _ in range(MOST_OF_ONE)
        ]
        for each in followers:
            await each.begin()
        beyond = len(followers) - MOST_OF_ORGANISATION
        assert [each.status for each in followers] == [200] * MOST_OF_ORGANISATION + [429] * beyond
        async with following(world, "/rollouts", cookie_of(world.client("dev").client)) as other:
            assert other.status == 200
        for each in followers:
            await each.leave()

    asyncio.run(follow())


def test_a_stream_outlives_a_database_that_is_not_there_for_a_while(
    world: PageWorld, tmp_path: Path
) -> None:
    async def follow() -> None:
        cookie = cookie_of(world.client("boxes").client)
        async with following(world, "/devices", cookie) as follower:
            await follower.page()
            world.platform.database.close()
            file = tmp_path / "platform.db"
            elsewhere = file.rename(tmp_path / "elsewhere.db")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(follower.page(), 3 * LOOK_S)
            elsewhere.rename(file)
            change(world, kind="crate")
            assert "crate" in await follower.page()

    asyncio.run(follow())


def test_a_request_with_a_body_is_not_followed(world: PageWorld) -> None:
    async def follow() -> None:
        cookie = cookie_of(world.client("boxes").client)
        for header in ((b"content-length", b"4096"), (b"transfer-encoding", b"chunked")):
            asks = Follower(world.platform.application, "/devices", cookie, header)
            await asks.begin()
            assert "<main" in await asks.body()
            await asks.leave()

    asyncio.run(follow())


def test_an_event_says_for_which_session_it_was_made(world: PageWorld) -> None:
    async def follow() -> None:
        platform = world.platform
        marks = set()
        for client in (world.client("boxes").client, platform.log_in("boxes-admin")):
            shown = client.get("/devices").text
            async with following(world, "/devices", cookie_of(client)) as follower:
                found = re.search("^id: ([0-9a-f]{16})$", await follower.page(), re.MULTILINE)
            assert found is not None
            assert f'data-session="{found[1]}"' in shown
            marks.add(found[1])
        assert len(marks) == 2

    asyncio.run(follow())


def test_who_waits_hears_of_what_others_have_written_and_else_after_a_time(
    world: PageWorld,
) -> None:
    async def wait(act: Callable[[], Awaitable[None]] | None, within_s: float) -> bool:
        watch = ChangeWatch(world.platform.database)
        seen = await watch.wait(0, 0)
        assert seen is not None
        if act is not None:
            await act()
        return await watch.wait(seen, within_s) != seen

    async def write() -> None:
        change(world, kind="crate")

    assert asyncio.run(wait(write, SOON_S))
    assert not asyncio.run(wait(None, 0.5))
