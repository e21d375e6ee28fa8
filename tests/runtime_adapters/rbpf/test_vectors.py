"""The vectors, on the machine and on the oracle; each opcode and each code has one."""

import pytest
from support.rbpf.assembling import run
from support.rbpf.oracle import Oracle
from support.rbpf.vectors import Vector, vectors

from tinycontainer_runtimes.rbpf.codes import CodeRefused, RbpfCode
from tinycontainer_runtimes.rbpf.decoding import decode
from tinycontainer_runtimes.rbpf.helpers import HELPERS
from tinycontainer_runtimes.rbpf.opcodes import OPERATIONS

VECTORS = vectors()
AT_LOAD = {
    RbpfCode.ILLEGAL_INSTRUCTION,
    RbpfCode.ILLEGAL_JUMP,
    RbpfCode.ILLEGAL_CALL,
    RbpfCode.ILLEGAL_LENGTH,
    RbpfCode.ILLEGAL_REGISTER,
    RbpfCode.NO_RETURN,
}
named = pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)


@named
@pytest.mark.parametrize("budget", [1, 7, 1 << 40])
@pytest.mark.clause("TC-BPF-03", "TC-BPF-05", "TC-BPF-06", "TC-BPF-08", "TC-BPF-10")
def test_a_vector_holds(vector: Vector, budget: int) -> None:
    if vector.error in AT_LOAD:
        with pytest.raises(CodeRefused) as refused:
            decode(vector.text, HELPERS)
        assert refused.value.code == vector.error
        return
    found = run(vector.text, vector.mem, vector.data, vector.rodata, budget)
    assert found.code == (vector.error or RbpfCode.OK)
    if vector.result is not None:
        assert found.value == vector.result
    if vector.after is not None:
        assert found.memory[0] == vector.after


@named
def test_the_oracle_agrees_with_a_vector(vector: Vector) -> None:
    if vector.error in AT_LOAD or vector.name == "call-data-size":
        return
    oracle = Oracle(vector.text, bytearray(vector.mem), bytearray(vector.data), vector.rodata)
    assert oracle.run() == (vector.error or 0)
    if vector.result is not None:
        assert oracle.r[0] == vector.result


@pytest.mark.clause("TC-BPF-04")
def test_each_opcode_has_a_vector_that_runs_it() -> None:
    run_opcodes = {
        each.operation.opcode
        for vector in VECTORS
        if vector.error is None
        for each in decode(vector.text, HELPERS)
    }
    assert run_opcodes == set(OPERATIONS)
    assert len(OPERATIONS) == 90


@pytest.mark.clause("TC-BPF-07")
def test_each_code_has_a_vector() -> None:
    assert {vector.error or 0 for vector in VECTORS} == set(map(int, RbpfCode))


def test_each_vector_expects_something() -> None:
    for vector in VECTORS:
        assert (vector.result is None) != (vector.error is None)
