"""A tenant's worker: made when it is first needed, replaced when it was lost."""

from collections import Counter

from tinycontainer.errors import DriverError

from ..processes.nursery import Nursery
from ..processes.starting import WorkersUnavailable
from ..processes.wire import Request, Status
from ..processes.worker import Reply, Worker, WorkerLost
from ..protocol.codes import ErrorCode, make_refusal, require
from .terms import TenantModel


class TenantWorker:
    """The process in which the models of one container run, one model for each context.

    Args:
        nursery: makes and ends workers.
        losses: how many workers each model has cost, by hash; a loss is counted here.
    """

    def __init__(self, nursery: Nursery, losses: Counter[bytes]) -> None:
        self._nursery = nursery
        self._losses = losses
        self._worker: Worker | None = None
        self._loaded: dict[int, bytes] = {}
        self._busy: int | None = None

    @property
    def busy_context(self) -> int | None:
        """The context whose inference is under way; more than a moment only in wall time."""
        return self._busy

    def require_idle(self) -> None:
        """Refuse while an inference of this container is under way (TC-TML-22).

        Raises:
            DriverError: code 4.
        """
        idle = self._busy is None
        require(idle, ErrorCode.BUSY, "another inference of this container is under way")

    def has_loaded(self, context: int, model: TenantModel) -> bool:
        """Whether the worker still has a context's model, and the state that belongs to it."""
        return self._worker is not None and self._loaded.get(context) == model.digest

    def load_model(self, context: int, model: TenantModel, timeout_ms: int) -> None:
        """Let the worker interpret a model in a context, unless it does already.

        Raises:
            DriverError: 3, 4, 5 or 9.
        """
        if self.has_loaded(context, model):
            return
        self.require_idle()
        self._loaded.pop(context, None)
        self._ask(context, model, Request.LOAD, model.accepted.content, timeout_ms, 0)
        self._read_reply(self._wait(model))
        self._loaded[context] = model.digest

    def begin_inference(
        self, context: int, model: TenantModel, inputs: bytes, timeout_ms: int
    ) -> None:
        """Begin an inference; `fetch_outputs` gives what becomes of it.

        Raises:
            DriverError: 5 or 9; the worker was lost.
        """
        length = sum(each.size_bytes for each in model.accepted.outputs)
        self._ask(context, model, Request.RUN, inputs, timeout_ms, length)
        self._busy = context

    def fetch_outputs(self, model: TenantModel, *, wait: bool) -> bytes | None:
        """All outputs of the inference that was begun; None if it is still under way.

        Args:
            model: of the inference.
            wait: whether to wait until it has ended.

        Raises:
            DriverError: 3, 5 or 9.
        """
        reply = self._wait(model) if wait else self._poll(model)
        return None if reply is None else self._read_reply(reply)

    def drop_model(self, context: int, timeout_ms: int) -> None:
        """Let the worker forget a context's model.

        A worker that is busy is not asked: the context's next model replaces this one.
        """
        loaded = self._loaded.pop(context, None) is not None
        if self._worker is None or not loaded or self._busy is not None:
            return
        try:
            self._worker.ask(Request.DROP, context, b"", timeout_ms, 0)
            self._worker.wait()
        except WorkerLost:
            self.end()

    def end(self) -> None:
        """End the worker, if there is one; the next load gets another."""
        worker = self._worker
        self._worker = None
        self._busy = None
        self._loaded.clear()
        if worker is not None:
            self._nursery.end(worker)

    def _ask(
        self,
        context: int,
        model: TenantModel,
        kind: Request,
        payload: bytes,
        timeout_ms: int,
        answer_bytes: int,
    ) -> None:
        if self._worker is None:
            try:
                self._worker = self._nursery.fork()
            except WorkersUnavailable as error:
                raise make_refusal(ErrorCode.RUNTIME_ERROR, str(error)) from None
        try:
            self._worker.ask(kind, context, payload, timeout_ms, answer_bytes)
        except WorkerLost as loss:
            raise self._record_loss(model, loss) from None

    def _wait(self, model: TenantModel) -> Reply:
        try:
            return self._present().wait()
        except WorkerLost as loss:
            raise self._record_loss(model, loss) from None
        finally:
            self._busy = None

    def _poll(self, model: TenantModel) -> Reply | None:
        try:
            reply = self._present().poll()
        except WorkerLost as loss:
            raise self._record_loss(model, loss) from None
        if reply is not None:
            self._busy = None
        return reply

    def _present(self) -> Worker:
        if self._worker is None:
            raise make_refusal(ErrorCode.RUNTIME_ERROR, "the process of the model has gone")
        return self._worker

    def _record_loss(self, model: TenantModel, loss: WorkerLost) -> DriverError:
        """End a worker that was lost, and note which model cost it."""
        self.end()
        self._losses[model.digest] += 1
        code = ErrorCode.RUNTIME_ERROR if loss.in_time else ErrorCode.TIMEOUT
        return make_refusal(code, str(loss))

    def _read_reply(self, reply: Reply) -> bytes:
        if reply.status is Status.NO_MEMORY:
            raise make_refusal(ErrorCode.MISSING_MEMORY, "the interpreter has no more memory")
        done = reply.status is Status.DONE
        require(done, ErrorCode.RUNTIME_ERROR, "the interpreter refused the model or its inputs")
        return reply.payload
