"""The option ``--symbols``: debug files, for the places of traps."""

from pathlib import Path

from tinycontainer.errors import DebugFileError
from tinycontainer.symbols.symbol_directory import Symbols, read_symbols

from .options import path_option
from .verb import VerbRefused, say

symbols_option = path_option(
    "--symbols",
    "symbol_directory",
    help="Directory with debug files of `build`: show traps with lines of the source.",
)


def open_symbols(directory: Path | None, *, at_once: bool = False) -> Symbols:
    """Find the debug files of a directory, if one is given; warn of each that cannot be used.

    Args:
        directory: where they lie.
        at_once: whether they are read now: a large one takes up to a second, for which no device in
            wall time may wait.

    Raises:
        VerbRefused: the directory cannot be used.
    """
    if directory is None:
        return Symbols()
    try:
        symbols = read_symbols(directory, _warn)
    except DebugFileError as error:
        raise VerbRefused(f"--symbols: {error}") from None
    if at_once:
        symbols.read_all()
    return symbols


def _warn(line: str) -> None:
    say(f"warning: --symbols: {line}")
