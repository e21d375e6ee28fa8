"""Changes of which nobody knows yet whether their device has made them.

A device recognises a repetition by its id, among the last 64 that came from this gateway
(TC-MGMT-10). So while one change can still have to be repeated, only few others are sent.
"""

from typing import Final

from ...agent.requests.message import CoapRequest, Method

MOST_OTHERS: Final = 16
"""So often, and in each of some starts of the gateway after one another, others can be sent."""


class Doubts:
    """For each device, the change that can still have to be repeated."""

    def __init__(self) -> None:
        self._open: dict[str, tuple[CoapRequest, int]] = {}

    def begin(self, device: str, request: CoapRequest) -> None:
        """This is sent, and may have to be sent again; its repetitions begin nothing anew."""
        found = self._open.get(device)
        if _has_id(request) and (found is None or found[0].query != request.query):
            self._open[device] = request, 0

    def end(self, device: str) -> None:
        """What has become of it is known, or it is never sent again."""
        self._open.pop(device, None)

    def admit(self, device: str, request: CoapRequest) -> bool:
        """Whether this can be sent now."""
        found = self._open.get(device)
        if found is None or not _has_id(request):
            return True
        doubted, others = found
        if request.query == doubted.query and request.path == doubted.path:
            return True
        self._open[device] = doubted, others + 1
        return others < MOST_OTHERS


def _has_id(request: CoapRequest) -> bool:
    return request.method is not Method.GET and request.path[:1] == ("tc",)
