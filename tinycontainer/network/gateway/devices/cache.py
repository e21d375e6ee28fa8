"""Answers of devices that are used again for a short time (RFC 7252, section 5.6)."""

from collections import OrderedDict
from collections.abc import Callable, Set
from dataclasses import dataclass
from typing import Final, TypeAlias

from ...agent.requests.message import CoapAnswer, CoapRequest, Code, Method, Option, from_uint

MAX_ANSWERS: Final = 2048
"""Each is one message, so all together are a few megabytes."""
DEFAULT_AGE_S: Final = 60
"""How long an answer is fresh that does not say so (RFC 7252, section 5.10.5)."""
_BETWEEN: Final = frozenset({Option.ACCEPT})
"""Options of a request that one answer can differ by; with any other, nothing is used again."""

_Key: TypeAlias = tuple[str, tuple[str, ...], tuple[str, ...], tuple[tuple[int, bytes], ...]]


@dataclass(frozen=True, slots=True)
class CachedAnswer:
    """An answer that was kept.

    Attributes:
        answer: as the device gave it.
        came_s: monotonic seconds when it came.
        fresh_s: for how many seconds it may be used.
    """

    answer: CoapAnswer
    came_s: float
    fresh_s: float


class AnswerCache:
    """Keeps answers.

    Args:
        now_s: monotonic seconds.
        most_s: for how long an answer is used at the most, whatever the device allows.
    """

    def __init__(self, now_s: Callable[[], float], most_s: float) -> None:
        self._now_s = now_s
        self._most_s = most_s
        self._kept: OrderedDict[_Key, CachedAnswer] = OrderedDict()
        self._generations: dict[str, int] = {}

    def find(self, device: str, request: CoapRequest) -> CachedAnswer | None:
        """The answer to a request; None if there is none that is fresh."""
        key = _key(device, request)
        found = None if key is None else self._kept.get(key)
        if found is None or self.age_s(found) >= found.fresh_s:
            return None
        return found

    def age_s(self, cached: CachedAnswer) -> float:
        """How many seconds ago an answer came."""
        return self._now_s() - cached.came_s

    def generation(self, device: str) -> int:
        """How often the device was changed; what was asked before a change is not kept after it."""
        return self._generations.get(device, 0)

    def keep(
        self, device: str, request: CoapRequest, answer: CoapAnswer, generation: int
    ) -> CachedAnswer | None:
        """Keep an answer, if it may be used again.

        Args:
            device: its name.
            request: what was asked.
            answer: all of it.
            generation: of the device, before the request was sent.
        """
        key = _key(device, request)
        fresh_s = min(self._most_s, freshness_s(answer))
        may = (
            key is not None
            and answer.code is Code.CONTENT
            and fresh_s > 0
            and generation == self.generation(device)
        )
        if key is None or not may:
            return None
        self._kept.pop(key, None)
        if len(self._kept) >= MAX_ANSWERS:
            self._kept.popitem(last=False)
        self._kept[key] = cached = CachedAnswer(answer, self._now_s(), fresh_s)
        return cached

    def note_change(self, device: str) -> None:
        """A device may have been changed: nothing that it has answered is used any more."""
        self._generations[device] = self.generation(device) + 1
        for key in [key for key in self._kept if key[0] == device]:
            del self._kept[key]

    def forget_others(self, known: Set[str]) -> None:
        """Forget how often devices were changed that are not known any more."""
        for name in self._generations.keys() - known:
            self.note_change(name)
            del self._generations[name]


def freshness_s(answer: CoapAnswer) -> int:
    """For how many seconds an answer is fresh, as its device says."""
    value = dict(answer.options).get(Option.MAX_AGE)
    return DEFAULT_AGE_S if value is None else from_uint(value[:8])


def _key(device: str, request: CoapRequest) -> _Key | None:
    if request.method is not Method.GET or any(
        number not in _BETWEEN for number, _ in request.options
    ):
        return None
    return device, request.path, request.query, request.options
