"""The tracer: stamps events with the device's time and hands them to the sinks."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from .events import TraceEvent

Sink: TypeAlias = Callable[[TraceEvent], None]
"""Takes each event as it happens. It must not call the device back."""


class Tracer:
    """Hands events to sinks.

    A sink that raises is dropped; its error belongs to the operator, never to the tenant whose call
    was being traced, so it waits until the device asks for it.

    Args:
        sinks: take every event.
        now_ns: the device's time, settled.

    Attributes:
        on: whether there is a sink; no event is built otherwise.
    """

    def __init__(self, sinks: Sequence[Sink], now_ns: Callable[[], int]) -> None:
        self._sinks = list(sinks)
        self._now_ns = now_ns
        self._keep: Sink | None = None
        self._failure: BaseException | None = None
        self.on = bool(sinks)

    def emit(self, event: TraceEvent) -> None:
        """Stamp an event and hand it on."""
        event.at_ns = self._now_ns()
        for sink in tuple(self._sinks):
            try:
                sink(event)
            except KeyboardInterrupt as interrupt:
                self.keep_interrupt(interrupt)
            except BaseException as error:
                self._failure = self._failure or error
                self._sinks.remove(sink)
                self.on = bool(self._sinks)

    def mark(self, event: TraceEvent) -> None:
        """Emit a milestone: an event that outlasts the run, where something remembers it."""
        self.emit(event)
        if self._keep is not None:
            self._keep(event)

    def keep_milestones(self, keep: Sink) -> None:
        """Hand each milestone on to what remembers it, also where no sink listens."""
        self._keep = keep

    def now_ns(self) -> int:
        """The device's time, settled."""
        return self._now_ns()

    def keep_interrupt(self, interrupt: KeyboardInterrupt) -> None:
        """Keep an operator's interrupt until the change in progress is whole."""
        if not isinstance(self._failure, KeyboardInterrupt):
            interrupt.__context__ = self._failure
        self._failure = interrupt

    def raise_failure(self, *, only_interrupts: bool = False) -> None:
        """Raise what a sink raised, or what was kept, since this was last called.

        Args:
            only_interrupts: leave the failure of a sink for the next time.
        """
        failure = self._failure
        if failure is None or (only_interrupts and not isinstance(failure, KeyboardInterrupt)):
            return
        self._failure = None
        raise failure
