"""Names of files for what strangers have named: safe on every system, and different as they are."""

import hashlib
import string
from typing import Final

_PLAIN: Final = frozenset((string.ascii_letters + string.digits + "-_.#").encode())
_LONGEST: Final = 200
_KEPT: Final = 120
_DIGITS: Final = 16


def make_file_name(name: bytes) -> str:
    """A file name for bytes: letters, digits and ``-_.#`` as they are, all else as ``%XX``.

    It never begins with a full stop, and names no other directory. Two names give two file names;
    long ones are cut and end with a part of their SHA-256.

    Args:
        name: at least one byte.
    """
    escaped = "".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in name)
    if escaped.startswith("."):
        escaped = f"%2E{escaped[1:]}"
    if len(escaped) <= _LONGEST:
        return escaped
    return f"{escaped[:_KEPT]}%{hashlib.sha256(name).hexdigest()[:_DIGITS]}"
