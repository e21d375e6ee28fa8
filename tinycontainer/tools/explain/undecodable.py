"""Why a file is no container: experiments on bytes that cannot be decoded."""

from collections.abc import Callable
from typing import Final

from tinycontainer import metadata as metadata_codec
from tinycontainer.device.containers.limits import MAX_BUNDLE_BYTES
from tinycontainer.errors import MetadataError
from tinycontainer.metadata import Bundle
from tinycontainer.metadata.model import METADATA_TAG
from tinycontainer_tokens import cbor

from ..artefact.artefact import is_bundle
from ..artefact.disguises import (
    WRITTEN_AS_TEXT,
    count_missing,
    find_end,
    is_like_token,
    without_crlf,
    without_line_feed,
)
from .causes.variants import with_line_feeds
from .contradictions import Problem
from .explanation import Explanation

_TAG: Final = cbor.with_tags((METADATA_TAG,), b"")


def explain_undecodable(content: bytes, error: MetadataError) -> Problem:
    """Explain a refusal of bytes that should have been a bundle or metadata.

    Args:
        content: the bytes.
        error: the refusal.
    """
    bundled = is_bundle(content)
    check = "bundle" if bundled and error.place == "bundle" else "metadata"
    shape = "an array of metadata, data and code" if check == "bundle" else "the tag TinyPART"
    return Problem(
        check,
        str(error),
        Explanation(
            f"{shape} in deterministic CBOR, and nothing else", str(error), _cause(content)
        ),
    )


def is_decodable(content: bytes) -> bool:
    """Whether bytes are a bundle with metadata in it, or metadata."""
    try:
        if is_bundle(content):
            content = Bundle.decode(content, MAX_BUNDLE_BYTES).metadata
        metadata_codec.decode(content)
    except MetadataError:
        return False
    return True


def _cause(content: bytes) -> str | None:
    if not content:
        return "the file is empty"
    if is_like_token(content):
        return "this is a single token, not a container"
    for words, change in _DAMAGES:
        if is_decodable(change(content)):
            return words
    end = find_end(content)
    if end < len(content) and is_decodable(content[:end]):
        return f"something else follows at the file's end, {len(content) - end} bytes"
    return _missing(content)


def _missing(content: bytes) -> str | None:
    """How much is missing at the end of a file that was cut short."""
    if not is_bundle(content) and not content.startswith(_TAG):
        return None
    missing = count_missing(content, MAX_BUNDLE_BYTES)
    return (
        f"the file is cut short: at least {missing} bytes are missing at its end"
        if missing
        else None
    )


_DAMAGES: Final[tuple[tuple[str, Callable[[bytes], bytes]], ...]] = (
    (
        "a line break was added at the file's end",
        without_line_feed,
    ),
    ("a line break (CR LF) was added at the file's end", without_crlf),
    ("every LF in it was turned into CR LF: it was transferred as text", with_line_feeds),
    *((f"the file is {form}, not bytes", change) for form, change in WRITTEN_AS_TEXT),
)
