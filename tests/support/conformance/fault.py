"""A fault that the conformance suite must catch: it changes one line of the device."""

import sys
from dataclasses import dataclass
from functools import partial

from support.conformance.cases import bundles
from support.project import ROOT
from tinycontainer.conformance.judging.suite import Suite
from tinycontainer.conformance.peer import ProcessPeer

FAULTY_SHIM = ROOT / "tests" / "conformance" / "faulty_shim.py"


@dataclass(frozen=True)
class Fault:
    """One line of the device, and how it is wrong.

    Attributes:
        name: what the faulty device does.
        clause: what it breaks.
        module: where the line is.
        right: the line, or a part of it that is nowhere else in the module.
        wrong: what replaces it.
    """

    name: str
    clause: str
    module: str
    right: str
    wrong: str

    def suite(self) -> Suite:
        """The suite, for a device with this fault."""
        command = (sys.executable, str(FAULTY_SHIM), self.module, self.right, self.wrong)
        return Suite(partial(ProcessPeer, command), bundles(), timeout_s=60)
