"""The codec of debug files (``NAME.debug``): what is where in one code section.

A debug file is strict CBOR, a map::

    1: 1                   the version of this format
    2: bytes               SHA-256 of the code section
    3: [text]              names of functions and files; the first is empty
    4: [[number]]          chains: function, file and line of each place, innermost first
    5: [number]            rows: offset in the code section and chain, in turn

Numbers of functions and files count in 3, those of chains in 4. The file holds what its readers
need, resolved, and not the compiler's own debug information: who reads a stranger's debug file
parses a few arrays of bounded length, and nothing else (ADR 32).
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from tinycontainer.errors import DebugFileError
from tinycontainer.interfaces.debug_info import (
    MAX_CHAIN,
    MAX_NAME_BYTES,
    MAX_ROWS,
    Chain,
    DebugInfo,
    SourcePlace,
)
from tinycontainer_tokens import CborError, cbor

MAX_DEBUG_FILE_BYTES: Final = 1 << 20
VERSION: Final = 1
MAX_LINE: Final = (1 << 31) - 1
MAX_OFFSET: Final = 1 << 24
"""Longest code section that a device can allow."""

_VERSION, _SHA256, _NAMES, _CHAINS, _ROWS = range(1, 6)
_SHA256_BYTES: Final = 32
_HEAD: Final = bytes.fromhex("a5 01 01 02 5820")
"""How every file of this version begins: a map of five, the version, and the head of the hash."""
HEAD_BYTES: Final = len(_HEAD) + _SHA256_BYTES
_HEAD_BYTES: Final = HEAD_BYTES + 32
_BYTES_OF_A_ROW: Final = 8
_BYTES_OF_A_PLACE: Final = 13
_NUMBERS_OF_A_PLACE: Final = 3


@dataclass(frozen=True, slots=True)
class DebugFile:
    """What a debug file holds.

    Attributes:
        code_sha256: of the code section that it is about.
        debug: what is where in it.
    """

    code_sha256: bytes
    debug: DebugInfo


def fit_debug_info(debug: DebugInfo) -> DebugInfo:
    """What of debug information a debug file can hold: whole rows, from the first one on.

    Args:
        debug: in any order; of rows with one offset the last counts. Longer names are cut.
    """
    kept: dict[int, Chain] = {}
    seen: set[Chain | str] = set()
    left = MAX_DEBUG_FILE_BYTES - _HEAD_BYTES
    for offset, chain in sorted(dict(debug.rows).items()):
        fitted = tuple(map(_fit_place, chain[:MAX_CHAIN]))
        names = {name for place in fitted for name in (place.function, place.file)}
        new: set[Chain | str] = {fitted, *names}
        new -= seen
        left -= _BYTES_OF_A_ROW + sum(map(_most_bytes, new))
        if left < 0 or len(kept) >= MAX_ROWS or not 0 <= offset < MAX_OFFSET:
            break
        kept[offset] = fitted
        seen |= new
    return DebugInfo(tuple(kept.items()))


def encode_debug_file(code: bytes, debug: DebugInfo) -> bytes:
    """Make a debug file.

    Args:
        code: the code section.
        debug: where it comes from, as `fit_debug_info` gives it.
    """
    names: dict[str, int] = {"": 0}
    chains: dict[Chain, int] = {}
    rows: list[cbor.Value] = []
    for offset, chain in debug.rows:
        for place in chain:
            names.setdefault(place.function, len(names))
            names.setdefault(place.file, len(names))
        rows += [offset, chains.setdefault(chain, len(chains))]
    numbers: list[cbor.Value] = [
        [each for place in chain for each in (names[place.function], names[place.file], place.line)]
        for chain in chains
    ]
    return cbor.encode(
        {
            _VERSION: VERSION,
            _SHA256: hashlib.sha256(code).digest(),
            _NAMES: list(names),
            _CHAINS: numbers,
            _ROWS: rows,
        }
    )


def read_code_hash(head: bytes) -> bytes | None:
    """The hash of the code that a debug file is about, from its first `HEAD_BYTES`.

    Returns:
        None if it is no debug file of this version. Whether the rest of it is whole is not known.
    """
    if len(head) < HEAD_BYTES or not head.startswith(_HEAD):
        return None
    return head[len(_HEAD) : HEAD_BYTES]


def decode_debug_file(content: bytes) -> DebugFile:
    """Read an untrusted debug file.

    Raises:
        DebugFileError: it is none, or one of another version, or damaged.
    """
    try:
        decoded = cbor.decode(content, MAX_DEBUG_FILE_BYTES)
    except CborError as error:
        raise DebugFileError(f"is no debug file: {error}") from None
    if not isinstance(decoded, dict) or decoded.get(_VERSION) != VERSION:
        raise DebugFileError(f"is no debug file of version {VERSION}; build the container again")
    if set(decoded) != {_VERSION, _SHA256, _NAMES, _CHAINS, _ROWS}:
        raise DebugFileError("has other parts than a debug file")
    sha256 = decoded[_SHA256]
    if not isinstance(sha256, bytes) or len(sha256) != _SHA256_BYTES:
        raise DebugFileError(f"the hash is not {_SHA256_BYTES} bytes")
    names = _read_names(decoded[_NAMES])
    chains = [_read_chain(each, names) for each in _require_list(decoded[_CHAINS], "chains")]
    return DebugFile(sha256, DebugInfo(tuple(_read_rows(decoded[_ROWS], chains))))


def _fit_place(place: SourcePlace) -> SourcePlace:
    line = max(0, min(place.line, MAX_LINE))
    return SourcePlace(_cut_name(place.function), _cut_name(place.file), line)


def _cut_name(name: str) -> str:
    raw = name.encode("utf-8", "replace")
    return raw[:MAX_NAME_BYTES].decode("utf-8", "ignore")


def _most_bytes(new: Chain | str) -> int:
    """How long a name or a chain becomes at most."""
    return 3 + (len(new.encode()) if isinstance(new, str) else _BYTES_OF_A_PLACE * len(new))


def _require_list(value: cbor.Value, what: str) -> list[cbor.Value]:
    if not isinstance(value, list) or len(value) > 2 * MAX_ROWS:
        raise DebugFileError(f"the {what} are no list of at most {2 * MAX_ROWS}")
    return value


def _require_number(value: cbor.Value, end: int, what: str) -> int:
    if not isinstance(value, int) or not 0 <= value < end:
        raise DebugFileError(f"a {what} is no number from 0 to {end - 1}")
    return value


def _read_names(value: cbor.Value) -> list[str]:
    names: list[str] = []
    for each in _require_list(value, "names"):
        if not isinstance(each, str) or len(each.encode()) > MAX_NAME_BYTES:
            raise DebugFileError(f"a name is no text of at most {MAX_NAME_BYTES} bytes")
        names.append(each)
    if names[:1] != [""]:
        raise DebugFileError("the first name is not empty")
    return names


def _read_chain(value: cbor.Value, names: Sequence[str]) -> Chain:
    numbers = _require_list(value, "numbers of a chain")
    if len(numbers) % _NUMBERS_OF_A_PLACE or len(numbers) > MAX_CHAIN * _NUMBERS_OF_A_PLACE:
        raise DebugFileError(f"a chain is not made of at most {MAX_CHAIN} places")
    return tuple(
        SourcePlace(
            names[_require_number(function, len(names), "function")],
            names[_require_number(file, len(names), "file")],
            _require_number(line, MAX_LINE + 1, "line"),
        )
        for function, file, line in zip(*[iter(numbers)] * _NUMBERS_OF_A_PLACE, strict=True)
    )


def _read_rows(value: cbor.Value, chains: Sequence[Chain]) -> Iterator[tuple[int, Chain]]:
    numbers = _require_list(value, "rows")
    if len(numbers) % 2:
        raise DebugFileError("a row has no chain")
    before = -1
    for offset, chain in zip(numbers[::2], numbers[1::2], strict=True):
        found = _require_number(offset, MAX_OFFSET, "offset")
        if found <= before:
            raise DebugFileError("the rows are not in ascending order")
        before = found
        yield found, chains[_require_number(chain, len(chains), "chain")]
