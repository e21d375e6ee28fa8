"""What one container has of the inference service: its worker, its cache, its record."""

import hashlib
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from tinycontainer.errors import DriverError

from ..model.precheck import AcceptedModel
from ..model.refusing import ModelRefused
from ..protocol.codes import ErrorCode, refusal, require
from ..quotas import Quotas
from .processes import Nursery, Reply, Worker, WorkerLost, WorkersUnavailable
from .wire import Request, Status

NS_PER_S: Final = 1_000_000_000
US_PER_S: Final = 1_000_000
Check: TypeAlias = Callable[[bytes, Quotas], AcceptedModel]
"""Judges a model, within quotas; raises `ModelRefused`."""


@dataclass(frozen=True, slots=True)
class CheckedModel:
    """A model of this container that was accepted.

    Attributes:
        digest: SHA-256 of the bytes that the container sent.
        plan: what the check made of it.
    """

    digest: bytes
    plan: AcceptedModel


@dataclass
class Terms:
    """What holds for every container of a driver.

    Attributes:
        quotas: what each may use.
        check: judges models; tests replace it to get hostile ones past it.
        nursery: makes and ends workers.
        host_deadline_ms: longest real time to wait for an answer in virtual time.
        virtual_time: whether answers are awaited and charged.
        cycles_per_mac: instructions charged for a multiply-accumulate, in virtual time.
        cycles_per_model_byte: instructions charged for checking a byte of a model.
    """

    quotas: Quotas
    check: Check
    nursery: Nursery
    host_deadline_ms: int
    virtual_time: bool
    cycles_per_mac: float
    cycles_per_model_byte: float


@dataclass
class Tenant:
    """One container's share.

    Attributes:
        terms: what holds for all.
        cache: models that it keeps, by hash.
        losses: how many workers each model has cost, by hash.
        slots: execution contexts that are open.
        busy: the slot whose inference is under way, in wall time.
        loaded: which model each slot has in the present worker.
    """

    terms: Terms
    cache: dict[bytes, CheckedModel] = field(default_factory=dict)
    losses: Counter[bytes] = field(default_factory=Counter)
    slots: set[int] = field(default_factory=set)
    busy: int | None = None
    loaded: dict[int, bytes] = field(default_factory=dict)
    _worker: Worker | None = None
    _begun_us: deque[int] = field(default_factory=deque)

    # Execution contexts.

    def enter(self) -> int:
        """A number for a new execution context.

        Raises:
            DriverError: code 13; the container has as many as it may have.
        """
        for slot in range(self.terms.quotas.descriptors):
            if slot not in self.slots:
                self.slots.add(slot)
                return slot
        raise refusal(ErrorCode.QUOTA, "as many execution contexts as it may have")

    def leave(self, slot: int) -> None:
        """Give an execution context back; with the last one the worker ends."""
        self.slots.discard(slot)
        if not self.slots or self.busy == slot:
            self.end_worker()
        else:
            self.forget(slot)

    # Models.

    def checked(self, content: bytes, digest: bytes | None) -> CheckedModel:
        """Judge a model by hash, record and check.

        Raises:
            DriverError: it is refused.
        """
        found = hashlib.sha256(content).digest()
        require(digest in (None, found), ErrorCode.SECURITY, "a model that does not match its hash")
        self.require_trusted(found)
        known = self.cache.get(found)
        if known is not None:
            return known
        try:
            return CheckedModel(found, self.terms.check(content, self.terms.quotas))
        except ModelRefused as error:
            raise refusal(error.code, str(error)) from None

    def keep(self, model: CheckedModel) -> None:
        """Put a model into the cache.

        Raises:
            DriverError: code 13; the cache is full.
        """
        room = model.digest in self.cache or len(self.cache) < self.terms.quotas.cached_models
        require(room, ErrorCode.QUOTA, "as many cached models as it may have")
        self.cache[model.digest] = model

    def require_trusted(self, digest: bytes) -> None:
        """Refuse a model that has cost too many workers.

        Raises:
            DriverError: code 10.
        """
        trusted = self.losses[digest] < self.terms.quotas.losses
        require(
            trusted, ErrorCode.SECURITY, "a model in quarantine: it has cost too many processes"
        )

    def begin_inference(self, now_us: int) -> None:
        """Count an inference.

        Args:
            now_us: device time.

        Raises:
            DriverError: code 13; there were too many within a second.
        """
        while self._begun_us and self._begun_us[0] <= now_us - US_PER_S:
            self._begun_us.popleft()
        few = len(self._begun_us) < self.terms.quotas.inferences_per_second
        require(few, ErrorCode.QUOTA, "too many inferences within a second")
        self._begun_us.append(now_us)

    # The worker.

    def load(self, slot: int, model: CheckedModel, timeout_ms: int) -> None:
        """Have the worker interpret a model, unless it does already.

        Raises:
            DriverError: 3, 5 or 9.
        """
        if self._worker is not None and self.loaded.get(slot) == model.digest:
            return
        self.require_idle()
        self.loaded.pop(slot, None)
        self._ask(slot, model, Request.LOAD, model.plan.content, timeout_ms, 0)
        self._judged(self.answer(model))
        self.loaded[slot] = model.digest

    def run(self, slot: int, model: CheckedModel, inputs: bytes, timeout_ms: int) -> None:
        """Begin an inference; `answer` or `look` gives what becomes of it.

        Raises:
            DriverError: the worker was lost.
        """
        length = sum(each.size_bytes for each in model.plan.outputs)
        self._ask(slot, model, Request.RUN, inputs, timeout_ms, length)
        self.busy = slot

    def answer(self, model: CheckedModel) -> Reply:
        """Wait for what the worker answers.

        Raises:
            DriverError: the worker was lost.
        """
        worker = self._present()
        try:
            return worker.wait()
        except WorkerLost as loss:
            raise self._lost(model, loss) from None
        finally:
            self.busy = None

    def outputs(self, model: CheckedModel, *, wait: bool) -> bytes | None:
        """What an inference gave; None if it is still under way.

        Raises:
            DriverError: 3, 5 or 9.
        """
        if not wait:
            try:
                reply = self._present().poll()
            except WorkerLost as loss:
                raise self._lost(model, loss) from None
            if reply is None:
                return None
            self.busy = None
            return self._judged(reply)
        return self._judged(self.answer(model))

    def forget(self, slot: int) -> None:
        """Have the worker drop a model, if it has it and is idle; else the next one replaces it."""
        if self.loaded.pop(slot, None) is None or self._worker is None or self.busy is not None:
            return
        try:
            self._worker.ask(Request.DROP, slot, b"", self.terms.quotas.compute_ms, 0)
            self._worker.wait()
        except WorkerLost:
            self.end_worker()

    def require_idle(self) -> None:
        """Refuse while an inference of this container is under way.

        Raises:
            DriverError: code 4.
        """
        require(
            self.busy is None, ErrorCode.BUSY, "another inference of this container is under way"
        )

    def end_worker(self) -> None:
        """End the worker, if there is one; the next load gets another."""
        worker, self._worker, self.busy = self._worker, None, None
        self.loaded.clear()
        if worker is not None:
            self.terms.nursery.end(worker)

    def _ask(
        self,
        slot: int,
        model: CheckedModel,
        kind: Request,
        payload: bytes,
        timeout_ms: int,
        answer_bytes: int,
    ) -> None:
        if self._worker is None:
            try:
                self._worker = self.terms.nursery.fork()
            except WorkersUnavailable as error:
                raise refusal(ErrorCode.RUNTIME_ERROR, str(error)) from None
        try:
            self._worker.ask(kind, slot, payload, timeout_ms, answer_bytes)
        except WorkerLost as loss:
            raise self._lost(model, loss) from None

    def _present(self) -> Worker:
        if self._worker is None:
            raise refusal(ErrorCode.RUNTIME_ERROR, "the model's process has gone")
        return self._worker

    def _lost(self, model: CheckedModel, loss: WorkerLost) -> DriverError:
        """A worker is lost: end it, note which model cost it."""
        self.end_worker()
        self.losses[model.digest] += 1
        code = ErrorCode.RUNTIME_ERROR if loss.in_time else ErrorCode.TIMEOUT
        return refusal(code, str(loss))

    def _judged(self, reply: Reply) -> bytes:
        if reply.status is Status.NO_MEMORY:
            raise refusal(ErrorCode.MISSING_MEMORY, "the interpreter has no more memory")
        require(reply.status is Status.DONE, ErrorCode.RUNTIME_ERROR, "the interpreter refused")
        return reply.payload
