"""Vectors of rBPF: one small file for each, with the program, what it gets and what comes of it.

Sections begin with ``-- name``: ``asm`` (assembly) or ``raw`` (hexadecimal digits), ``mem``,
``data`` and ``rodata`` (hexadecimal digits), then ``result`` (r0, hexadecimal) or ``error`` (the
code), and ``after`` (mem as the program leaves it). The first lines say what it is about.
"""

from dataclasses import dataclass
from pathlib import Path

from support.project import ROOT
from support.rbpf.assembling import assemble

DIRECTORY = ROOT / "tests" / "vectors" / "rbpf"


@dataclass(frozen=True)
class Vector:
    """One vector."""

    name: str
    text: bytes
    mem: bytes
    data: bytes
    rodata: bytes
    result: int | None
    error: int | None
    after: bytes | None


def read_vector(path: Path) -> Vector:
    """Read a file."""
    sections: dict[str, str] = {}
    name = ""
    for line in path.read_text().splitlines():
        if line.startswith("-- "):
            name = line[3:]
        elif not line.startswith("#"):
            sections[name] = sections.get(name, "") + line + "\n"
    known = {"", "asm", "raw", "mem", "data", "rodata", "result", "error", "after"}
    assert set(sections) <= known, path
    return Vector(
        name=path.stem,
        text=assemble(sections["asm"]) if "asm" in sections else bytes.fromhex(sections["raw"]),
        mem=bytes.fromhex(sections.get("mem", "")),
        data=bytes.fromhex(sections.get("data", "")),
        rodata=bytes.fromhex(sections.get("rodata", "")),
        result=int(sections["result"], 16) if "result" in sections else None,
        error=int(sections["error"]) if "error" in sections else None,
        after=bytes.fromhex(sections["after"]) if "after" in sections else None,
    )


def vectors() -> list[Vector]:
    """All of them, by name."""
    return [read_vector(path) for path in sorted(DIRECTORY.glob("*.data"))]
