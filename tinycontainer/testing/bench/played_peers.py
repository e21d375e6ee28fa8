"""Containers that the test plays: the other ends of the pipes of the container under test.

A pipe needs a container at its other end. The test's is a real one of the type ``python``: it is
signed, judged and loaded as any, its metadata has nothing but the other ends of the pipes, and the
device checks each of its calls. Its hooks do nothing; the test makes its calls between two turns of
the device, so that they take no device time.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from tinycontainer.device.containers.limits import Cap
from tinycontainer.errors import InadmissibleCode
from tinycontainer.interfaces.meter import Meter
from tinycontainer.interfaces.runtime import (
    Completed,
    Hook,
    Instance,
    Natives,
    Outcome,
    RuntimeLimits,
)
from tinycontainer.interfaces.syscalls import Syscall, mask_of
from tinycontainer.metadata import (
    ContainerMap,
    ContainerType,
    Direction,
    Endpoint,
    Metadata,
    PeerType,
    Security,
)
from tinycontainer.metadata.model import MAX_UINT32
from tinycontainer.tools.packing.packing import Blueprint

PEER_TYPE: Final = ContainerType.PYTHON
_CODE: Final = b"played by a test: "
_CALLS: Final = (Syscall.OPEN, Syscall.CLOSE, Syscall.READ, Syscall.WRITE)
_OTHER_WAY: Final = {
    Direction.IN: Direction.OUT,
    Direction.OUT: Direction.IN,
    Direction.BOTH: Direction.BOTH,
}
_HOOK_MS: Final = 1000


class PlayedRuntime:
    """See `tinycontainer.interfaces.runtime.Runtime`; it admits what `peer_code` makes."""

    def __init__(self) -> None:
        self._natives: dict[bytes, Natives] = {}

    def natives(self, uid: bytes) -> Natives | None:
        """The calls of a played container; None before it has had the processor."""
        return self._natives.get(peer_code(uid))

    def admit(self, code: bytes, limits: RuntimeLimits) -> None:
        """Admit a played container.

        Raises:
            InadmissibleCode: it is another one of this type.
        """
        if not code.startswith(_CODE):
            raise InadmissibleCode("a container of the type python runs on no device but a test's")

    def create(
        self, code: bytes, data: bytes, natives: Natives, meter: Meter, limits: RuntimeLimits
    ) -> Instance:
        """Keep the calls of the container."""
        self._natives[code] = natives
        return _PlayedInstance()


class _PlayedInstance:
    """Its hooks complete at once."""

    def begin(self, hook: Hook) -> None:
        pass

    def resume(self) -> Outcome:
        return Completed()

    def abort(self) -> None:
        pass

    def finalize(self) -> None:
        pass


def peer_code(uid: bytes) -> bytes:
    """The code section of a played container."""
    return _CODE + uid


def pipes_of(metadata: Metadata) -> dict[int, Endpoint]:
    """The endpoints of a container that lead to other containers, by their ids."""
    endpoints = metadata.endpoints or ()
    return {each.endpoint_id: each for each in endpoints if each.peer_type is PeerType.CONTAINER}


def peer_blueprint(uid: bytes, loaded: Iterable[Metadata], cap: Cap) -> Blueprint:
    """The container at the other end of pipes.

    Args:
        uid: its uid.
        loaded: metadata of the containers whose pipes lead to it.
        cap: what its metadata may ask for; it runs before all others, once.
    """
    ends = {end.endpoint_id: end for end in _other_ends(uid, loaded)}
    return Blueprint(
        container=ContainerMap(uid, PEER_TYPE, priority=cap.best_priority or 0),
        endpoints=tuple(ends.values()),
        security=Security(
            start_max_duration_ms=cap.start_max_ms or _HOOK_MS,
            loop_period_ms=MAX_UINT32,
            loop_max_duration_ms=cap.loop_max_ms or _HOOK_MS,
            stop_max_duration_ms=cap.stop_max_ms or _HOOK_MS,
        ),
        mask=mask_of(_CALLS),
    )


def _other_ends(uid: bytes, loaded: Iterable[Metadata]) -> Iterator[Endpoint]:
    for metadata in loaded:
        for pipe in pipes_of(metadata).values():
            if pipe.peer_uid == uid:
                yield Endpoint(
                    pipe.peer_endpoint_id,
                    PeerType.CONTAINER,
                    pipe.endpoint_id,
                    _OTHER_WAY[pipe.direction],
                    metadata.uid,
                )
