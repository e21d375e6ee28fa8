"""A tree of CBOR items: their bytes, their diagnostic notation (RFC 8949, section 8), a meaning.

The notation of a node is put together from those of its children, so that a line of the tree and
the notation of the whole cannot differ. It is printable ASCII for any bytes.
"""

import json
from dataclasses import dataclass
from typing import Any

_CUT = "..."


@dataclass(frozen=True, slots=True)
class CborItem:
    """One item of CBOR, or an entry of a map: a key with its value.

    Attributes:
        offset: of the first byte, from the beginning of the file.
        length: in bytes, with everything inside.
        parts: the key, the head, the content; children hold their own bytes.
        opening: diagnostic notation, up to the first child if there is one.
        meaning: what the item is, fit to be shown.
        children: the items inside.
        closing: the end of the notation, after the last child.
        cut: whether the content is longer than what is kept of it here.
    """

    offset: int
    length: int
    parts: tuple[bytes, ...]
    opening: str
    meaning: str = ""
    children: tuple["CborItem", ...] = ()
    closing: str = ""
    cut: bool = False

    @property
    def diagnostic(self) -> str:
        """Diagnostic notation of the item with everything inside."""
        return self.opening + ", ".join(child.diagnostic for child in self.children) + self.closing

    def hex(self, separator: str = "") -> str:
        """The bytes that are the item's own, its children's left out."""
        shown = separator.join(part.hex() for part in self.parts if part)
        return shown + _CUT if self.cut else shown

    def as_dict(self) -> dict[str, Any]:
        """The tree in plain values."""
        return {
            "offset": self.offset,
            "length": self.length,
            "hex": self.hex(),
            "diagnostic": self.diagnostic,
            "meaning": self.meaning,
            "children": [child.as_dict() for child in self.children],
        }


def notate_leaf(value: int | bytes | str, *, cut: bool = False) -> str:
    """Diagnostic notation of a single value.

    Args:
        value: the value, or its beginning.
        cut: whether it is only the beginning of a string; three full stops mark that.
    """
    mark = _CUT if cut else ""
    if isinstance(value, int):
        return str(value)
    if isinstance(value, bytes):
        return f"h'{value.hex()}{mark}'"
    return f'{json.dumps(value)[:-1]}{mark}"'
