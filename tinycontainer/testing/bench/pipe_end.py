"""The test's end of a pipe of the container under test."""

from collections.abc import Callable

from tinycontainer.interfaces.runtime import Natives
from tinycontainer.metadata import Endpoint
from tinycontainer.text import show

from .errors import BenchMisused, StepNotMet, hides_frames

__tracebackhide__ = hides_frames


class PipeEnd:
    """What a test does as the container at the other end of a pipe.

    It reads whatever has arrived after each millisecond of device time, so the pipe does not fill
    up. Each of its calls is checked by the device, and takes no device time.

    Args:
        endpoint: the container's end.
        natives: the calls of the container that the test plays.
        transfer_bytes: the most that one call transfers.
        count_writes: how often the container has written to its end.
        explain: why the newest call of that container was refused.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        natives: Natives,
        transfer_bytes: int,
        count_writes: Callable[[], int],
        explain: Callable[[], str],
    ) -> None:
        self._endpoint = endpoint
        self._natives = natives
        self._transfer_bytes = transfer_bytes
        self._count_writes = count_writes
        self._explain = explain
        self._writes_read = 0
        self._received = bytearray()
        self._fd = -1
        self.open()

    @property
    def name(self) -> str:
        """The container that the test plays, and its endpoint."""
        return f"{show(self._endpoint.peer_uid or b'')}:{self._endpoint.peer_endpoint_id}"

    @property
    def received(self) -> bytes:
        """All that the container has sent."""
        self.drain()
        return bytes(self._received)

    def open(self) -> None:
        """Open the end again, after the device has closed it.

        Raises:
            BenchMisused: it is refused.
        """
        self._fd = self._natives.open(self._endpoint.peer_endpoint_id)
        if self._fd < 0:
            raise BenchMisused(f"pipe {self.name} cannot be opened: {self._explain()}")

    def close(self) -> None:
        """Close the end, as the container at the other end may at any time."""
        self._natives.close(self._fd)

    def send(self, data: bytes) -> None:
        """Send bytes to the container, which reads them at its next turn.

        Raises:
            StepNotMet: the device refuses it, or the pipe has no room for all of it.
        """
        for begin in range(0, len(data), self._transfer_bytes):
            chunk = data[begin : begin + self._transfer_bytes]
            accepted = self._natives.write(self._fd, chunk)
            if accepted < 0:
                raise StepNotMet(f"pipe {self.name}: send is refused: {self._explain()}")
            if accepted < len(chunk):
                raise StepNotMet(
                    f"pipe {self.name}: has room for {begin + accepted} of {len(data)} bytes;"
                    " let the device run until its container has read some"
                )

    def drain(self) -> None:
        """Read what has arrived."""
        writes = self._count_writes()
        # A read that cannot give anything would be a call in the trace for nothing.
        if writes == self._writes_read:
            return
        self._writes_read = writes
        data: bytes | int = bytes(self._transfer_bytes)
        while isinstance(data, bytes) and len(data) == self._transfer_bytes:
            data = self._natives.read(self._fd, self._transfer_bytes)
            self._received += data if isinstance(data, bytes) else b""
