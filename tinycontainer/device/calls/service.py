"""The service: performs and judges the system calls of all containers.

The checks of a call, in this order: mask, size, descriptor, owner, direction, driver. A call is
tested for success once; only a refusal looks for its reason. The container sees -1 (or a driver's
own negated code), the owner of the device a typed event.
"""

from collections.abc import Callable

from tinycontainer.errors import DriverError
from tinycontainer.interfaces.clock import Clock
from tinycontainer.interfaces.driver import Channel
from tinycontainer.interfaces.syscalls import Syscall
from tinycontainer.metadata import Endpoint, Metadata, PeerType
from tinycontainer.trace import Closing, Refusal, Tracer
from tinycontainer.trace.events import Called, DescriptorClosed, Logged, Refused

from ..containers.container import Container
from ..containers.limits import Capacity
from .driver_table import DriverEntry, DriverTable
from .endpoint_table import Descriptor, EndpointTable
from .pipes import Pipes, find_dissent
from .started import Context, StartedContainer

REFUSED = -1

# Looked up at every call: the enum's property would cost as much as the check itself.
_HEARTBEAT = Syscall.HEARTBEAT.bit
_OPEN = Syscall.OPEN.bit
_CLOSE = Syscall.CLOSE.bit
_READ = Syscall.READ.bit
_WRITE = Syscall.WRITE.bit


class Service:
    """Performs system calls and keeps the endpoint table.

    Args:
        capacity: how many descriptors, how long transfers, lines and pipes.
        drivers: the host's services.
        find: the loaded container with a uid, or None.
        clock: the device's clock.
        tracer: records every call.
    """

    def __init__(
        self,
        capacity: Capacity,
        drivers: DriverTable,
        find: Callable[[bytes], Container | None],
        clock: Clock,
        tracer: Tracer,
    ) -> None:
        self._drivers = drivers
        self._find = find
        self._clock = clock
        self._tracer = tracer
        self._table = EndpointTable(capacity.descriptors, capacity.descriptors_per_container)
        self._pipes = Pipes(capacity.pipe_bytes)
        self._transfer_bytes = capacity.transfer_bytes
        self._line_bytes = capacity.log_line_bytes
        self._in_progress: StartedContainer | None = None
        # What a driver has opened until it has a descriptor; an interrupt may come in between.
        self._opened: tuple[Channel, int] | None = None

    def recover(self) -> None:
        """Close what was opened by a call that was interrupted (ADR 21)."""
        self._in_progress = None
        opened, self._opened = self._opened, None
        if opened is None or self._table.holds(*opened) or not _is_descriptor(opened[1]):
            return
        driver, driver_fd = opened
        try:
            driver.close(driver_fd)
        except KeyboardInterrupt as interrupt:
            self._tracer.keep_interrupt(interrupt)
        except BaseException:  # as when a container stops, it is closed whatever its driver says
            return

    # The five calls and the log.

    def heartbeat(self, caller: StartedContainer) -> int:
        """Feed the watchdog."""
        if not caller.container.grant.mask & _HEARTBEAT:
            return self.refuse_masked(caller, Syscall.HEARTBEAT, 0)
        caller.watchdog.beat()
        return self._granted(caller, Syscall.HEARTBEAT, 0, 0)

    def open(self, caller: StartedContainer, endpoint_id: int) -> int:
        """Open an endpoint of the container's metadata; a descriptor, or a negative number."""
        if not caller.container.grant.mask & _OPEN:
            return self.refuse_masked(caller, Syscall.OPEN, endpoint_id)
        endpoint = caller.container.metadata.endpoint(endpoint_id)
        if endpoint is None:
            return self._refuse(caller, Syscall.OPEN, endpoint_id, Refusal.UNKNOWN_ENDPOINT)
        if endpoint_id in caller.container.grant.expired_endpoints:
            return self._refuse(caller, Syscall.OPEN, endpoint_id, Refusal.EXPIRED)
        if self._table.is_open(caller.uid, endpoint_id):
            return self._refuse(caller, Syscall.OPEN, endpoint_id, Refusal.ALREADY_OPEN)
        if not self._table.has_room(caller.uid):
            return self._refuse(caller, Syscall.OPEN, endpoint_id, Refusal.NO_DESCRIPTOR)
        if endpoint.peer_type is PeerType.CONTAINER:
            return self._open_pipe(caller, endpoint)
        return self._open_driver(caller, endpoint)

    def close(self, caller: StartedContainer, fd: int) -> int:
        """Close a descriptor of the container's own; 0, or -1."""
        entry = self._table.open.get(fd)
        if not caller.container.grant.mask & _CLOSE:
            return self.refuse_masked(caller, Syscall.CLOSE, fd)
        if entry is None or entry.owner != caller.uid:
            reason = Refusal.BAD_DESCRIPTOR if entry is None else Refusal.NOT_OWNER
            return self._refuse(caller, Syscall.CLOSE, fd, reason)
        error = self._close_entry(entry, caller)
        if isinstance(error, KeyboardInterrupt):
            raise error
        if error is not None:
            return self._driver_raised(caller, Syscall.CLOSE, fd, error)
        return self._granted(caller, Syscall.CLOSE, fd, 0)

    def read(self, caller: StartedContainer, fd: int, size: int) -> bytes | int:
        """Read up to ``size`` bytes; none if there is no data yet; or a negative number."""
        entry = self._table.open.get(fd)
        if not (
            caller.container.grant.mask & _READ
            and 0 < size <= self._transfer_bytes
            and entry is not None
            and entry.owner == caller.uid
            and entry.readable
        ):
            reason = self._why_no_transfer(caller, _READ, size, entry)
            return self._refuse(caller, Syscall.READ, fd, reason)
        self._in_progress = caller
        try:
            data = entry.driver.read(entry.driver_fd, size)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            return self._driver_raised(caller, Syscall.READ, fd, error)
        finally:
            self._in_progress = None
        # A subclass of bytes may lie about its length, so the exact type is asked for.
        if type(data) is not bytes or len(data) > size:
            return self._driver_lied(caller, Syscall.READ, fd, "gave something else than asked for")
        self._granted(caller, Syscall.READ, fd, len(data), data)
        return data

    def write(self, caller: StartedContainer, fd: int, data: bytes) -> int:
        """Write bytes; how many were accepted, or a negative number."""
        entry = self._table.open.get(fd)
        if not (
            caller.container.grant.mask & _WRITE
            and type(data) is bytes
            and 0 < len(data) <= self._transfer_bytes
            and entry is not None
            and entry.owner == caller.uid
            and entry.writable
        ):
            reason = self._why_no_transfer(caller, _WRITE, len(data), entry)
            return self._refuse(caller, Syscall.WRITE, fd, reason)
        self._in_progress = caller
        try:
            accepted_bytes = entry.driver.write(entry.driver_fd, data)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            return self._driver_raised(caller, Syscall.WRITE, fd, error)
        finally:
            self._in_progress = None
        if type(accepted_bytes) is not int or not 0 <= accepted_bytes <= len(data):
            return self._driver_lied(caller, Syscall.WRITE, fd, "took something else than given")
        return self._granted(caller, Syscall.WRITE, fd, accepted_bytes, data[:accepted_bytes])

    def log(self, caller: StartedContainer, line: bytes) -> None:
        """Record a log line, cut to the device's length, while the container's rate allows."""
        if self._tracer.on and caller.logs.admit_record(self._tracer.now_ns()):
            self._tracer.emit(Logged(caller.uid, line[: self._line_bytes]))

    def refuse_masked(self, caller: StartedContainer, call: Syscall, subject: int) -> int:
        """Refuse a call that the mask denies."""
        return self._refuse(caller, call, subject, Refusal.MASKED)

    # What happens to descriptors when a container does.

    def close_all(self, caller: StartedContainer) -> None:
        """A container stops: its descriptors close, and what was on its way to it vanishes."""
        for entry in self._table.of(caller.uid):
            self._close_for(entry, Closing.STOPPED, caller)
        self._pipes.reader_stopped(caller.uid)

    def revoke_changed(self, container: Container, before: Metadata) -> None:
        """Metadata changed: endpoints that are not what they were are revoked."""
        kept = frozenset(before.endpoints or ()) & frozenset(container.metadata.endpoints or ())
        self._close_all_but(container.uid, kept, Closing.REVOKED)

    def close_expired(self, container: Container) -> None:
        """Tokens of endpoints expired: their descriptors close, and those of their pipes' peers."""
        expired = container.grant.expired_endpoints
        endpoints = container.metadata.endpoints or ()
        kept = frozenset(each for each in endpoints if each.endpoint_id not in expired)
        self._close_all_but(container.uid, kept, Closing.EXPIRED)

    def forget(self, uid: bytes) -> None:
        """A container is erased: the other ends of its pipes close."""
        self._close_broken_pipes(uid, frozenset())
        self._drivers.forget(uid)

    # How an endpoint is opened.

    def _open_pipe(self, caller: StartedContainer, endpoint: Endpoint) -> int:
        peer = None if endpoint.peer_uid is None else self._find(endpoint.peer_uid)
        if peer is None:
            return self._refuse(caller, Syscall.OPEN, endpoint.endpoint_id, Refusal.PEER_MISSING)
        consent_expired = endpoint.peer_endpoint_id in peer.grant.expired_endpoints
        if consent_expired or find_dissent(caller.uid, endpoint, peer.metadata) is not None:
            return self._refuse(caller, Syscall.OPEN, endpoint.endpoint_id, Refusal.NO_CONSENT)
        self._opened = self._pipes, self._pipes.connect(caller.uid, endpoint)
        return self._enter(caller, endpoint, *self._opened)

    def _open_driver(self, caller: StartedContainer, endpoint: Endpoint) -> int:
        entry = self._drivers.find(endpoint.peer_type, endpoint.peer_endpoint_id)
        if entry is None:
            return self._refuse(caller, Syscall.OPEN, endpoint.endpoint_id, Refusal.NO_DRIVER)
        if not entry.serves(caller.uid, endpoint.direction):
            return self._refuse(
                caller, Syscall.OPEN, endpoint.endpoint_id, Refusal.NOT_SERVED, entry.name
            )
        return self._ask_driver(caller, endpoint, entry)

    def _ask_driver(self, caller: StartedContainer, endpoint: Endpoint, entry: DriverEntry) -> int:
        context = Context(caller, self._clock, lambda: self._in_progress)
        self._in_progress = caller
        try:
            driver = self._drivers.instance(entry, caller.uid)
            self._opened = driver, driver.open(endpoint.peer_endpoint_id, context)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            return self._driver_raised(caller, Syscall.OPEN, endpoint.endpoint_id, error)
        finally:
            self._in_progress = None
        driver_fd = self._opened[1]
        if not _is_descriptor(driver_fd):
            self._opened = None
            problem = "gave no positive descriptor"
            return self._driver_lied(caller, Syscall.OPEN, endpoint.endpoint_id, problem)
        return self._enter(caller, endpoint, driver, driver_fd)

    def _enter(
        self, caller: StartedContainer, endpoint: Endpoint, driver: Channel, driver_fd: int
    ) -> int:
        entry = self._table.add(caller.uid, endpoint, driver, driver_fd)
        self._opened = None
        return self._granted(caller, Syscall.OPEN, endpoint.endpoint_id, entry.endpoint_fd)

    # How descriptors are closed.

    def _close_all_but(self, uid: bytes, kept: frozenset[Endpoint], reason: Closing) -> None:
        for entry in self._table.of(uid):
            if entry.endpoint not in kept:
                self._close_for(entry, reason)
        self._close_broken_pipes(uid, kept)

    def _close_entry(
        self, entry: Descriptor, caller: StartedContainer | None
    ) -> BaseException | None:
        """Close a descriptor, whatever its driver says; returns what that was."""
        self._in_progress = caller
        try:
            # One step: a descriptor is gone if, and only if, its driver was asked to close it.
            self._table.remove(entry).driver.close(entry.driver_fd)
        except KeyboardInterrupt as interrupt:
            if entry.endpoint_fd in self._table.open:  # it came before that step
                raise
            return interrupt
        except BaseException as error:
            return error
        finally:
            self._in_progress = None
        return None

    def _close_for(
        self, entry: Descriptor, reason: Closing, caller: StartedContainer | None = None
    ) -> None:
        error = self._close_entry(entry, caller)
        if isinstance(error, KeyboardInterrupt):
            self._tracer.keep_interrupt(error)
            error = None
        if not self._tracer.on:
            return
        self._tracer.emit(DescriptorClosed(entry.owner, entry.endpoint_fd, reason))
        if error is not None:
            self._tracer.emit(
                Refused(
                    uid=entry.owner,
                    call=Syscall.CLOSE.name.lower(),
                    subject=entry.endpoint_fd,
                    reason=Refusal.DRIVER_FAILED,
                    result=0,
                    detail=f"raised {type(error).__name__}",
                )
            )

    def _close_broken_pipes(self, uid: bytes, kept: frozenset[Endpoint]) -> None:
        for peer_uid, endpoint_id in self._pipes.find_broken(uid, kept):
            for entry in self._table.of(peer_uid):
                if entry.endpoint.endpoint_id == endpoint_id:
                    self._close_for(entry, Closing.PEER_GONE)
        self._pipes.remove_broken(uid, kept)

    # Results of a call.

    def _granted(
        self, caller: StartedContainer, call: Syscall, subject: int, result: int, data: bytes = b""
    ) -> int:
        caller.container.statistics.calls += 1
        if self._tracer.on:
            self._tracer.emit(Called(caller.uid, call.name.lower(), subject, result, data))
        return result

    def _why_no_transfer(
        self, caller: StartedContainer, bit: int, size: int, entry: Descriptor | None
    ) -> Refusal:
        if not caller.container.grant.mask & bit:
            return Refusal.MASKED
        if not 0 < size <= self._transfer_bytes:
            return Refusal.SIZE
        if entry is None:
            return Refusal.BAD_DESCRIPTOR
        return Refusal.NOT_OWNER if entry.owner != caller.uid else Refusal.DIRECTION

    def _driver_raised(
        self, caller: StartedContainer, call: Syscall, subject: int, error: BaseException
    ) -> int:
        refusal = _refusal_of(error)
        if refusal is None:
            problem = f"raised {type(error).__name__}"
            return self._refuse(caller, call, subject, Refusal.DRIVER_FAILED, problem)
        code, problem = refusal
        return self._refuse(caller, call, subject, Refusal.DRIVER, problem, -code)

    def _driver_lied(
        self, caller: StartedContainer, call: Syscall, subject: int, problem: str
    ) -> int:
        return self._refuse(caller, call, subject, Refusal.DRIVER_FAILED, problem)

    def _refuse(
        self,
        caller: StartedContainer,
        call: Syscall,
        subject: int,
        reason: Refusal,
        detail: str = "",
        result: int = REFUSED,
    ) -> int:
        caller.container.statistics.refusals += 1
        if self._tracer.on and caller.refusals.admit_record(self._tracer.now_ns()):
            name = call.name.lower()
            self._tracer.emit(Refused(caller.uid, name, subject, reason, result, detail))
        return result


def _is_descriptor(given: object) -> bool:
    return type(given) is int and given > 0


def _refusal_of(error: BaseException) -> tuple[int, str] | None:
    """Code and problem of a driver's refusal; None if it is none, or not a sound one."""
    if not isinstance(error, DriverError):
        return None
    try:
        return (int(error.code), str(error.problem)) if error.is_sound else None
    except Exception:  # a subclass can have attributes that raise, or none
        return None
