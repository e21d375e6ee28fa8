"""Runtimes whose instances can be asked how much memory they have."""

from dataclasses import dataclass, field

from tinycontainer.interfaces.meter import Meter
from tinycontainer.interfaces.runtime import (
    Inspectable,
    Instance,
    Natives,
    Runtime,
    RuntimeLimits,
)


@dataclass
class Instances:
    """The instances of a device; one is made just before the start hook of its container begins.

    Attributes:
        newest: the instance that was made last.
    """

    newest: Instance | None = None
    _by_uid: dict[bytes, Instance] = field(default_factory=dict)

    def assign_newest(self, uid: bytes) -> None:
        """Note whose start hook begins."""
        if self.newest is not None:
            self._by_uid[uid] = self.newest

    def memory_bytes(self, uid: bytes) -> int | None:
        """How much memory a container has; None if its runtime does not say."""
        instance = self._by_uid.get(uid)
        return instance.size() if isinstance(instance, Inspectable) else None


class MeasuredRuntime:
    """A runtime whose instances are kept; see `tinycontainer.interfaces.runtime.Runtime`.

    Args:
        inner: the runtime.
        instances: where they are kept.
    """

    def __init__(self, inner: Runtime, instances: Instances) -> None:
        self._inner = inner
        self._instances = instances

    def admit(self, code: bytes, limits: RuntimeLimits) -> None:
        """See `Runtime.admit`."""
        self._inner.admit(code, limits)

    def create(
        self, code: bytes, data: bytes, natives: Natives, meter: Meter, limits: RuntimeLimits
    ) -> Instance:
        """See `Runtime.create`."""
        self._instances.newest = self._inner.create(code, data, natives, meter, limits)
        return self._instances.newest
