r"""Show untrusted text so that it can do nothing but be read.

uids, log lines, file names and everything in a trace come from outside. A terminal, a log file and
JSON get them only in this form: printable ASCII as it is, everything else as ``\xNN`` of its UTF-8
bytes, a backslash doubled. The form is reversible and never holds a control character, an escape
sequence, a bidirectional mark or a look-alike letter.
"""

import re
from typing import Final

_ESCAPE: Final = re.compile(r"\\x[0-9a-f]{2}|\\\\")
_PIECES: Final = re.compile(r"([^\\]+)|\\x([0-9a-f]{2})|(\\\\)")
_PRINTABLE = {
    byte: "\\\\" if byte == ord("\\") else chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}"
    for byte in range(256)
}


def show(untrusted: bytes | str, limit_bytes: int | None = None) -> str:
    """Escape untrusted bytes or text.

    Args:
        untrusted: what to show.
        limit_bytes: longer input is cut and marked with an ellipsis of three full stops.
    """
    raw = untrusted.encode("utf-8", "surrogatepass") if isinstance(untrusted, str) else untrusted
    cut = limit_bytes is not None and len(raw) > limit_bytes
    shown = "".join(_PRINTABLE[byte] for byte in (raw[:limit_bytes] if cut else raw))
    return f"{shown}..." if cut else shown


def unshow(shown: str) -> bytes:
    """The bytes that `show` made a text of.

    Raises:
        ValueError: `show` does not make such a text.
    """
    if not shown.isascii() or not all(0x20 <= ord(each) < 0x7F for each in shown):
        raise ValueError("is not printable ASCII")
    rest, raw = _ESCAPE.sub("", shown), bytearray()
    if "\\" in rest:
        raise ValueError("holds a backslash that escapes nothing")
    for plain, digits, doubled in _PIECES.findall(shown):
        raw += bytes.fromhex(digits) if digits else b"\\" if doubled else plain.encode("ascii")
    return bytes(raw)


def flatten(line: str) -> str:
    """One line of our own making, with whatever slipped into it escaped after all.

    Unlike `show` it leaves a backslash alone, so that what was escaped before is not escaped twice.
    """
    return "".join(each if each == "\\" else show(each) for each in line)
