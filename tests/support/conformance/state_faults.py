"""Faults in what a device remembers over a boot, and in what it does while it cannot record."""

from .fault import Fault

STATE_FAULTS = [
    Fault(
        "begins a loop that is not left",
        "TC-STATE-15",
        "tinycontainer.device.running.execution",
        "    if lifetime and execution.container",
        "    if hook is Hook.LOOP and lifetime and execution.container",
    ),
    Fault(
        "gives a start that goes on a whole lifetime",
        "TC-STATE-15",
        "tinycontainer.device.containers.controller",
        "container.loops_begun = entry.loops",
        "container.loops_begun = 0",
    ),
    Fault(
        "starts nothing after a boot",
        "TC-STATE-14",
        "tinycontainer.device.containers.controller",
        "container.succession = Succession(starts=True, resumes=True)",
        "pass",
    ),
    Fault(
        "accepts what it cannot record",
        "TC-STATE-14",
        "tinycontainer.device.containers.change",
        "            self._change = None\n            raise",
        "            self._change = None",
    ),
    Fault(
        "does what it refuses because it cannot record it",
        "TC-STATE-14",
        "tinycontainer.device.containers.change",
        "            self._change = None\n            raise",
        "            self._change = None\n            make()\n            raise",
    ),
]
