"""Where code comes from: the functions and source lines of the bytes of a code section.

A `Builder` makes it of what a compiler leaves for debuggers. It is never signed and never given to
a device. All names in it are untrusted.
"""

from bisect import bisect_right
from dataclasses import dataclass
from typing import Final, TypeAlias

MAX_ROWS: Final = 1 << 16
"""The most places that debug information has."""
MAX_CHAIN: Final = 32
"""The most functions that are inlined into each other at one place."""
MAX_NAME_BYTES: Final = 255
"""Longest name of a function or a file, in UTF-8; longer ones are cut."""


@dataclass(frozen=True, slots=True)
class SourcePlace:
    """A line of a function.

    Attributes:
        function: its name; empty if it is not known.
        file: as the compiler was given it, within the author's directory; empty if not known.
        line: from 1; 0 if it is not known.
    """

    function: str
    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        """``function (file:line)``, untrusted text."""
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"{self.function} ({where})" if self.function and where else self.function or where


Chain: TypeAlias = tuple[SourcePlace, ...]
"""The functions that are at one place of the code, innermost first: all but the last are inlined.
Empty if nothing is known."""


@dataclass(frozen=True, slots=True)
class DebugInfo:
    """What is known of one code section.

    Attributes:
        rows: in ascending order, offsets in bytes from the beginning of the code section, each with
            what is there and up to the next row.
    """

    rows: tuple[tuple[int, Chain], ...] = ()

    def find(self, offset: int) -> Chain:
        """What is at an offset of the code section; empty if nothing is known."""
        found = bisect_right(self.rows, offset, key=lambda row: row[0])
        return self.rows[found - 1][1] if found else ()
