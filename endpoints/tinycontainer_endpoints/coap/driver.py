"""``coap``: a resource on another machine. It never waits, and keeps few messages.

What a container writes is one message, and a read gives one message. The device file says where the
resource is and how it is protected; the container knows an endpoint.
"""

from typing import Final, Literal

from pydantic import Field

from tinycontainer.errors import DeviceFileError, DriverError
from tinycontainer.interfaces.driver import CallContext, DriverSetup
from tinycontainer.interfaces.network.coap_uri import parse_coap_uri
from tinycontainer.interfaces.network.security_context import read_security_context
from tinycontainer.interfaces.paths import resolve_within
from tinycontainer.text import show

from ..descriptors import Descriptors
from ..options import Options, read_options
from .peer import NoPeer, RemotePeer
from .recorded_peer import RecordedPeer, read_messages

_US_PER_S: Final = 1_000_000


class CoapOptions(Options):
    """Options of ``coap``.

    Attributes:
        uri: of the resource, such as ``coap://[2001:db8::7]/reports``.
        method: ``get`` asks regularly, ``observe`` is notified; ``put`` and ``post`` send what is
            written, and reads give the answers.
        context: folder of an OSCORE context, mode 0700, within the device file's directory.
        insecure: send without protection to another machine.
        messages: how many wait at most, in each direction.
        messages_per_s: how many are sent at most in a second, on average.
        interval_ms: how often ``get`` asks, and after how long a failed ``observe`` begins again.
        recording: CSV file with the answers in virtual time; without it there are none.
        required: without a network, refuse the device file; otherwise say so on the operator's
            screen, and refuse every ``open``.
    """

    uri: str = Field(min_length=1, max_length=255)
    method: Literal["get", "observe", "put", "post"]
    context: str | None = Field(default=None, min_length=1)
    insecure: bool = False
    messages: int = Field(default=8, ge=1, le=64)
    messages_per_s: int = Field(default=10, ge=1, le=1000)
    interval_ms: int = Field(default=1000, ge=100, le=86_400_000)
    recording: str | None = Field(default=None, min_length=1)
    required: bool = True


class Coap:
    """Sends and receives messages. In virtual time it sends nothing.

    Args:
        setup: options as in `CoapOptions`.

    Raises:
        ValueError: wrong options, or a context or a recording that cannot be used.
    """

    def __init__(self, setup: DriverSetup) -> None:
        options = read_options(CoapOptions, setup)
        _check_uri(options)
        self._setup = setup
        self._uri = options.uri
        self._sends = options.method in ("put", "post")
        self._most = options.messages
        self._us_per_message = _US_PER_S // options.messages_per_s
        self._free_at_us = -options.messages * self._us_per_message  # a burst is allowed at once
        self._peer = _make_peer(options, setup)
        self._open: Descriptors[CallContext] = Descriptors()
        self._users = 0

    def open(self, peer_endpoint_id: int, context: CallContext) -> int:
        """Open the resource; with the first descriptor it is asked for what it holds."""
        self._peer.begin()
        self._users += 1
        return self._open.open(context)

    def read(self, driver_fd: int, size: int) -> bytes:
        """The oldest message that has come, cut to ``size`` bytes; nothing if there is none."""
        context = self._open[driver_fd]
        self._show_problem()
        return self._peer.take(context.now_us())[:size]

    def write(self, driver_fd: int, data: bytes) -> int:
        """Send a message; 0 if too many are on their way, or were sent in too short a time."""
        now_us = self._open[driver_fd].now_us()
        if not self._sends:
            raise DriverError(problem="this resource is only read")
        self._show_problem()
        begins_us = max(self._free_at_us, now_us - (self._most - 1) * self._us_per_message)
        if begins_us > now_us or not self._peer.send(data):
            return 0
        self._free_at_us = begins_us + self._us_per_message
        return len(data)

    def close(self, driver_fd: int) -> None:
        """Close the resource; with the last descriptor nothing more is asked."""
        self._open.close(driver_fd)
        self._users -= 1
        if self._users == 0:
            self._peer.end()

    def _show_problem(self) -> None:
        problem = self._peer.problem()
        if problem:
            self._setup.show_once(f"coap: {show(self._uri)}: {problem}".encode())


def _check_uri(options: CoapOptions) -> None:
    try:
        uri = parse_coap_uri(options.uri)
    except ValueError as error:
        raise ValueError(f"options.uri: {error}") from None
    if options.context is None and not options.insecure and not uri.is_loopback:
        raise ValueError(
            "options.context: without one everybody on the way can read and forge the messages;"
            " name a folder made by `keygen --oscore`, or write insecure = true"
        )


def _make_peer(options: CoapOptions, setup: DriverSetup) -> RemotePeer:
    """Make what the driver uses: in virtual time a recording, else the network."""
    messages: tuple[tuple[int, bytes], ...] = ()
    if options.recording is not None:
        try:
            messages = read_messages(setup.directory, options.recording)
        except ValueError as error:
            problem = f"options.recording: {show(options.recording)} {error}"
            raise ValueError(problem) from None
    if setup.virtual_time:
        return RecordedPeer(messages, options.messages)
    try:
        from .network import Network, NetworkPeer, Resource  # noqa: PLC0415 - an optional part
    except ImportError:
        problem = "aiocoap is not installed; it comes with: pip install 'tinycontainer[network]'"
        if options.required:
            raise ValueError(problem) from None
        setup.show_once(f"coap: {problem}".encode())
        return NoPeer()
    context = None
    if options.context is not None:
        try:
            folder = resolve_within(setup.directory, options.context)
            context = read_security_context(folder)
        except DeviceFileError as error:
            raise ValueError(f"options.context: {error}") from None
        except ValueError as error:
            raise ValueError(f"options.context: {show(options.context)} {error}") from None
    network = setup.resources.obtain(Network, context, lambda: Network(context))
    interval_s = options.interval_ms / 1000
    resource = Resource(options.uri, options.method, interval_s, options.messages)
    return NetworkPeer(network, resource)
