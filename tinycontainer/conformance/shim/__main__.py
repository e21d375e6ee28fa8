"""``python -m tinycontainer.conformance.shim``: our own device speaks the protocol."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tinycontainer.assembly import DevicePlan, Installation, choose_runtimes
from tinycontainer.errors import TinyContainerError
from tinycontainer.files.device_file import DeviceFile

from .drivers import SuiteDrivers
from .shim import Shim, serve


def main(arguments: Sequence[str] | None = None) -> int:
    """Run as a program.

    Args:
        arguments: ``--runtime TYPE=NAME`` chooses a runtime that is installed.
    """
    parser = argparse.ArgumentParser(prog="tinycontainer.conformance.shim")
    parser.add_argument("--runtime", action="append", default=[], metavar="TYPE=NAME")
    named = parser.parse_args(arguments).runtime
    wanted = dict(each.split("=", 1) for each in named if "=" in each)
    with Installation() as installation:
        try:
            plan = DevicePlan(Path(), DeviceFile(runtimes=wanted))
            runtimes = choose_runtimes(plan, installation)
        except TinyContainerError as error:
            sys.stderr.write(f"error: {error}\n")
            return 3
        serve(sys.stdin.buffer, sys.stdout.buffer, Shim(runtimes, SuiteDrivers(installation)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
