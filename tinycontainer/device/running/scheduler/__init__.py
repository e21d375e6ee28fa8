"""The scheduler: policies, queues and the rhythm of loops."""

from .rhythm import WakeUp, gap_ends_ns, next_wakeup
from .scheduler import Alarm, Bound, Idle, Scheduler, Turn

__all__ = [
    "Alarm",
    "Bound",
    "Idle",
    "Scheduler",
    "Turn",
    "WakeUp",
    "gap_ends_ns",
    "next_wakeup",
]
