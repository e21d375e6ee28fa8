"""From CBOR to a tree: every item with its offset, and with the meaning that its place gives it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tinycontainer_tokens import CborError, cbor

from .diagnostic import CborItem, notate_leaf

MAX_TREE_BYTES: Final = 1 << 16
"""Longest metadata or token that is opened item by item."""
SHOWN_BYTES: Final = 1024
"""Longest string that is kept whole."""


def plain_meaning(value: cbor.Value) -> str:
    """The meaning of an item by its form alone."""
    if isinstance(value, list):
        return f"array of {len(value)}"
    if isinstance(value, dict):
        return f"map of {len(value)}"
    return ""


@dataclass(frozen=True, slots=True)
class Shape:
    """Everything that is known of an item by its place.

    Attributes:
        meaning: describes its value, and says what is wrong with it; the result is fit to be shown.
        tags: meanings of the tags before it.
        child: the shape of a value of a map by its key, or of an item of an array by its index. A
            key that is an array is its encoded bytes here.
        inside: for a byte string, the shape of the CBOR inside; None if there is none.
        shown_bytes: how much of a string is kept.
        form: of the CBOR inside; None for that of the CBOR around it.
    """

    meaning: Callable[[cbor.Value], str] = plain_meaning
    tags: Mapping[int, str] = field(default_factory=dict)
    child: "Callable[[Any], Shape]" = lambda _: Shape()
    inside: "Callable[[bytes], Shape] | None" = None
    shown_bytes: int = SHOWN_BYTES
    form: cbor.Dialect | None = None


def fixed_meaning(meaning: str) -> Callable[[cbor.Value], str]:
    """A meaning that does not depend on the value."""
    return lambda _: meaning


def shape_of_nth(shapes: Sequence[Shape]) -> Callable[[Any], Shape]:
    """What `Shape.child` is of an array whose items differ; of others nothing is known.

    Args:
        shapes: of the items, in order.
    """

    def child(index: Any) -> Shape:
        is_known = isinstance(index, int) and 0 <= index < len(shapes)
        return shapes[index] if is_known else Shape(fixed_meaning("unknown"))

    return child


def build_tree(
    content: bytes, shape: Shape, limit_bytes: int, dialect: cbor.Dialect = cbor.SHOWN
) -> CborItem:
    """Take one value of CBOR apart.

    Args:
        content: untrusted bytes.
        shape: what it should be.
        limit_bytes: longest ``content`` that is looked at; CBOR inside of byte strings is opened up
            to the length of the longest metadata.
        dialect: what CBOR may have, inside of byte strings too.

    Raises:
        CborError: it is not CBOR of the kind that this project reads. What is wrong further inside
            is no error: it is shown as bytes.
    """
    return _Reader(content, 0, dialect).node(cbor.locate(content, limit_bytes, dialect), shape)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Builds nodes of one encoded value.

    Attributes:
        content: the bytes that the items' offsets refer to.
        base: where these begin in the file.
        dialect: what the CBOR inside of byte strings may have.
    """

    content: bytes
    base: int
    dialect: cbor.Dialect

    def node(self, item: cbor.Item, shape: Shape, key: cbor.Item | None = None) -> CborItem:
        """The node of an item; with its key, if it is a map's value."""
        first = item if key is None else key
        opening, children, closing = self._inside(item, shape)
        shown = b"" if children else self.content[item.content : item.end][: shape.shown_bytes]
        cut = not children and len(shown) < item.end - item.content
        if not opening:
            opening = _leaf(item.value, shown, cut=cut)
        return CborItem(
            offset=self.base + first.offset,
            length=item.end - first.offset,
            parts=(
                self.content[first.offset : item.offset],
                self.content[item.offset : item.content],
                shown,
            ),
            opening=opening if key is None else f"{self._key(key)}: {opening}",
            meaning=shape.meaning(item.value) if item.tag is None else shape.tags.get(item.tag, ""),
            children=children,
            closing=closing,
            cut=cut,
        )

    def _inside(self, item: cbor.Item, shape: Shape) -> tuple[str, tuple[CborItem, ...], str]:
        """An item's opening, its children and its closing; all empty for a single value."""
        if item.tag is not None:
            return f"{item.tag}(", (self.node(item.children[0], shape),), ")"
        if isinstance(item.value, list):
            items = enumerate(item.children)
            nodes = tuple(self.node(each, shape.child(index)) for index, each in items)
            return ("[", nodes, "]") if nodes else ("[]", (), "")
        if isinstance(item.value, dict):
            nodes = self._entries(item, shape)
            return ("{", nodes, "}") if nodes else ("{}", (), "")
        if isinstance(item.value, bytes) and item.value and shape.inside is not None:
            form = self.dialect if shape.form is None else shape.form
            embedded = self._embedded(item, shape.inside(item.value), form)
            return ("<<", (embedded,), ">>") if embedded else ("", (), "")
        return "", (), ""

    def _entries(self, item: cbor.Item, shape: Shape) -> tuple[CborItem, ...]:
        pairs = zip(item.children[::2], item.children[1::2], strict=True)
        return tuple(self.node(value, shape.child(self._place(key)), key) for key, value in pairs)

    def _place(self, key: cbor.Item) -> int | str | bytes:
        """A key as `Shape.child` gets it."""
        if isinstance(key.value, int | str):
            return key.value
        return self.content[key.offset : key.end]

    def _key(self, key: cbor.Item) -> str:
        """Diagnostic notation of a key."""
        if isinstance(key.value, list):
            return self.node(key, Shape()).diagnostic
        text = key.value.encode() if isinstance(key.value, str) else b""
        return _leaf(key.value, text, cut=False)

    def _embedded(self, item: cbor.Item, shape: Shape, form: cbor.Dialect) -> CborItem | None:
        content = self.content[item.content : item.end]
        try:
            found = cbor.locate(content, MAX_TREE_BYTES, form)
        except CborError:
            return None
        return _Reader(content, self.base + item.content, form).node(found, shape)


def _leaf(value: "cbor.Value | None", shown: bytes, *, cut: bool) -> str:
    if value is None or isinstance(value, bool):
        return _SIMPLE_VALUES[value]
    if isinstance(value, bytes):
        return notate_leaf(shown, cut=cut)
    if isinstance(value, str):
        # A cut may fall into the middle of a character.
        return notate_leaf(shown.decode("utf-8", "ignore"), cut=cut)
    if isinstance(value, int):
        return notate_leaf(value)
    raise TypeError("arrays and maps are no leaves")


_SIMPLE_VALUES: Final[Mapping[bool | None, str]] = {False: "false", True: "true", None: "null"}
"""Diagnostic notation of simple values, where a dialect has them."""
