"""What the tracer is told of hooks."""

from tinycontainer.interfaces.runtime import Completed, Hook, Outcome, Trapped
from tinycontainer.trace import Tracer
from tinycontainer.trace.events import Dropped, HookBegan, HookEnded

from .execution import Execution


class HookTrace:
    """Tells a tracer where hooks begin and end.

    Args:
        tracer: who is told.
    """

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def began(self, execution: Execution, hook: Hook, number: int) -> None:
        """A hook begins; number counts loops from 1."""
        if self._tracer.on:
            self._tracer.emit(HookBegan(execution.uid, hook, number))

    def ended(
        self, execution: Execution, hook: Hook, how: str, outcome: Outcome | None = None
    ) -> None:
        """A hook has ended: completed, trapped, overrun or aborted."""
        if not self._tracer.on:
            return
        self._tell_dropped(execution)
        result = outcome.value if isinstance(outcome, Completed) else 0
        detail = ""
        if isinstance(outcome, Trapped):
            detail = f"{outcome.code}: {outcome.detail}" if outcome.detail else outcome.code
        used = execution.used_ns, execution.instructions
        self._tracer.emit(HookEnded(execution.uid, hook, how, result, *used, detail))

    def _tell_dropped(self, execution: Execution) -> None:
        logs = execution.caller.logs.collect_dropped()
        refusals = execution.caller.refusals.collect_dropped()
        if logs or refusals:
            self._tracer.emit(Dropped(execution.uid, logs, refusals))
