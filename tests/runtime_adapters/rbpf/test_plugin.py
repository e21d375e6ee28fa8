"""The plugin, called as bpf_conformance's runner calls it."""

import io
import subprocess
import sys

import pytest
from support.rbpf.assembling import assemble
from support.rbpf.vectors import Vector, vectors

from tinycontainer_runtimes.rbpf.plugin import MAX_DIGITS, main

PLAIN = [
    each
    for each in vectors()
    if not each.data and not each.rodata and not each.name.startswith(("call", "edge-data"))
]


def run(program: str, *arguments: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    code = main(arguments, io.StringIO(program), out, err)
    return code, out.getvalue(), err.getvalue()


@pytest.mark.parametrize("vector", PLAIN, ids=lambda vector: vector.name)
def test_vectors_hold_through_the_plugin(vector: Vector) -> None:
    code, out, err = run(vector.text.hex(" "), vector.mem.hex(" "))
    if vector.error is None:
        assert (code, out, err) == (0, f"{vector.result:x}\n", "")
    else:
        assert (code, out) == (1, "")
        assert err.startswith("error: ")
        assert err.count("\n") == 1
        assert f"({vector.error}, " in err


def test_it_runs_as_a_program() -> None:
    program = assemble("ldxh r0, [r1+1]\nexit").hex()
    done = subprocess.run(
        [sys.executable, "-m", "tinycontainer_runtimes.rbpf.plugin", "01 02 03"],
        input=program,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "302\n", "")


def test_memory_can_be_left_out_and_further_arguments_are_ignored() -> None:
    program = assemble("mov r0, r1\nexit").hex()
    assert run(program) == (0, "0\n", "")
    assert run(program, "", "--debug") == (0, "0\n", "")


def test_memory_can_be_written() -> None:
    assert run(assemble("stb [r1+0], 7\nldxb r0, [r1+0]\nexit").hex(), "00") == (0, "7\n", "")


@pytest.mark.parametrize(
    ("program", "memory"),
    [("xyz", ""), ("9", ""), ("95", "0x1"), ("\udcff", ""), ("0" * (MAX_DIGITS + 2), "")],
)
def test_what_is_no_hexadecimal_is_one_line_and_exit_code_1(program: str, memory: str) -> None:
    code, out, err = run(program, memory)
    assert (code, out) == (1, "")
    assert err == "error: the program and its memory are hexadecimal digits\n"


def test_nothing_to_run_is_refused() -> None:
    assert run("")[0] == 1
