"""Lines of a source map (revision 3), which compilers without DWARF write beside a module."""

import json
from collections.abc import Iterator
from typing import Any, Final

from tinycontainer.interfaces.debug_info import MAX_ROWS

MAX_SOURCE_MAP_BYTES: Final = 1 << 23
_DIGITS: Final = {
    each: value
    for value, each in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
}
_MORE: Final = 32
_MAX_DIGITS: Final = 7


def read_source_map(content: bytes) -> list[tuple[int, str, int]]:
    """Read where bytes of a module come from.

    Args:
        content: the file, untrusted.

    Returns:
        Offsets in the module as the compiler wrote it, ascending, each with a file and a line.
        Nothing if the map is damaged.
    """
    if len(content) > MAX_SOURCE_MAP_BYTES:
        return []
    try:
        return sorted(_read_rows(json.loads(content)), key=lambda row: row[0])
    except (ValueError, TypeError, LookupError, RecursionError):
        return []


def _read_rows(decoded: Any) -> Iterator[tuple[int, str, int]]:
    sources = [str(each) for each in decoded["sources"]]
    # A module is one line for its source map, and a column is an offset in bytes.
    segments = str(decoded["mappings"]).partition(";")[0].split(",")
    offset = source = line = 0
    for segment in segments[:MAX_ROWS]:
        fields = list(_read_numbers(segment))
        offset += fields[0] if fields else 0
        if len(fields) < 4:
            continue
        source += fields[1]
        line += fields[2]
        if 0 <= source < len(sources):
            yield offset, sources[source], line + 1


def _read_numbers(segment: str) -> Iterator[int]:
    """Signed numbers in base 64, the lowest digits first."""
    value = digits = 0
    for each in segment:
        digit = _DIGITS[each]
        value |= (digit & (_MORE - 1)) << 5 * digits
        digits += 1
        if digits > _MAX_DIGITS:
            raise ValueError("a number of more than 32 bits")
        if not digit & _MORE:
            yield -(value >> 1) if value & 1 else value >> 1
            value = digits = 0
