"""Pages whose commands a test runs: what a page says that is printed is what is printed."""

import re
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_MARKER: Final = "--- end of a block ---\n"


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
    blocks = re.findall(r"```(sh|text)\n(.*?)```", page.read_text(), re.DOTALL)
    assert len(blocks) > 12
    script = "".join(
        f"{text}\nprintf '%s' {shlex.quote(_MARKER)}\n" for kind, text in blocks if kind == "sh"
    )
    done = subprocess.run(
        ["bash", "-euc", before + script],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    printed = iter(done.stdout.split(_MARKER))
    said = ""
    for kind, text in blocks:
        if kind == "sh":
            said = next(printed)
        else:
            assert said[-len(text) :] == text, done.stderr
    return done.stderr
