"""The demo of the platform in a process of its own, as people start it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

MOST_S: Final = 500.0
"""On a machine with nothing else to do, the whole story takes 25 s."""
_OF_A_LIBRARY: Final = "warning: network: "


def own_lines(said: str) -> list[str]:
    """What the demo says itself, without what the library of CoAP warns of on a slow machine."""
    return [line for line in said.splitlines() if line and not line.startswith(_OF_A_LIBRARY)]


def run_program(words: Sequence[str]) -> tuple[int, str]:
    """Run ``tinycontainerctl``: exit code, and what it says."""
    command = [sys.executable, "-m", "tinycontainer", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, (done.stderr or done.stdout).strip()


@dataclass(frozen=True)
class RunningDemo:
    """A demo that runs.

    Attributes:
        process: of it.
    """

    process: "subprocess.Popen[str]"

    def wait_until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds; fail if the demo ends before."""
        until_s = time.monotonic() + MOST_S
        while not holds():
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < until_s
            time.sleep(0.02)

    def read_until(self, last: str) -> list[str]:
        """The lines that it prints up to one."""
        assert self.process.stdout is not None
        lines = []
        for line in self.process.stdout:
            lines.append(line.rstrip("\n"))
            if lines[-1] == last:
                return lines
        raise AssertionError(f"it has ended: {lines} {self.process.communicate()}")

    def read_json(self) -> Any:
        """The object in the next line that it prints."""
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def interrupt(self) -> tuple[int, str, list[str]]:
        """Press Ctrl-C: exit code, what it prints until it ends, and its own lines of errors."""
        self.process.send_signal(signal.SIGINT)
        out, err = self.process.communicate(timeout=MOST_S)
        return self.process.returncode, out, own_lines(err)


@contextmanager
def started_demo(*words: str, temporary: Path | None = None) -> Iterator[RunningDemo]:
    """A demo that was started; it is killed if it has not ended at the end of the block.

    Args:
        words: of its command line.
        temporary: where it makes a directory without being told where; by default as always.
    """
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "tinycontainer", "platform", "demo", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ if temporary is None else {**os.environ, "TMPDIR": str(temporary)},
    ) as process:
        try:
            yield RunningDemo(process)
        finally:
            with suppress(ProcessLookupError):
                process.kill()
