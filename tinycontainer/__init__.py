"""TinyContainer: signed containers of mutually distrusting tenants on one microcontroller.

The reference implementation in Python. A device is made from a device file, containers are loaded
from bundles, and the device runs them side by side in virtual or wall time.

Importing this package loads nothing else of the project. A public name loads its module when it is
first used (PEP 562), so that those who need one error class do not wait for engines and keys.
"""

import importlib
import typing

if typing.TYPE_CHECKING:
    from tinycontainer.assembly import Device, Installation
    from tinycontainer.device.containers.container import Exit, ExitReason
    from tinycontainer.device.containers.lifecycle import Event, State
    from tinycontainer.device.containers.view import View
    from tinycontainer.device.setup import Setup
    from tinycontainer.interfaces.clock import Clock, VirtualClock, WallClock
    from tinycontainer.interfaces.syscalls import Syscall
    from tinycontainer.metadata import Bundle, ContainerType, Direction, Metadata, PeerType
    from tinycontainer.suit.updater import UpdateOutcome
    from tinycontainer.trace.account import Account, Statistics

    from .errors import (
        CreationError,
        DeviceFileError,
        DriverError,
        InadmissibleCode,
        InvalidTransition,
        LoadError,
        LoadReason,
        MetadataError,
        RuntimeUnavailable,
        TinyContainerError,
        UnknownContainer,
        UpdateReason,
        UpdateRefused,
    )

SPECIFICATION_VERSION = "0.1.0"
"""Version of the specification in ``specs/`` that this implements."""

# The module of each public name. Type checkers read the imports above instead; a test compares
# this table, those imports and `__all__`.
_MODULES: typing.Final[typing.Mapping[str, str]] = {
    "Account": "trace.account",
    "Bundle": "metadata",
    "Clock": "interfaces.clock",
    "ContainerType": "metadata",
    "CreationError": "errors",
    "Device": "assembly",
    "DeviceFileError": "errors",
    "Direction": "metadata",
    "DriverError": "errors",
    "Event": "device.containers.lifecycle",
    "Exit": "device.containers.container",
    "ExitReason": "device.containers.container",
    "InadmissibleCode": "errors",
    "Installation": "assembly",
    "InvalidTransition": "errors",
    "LoadError": "errors",
    "LoadReason": "errors",
    "Metadata": "metadata",
    "MetadataError": "errors",
    "PeerType": "metadata",
    "RuntimeUnavailable": "errors",
    "Setup": "device.setup",
    "State": "device.containers.lifecycle",
    "Statistics": "trace.account",
    "Syscall": "interfaces.syscalls",
    "TinyContainerError": "errors",
    "UnknownContainer": "errors",
    "UpdateOutcome": "suit.updater",
    "UpdateReason": "errors",
    "UpdateRefused": "errors",
    "View": "device.containers.view",
    "VirtualClock": "interfaces.clock",
    "WallClock": "interfaces.clock",
}

__all__ = [
    "SPECIFICATION_VERSION",
    "Account",
    "Bundle",
    "Clock",
    "ContainerType",
    "CreationError",
    "Device",
    "DeviceFileError",
    "Direction",
    "DriverError",
    "Event",
    "Exit",
    "ExitReason",
    "InadmissibleCode",
    "Installation",
    "InvalidTransition",
    "LoadError",
    "LoadReason",
    "Metadata",
    "MetadataError",
    "PeerType",
    "RuntimeUnavailable",
    "Setup",
    "State",
    "Statistics",
    "Syscall",
    "TinyContainerError",
    "UnknownContainer",
    "UpdateOutcome",
    "UpdateReason",
    "UpdateRefused",
    "View",
    "VirtualClock",
    "WallClock",
]

if not typing.TYPE_CHECKING:  # a type checker that saw this would accept any name

    def __getattr__(name: str) -> object:
        """Load the module of a public name, and keep the name for the next time."""
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(f".{_MODULES[name]}", __name__), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    """All names, whether their modules are loaded or not."""
    return sorted({*globals(), *__all__})
