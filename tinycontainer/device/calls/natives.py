"""The service as one container sees it: the first of the three levels of the mask.

Each function that the mask allows is bound to the service, each other to a stub that records the
attempt and returns -1. The service checks the mask again.
"""

from collections.abc import Callable

from tinycontainer.interfaces.syscalls import Syscall

from .service import Service
from .started import StartedContainer


class ContainerNatives:
    """The native calls of one started container; see `tinycontainer.interfaces.runtime.Natives`.

    Every call lowers the meter by its cost directly: `Meter.spend` would be a fortieth of a read.

    The five calls are attributes, not methods: a runtime looks each one up at every call, and
    `link` exchanges them when the mask changes (TC-LIFE-17).

    Args:
        caller: whose calls.
        service: what performs them.
        call_instructions: cost of a call.
    """

    heartbeat: Callable[[], int]
    open: Callable[[int], int]
    close: Callable[[int], int]
    read: Callable[[int, int], bytes | int]
    write: Callable[[int, bytes], int]

    def __init__(self, caller: StartedContainer, service: Service, call_instructions: int) -> None:
        self._caller = caller
        self._service = service
        self._meter = caller.meter
        self._cost = call_instructions
        self._data = caller.container.data
        self.link()

    def link(self) -> None:
        """Bind the calls to what the mask allows now."""
        mask = self._caller.container.grant.mask
        stub = self._make_stub
        self.heartbeat = (
            self._heartbeat if mask & Syscall.HEARTBEAT.bit else stub(Syscall.HEARTBEAT)
        )
        self.open = self._open if mask & Syscall.OPEN.bit else stub(Syscall.OPEN)
        self.close = self._close if mask & Syscall.CLOSE.bit else stub(Syscall.CLOSE)
        self.read = self._read if mask & Syscall.READ.bit else stub(Syscall.READ)
        self.write = self._write if mask & Syscall.WRITE.bit else stub(Syscall.WRITE)
        if not mask & Syscall.HEARTBEAT.bit:
            self._caller.watchdog.disarm()

    def log(self, line: bytes, /) -> None:
        """See `Natives.log`."""
        self._meter.left -= self._cost
        self._service.log(self._caller, line)

    def data_size(self, /) -> int:
        """See `Natives.data_size`."""
        self._meter.left -= self._cost
        return len(self._data)

    def data_read(self, offset: int, size: int, /) -> bytes:
        """See `Natives.data_read`."""
        self._meter.left -= self._cost
        return self._data[offset : offset + size]

    def _heartbeat(self) -> int:
        self._meter.left -= self._cost
        return self._service.heartbeat(self._caller)

    def _open(self, endpoint_id: int) -> int:
        self._meter.left -= self._cost
        return self._service.open(self._caller, endpoint_id)

    def _close(self, fd: int) -> int:
        self._meter.left -= self._cost
        return self._service.close(self._caller, fd)

    def _read(self, fd: int, size: int) -> bytes | int:
        self._meter.left -= self._cost
        return self._service.read(self._caller, fd, size)

    def _write(self, fd: int, data: bytes) -> int:
        self._meter.left -= self._cost
        return self._service.write(self._caller, fd, data)

    def _make_stub(self, call: Syscall) -> Callable[..., int]:
        def stub(subject: int = 0, *_: object) -> int:
            self._meter.left -= self._cost
            return self._service.refuse_masked(self._caller, call, subject)

        return stub
