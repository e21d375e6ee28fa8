"""Finds and kills everything that an untrusted process has started, however it hides.

A child can leave its process group (setsid), outlive its parent (a double fork) and clear its
environment. So there are three ways to find it: parents, a mark in the environment, and that Linux
gives orphans to a process that asks for them. Elsewhere than on Linux only the group is killed.
"""

import ctypes
import os
import secrets
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MARK: Final = "TINYCONTAINER_PEER"
"""Environment variable that every descendant inherits."""
_PROC: Final = Path("/proc")
_SET_CHILD_SUBREAPER: Final = 36
_MAX_ROUNDS: Final = 100
"""A process that forks as fast as it can is killed in rounds."""


@dataclass(frozen=True, slots=True)
class _Process:
    pid: int
    parent: int
    session: int


class Brood:
    """The descendants of one process. Make it before the process, give it `environment`."""

    def __init__(self) -> None:
        self._mark = secrets.token_hex(16)
        _adopt_orphans()
        self._before = {each.pid for each in _processes() if each.parent == os.getpid()}

    @property
    def environment(self) -> dict[str, str]:
        """The environment for the process."""
        return {**os.environ, MARK: self._mark}

    def kill(self, pid: int) -> None:
        """Kill the process and all its descendants; only the process itself is left to wait for.

        Args:
            pid: the process, which nobody has waited for yet.
        """
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
        for _ in range(_MAX_ROUNDS):
            found = [each for each in self._find(pid) if each.pid != pid]
            if not found:
                return
            for each in found:
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(each.pid, signal.SIGKILL)
                with suppress(ChildProcessError):
                    os.waitpid(each.pid, os.WNOHANG)  # an orphan that came to this process

    def _find(self, pid: int) -> Iterator[_Process]:
        every = list(_processes())
        own_pid = os.getpid()
        own_session = os.getsid(0)
        wanted = {pid}
        for each in every:
            mark = _mark_of(each.pid)
            is_orphan = each.parent == own_pid and each.pid not in self._before
            # Without any mark: the environment was cleared. Another brood's has another mark.
            if mark == self._mark or (is_orphan and not mark and each.session != own_session):
                wanted.add(each.pid)
        grows = True
        while grows:
            more = {each.pid for each in every if each.parent in wanted} - wanted
            wanted |= more
            grows = bool(more)
        return (each for each in every if each.pid in wanted)


def _processes() -> Iterator[_Process]:
    for directory in _PROC.glob("[0-9]*"):
        with suppress(OSError, ValueError, IndexError):
            # The name in parentheses can hold anything, also parentheses.
            fields = (directory / "stat").read_text(errors="replace").rpartition(")")[2].split()
            if fields[0] not in "ZX":  # what is dead already is nobody to kill
                yield _Process(int(directory.name), int(fields[1]), int(fields[3]))


def _mark_of(pid: int) -> str:
    with suppress(OSError):
        for entry in (_PROC / str(pid) / "environ").read_bytes().split(b"\0"):
            name, _, value = entry.partition(b"=")
            if name == MARK.encode():
                return value.decode(errors="replace")
    return ""


def _adopt_orphans() -> None:
    """Ask Linux for the orphans of this process's descendants; it stays so."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
