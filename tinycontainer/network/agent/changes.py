"""What has changed on a device, for those who observe it."""

from collections.abc import Callable
from typing import Final

from tinycontainer.device.containers.lifecycle import State
from tinycontainer.trace import TraceEvent
from tinycontainer.trace.events import (
    Loaded,
    LoadRefused,
    Reconfigured,
    ReplacementConfirmed,
    ReplacementUndone,
    Replacing,
    RightExpired,
    Transitioned,
    Updated,
    Withdrawn,
)

_OF_CONTAINERS: Final = (
    Loaded,
    Reconfigured,
    Replacing,
    ReplacementConfirmed,
    ReplacementUndone,
    RightExpired,
    Transitioned,
    Updated,
)


class Changes:
    """A sink that numbers the changes of containers, from 1 at the boot.

    Attributes:
        of_containers: the number of each container's last change, by uid.
        count: how many there were.
        milestones: how many events have come that the state can keep.
        when_changed: is called after each.
    """

    def __init__(self) -> None:
        self.of_containers: dict[bytes, int] = {}
        self.count = 0
        self.milestones = 0
        self.when_changed: Callable[[], None] | None = None

    def __call__(self, event: TraceEvent) -> None:
        """Note an event, if it is such a change."""
        if isinstance(event, LoadRefused | Withdrawn):
            self.milestones += 1
        elif isinstance(event, _OF_CONTAINERS):
            self.milestones += 1
            self.count += 1
            self.of_containers[event.uid] = self.count
            if isinstance(event, Transitioned) and event.after == State.GONE:
                self.of_containers.pop(event.uid, None)
        else:
            return
        if self.when_changed is not None:
            self.when_changed()
