"""Workers without an interpreter: for tests of the protocol, wherever they run."""

from collections.abc import Callable
from dataclasses import dataclass, field

from tinycontainer_endpoints.tinyml.processes.wire import Request, Status
from tinycontainer_endpoints.tinyml.processes.worker import Reply, Worker, WorkerLost

Script = Callable[[Request], Reply | WorkerLost | None]


class FakeWorker(Worker):
    """Answers in this process: outputs are the first bytes of the inputs, over and over.

    Args:
        nursery: whose script says what to answer instead.
    """

    def __init__(self, nursery: "FakeNursery") -> None:
        self.pid = 0
        self.asked: list[Request] = []
        self.timeouts_ms: list[int] = []
        self.slow = False
        self._nursery = nursery
        self._answer: Reply | WorkerLost = Reply(Status.DONE, b"")

    def ask(
        self, kind: Request, context: int, payload: bytes, timeout_ms: int, answer_bytes: int
    ) -> None:
        self.asked.append(kind)
        self.timeouts_ms.append(timeout_ms)
        usual = Reply(Status.DONE, (payload * answer_bytes)[:answer_bytes])
        self._answer = self._nursery.script(kind) or usual

    def wait(self) -> Reply:
        if isinstance(self._answer, WorkerLost):
            raise self._answer
        return self._answer

    def poll(self) -> Reply | None:
        return None if self.slow else self.wait()


@dataclass
class FakeNursery:
    """Makes fake workers.

    Attributes:
        script: what they answer instead of the usual.
        workers: all that were made.
        ended: how many were ended.
    """

    script: Script = lambda _kind: None
    workers: list[FakeWorker] = field(default_factory=list)
    ended: int = 0

    def prepare(self) -> None:
        pass

    def fork(self) -> Worker:
        self.workers.append(FakeWorker(self))
        return self.workers[-1]

    def end(self, worker: Worker) -> int:
        self.ended += 1
        return 0
