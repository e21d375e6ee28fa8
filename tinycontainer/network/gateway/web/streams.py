"""Server-sent events: what is observed at devices, and who is there."""

import asyncio
import itertools
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from functools import lru_cache
from typing import Any, Final

from tinycontainer.text import flatten

from ...agent.operator.answers import AnswerUnreadable, read_events
from ...agent.requests.message import CoapAnswer, CoapRequest, Code, Method
from ..devices.answers import BadAnswer, NoAnswer
from ..devices.devices import DeviceAsleep, Devices, NotThere, TooOften
from ..devices.watching import Watching
from .answering import refusal_of
from .renditions import Rendition, event_as_dict, require_readable

ALIVE_S: Final = 15.0
"""After so long without news, a comment shows that the stream goes on."""
ALIVE: Final = b": alive\n\n"
EVENTS_PATH: Final = ("tc", "e")
_EVENTS: Final = 32
"""Of a page."""
_AGAIN_S: Final = 0.5

_Page = list[tuple[int, bytes]]
"""Events as they are sent, with their numbers."""


def write_event(kind: str, value: object, number: int | None = None) -> bytes:
    """An event of a stream."""
    name = f"id: {number}\n" if number is not None else ""
    return f"{name}event: {kind}\ndata: {json.dumps(value)}\n\n".encode()


async def with_signs_of_life(
    source: AsyncGenerator[bytes, None],
) -> AsyncGenerator[bytes, None]:
    """A stream, with a comment wherever it is silent for long; it ends with its source."""
    following: asyncio.Task[bytes | None] | None = None
    try:
        while True:
            if following is None:
                following = asyncio.ensure_future(_next(source))
            done, _ = await asyncio.wait([following], timeout=ALIVE_S)
            if not done:
                yield ALIVE
                continue
            found = following.result()
            following = None
            if found is None:
                return
            yield found
    finally:
        if following is not None:
            following.cancel()
            with suppress(asyncio.CancelledError):
                await following
        await source.aclose()


async def _next(source: AsyncGenerator[bytes, None]) -> bytes | None:
    return await anext(source, None)


async def states(
    watching: Watching, device: str, path: tuple[str, ...], rendition: Rendition
) -> AsyncGenerator[bytes, None]:
    """The state of a resource, now and whenever it has changed."""
    before: object = None
    async with aclosing(watching.watch(device, path)) as answers:
        async for answer in answers:
            if answer.code is not Code.CONTENT:
                yield _refused(answer)
                return
            try:
                value = rendition.read(answer)
            except AnswerUnreadable as error:
                yield write_event("unreadable", flatten(str(error)))
                continue
            if value != before:
                yield write_event("state", value)
            before = value


class EventStreams:
    """Events of devices, each asked for once for all who follow it.

    Args:
        devices: are asked.
        watching: says when there are new ones.
    """

    def __init__(self, devices: Devices, watching: Watching) -> None:
        self._devices = devices
        self._watching = watching
        self._pages: dict[tuple[str, int, int], asyncio.Task[_Page]] = {}
        # All who follow a device read the same, one after the other.
        self._read_newest = lru_cache(8)(_read_newest)

    async def follow(self, device: str, since: int) -> AsyncGenerator[bytes, None]:
        """The events of a device above a number, and all that come."""
        async with aclosing(self._watching.watch(device, EVENTS_PATH)) as answers:
            async for answer in answers:
                if answer.code is not Code.CONTENT:
                    yield _refused(answer)
                    return
                try:
                    newest = self._read_newest(answer)
                except AnswerUnreadable as error:
                    yield write_event("unreadable", flatten(str(error)))
                    continue
                if newest < since:  # the device has forgotten its events, and begins anew
                    yield write_event("reset", {"newest": newest})
                    since = 0
                    for key in [key for key in self._pages if key[0] == device]:
                        del self._pages[key]
                while since < newest:
                    page = await self._page(device, since, newest)
                    if not page:
                        break
                    for number, written in page:
                        yield written
                        since = number

    async def _page(self, device: str, since: int, newest: int) -> _Page:
        """Events above a number, in rising order; none if they cannot be had now."""
        key = device, since, newest
        task = self._pages.get(key)
        if task is None:
            task = self._pages[key] = asyncio.create_task(self._fetch(device, since))
            # Not kept: after a reboot, other events of the device have the same numbers.
            task.add_done_callback(lambda _: self._pages.pop(key, None))
        try:
            return await asyncio.shield(task)
        except (NoAnswer, BadAnswer, NotThere, DeviceAsleep, TooOften, AnswerUnreadable):
            await asyncio.sleep(_AGAIN_S)
            return []

    async def _fetch(self, device: str, since: int) -> _Page:
        request = CoapRequest(b"", Method.GET, EVENTS_PATH, (f"since={since}",))
        answer = await (await self._devices.ask(device, request, is_fresh=True)).whole()
        if answer.code is not Code.CONTENT:
            raise AnswerUnreadable("it is an error")
        _, rows = _read_page(answer)
        numbers = [since, *(number for number, _ in rows)]
        if any(after <= before for before, after in itertools.pairwise(numbers)):
            return []
        return [
            (number, write_event("event", event_as_dict(number, event)["event"], number))
            for number, event in rows
        ]


def _read_newest(answer: CoapAnswer) -> int:
    return _read_page(answer)[0]


def _read_page(answer: CoapAnswer) -> tuple[int, list[tuple[int, str]]]:
    """The number of the newest event, and a page of events.

    Raises:
        AnswerUnreadable: it is something else, or has more events than a page (TC-MGMT-09).
    """
    require_readable(answer)
    newest, rows = read_events(answer.payload)
    if len(rows) > _EVENTS:
        raise AnswerUnreadable(f"it has more than {_EVENTS} events")
    return newest, rows


def _refused(answer: CoapAnswer) -> bytes:
    return write_event("refused", json.loads(refusal_of(answer).body()))


async def inventory(
    changes: AsyncGenerator[set[str], None],
    describe: Callable[[str], dict[str, Any] | None],
    names: list[str],
) -> AsyncGenerator[bytes, None]:
    """Who is there, and each device again when something about it has changed.

    Args:
        changes: names of devices that have changed.
        describe: a device, for whoever looks; None if that one may not see it, or it is gone.
        names: of all devices.
    """
    # By the hash of what was sent: all of it, for each who looks, would be too much.
    sent: dict[str, int] = {}
    for name in names:
        found = describe(name)
        if found is not None:
            event = write_event("device", found)
            sent[name] = hash(event)
            yield event
    yield write_event("complete", {"devices": len(sent)})
    async with aclosing(changes):
        async for changed in changes:
            for name in sorted(changed):
                found = describe(name)
                if found is None:
                    if sent.pop(name, None) is not None:
                        yield write_event("gone", {"name": name})
                    continue
                event = write_event("device", found)
                if hash(event) != sent.get(name):
                    sent[name] = hash(event)
                    yield event
