"""``python -m tinycontainer_runtimes.rbpf.plugin [MEMORY]``: as bpf_conformance calls it.

One program stands on standard input and memory in the first argument, both as hexadecimal digits,
with or without spaces. r1 is memory's address (0 without any), r2 its length. r0 is printed in
hexadecimal digits. A program that is refused or faults, and input that cannot be used, are one line
on standard error and exit code 1.
"""

import sys
from collections.abc import Sequence
from typing import Final, TextIO

from tinycontainer.interfaces.meter import Meter

from .codes import CodeRefused, RbpfCode
from .decoding import MAX_SLOTS, SLOT_BYTES, decode
from .instructions.step import WORD64
from .machine import Machine
from .memory import Memory, Region

MAX_DIGITS: Final = 4 * MAX_SLOTS * SLOT_BYTES
"""Longest input, in characters."""
_BUDGET_INSTRUCTIONS: Final = 1 << 32
"""More than a program can execute before its branches are used up."""


def main(arguments: Sequence[str], program: TextIO, out: TextIO, err: TextIO) -> int:
    """Run one program.

    Args:
        arguments: the command line without the program's name; from the second one on ignored.
        program: instructions as hexadecimal digits.
        out: takes r0.
        err: takes what went wrong.

    Returns:
        0, or 1 if anything went wrong.
    """
    try:
        memory = bytearray(_bytes(arguments[0] if arguments else ""))
        text = _bytes(program.read(MAX_DIGITS + 1))
    except ValueError:
        err.write("error: the program and its memory are hexadecimal digits\n")
        return 1
    try:
        value = execute(text, memory)
    except CodeRefused as refused:
        err.write(f"error: {refused}\n")
        return 1
    out.write(f"{value & WORD64:x}\n")
    return 0


def execute(text: bytes, memory: bytearray) -> int:
    """Run a program without helpers to its end.

    Args:
        text: its instructions.
        memory: what it may read and write; changed by it.

    Returns:
        r0, signed, 64 bits.

    Raises:
        CodeRefused: it was not run, or faulted.
    """
    instructions = decode(text, frozenset())
    meter = Meter(_uncharged)
    meter.refill(_BUDGET_INSTRUCTIONS)
    regions = Memory()
    regions.map(Region.CONTEXT, memory)
    machine = Machine(instructions, regions, {}, meter)
    machine.begin(0, Region.CONTEXT.base if memory else 0, len(memory))
    result = machine.run()
    if result is None:
        raise CodeRefused(RbpfCode.OUT_OF_BRANCHES, "the program does not end")
    if result.code is not RbpfCode.OK:
        raise CodeRefused(result.code, result.detail or "the program faulted", result.slot)
    return result.value


def _bytes(digits: str) -> bytes:
    if len(digits) > MAX_DIGITS:
        raise ValueError
    return bytes.fromhex(digits)


def _uncharged(_instructions: int) -> None:
    pass


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], sys.stdin, sys.stdout, sys.stderr))
