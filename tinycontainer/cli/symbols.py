"""The option ``--symbols``: debug files, for the places of traps."""

from pathlib import Path

from tinycontainer.symbols.symbol_directory import Symbols, read_symbols

from .options import path_option
from .verb import say

symbols_option = path_option(
    "--symbols",
    "symbol_directory",
    help="Directory with debug files of `build`: show traps with lines of the source.",
)


def open_symbols(directory: Path | None) -> Symbols:
    """Read the debug files of a directory, if one is given; warn of each that cannot be used.

    Raises:
        DebugFileError: the directory cannot be used.
    """
    if directory is None:
        return Symbols()
    symbols = read_symbols(directory)
    for problem in symbols.problems:
        say(f"warning: --symbols: {problem}")
    return symbols
