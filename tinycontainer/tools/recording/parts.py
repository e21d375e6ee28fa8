"""Bytes on a tape: in parts, of which each has a line."""

import base64
import binascii
from typing import Final

from .tape import TapeReader, TapeWriter

PART_BYTES: Final = 32 * 1024


def note_parts(tape: TapeWriter, content: bytes) -> None:
    """Write bytes; how many there are is said by the line before."""
    for begin in range(0, len(content), PART_BYTES):
        part = base64.b64encode(content[begin : begin + PART_BYTES])
        tape.note(part=part.decode("ascii"))


def read_parts(tape: TapeReader, size: int) -> bytes:
    """Read so many bytes.

    Raises:
        RecordingError: a line is malformed.
        ReplayDiverged: there are more, or less.
    """
    content = bytearray()
    while len(content) < size:
        values = tape.ask({}, "part")
        content += tape.checked(_decode_part, values["part"])
    if len(content) > size:
        raise tape.diverged("there is more of it than its size says")
    return bytes(content)


def _decode_part(value: object) -> bytes:
    if not isinstance(value, str):
        raise ValueError("part: is no text")
    try:
        part = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("part: is not base64") from None
    if not 0 < len(part) <= PART_BYTES:
        raise ValueError(f"part: has not 1 to {PART_BYTES} bytes")
    return part
