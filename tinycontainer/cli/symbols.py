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


def open_symbols(directory: Path | None) -> Symbols:
    """Read the debug files of a directory, if one is given; warn of each that cannot be used.

    Raises:
        VerbRefused: the directory cannot be used.
    """
    if directory is None:
        return Symbols()
    try:
        return read_symbols(directory, _warn)
    except DebugFileError as error:
        raise VerbRefused(f"--symbols: {error}") from None


def _warn(line: str) -> None:
    say(f"warning: --symbols: {line}")
