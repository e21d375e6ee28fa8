"""The bar is there for who waits at a terminal, and changes nothing in the run."""

import os
import pty
import subprocess
import sys
from pathlib import Path

from tinycontainer.cli.verbs.running.listeners import show_progress, show_upload

UPLOAD = """
from tinycontainer.cli.verbs.running.listeners import show_upload
with show_upload() as show:
    for sent in (1000, 2000, 3000):
        show(sent, 3000)
    print("done", flush=True)
"""


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


def test_the_bar_of_an_upload_is_gone_before_anything_is_printed() -> None:
    terminal, end = pty.openpty()
    try:
        command = [sys.executable, "-c", UPLOAD]
        subprocess.run(command, stdout=end, stderr=end, check=True)
        shown = os.read(terminal, 1 << 16)
    finally:
        os.close(end)
        os.close(terminal)
    assert b"upload" in shown
    assert shown.endswith(b"done\r\n")


def test_an_upload_without_a_terminal_has_no_bar() -> None:
    done = subprocess.run([sys.executable, "-c", UPLOAD], capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"done\n", b"")
    with show_upload() as show:
        show(1, 2)
