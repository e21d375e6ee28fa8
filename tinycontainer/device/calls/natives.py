"""The service as one container sees it: the first of the three levels of the mask.

Each function that the mask allows is bound to the service, each other to a stub that notes the
attempt and returns -1. The service checks the mask again.
"""

from collections.abc import Callable

from tinycontainer.interfaces.syscalls import Syscall

from .caller import Caller
from .service import Service


class ContainerNatives:
    """The native calls of one started container; see `tinycontainer.interfaces.runtime.Natives`.

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

    def __init__(self, caller: Caller, service: Service, call_instructions: int) -> None:
        self._caller, self._service, self._cost = caller, service, call_instructions
        self._data = caller.container.data
        self.link()

    def link(self) -> None:
        """Bind the calls to what the mask allows now."""
        mask = self._caller.container.grant.mask
        for call, function in {
            Syscall.HEARTBEAT: self._heartbeat,
            Syscall.OPEN: self._open,
            Syscall.CLOSE: self._close,
            Syscall.READ: self._read,
            Syscall.WRITE: self._write,
        }.items():
            setattr(self, call.name.lower(), function if mask & call.bit else self._stub(call))
        if not mask & Syscall.HEARTBEAT.bit:
            self._caller.watchdog.disarm()

    def log(self, line: bytes, /) -> None:
        """See `Natives.log`."""
        self._caller.meter.spend(self._cost)
        self._service.log(self._caller, line)

    def data_size(self, /) -> int:
        """See `Natives.data_size`."""
        self._caller.meter.spend(self._cost)
        return len(self._data)

    def data_read(self, offset: int, size: int, /) -> bytes:
        """See `Natives.data_read`."""
        self._caller.meter.spend(self._cost)
        return self._data[offset : offset + size]

    def _heartbeat(self) -> int:
        self._caller.meter.spend(self._cost)
        return self._service.heartbeat(self._caller)

    def _open(self, endpoint_id: int) -> int:
        self._caller.meter.spend(self._cost)
        return self._service.open(self._caller, endpoint_id)

    def _close(self, fd: int) -> int:
        self._caller.meter.spend(self._cost)
        return self._service.close(self._caller, fd)

    def _read(self, fd: int, size: int) -> bytes | int:
        self._caller.meter.spend(self._cost)
        return self._service.read(self._caller, fd, size)

    def _write(self, fd: int, data: bytes) -> int:
        self._caller.meter.spend(self._cost)
        return self._service.write(self._caller, fd, data)

    def _stub(self, call: Syscall) -> Callable[..., int]:
        def stub(subject: int = 0, *_: object) -> int:
            self._caller.meter.spend(self._cost)
            return self._service.masked(self._caller, call, subject)

        return stub
