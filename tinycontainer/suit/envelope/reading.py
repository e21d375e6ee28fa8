"""One item of an envelope with its place: what every refusal of the decoder names."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from tinycontainer.errors import EnvelopeError
from tinycontainer.text import show
from tinycontainer_tokens import CborError, cbor

MAX_ITEMS: Final = 16_384
"""The most items of CBOR that are read from an envelope, and as many again from its manifest."""

FORM: Final = cbor.Dialect(text_keys=True, simple_values=True)
"""The form of every piece of an envelope: deterministic CBOR, as the draft demands."""

_SHOWN_KEY_BYTES: Final = 40


class ItemAllowance:
    """How many items may still be read, from all pieces together."""

    def __init__(self) -> None:
        self._left = MAX_ITEMS

    def locate(self, data: bytes) -> cbor.Item:
        """Find every item of one piece of encoded CBOR, and take them off the allowance.

        Raises:
            CborError: it is not of our form, or has more items than are left.
        """
        form = cbor.Dialect(text_keys=True, simple_values=True, max_items=self._left)
        item = cbor.locate(data, len(data), form)
        self._left -= 1 + _count_within(item)
        return item


def _count_within(item: cbor.Item) -> int:
    children = item.children
    return len(children) + sum(_count_within(each) for each in children if each.children)


class Part(NamedTuple):
    """One item of an envelope.

    Attributes:
        place: where it is, for people.
        data: the piece of encoded CBOR that it lies in.
        base: where that piece begins, in bytes from the beginning of the envelope.
        item: the item within that piece.
        allowance: how much may still be read of what it wraps.
    """

    place: str
    data: bytes
    base: int
    item: cbor.Item
    allowance: ItemAllowance

    @classmethod
    def read(cls, place: str, data: bytes, base: int, allowance: ItemAllowance) -> "Part":
        """Find every item of one piece of encoded CBOR, tags in front of it included.

        Args:
            place: where it is, for people.
            data: untrusted bytes, whose length the caller has bounded.
            base: where they begin, in bytes from the beginning of the envelope.
            allowance: how many items may still be read.

        Raises:
            EnvelopeError: they are not deterministic CBOR, or more items than that.
        """
        try:
            return cls(place, data, base, allowance.locate(data), allowance)
        except CborError as error:
            raise EnvelopeError(place, base + error.offset, error.problem) from None

    @property
    def offset(self) -> int:
        """Of the item's head, in bytes from the beginning of the envelope."""
        return self.base + self.item.offset

    @property
    def encoded(self) -> bytes:
        """The item as it is encoded, its head included."""
        return self.data[self.item.offset : self.item.end]

    @property
    def content_offset(self) -> int:
        """Of the first byte after the item's head, in bytes from the beginning of the envelope."""
        return self.base + self.item.content

    def refusal(self, problem: str) -> EnvelopeError:
        """The error that names this place."""
        return EnvelopeError(self.place, self.offset, problem)

    def at(self, item: cbor.Item, place: str) -> "Part":
        """Another item of the same piece."""
        return Part(place, self.data, self.base, item, self.allowance)

    def is_null(self) -> bool:
        """Whether it is null."""
        return self.encoded == b"\xf6"

    def is_bytes(self) -> bool:
        """Whether it is a byte string."""
        return self.item.tag is None and isinstance(self.item.value, bytes)

    def is_array(self) -> bool:
        """Whether it is an array."""
        return self.item.tag is None and isinstance(self.item.value, list)

    def byte_string(self) -> bytes:
        """The content of a byte string.

        Raises:
            EnvelopeError: it is none.
        """
        if self.item.tag is None and isinstance(self.item.value, bytes):
            return self.item.value
        raise self.refusal("not a byte string")

    def text(self) -> str:
        """The content of a text string.

        Raises:
            EnvelopeError: it is none.
        """
        if self.item.tag is None and isinstance(self.item.value, str):
            return self.item.value
        raise self.refusal("not text")

    def integer(self) -> int:
        """An integer; false and true are none.

        Raises:
            EnvelopeError: it is none.
        """
        if self.item.tag is None and type(self.item.value) is int:
            return self.item.value
        raise self.refusal("not an integer")

    def unsigned(self) -> int:
        """An integer from 0 to 2^64 - 1.

        Raises:
            EnvelopeError: it is none.
        """
        number = self.integer()
        if number < 0:
            raise self.refusal(f"{number} is less than 0")
        return number

    def items(self) -> tuple[cbor.Item, ...]:
        """The items of an array.

        Raises:
            EnvelopeError: it is none.
        """
        if not self.is_array():
            raise self.refusal("not an array")
        return self.item.children

    def array(self) -> "tuple[Part, ...]":
        """The items of an array, each with its index in its place.

        Raises:
            EnvelopeError: it is none.
        """
        return tuple(
            self.at(item, f"{self.place}[{index}]") for index, item in enumerate(self.items())
        )

    def members(self) -> "Iterator[tuple[Part, Part]]":
        """The keys and values of a map, in order; both have the place of the map and the key.

        Raises:
            EnvelopeError: it is none.
        """
        for key, value in self._pairs():
            yield self._member(key, key), self._member(key, value)

    def numbered(self) -> Iterator[tuple[int, cbor.Item, cbor.Item]]:
        """The members of a map whose keys are all integers: the key, its item, and the value's.

        Raises:
            EnvelopeError: it is no map, or has a key of another kind.
        """
        for key, value in self._pairs():
            if type(key.value) is not int:
                raise self._member(key, key).refusal("not an integer")
            yield key.value, key, value

    def _pairs(self) -> Iterator[tuple[cbor.Item, cbor.Item]]:
        if self.item.tag is not None or not isinstance(self.item.value, dict):
            raise self.refusal("not a map")
        children = self.item.children
        return zip(children[::2], children[1::2], strict=True)

    def _member(self, key: cbor.Item, item: cbor.Item) -> "Part":
        """A key or its value, with the place of the map and the key."""
        name = show(key.value, _SHOWN_KEY_BYTES) if isinstance(key.value, str) else key.value
        return self.at(item, f"{self.place}.{name!s}")

    def inside(self, place: str | None = None) -> "Part":
        """What a byte string wraps.

        Args:
            place: of what it wraps; None for the place of the byte string.

        Raises:
            EnvelopeError: it is no byte string, or does not wrap one item in deterministic form.
        """
        content = self.byte_string()
        return Part.read(place or self.place, content, self.content_offset, self.allowance)

    def renamed(self, place: str) -> "Part":
        """The same item under a better name."""
        return self.at(self.item, place)
