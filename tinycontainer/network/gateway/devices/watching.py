"""Resources of devices that are observed, each once, for all who look at it over HTTP."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from ...agent.requests.message import CoapAnswer, CoapRequest, Method
from .answers import BadAnswer, NoAnswer
from .devices import DeviceAsleep, Devices, NotThere, TooOften

AGAIN_S: Final = (0.5, 1.0, 2.0, 5.0, 10.0)
"""How long to wait before a device that does not answer is observed again."""
CALM_S: Final = 0.05
"""How long no more is told of a resource after a change."""

_Key: TypeAlias = tuple[str, tuple[str, ...]]


@dataclass(slots=True)
class _Watched:
    """A resource that is observed.

    Attributes:
        task: observes it.
        watchers: who looks at it; each is woken by a change.
        answer: the newest; None if there is none yet.
        number: of the newest answer, from 1.
    """

    task: "asyncio.Task[None]"
    watchers: set[asyncio.Event] = field(default_factory=set)
    answer: CoapAnswer | None = None
    number: int = 0


class Watching:
    """Observes resources of devices for as long as somebody looks at them.

    Args:
        devices: are observed.
    """

    def __init__(self, devices: Devices) -> None:
        self._devices = devices
        self._watched: dict[_Key, _Watched] = {}
        self._is_closed = False

    def __len__(self) -> int:
        return len(self._watched)

    async def watch(self, device: str, path: tuple[str, ...]) -> AsyncGenerator[CoapAnswer, None]:
        """The newest answer of a resource, and each one after it; some can be left out.

        It goes on while the device is away. It ends when the device has refused to be asked, with
        that answer, or when the gateway ends.
        """
        # Digits of one uid can be written in several ways.
        key = device, tuple(segment.lower() for segment in path)
        watched = self._watched.get(key)
        if watched is None:
            task = asyncio.create_task(self._observe(key))
            watched = self._watched[key] = _Watched(task)
        changed = asyncio.Event()
        watched.watchers.add(changed)
        seen = 0
        try:
            while not self._is_closed:
                if watched.number == seen:
                    if watched.task.done():
                        return
                    await changed.wait()
                changed.clear()
                if watched.answer is not None and watched.number != seen:
                    seen = watched.number
                    yield watched.answer
                    await asyncio.sleep(CALM_S)  # of what comes meanwhile, the newest is left
        finally:
            watched.watchers.discard(changed)
            if not watched.watchers and self._watched.get(key) is watched:
                del self._watched[key]
                watched.task.cancel()

    def begin_anew(self, device: str) -> None:
        """Observe a device anew: it has been started anew, and does not know who observes it."""
        for key, watched in self._watched.items():
            if key[0] == device:
                watched.task.cancel()
                watched.task = asyncio.create_task(self._observe(key))

    def close(self) -> None:
        """End everything that is watched."""
        self._is_closed = True
        for watched in self._watched.values():
            watched.task.cancel()
            _wake(watched)

    async def _observe(self, key: _Key) -> None:
        device, path = key
        request = CoapRequest(b"", Method.GET, path)
        watched = self._watched[key]
        failures = 0
        try:
            while True:
                with suppress(NoAnswer, BadAnswer, NotThere, DeviceAsleep, TooOften):
                    async with aclosing(self._devices.observe(device, request)) as answers:
                        async for answer in answers:
                            failures = 0
                            watched.answer = answer
                            watched.number += 1
                            _wake(watched)
                            if answer.code >= 128:
                                return
                await asyncio.sleep(AGAIN_S[min(failures, len(AGAIN_S) - 1)])
                failures += 1
        finally:
            if watched.task is asyncio.current_task():
                if self._watched.get(key) is watched:
                    del self._watched[key]
                _wake(watched)


def _wake(watched: _Watched) -> None:
    for changed in watched.watchers:
        changed.set()


@dataclass(slots=True)
class Inventory:
    """Who is there, for those who look at it.

    Attributes:
        watchers: the names that each has yet to see, and what wakes it.
    """

    watchers: dict[asyncio.Event, set[str]] = field(default_factory=dict)
    is_closed: bool = False

    def note_change(self, name: str) -> None:
        """Something about a device has changed."""
        for changed, names in self.watchers.items():
            names.add(name)
            changed.set()

    async def changes(self) -> AsyncGenerator[set[str], None]:
        """The names of devices that have changed, after each change or after several."""
        changed = asyncio.Event()
        names = self.watchers[changed] = set()
        try:
            while not self.is_closed:
                await changed.wait()
                changed.clear()
                seen = {*names}
                names.clear()
                yield seen
        finally:
            del self.watchers[changed]

    def close(self) -> None:
        """End all looking."""
        self.is_closed = True
        for changed in self.watchers:
            changed.set()
