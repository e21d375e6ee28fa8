"""What a program shows of itself without being run."""

import pytest
from support.rbpf.assembling import hooks, rbf, slot
from support.wasm.modules import within

from tinycontainer.assembly import Installation
from tinycontainer.errors import InadmissibleCode
from tinycontainer.metadata import ContainerType
from tinycontainer_runtimes.rbpf.analysis import analyse


def test_the_analyser_is_found_through_its_entry_point() -> None:
    assert Installation().analysers()[ContainerType.BPF] is analyse


def test_natives_hooks_and_memory_are_told() -> None:
    found = analyse(hooks(loop="call read\nexit", stop="lddwr r1, 0\ncall logger\nexit"))
    assert found.natives == found.imported == {"read", "logger"}
    assert found.hooks == {"loop", "stop"}
    assert analyse(rbf("exit", bytes(100))).memory_bytes == 512 + 104
    assert analyse(rbf("exit")).hooks == {"loop"}


@pytest.mark.parametrize(
    ("source", "opened", "computed"),
    [
        ("mov r1, 7\ncall open\nexit", {7}, False),
        ("mov32 r1, 7\nmov r2, 3\ncall open\nmov r1, 8\ncall open\nexit", {7, 8}, False),
        ("mov r1, 7\ncall open\ncall open\nexit", {7}, False),
        ("lddw r1, 0xffffffff\ncall open\nexit", {0xFFFFFFFF}, False),
        ("mov r1, -1\ncall open\nexit", {0xFFFFFFFF}, False),
        ("call open\nexit", set(), True),
        ("mov r1, r2\ncall open\nexit", set(), True),
        ("mov r1, 7\nadd r1, 1\ncall open\nexit", set(), True),
        ("mov r1, 7\nldxb r1, [r10-1]\ncall open\nexit", set(), True),
        ("jeq r1, 0, +1\nmov r1, 7\ncall open\nexit", set(), True),
        ("mov r1, 7\njeq r2, 0, +0\ncall open\nexit", set(), True),
        ("mov r1, 7\njeq r2, 0, +1\ncall open\nexit", {7}, False),
        ("mov r1, 7\nexit\ncall open\nexit", set(), True),
        ("mov r1, 7\nja +0\ncall open\nexit", set(), True),
    ],
)
def test_a_number_in_r1_in_the_same_line_is_an_endpoint_id(
    source: str, opened: set[int], computed: bool
) -> None:
    found = analyse(rbf(source))
    assert found.opened == opened
    assert found.opens_computed is computed


def test_a_function_begins_with_nothing_known() -> None:
    code = rbf("mov r1, 7\ncall open\nexit", start=1)
    found = analyse(code)
    assert not found.opened
    assert found.opens_computed


def test_long_programs_take_time_in_proportion() -> None:
    with within(5):
        code = rbf((slot(0xB7, 1) + slot(0x85, imm=0x72)) * 32_000 + slot(0x95))
        assert analyse(code).opened == {0}


def test_code_that_no_runtime_admits_is_not_taken_apart() -> None:
    with pytest.raises(InadmissibleCode):
        analyse(b"\0asm")
