"""Modules and objects with debug information, and what llvm-symbolizer says of them."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from posixpath import normpath

from support.project import ROOT
from tinycontainer.interfaces.debug_info import Chain
from tinycontainer_runtimes.wasm.building.sections import (
    CODE,
    read_custom_sections,
    read_sections,
)

VECTORS = ROOT / "tests" / "vectors" / "debug"

Place = tuple[str, str, int]
"""Function, file and line."""


def custom_sections(module: bytes) -> dict[str, bytes]:
    """Custom sections of a module, by name."""
    return {
        each.name: module[each.content.offset : each.content.end]
        for each in read_custom_sections(module)
    }


def code_bytes(module: bytes) -> int:
    """Length of the content of the code section."""
    return next(each.end - each.content for each in read_sections(module) if each.number == CODE)


def places(chain: Chain) -> list[Place]:
    """A chain in the form of `symbolize`."""
    return [(each.function, each.file, each.line) for each in chain]


def symbolize(path: Path, addresses: Sequence[int]) -> Mapping[int, list[Place]]:
    """What llvm-symbolizer says of each address; nothing where it knows nothing."""
    ran = subprocess.run(
        ["llvm-symbolizer", "--inlines", "--functions=short", "--obj", str(path)],
        input="".join(f"{address:#x}\n" for address in addresses),
        capture_output=True,
        text=True,
        check=True,
    )
    answers = ran.stdout.split("\n\n")
    return {
        address: list(_read_answer(answer.strip().splitlines()))
        for address, answer in zip(addresses, answers, strict=False)
    }


def _read_answer(lines: Sequence[str]) -> list[Place]:
    found = []
    for function, where in zip(lines[::2], lines[1::2], strict=True):
        file, line, _column = where.rsplit(":", 2)
        if function != "??" or file != "??":
            name = "" if function == "??" else function
            found.append((name, normpath(file), int(line)))
    return found
