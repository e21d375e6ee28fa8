"""Random programs do the same on the machine and on the plain oracle, whatever the budget."""

from collections import Counter
from random import Random

import pytest
from support.rbpf.assembling import UNLIMITED, run
from support.rbpf.oracle import Oracle
from support.rbpf.programs import CONTEXT_BYTES, DATA_BYTES, RODATA_BYTES, program

from tinycontainer_runtimes.rbpf.codes import RbpfCode


@pytest.mark.parametrize("examples", [500, pytest.param(20_000, marks=pytest.mark.long)])
@pytest.mark.clause("TC-BPF-14")
def test_machine_and_oracle_agree(examples: int) -> None:
    random, codes, longest = Random(20_260_715), Counter[RbpfCode](), 0
    for _ in range(examples):
        text = program(random)
        context, data = random.randbytes(CONTEXT_BYTES), random.randbytes(DATA_BYTES)
        rodata = random.randbytes(RODATA_BYTES)
        oracle = Oracle(text, bytearray(context), bytearray(data), rodata)
        code = oracle.run()
        memory = (bytes(oracle.context), bytes(oracle.data), bytes(oracle.stack))
        expected = (oracle.used, oracle.branches, memory)
        for budget in (1, 7, UNLIMITED):
            found = run(text, context, data, rodata, budget)
            assert found.code == code, text.hex()
            assert (found.used, found.branches, found.memory) == expected, text.hex()
            if code == 0:
                assert found.value == oracle.r[0], text.hex()
        codes[found.code] += 1
        longest = max(longest, oracle.used)
    assert codes[RbpfCode.OK] > examples // 3
    assert {RbpfCode.ILLEGAL_MEMORY, RbpfCode.ILLEGAL_DIVISION, RbpfCode.OUT_OF_BRANCHES} <= set(
        codes
    )
    assert longest > 10_000
