"""``tinyml``: a container hands over a model and inputs, the host computes, the container reads.

The protocol is version 1 of specs/tinyml.md. Models run in processes, one for each container; the
device's own process never interprets one.
"""

from typing import Literal

from pydantic import Field

from tinycontainer.interfaces.driver import CallContext, DriverSetup

from ..descriptors import Descriptors
from ..options import Options, read_options
from .model.precheck import check_model
from .processes.backends import BackendMissing, find_backend
from .processes.nursery import Nursery, obtain_nursery
from .protocol.codes import ErrorCode, make_refusal
from .quotas import Quotas, quotas_of
from .tenants.context import ExecutionContext
from .tenants.tenant import Tenant
from .tenants.terms import Check, Terms


class TinyMLOptions(Options):
    """Options of ``tinyml``.

    Attributes:
        backend: which interpreter; by default the first that is installed.
        processes: how workers are made; ``fork`` where the system has it.
        required: without an interpreter, refuse the device file; otherwise say so on the operator's
            screen, and refuse every ``open`` with code 6.
        cycles_per_mac: instructions charged for each multiply-accumulate, in virtual time.
        cycles_per_model_byte: instructions charged for checking each byte of a model, likewise.
        host_deadline_ms: longest real time that an answer is awaited, in virtual time.
        quotas: of each container; the board's hold for absent ones.
    """

    backend: Literal["auto", "ai-edge-litert", "tflite-runtime"] = "auto"
    processes: Literal["fork", "spawn"] = "fork"
    required: bool = True
    cycles_per_mac: float = Field(default=1.0, gt=0, le=1000, allow_inf_nan=False)
    cycles_per_model_byte: float = Field(default=1.0, ge=0, le=1000, allow_inf_nan=False)
    host_deadline_ms: int = Field(default=30_000, ge=1, le=600_000)
    quotas: Quotas = Quotas()


class TinyML:
    """The inference service.

    All instances of one installation that use the same interpreter share one nursery, but never a
    worker: each instance has workers of its own, one for each of its containers.

    Args:
        setup: options as in `TinyMLOptions`.
        check: judges models; tests replace it to get hostile ones past it.
        nursery: makes workers; by default the nursery that the installation shares.

    Raises:
        ValueError: wrong options, or no interpreter is installed.
    """

    def __init__(
        self, setup: DriverSetup, *, check: Check = check_model, nursery: Nursery | None = None
    ) -> None:
        options = read_options(TinyMLOptions, setup)
        self._problem = ""
        self._terms: Terms | None = None
        self._tenants: dict[bytes, Tenant] = {}
        self._open: Descriptors[ExecutionContext] = Descriptors()
        try:
            workers = nursery or obtain_nursery(
                setup.resources,
                find_backend(options.backend),
                spawn=options.processes == "spawn",
            )
        except BackendMissing as error:
            if options.required:
                raise ValueError(str(error)) from None
            self._problem = "no inference runtime can be used"
            setup.show_once(f"tinyml: {error}".encode())
            return
        self._terms = Terms(
            quotas=quotas_of(setup.capacities, options.quotas),
            check=check,
            nursery=workers,
            host_deadline_ms=options.host_deadline_ms,
            virtual_time=setup.virtual_time,
            cycles_per_mac=options.cycles_per_mac,
            cycles_per_model_byte=options.cycles_per_model_byte,
        )

    def open(self, peer_endpoint_id: int, context: CallContext) -> int:
        """Open an execution context.

        Raises:
            DriverError: code 6, there is no interpreter; 13, the container has as many as it may.
        """
        if self._terms is None:
            raise make_refusal(ErrorCode.UNSUPPORTED_OPERATION, self._problem)
        self._terms.nursery.prepare()
        uid = context.container
        tenant = self._tenants.setdefault(uid, Tenant(self._terms))
        return self._open.open(ExecutionContext(tenant, context))

    def read(self, driver_fd: int, size: int) -> bytes:
        """Read what was selected.

        Raises:
            DriverError: with a code of the protocol.
        """
        return self._open[driver_fd].read(size)

    def write(self, driver_fd: int, data: bytes) -> int:
        """Accept one frame; its length.

        Raises:
            DriverError: with a code of the protocol.
        """
        self._open[driver_fd].write(data)
        return len(data)

    def close(self, driver_fd: int) -> None:
        """Close an execution context; kept models stay."""
        self._open.close(driver_fd).close()
