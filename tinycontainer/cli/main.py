"""The program ``tinycontainerctl`` from its first to its last moment.

An operator who interrupts it while it is still being imported gets one word, as later; a stream
that was closed before it began is replaced by one that takes everything.
"""

import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tinycontainer.assembly import Installation

_INTERRUPTED: Final = 130


def main(arguments: Sequence[str] | None = None, installation: "Installation | None" = None) -> int:
    """Run the program.

    Args:
        arguments: the command line without the program's name; by default the process's own.
        installation: what is installed; by default what this machine has, searched when needed.

    Returns:
        The exit code.
    """
    from .program import run_verb  # noqa: PLC0415 - the first moments come before

    return run_verb(arguments, installation)


def run_as_program() -> None:
    """The console script's entry point."""
    # A script's `&` and nohup let a program ignore Ctrl-C; then it stays ignored.
    listens = signal.getsignal(signal.SIGINT) is not signal.SIG_IGN
    if listens:
        signal.signal(signal.SIGINT, _end_at_once)
    _replace_closed_streams()

    try:
        if listens:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        code = main()
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # all is done and said
    except KeyboardInterrupt:  # just before or after a verb, or while another one was being said
        code = _INTERRUPTED
        _say_interrupted()
    sys.exit(code)


def _end_at_once(_number: int, _frame: FrameType | None) -> None:
    # No exception: whatever is being imported could swallow it. Nothing was begun yet.
    _say_interrupted()
    os._exit(_INTERRUPTED)


def _say_interrupted() -> None:
    with suppress(OSError):
        os.write(2, b"interrupted\n")


def _replace_closed_streams() -> None:
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115
