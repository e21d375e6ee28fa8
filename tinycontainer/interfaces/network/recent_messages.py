"""Bounds what aiocoap remembers of messages, as strangers can send any number of them."""

from collections import OrderedDict
from typing import Any, Final

import aiocoap


def bound_recent_messages(context: Any) -> None:
    """Bound what the interfaces of a context of the library remember."""
    for interface in context.request_interfaces:
        manager = getattr(interface, "token_interface", None)
        if manager is not None:
            recent = _RecentMessages(manager)
            manager._deduplicate_message = recent.is_known
            manager._recent_messages = recent.answers


class _RecentMessages:
    """Recognises repeated messages. The library keeps each for 247 s, without a bound.

    When many come in a short time, each is kept for less; changes have ids for that (TC-MGMT-10).
    """

    MOST: Final = 2048

    def __init__(self, manager: Any) -> None:
        self._manager = manager
        self._came_s: OrderedDict[tuple[Any, int], float] = OrderedDict()
        self.answers: dict[tuple[Any, int], Any] = {}

    def is_known(self, message: Any) -> bool:
        """Whether a message came before, and is answered as before; a new one is noted."""
        key = message.remote, message.mid
        now_s = self._manager.loop.time()
        lifetime_s = message.transport_tuning.EXCHANGE_LIFETIME
        while self._came_s:
            oldest, came_s = next(iter(self._came_s.items()))
            if len(self._came_s) < self.MOST and came_s + lifetime_s > now_s:
                break
            del self._came_s[oldest], self.answers[oldest]
        if key not in self._came_s:
            self._came_s[key], self.answers[key] = now_s, None
            return False
        answer = self.answers[key]
        if message.mtype is aiocoap.CON and answer is not None:
            self._manager._send_initially(answer)
        return True
