"""TinyContainer: signed containers of mutually distrusting tenants on one microcontroller.

The reference implementation in Python. A device is made from a device file, containers are loaded
from bundles, and the device runs them side by side in virtual or wall time.
"""

from tinycontainer.assembly import Device, Installation
from tinycontainer.device.containers.container import Exit, ExitReason, Statistics
from tinycontainer.device.containers.lifecycle import Event, State
from tinycontainer.device.device import Setup, View
from tinycontainer.interfaces.clock import Clock, VirtualClock, WallClock
from tinycontainer.interfaces.syscalls import Syscall
from tinycontainer.metadata import Bundle, ContainerType, Direction, Metadata, PeerType

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
)

SPECIFICATION_VERSION = "0.1.0"
"""Version of the specification in ``specs/`` that this implements."""

__all__ = [
    "SPECIFICATION_VERSION",
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
    "View",
    "VirtualClock",
    "WallClock",
]
