"""Reads files of JSON lines that come from outside, line by line and within bounds.

A line is one JSON object of at most 64 KiB. The first line that is not raises an error with its
number. `whole_number` bounds the numbers in it.
"""

import errno
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final, NoReturn

from tinycontainer.interfaces.nesting import require_shallow_text

from .errors import LineError
from .text import show

MAX_LINE_BYTES: Final = 64 * 1024
INT64: Final = range(-(1 << 63), 1 << 63)


def read_lines(
    path: Path, max_lines: int, error: type[LineError]
) -> Iterator[tuple[int, dict[str, Any]]]:
    """The lines of a file and their numbers, from 1.

    Args:
        path: the file; untrusted.
        max_lines: a file with more lines is refused.
        error: the class of the error for a wrong line.

    Yields:
        The number of a line and its object.

    Raises:
        LineError: a line is wrong; of the class ``error``.
        OSError: the file cannot be read.
    """
    name = show(str(path))
    if path.is_fifo():  # to open one would wait for somebody to write into it
        raise OSError(errno.EINVAL, "it is a pipe", str(path))
    with path.open("rb") as file:
        for number, line in enumerate(_bounded_lines(file), start=1):
            if number > max_lines:
                raise error(name, number, f"there are more than {max_lines} lines")
            try:
                yield number, parse_object(line)
            except ValueError as problem:
                raise error(name, number, str(problem)) from None


def parse_object(line: bytes) -> dict[str, Any]:
    """Parse one line, with its line break, as a JSON object.

    Stricter than the json module: no key twice, no NaN, nothing infinite.

    Raises:
        ValueError: it is no such object.
    """
    if len(line) > MAX_LINE_BYTES:
        raise ValueError(f"is longer than {MAX_LINE_BYTES} bytes")
    if not line.endswith(b"\n"):
        raise ValueError("is cut off: its end is missing")
    try:
        text = line.decode("utf-8")
        require_shallow_text(text)
        values = json.loads(
            text,
            object_pairs_hook=object_of_pairs,
            parse_constant=refuse_constant,
        )
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8 text") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"is not JSON: {error.msg}") from None
    if not isinstance(values, dict):
        raise ValueError("is no JSON object")
    return values


def whole_number(value: object, bounds: range = INT64) -> int:
    """Check that a value is a whole number within bounds, and return it.

    Raises:
        ValueError: it is not.
    """
    if type(value) is not int:  # a bool is an int too, but not here
        raise ValueError("is no whole number")
    if value not in bounds:
        raise ValueError(f"is not within {bounds.start} to {bounds.stop - 1}")
    return value


def object_of_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON, for a parser that would let the last of equal keys win.

    Raises:
        ValueError: it has one key twice.
    """
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError("has one key twice")
    return values


def refuse_constant(name: str) -> NoReturn:
    """Refuse NaN and Infinity, for a parser that would accept them.

    Raises:
        ValueError: always.
    """
    raise ValueError(f"{name} is no JSON")


def _bounded_lines(file: BinaryIO) -> Iterator[bytes]:
    # One byte more than allowed, so that `parse_object` sees that a line is too long.
    while line := file.readline(MAX_LINE_BYTES + 1):
        yield line
