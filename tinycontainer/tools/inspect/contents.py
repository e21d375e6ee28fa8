"""Take a file apart: its fields as plain values, and the tree of its bytes. Nothing is verified."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tinycontainer import metadata as metadata_codec
from tinycontainer.device.containers.limits import MAX_BUNDLE_BYTES
from tinycontainer.errors import EnvelopeError, MetadataError
from tinycontainer.files.toml_file import read_bounded
from tinycontainer.metadata import Bundle
from tinycontainer.metadata.model import METADATA_TAG
from tinycontainer.suit.envelope.decoder import MAX_ENVELOPE_BYTES, decode_envelope
from tinycontainer.suit.envelope.labels import ENVELOPE_TAG
from tinycontainer.text import show
from tinycontainer_tokens import CborError, cbor, key_files

from ..artefact.artefact import is_bundle
from ..artefact.disguises import is_like_token
from ..firmware.c_layout import Layout, is_layout, open_layout
from .container_shape import SECTION_SHOWN_BYTES, bundle_shape, metadata_shape, section_meaning
from .diagnostic import CborItem, notate_leaf
from .envelope_inspection import EnvelopeInspection
from .inspection import inspect_metadata, inspect_section, inspect_token
from .token_shape import kind_of, message_shape, token_meaning
from .tree import MAX_TREE_BYTES, build_tree


@dataclass(frozen=True, slots=True)
class Contents:
    """What was read.

    Attributes:
        values: all fields; absent optional ones are None.
        tree: every CBOR item.
        problem: why its metadata, or the envelope, is refused; None if it is not.
    """

    values: dict[str, Any]
    tree: CborItem
    problem: MetadataError | EnvelopeError | None = None


def read_contents(path: Path) -> Contents:
    """Take a file apart.

    Args:
        path: metadata, a bundle, a token, a SUIT envelope, or a directory of the C layout.

    Raises:
        DeviceFileError: it cannot be read, or is too long.
        MetadataError: it is none of these, or so malformed that there is no tree of it. Keys are
            refused, and nothing of them is shown.
    """
    if is_layout(path):
        return _layout(open_layout(path))
    content = read_bounded(path, MAX_BUNDLE_BYTES)
    if key_files.is_key_file(content):
        raise MetadataError("content", "this is a key file, of which nothing is shown")
    tags = _leading_tags(content)
    if tags == (METADATA_TAG,):
        return _metadata(content)
    if _is_like_envelope(content, tags):
        return _envelope(content)
    if is_bundle(content):
        return _bundle(content)
    if tags or is_like_token(content):
        return _token(content)
    raise MetadataError("content", "neither metadata, nor a bundle, nor a token")


def read_envelope_contents(path: Path) -> Contents:
    """Take a SUIT envelope apart.

    Raises:
        DeviceFileError: it cannot be read, or is too long.
        MetadataError: it is none, or so malformed that there is no tree of it. Keys are refused,
            and nothing of them is shown.
    """
    content = read_bounded(path, MAX_ENVELOPE_BYTES)
    if key_files.is_key_file(content):
        raise MetadataError("content", "this is a key file, of which nothing is shown")
    if not _is_like_envelope(content, _leading_tags(content)):
        raise MetadataError("content", f"no SUIT envelope: it does not begin with {ENVELOPE_TAG}()")
    return _envelope(content)


def _is_like_envelope(content: bytes, tags: tuple[int, ...]) -> bool:
    """Whether it has the tag of an envelope, or is one without it, as other protocols have them."""
    if tags:
        return tags[0] == ENVELOPE_TAG
    try:
        decode_envelope(content)
    except EnvelopeError:
        return False
    return True


def _envelope(content: bytes) -> Contents:
    if len(content) > MAX_ENVELOPE_BYTES:
        problem = f"{len(content)} bytes; at most {MAX_ENVELOPE_BYTES} are allowed"
        raise MetadataError("envelope", problem)
    found = EnvelopeInspection(content)
    try:
        tree = found.tree()
    except CborError as error:
        raise MetadataError("envelope", str(found.problem or error)) from None
    return Contents(found.values(), tree, found.problem)


def _metadata(content: bytes) -> Contents:
    values, meaning, problem = _judge(content)
    try:
        tree = build_tree(content, metadata_shape(), MAX_TREE_BYTES)
    except CborError as error:
        raise (problem or MetadataError("metadata", str(error))) from None
    return Contents(values, replace(tree, meaning=f"metadata{meaning}"), problem)


def _bundle(content: bytes) -> Contents:
    bundle = Bundle.decode(content, MAX_BUNDLE_BYTES)
    metadata, meaning, problem = _judge(bundle.metadata)
    values = {
        "kind": "bundle",
        "metadata": metadata,
        "data": inspect_section(bundle.data),
        "code": inspect_section(bundle.code),
    }
    shape = bundle_shape(f"metadata section{meaning}")
    try:
        return Contents(values, build_tree(content, shape, MAX_BUNDLE_BYTES), problem)
    except CborError as error:
        raise MetadataError("bundle", str(error)) from None


def _token(content: bytes) -> Contents:
    values = {"kind": "token", **inspect_token(content, None)}
    kind = kind_of(content)
    meaning = token_meaning(content, kind)
    if not _is_array(content):
        # It may be anything, a raw key for example: its bytes stay hidden.
        return Contents(values, CborItem(0, len(content), (), "...", meaning, cut=True))
    tree = build_tree(content, message_shape(content, kind), MAX_TREE_BYTES)
    return Contents(values, replace(tree, meaning=meaning))


def _layout(layout: Layout) -> Contents:
    metadata = _metadata(read_bounded(layout.metadata, MAX_BUNDLE_BYTES))
    values: dict[str, Any] = {"kind": "directory", "runtime": layout.runtime}
    values["metadata"] = metadata.values
    files = [_named(layout.metadata, metadata.tree)]
    for name, path in (("data", layout.data), ("code", layout.code)):
        content = read_bounded(path, MAX_BUNDLE_BYTES) if path.is_file() else None
        values[name] = None if content is None else inspect_section(content)
        if content is not None:
            files.append(_named(path, _section(name, content)))
    meaning = f"directory of the C layout, runtime {layout.runtime}; offsets count in each file"
    tree = CborItem(0, sum(file.length for file in files), (), "", meaning, tuple(files))
    return Contents(values, tree, metadata.problem)


def _judge(content: bytes) -> tuple[dict[str, Any], str, MetadataError | None]:
    """Metadata as values, in words that follow its name, and why it is refused.

    Raises:
        MetadataError: it does not even begin like metadata, so it may be anything, a key too.
    """
    try:
        values = inspect_metadata(metadata_codec.decode(content, MAX_TREE_BYTES))
    except MetadataError as error:
        if _leading_tags(content) != (METADATA_TAG,):
            raise
        values = {"kind": "metadata", "bytes": len(content), "problem": str(error)}
        return values, f" that is refused: {error}", error
    return values, f": {len(content)} bytes, {values['profile'] or 'no readable token'}", None


def _section(name: str, content: bytes) -> CborItem:
    shown = content[:SECTION_SHOWN_BYTES]
    cut = len(shown) < len(content)
    opening = notate_leaf(shown, cut=cut)
    return CborItem(0, len(content), (shown,), opening, section_meaning(name, content), cut=cut)


def _named(path: Path, tree: CborItem) -> CborItem:
    return replace(tree, meaning=f"{show(path.name)}: {tree.meaning}")


def _is_array(content: bytes) -> bool:
    try:
        return isinstance(cbor.locate(content, MAX_TREE_BYTES).value, list)
    except CborError:
        return False


def _leading_tags(content: bytes) -> tuple[int, ...]:
    try:
        return cbor.split_tags(content)[0]
    except CborError:
        return ()
