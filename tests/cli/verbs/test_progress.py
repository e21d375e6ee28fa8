"""The bar is there for who waits at a terminal, and changes nothing in the run."""

import os
import pty
import subprocess
import sys
from pathlib import Path

from tinycontainer.cli.verbs.running.listeners import show_progress


def test_without_a_terminal_there_is_no_bar() -> None:
    with show_progress(1000) as tick:
        assert tick is None


def test_a_run_without_end_has_no_bar() -> None:
    with show_progress(None) as tick:
        assert tick is None


def test_a_bar_on_the_terminal_leaves_output_and_trace_as_they_are(tmp_path: Path) -> None:
    demo = [sys.executable, "-m", "tinycontainer", "demo", "--json", "--trace"]
    plain = subprocess.run([*demo, tmp_path / "plain"], capture_output=True, check=True)
    terminal, end = pty.openpty()
    try:
        watched = subprocess.run(
            [*demo, tmp_path / "watched"], stdout=subprocess.PIPE, stderr=end, check=True
        )
        shown = os.read(terminal, 1 << 16)
    finally:
        os.close(end)
        os.close(terminal)
    assert b"device time" in shown
    assert watched.stdout == plain.stdout
    assert (tmp_path / "watched").read_bytes() == (tmp_path / "plain").read_bytes()
