"""The composition root: a device file and what is installed become a device.

Here and nowhere else are entry points resolved, the files of a device read, and time and randomness
chosen. An `Installation` holds what is installed, for any number of devices; a `DevicePlan` is a
device file that was read; `make_setup` joins the two; `Device.from_file` does it all.
"""

from .device import Device, boot, load_listed_containers
from .device_plan import DevicePlan, read_plan, type_of_engine
from .evidence_key import read_evidence_key
from .installation import Installation, InstalledRuntime
from .setup import choose_runtimes, locate_drivers, make_setup, read_trust
from .update_rules import read_identity, read_update_rules

__all__ = [
    "Device",
    "DevicePlan",
    "Installation",
    "InstalledRuntime",
    "boot",
    "choose_runtimes",
    "load_listed_containers",
    "locate_drivers",
    "make_setup",
    "read_evidence_key",
    "read_identity",
    "read_plan",
    "read_trust",
    "read_update_rules",
    "type_of_engine",
]
