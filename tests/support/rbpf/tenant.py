"""A container on rBPF, admitted and created, with notes on everything it does."""

from dataclasses import dataclass

from support.rbpf.assembling import LIMITS, UNLIMITED, create
from support.wasm.modules import RecordingNatives
from tinycontainer.interfaces.meter import Meter
from tinycontainer.interfaces.runtime import Completed, Hook, Outcome, Preempted, Trapped


@dataclass
class Tenant:
    """One container.

    Attributes:
        code: its .rbf file.
        data: its data section.
        cost: of a native call.
    """

    code: bytes
    data: bytes = b""
    cost: int = 100

    def __post_init__(self) -> None:
        self.charged = 0
        self.meter = Meter(self._charge)
        self.natives = RecordingNatives(self.meter, self.cost, self.data)
        self.instance = create(self.code, self.data, self.natives, self.meter, LIMITS)

    def run(self, hook: Hook = Hook.LOOP, budget: int = UNLIMITED) -> Outcome:
        """Run a hook to its end."""
        self.instance.begin(hook)
        outcome: Outcome = Preempted()
        while isinstance(outcome, Preempted):
            self.meter.refill(budget)
            outcome = self.instance.resume()
            self.meter.settle()
        return outcome

    def loop(self) -> int:
        """Run the loop, which has to complete; its value."""
        outcome = self.run()
        assert isinstance(outcome, Completed), outcome
        return outcome.value

    def trap(self, hook: Hook = Hook.LOOP) -> Trapped:
        """Run a hook, which has to trap."""
        outcome = self.run(hook)
        assert isinstance(outcome, Trapped), outcome
        return outcome

    def _charge(self, instructions: int) -> None:
        self.charged += instructions
