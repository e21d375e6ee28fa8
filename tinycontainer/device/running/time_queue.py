"""A queue of keys by time, in which a key's time can be changed or dropped at any moment."""

import heapq
from collections.abc import Iterator
from typing import Generic, TypeVar

Key = TypeVar("Key", int, tuple[int, int])


class TimeQueue(Generic[Key]):
    """Earliest first, ties by key.

    Changing and dropping leave stale entries in the heap. They are removed before they outnumber
    the live ones (TC-SCHED-05).
    """

    _SLACK = 8

    def __init__(self) -> None:
        self._times: dict[Key, int] = {}
        self._heap: list[tuple[int, Key]] = []

    def __len__(self) -> int:
        return len(self._times)

    @property
    def entries(self) -> int:
        """Heap entries, stale ones included."""
        return len(self._heap)

    def put(self, key: Key, at_ns: int) -> None:
        """Set a key's time, in place of any it had."""
        if self._times.get(key) == at_ns:
            return
        self._times[key] = at_ns
        heapq.heappush(self._heap, (at_ns, key))
        self._sweep()

    def drop(self, key: Key, at_ns: int | None = None) -> bool:
        """Forget a key; whether it had a time, and, if one is given, that one."""
        if key not in self._times or (at_ns is not None and self._times[key] != at_ns):
            return False
        self._sweep()
        return self._times.pop(key) is not None

    def first_ns(self) -> int | None:
        """The earliest time, or None."""
        while self._heap:
            at_ns, key = self._heap[0]
            if self._times.get(key) == at_ns:
                return at_ns
            heapq.heappop(self._heap)
        return None

    def take_until(self, now_ns: int) -> Iterator[tuple[int, Key]]:
        """Take out, one by one, all keys whose time is not after now."""
        while (first_ns := self.first_ns()) is not None and first_ns <= now_ns:
            at_ns, key = heapq.heappop(self._heap)
            del self._times[key]
            yield at_ns, key

    def repair(self) -> None:
        """Queue what has a time, and nothing else, after an interrupt."""
        self._heap = [(at_ns, key) for key, at_ns in self._times.items()]
        heapq.heapify(self._heap)

    def first(self) -> tuple[int, Key] | None:
        """The earliest time and its key, or None."""
        return None if self.first_ns() is None else self._heap[0]

    def _sweep(self) -> None:
        if len(self._heap) > 2 * len(self._times) + self._SLACK:
            self.repair()
