"""What holds for every tenant of a driver."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from ..model.precheck import AcceptedModel
from ..processes.nursery import Nursery
from ..quotas import Quotas

Check: TypeAlias = Callable[[bytes, Quotas], AcceptedModel]
"""Judges a model, within quotas; raises `ModelRefused`."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for every tenant of a driver.

    Attributes:
        quotas: what each tenant may use.
        check: judges models; tests replace it to get hostile ones past it.
        nursery: makes and ends workers.
        host_deadline_ms: longest real time to wait for an answer, in virtual time.
        virtual_time: whether answers are awaited and charged.
        cycles_per_mac: instructions charged for a multiply-accumulate, in virtual time.
        cycles_per_model_byte: instructions charged for checking a byte of a model, likewise.
    """

    quotas: Quotas
    check: Check
    nursery: Nursery
    host_deadline_ms: int
    virtual_time: bool
    cycles_per_mac: float
    cycles_per_model_byte: float

    @property
    def longest_wait_ms(self) -> int:
        """Longest real time to wait for an answer of a worker, where no container says less."""
        return self.host_deadline_ms if self.virtual_time else self.quotas.compute_ms


@dataclass(frozen=True, slots=True)
class TenantModel:
    """A model of a tenant.

    Attributes:
        digest: SHA-256 of the bytes that the container sent.
        accepted: the model as the check accepted it.
    """

    digest: bytes
    accepted: AcceptedModel
