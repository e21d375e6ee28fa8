"""Pages whose commands a test runs: what a page says that is printed is what is printed.

A block ``sh`` is run, a block ``text`` is what the one before it printed last, and a block with a
title is a file that the reader saves under that name.
"""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_MARKER: Final = "--- end of a block ---\n"
_BLOCK: Final = re.compile(
    r'^(?P<indent> *)```(?P<kind>\w*)(?: title="(?P<title>[^"]+)")?\n(?P<text>.*?)^ *```$',
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """A block of a page.

    Attributes:
        kind: its language.
        title: the file that it is saved as; empty for what is not saved.
        text: what is in it.
    """

    kind: str
    title: str
    text: str

    @property
    def is_run(self) -> bool:
        """Whether it is a command or a file."""
        return bool(self.title) or self.kind == "sh"

    def as_commands(self) -> str:
        """What a shell does with it."""
        if not self.title:
            return self.text
        folder = shlex.quote(str(Path(self.title).parent))
        return f"mkdir -p {folder}\nprintf %s {shlex.quote(self.text)} > {shlex.quote(self.title)}"


def blocks_of(page: Path) -> Iterator[Block]:
    """All blocks of a page, those within lists too."""
    for found in _BLOCK.finditer(page.read_text()):
        indent = re.compile(f"^{found['indent']}", re.MULTILINE)
        yield Block(found["kind"], found["title"] or "", indent.sub("", found["text"]))


def run_page(
    page: Path, directory: Path, before: str, environment: Mapping[str, str] | None = None
) -> str:
    """Run all blocks of commands of a page, in one shell, and compare what they print.

    Args:
        page: has commands in blocks ``sh``, each perhaps followed by a block ``text``.
        directory: where they run.
        before: commands before the first.
        environment: of the shell; by default this process's own.

    Returns:
        What was written to standard error.
    """
    blocks = [each for each in blocks_of(page) if each.is_run or each.kind == "text"]
    assert any(each.kind == "sh" for each in blocks)
    script = "".join(
        f"{each.as_commands()}\nprintf '%s' {shlex.quote(_MARKER)}\n"
        for each in blocks
        if each.is_run
    )
    done = subprocess.run(
        ["bash", "-euc", before + script],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr}"
    printed = iter(done.stdout.split(_MARKER))
    said = ""
    for each in blocks:
        if each.is_run:
            said = next(printed)
        else:
            said_last = said[-len(each.text) :]
            assert said_last == each.text, f"{said_last!r} is printed; {done.stderr}"
    return done.stderr


def write_programs(folder: Path, **more: str) -> None:
    """Write the programs that pages call, as the reader of a fresh installation has them.

    Args:
        folder: what is put into PATH.
        more: other programs: name (with _ for -) and what is executed.
    """
    python = shlex.quote(sys.executable)
    commands = {"tinycontainerctl": f"{python} -m tinycontainer", "python3": python, **more}
    folder.mkdir()
    for name, command in commands.items():
        program = folder / name.replace("_", "-")
        program.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
        program.chmod(0o755)
