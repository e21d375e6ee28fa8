r"""Escape untrusted text, so that a reader or a terminal can do nothing but show it.

uids, log lines, file names and everything in a trace come from outside. Terminals, log files and
JSON get them only in this form: printable ASCII as it is, a backslash doubled, everything else as
``\xNN`` of its UTF-8 bytes. The form is reversible. It never holds a control character, an escape
sequence, a bidirectional mark or a look-alike letter (TC-RT-16).
"""

import re
from typing import Final

_ESCAPE: Final = re.compile(r"\\x[0-9a-f]{2}|\\\\")
_PIECES: Final = re.compile(r"([^\\]+)|\\x([0-9a-f]{2})|(\\\\)")
_SHOWN: Final = {
    byte: "\\\\" if byte == ord("\\") else chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}"
    for byte in range(256)
}


class Figure(str):
    """A number as people read it, with its unit. Tables align it to the right."""

    __slots__ = ()


def show(untrusted: bytes | str, limit_bytes: int | None = None) -> str:
    """Escape untrusted bytes or text.

    Args:
        untrusted: what to show.
        limit_bytes: longer input is cut, and three full stops mark the cut; None for no limit.
    """
    # surrogatepass: file names from the system can hold lone surrogates, which UTF-8 has not.
    raw = untrusted.encode("utf-8", "surrogatepass") if isinstance(untrusted, str) else untrusted
    cut = limit_bytes is not None and len(raw) > limit_bytes
    kept = raw[:limit_bytes] if cut else raw
    shown = kept.decode("ascii") if kept.isascii() else ""
    # As a rule nothing has to be escaped; byte by byte takes ten times as long.
    if not shown.isprintable() or "\\" in shown or len(shown) != len(kept):
        shown = "".join(_SHOWN[byte] for byte in kept)
    return f"{shown}..." if cut else shown


def unshow(shown: str) -> bytes:
    """The bytes of a text that `show` made, without its limit.

    Raises:
        ValueError: `show` cannot have made the text.
    """
    if not shown.isascii() or not all(0x20 <= ord(each) < 0x7F for each in shown):
        raise ValueError("is not printable ASCII")
    if "\\" in _ESCAPE.sub("", shown):
        raise ValueError("holds a backslash that escapes nothing")
    raw = bytearray()
    for plain, digits, doubled in _PIECES.findall(shown):
        raw += bytes.fromhex(digits) if digits else b"\\" if doubled else plain.encode("ascii")
    return bytes(raw)


def flatten(line: str) -> str:
    """Escape what is left to escape in a line that this project has composed.

    Unlike `show` it leaves backslashes alone, because parts of the line are escaped already.
    """
    if line.isascii() and line.isprintable():  # as a rule it is
        return line
    return "".join(each if each == "\\" else show(each) for each in line)
