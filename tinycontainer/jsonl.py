"""Files of JSON lines that come from outside: read line by line, each within bounds.

A line is one JSON object of at most 64 KiB with exact, bounded values; the first one that is not
gives an error with its number.
"""

import errno
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final, NoReturn

from .errors import LineError
from .text import show

MAX_LINE_BYTES: Final = 64 * 1024
INT64: Final = range(-(1 << 63), 1 << 63)


def read_lines(
    path: Path, max_lines: int, error: type[LineError]
) -> Iterator[tuple[int, dict[str, Any]]]:
    """The lines of a file and their numbers, from 1.

    Args:
        path: the file.
        max_lines: more are refused.
        error: what is raised.

    Raises:
        LineError: a line is wrong, of the kind asked for.
        OSError: the file cannot be read.
    """
    name = show(str(path))
    if path.is_fifo():  # to open one would wait for somebody to write into it
        raise OSError(errno.EINVAL, "it is a pipe", str(path))
    with path.open("rb") as file:
        for number, line in enumerate(_bounded(file), start=1):
            if number > max_lines:
                raise error(name, number, f"there are more than {max_lines} lines")
            try:
                yield number, parse_object(line)
            except ValueError as problem:
                raise error(name, number, str(problem)) from None


def parse_object(line: bytes) -> dict[str, Any]:
    """One line as an object; no key stands in it twice, and nothing in it is infinite.

    Raises:
        ValueError: it is none.
    """
    if len(line) > MAX_LINE_BYTES:
        raise ValueError(f"is longer than {MAX_LINE_BYTES} bytes")
    if not line.endswith(b"\n"):
        raise ValueError("is cut off: its end is missing")
    try:
        values = json.loads(
            line.decode("utf-8"), object_pairs_hook=_object, parse_constant=_refuse_constant
        )
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8 text") from None
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"is not JSON: {error.msg}") from None
    if not isinstance(values, dict):
        raise ValueError("is no JSON object")
    return values


def whole_number(value: object, bounds: range = INT64) -> int:
    """A value that is a whole number within bounds.

    Raises:
        ValueError: it is not.
    """
    if type(value) is not int:
        raise ValueError("is no whole number")
    if value not in bounds:
        raise ValueError(f"is not within {bounds.start} to {bounds.stop - 1}")
    return value


def _bounded(file: BinaryIO) -> Iterator[bytes]:
    while line := file.readline(MAX_LINE_BYTES + 1):
        yield line


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError("has one key twice")
    return values


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
