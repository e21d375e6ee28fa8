"""How fast is rBPF? The plain interpreter that decodes each step, and the adapter's machine.

The requirement is a factor of at least 3 on the same programs: compare the groups' rows.
"""

import pytest
from support.measuring.measuring import Measure
from support.project import ROOT
from support.rbpf.assembling import assemble
from support.rbpf.oracle import Oracle

from tinycontainer.interfaces.meter import Meter
from tinycontainer_runtimes.rbpf.conversion import create_builder
from tinycontainer_runtimes.rbpf.decoding import decode_text
from tinycontainer_runtimes.rbpf.helpers import HELPERS
from tinycontainer_runtimes.rbpf.image import read_image
from tinycontainer_runtimes.rbpf.machine import Machine
from tinycontainer_runtimes.rbpf.memory import Memory, Region

OBJECTS = ROOT / "tests" / "vectors" / "rbpf" / "objects"
TEXT = (OBJECTS / "riot-text.bin").read_bytes()
FLETCHER32 = read_image(create_builder().build((OBJECTS / "fletcher32.o").read_bytes()).code).text
ARITHMETIC = assemble(
    """mov r3, 1000
    mov r0, 1
    again:
    mul r0, 31
    add r0, r3
    mov r4, r0
    rsh r4, 7
    xor r0, r4
    lsh32 r4, 3
    add32 r0, r4
    sub r3, 1
    jne r3, 0, again
    exit"""
)
PROGRAMS = {"fletcher32": FLETCHER32, "arithmetic": ARITHMETIC}
BUDGETS = {"straight through": 1 << 40, "turns of 100": 100}


def machine_of(text: bytes, budget: int) -> tuple[Machine, Meter]:
    meter = Meter(lambda instructions: None)
    meter.refill(budget)
    memory = Memory()
    memory.map(Region.CONTEXT, TEXT)
    return Machine(decode_text(text, HELPERS), memory, {}, meter), meter


def instructions(text: bytes) -> int:
    oracle = Oracle(text, bytearray(TEXT))
    oracle.run()
    return oracle.used


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("subject", BUDGETS)
def test_machine_against_plain_interpreter(measure: Measure, name: str, subject: str) -> None:
    text, budget = PROGRAMS[name], BUDGETS[subject]
    machine, meter = machine_of(text, budget)

    def run() -> int:
        machine.begin(0, Region.CONTEXT.base, len(TEXT))
        while (result := machine.run()) is None:
            meter.refill(budget)
        return result.code

    against = {"plain interpreter": lambda: Oracle(text, bytearray(TEXT)).run()}
    per = instructions(text)
    assert measure("rbpf", f"{name}, {subject}", "machine", run, against=against, per=per) == 0
