"""The shapes of metadata and of a bundle: the meaning of each item by its place."""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Final

from tinycontainer.metadata.codec import CONTAINER_FIELDS, ENDPOINT_FIELDS, PARTS, SECURITY_FIELDS
from tinycontainer.metadata.model import KIND_OF_FIELD, METADATA_TAG
from tinycontainer_tokens import CborError, cbor

from ..artefact.payload import payload_type
from .labels import label_field
from .token_shape import token_in_place
from .tree import MAX_TREE_BYTES, Shape, fixed_meaning

SECTION_SHOWN_BYTES: Final = 16
"""How much of the code and of the data is shown."""
_Field = tuple[str, str, Callable[[str, cbor.Value], Any]]


def metadata_shape() -> Shape:
    """The shape of a metadata file."""
    return Shape(tags={METADATA_TAG: "tag TinyPART"}, child=_part)


def bundle_shape(metadata: str) -> Shape:
    """The shape of a bundle.

    Args:
        metadata: the meaning of its metadata section, fit to be shown.
    """
    sections = (
        Shape(fixed_meaning(metadata), inside=lambda _: metadata_shape()),
        _section("data"),
        _section("code"),
    )
    return Shape(fixed_meaning("bundle"), child=lambda index: sections[index])


def section_meaning(name: str, content: bytes) -> str:
    """Size, hash and look of a data or code section."""
    found = payload_type(content)
    like = f" that begin like {found.name.lower()}" if found is not None else ""
    digest = hashlib.sha256(content).hexdigest()
    return f"{name} section: {len(content)} bytes{like}, sha256 {digest}"


def _section(name: str) -> Shape:
    return Shape(
        lambda value: section_meaning(name, value) if isinstance(value, bytes) else "",
        shown_bytes=SECTION_SHOWN_BYTES,
    )


def _part(key: int) -> Shape:
    if key not in PARTS:
        return Shape(fixed_meaning("unknown key"))
    shapes = {
        1: _by_key(CONTAINER_FIELDS),
        2: Shape(child=_endpoint),
        3: Shape(child=_security_entry),
    }
    return Shape(_part_meaning(PARTS[key]), inside=lambda _: shapes[key])


def _part_meaning(name: str) -> Callable[[cbor.Value], str]:
    def meaning(value: cbor.Value) -> str:
        if not isinstance(value, bytes):
            return f"{name}: not a byte string"
        try:
            cbor.decode(value, MAX_TREE_BYTES)
        except CborError as error:
            return f"{name} that cannot be read: {error}"
        return name

    return meaning


def _endpoint(index: int) -> Shape:
    return _by_key(ENDPOINT_FIELDS, fixed_meaning(f"endpoints[{index}]"))


def _security_entry(index: int) -> Shape:
    if not 0 <= index < len(SECURITY_FIELDS):
        return Shape(fixed_meaning("unknown entry"))
    return _of_field(*SECURITY_FIELDS[index])


def _by_key(
    fields: Mapping[int, _Field], meaning: Callable[[cbor.Value], str] | None = None
) -> Shape:
    def child(key: int) -> Shape:
        return _of_field(*fields[key]) if key in fields else Shape(fixed_meaning("unknown key"))

    return Shape(child=child) if meaning is None else Shape(meaning, child=child)


def _of_field(attribute: str, name: str, check: Callable[[str, cbor.Value], Any]) -> Shape:
    meaning = label_field(attribute, name, check)
    if attribute not in KIND_OF_FIELD:
        return Shape(meaning)
    token = token_in_place(KIND_OF_FIELD[attribute])
    return Shape(
        lambda value: token.meaning(value) if isinstance(value, bytes) else meaning(value),
        inside=token.inside,
    )
