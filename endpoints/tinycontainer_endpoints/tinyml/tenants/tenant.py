"""A tenant: its contexts, its kept models, its record, and its worker."""

import hashlib
from collections import Counter, deque
from typing import Final

from ..model.refusing import ModelRefused
from ..protocol.codes import ErrorCode, make_refusal, require
from .tenant_worker import TenantWorker
from .terms import TenantModel, Terms

US_PER_S: Final = 1_000_000


class Tenant:
    """One container's share of the service.

    Attributes:
        terms: what holds for all tenants.
        worker: the process in which its models run.

    Args:
        terms: what holds for all tenants.
    """

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self._losses: Counter[bytes] = Counter()
        self.worker = TenantWorker(terms.nursery, self._losses)
        self._contexts: set[int] = set()
        self._kept: dict[bytes, TenantModel] = {}
        self._begun_us: deque[int] = deque()

    def enter_context(self) -> int:
        """The number of a new execution context.

        Raises:
            DriverError: code 13; the container has as many as it may have.
        """
        most = self.terms.quotas.descriptors
        for number in range(most):
            if number not in self._contexts:
                self._contexts.add(number)
                return number
        problem = f"the container has {most} execution contexts, which is its quota"
        raise make_refusal(ErrorCode.QUOTA, problem)

    def leave_context(self, number: int) -> None:
        """Give an execution context back; the worker ends with the last one."""
        self._contexts.discard(number)
        if not self._contexts or self.worker.busy_context == number:
            self.worker.end()
        else:
            self.drop_model(number)

    def drop_model(self, number: int) -> None:
        """Let the worker forget the model of an execution context."""
        self.worker.drop_model(number, self.terms.longest_wait_ms)

    def judge_model(self, content: bytes, digest: bytes | None) -> TenantModel:
        """Judge a model by hash, record and check; one that is kept was checked already.

        Args:
            content: of its file.
            digest: the SHA-256 that the container gave, if it gave one.

        Raises:
            DriverError: it is refused.
        """
        found = hashlib.sha256(content).digest()
        matches = digest in (None, found)
        require(matches, ErrorCode.SECURITY, "the model does not match the hash that was given")
        self.require_trusted(found)
        if found in self._kept:
            return self._kept[found]
        try:
            return TenantModel(found, self.terms.check(content, self.terms.quotas))
        except ModelRefused as error:
            raise make_refusal(error.code, str(error)) from None

    def require_trusted(self, digest: bytes) -> None:
        """Refuse a model that is in quarantine, because it has cost too many workers (TC-TML-19).

        Raises:
            DriverError: code 10.
        """
        losses = self._losses[digest]
        trusted = losses < self.terms.quotas.losses
        problem = f"the model is in quarantine: it has cost {losses} processes"
        require(trusted, ErrorCode.SECURITY, problem)

    def keep_model(self, model: TenantModel) -> None:
        """Keep a model beyond its execution context.

        Raises:
            DriverError: code 13; the container keeps as many as it may.
        """
        most = self.terms.quotas.cached_models
        room = model.digest in self._kept or len(self._kept) < most
        problem = f"the container keeps {len(self._kept)} models; its quota is {most}"
        require(room, ErrorCode.QUOTA, problem)
        self._kept[model.digest] = model

    def find_kept_model(self, digest: bytes) -> TenantModel:
        """A model that this container keeps (TC-TML-12).

        Raises:
            DriverError: code 8, there is none of this hash; 10, it is in quarantine.
        """
        if digest not in self._kept:
            problem = "the container keeps no model of this hash"
            raise make_refusal(ErrorCode.NOT_FOUND, problem)
        self.require_trusted(digest)
        return self._kept[digest]

    def forget_kept_model(self, digest: bytes) -> None:
        """Keep a model no longer, if it was kept."""
        self._kept.pop(digest, None)

    def count_inference(self, now_us: int) -> None:
        """Count an inference against the quota of a second.

        Args:
            now_us: device time.

        Raises:
            DriverError: code 13; there were too many within the last second.
        """
        while self._begun_us and self._begun_us[0] <= now_us - US_PER_S:
            self._begun_us.popleft()
        most = self.terms.quotas.inferences_per_second
        few = len(self._begun_us) < most
        problem = f"the container began {len(self._begun_us)} inferences within a second"
        require(few, ErrorCode.QUOTA, f"{problem}; its quota is {most}")
        self._begun_us.append(now_us)
