"""Why a file is no envelope: experiments on bytes that cannot be decoded."""

import zlib
from collections.abc import Callable
from typing import Final

from tinycontainer.errors import EnvelopeError
from tinycontainer.metadata.model import METADATA_TAG
from tinycontainer.suit.envelope.decoder import MAX_ENVELOPE_BYTES, decode_envelope
from tinycontainer.suit.envelope.labels import DRAFT, ENVELOPE_TAG, EnvelopeMember, ManifestMember
from tinycontainer.suit.envelope.reading import FORM
from tinycontainer_tokens import CborError, cbor, key_files

from ...artefact.artefact import is_bundle
from ...artefact.disguises import (
    WRITTEN_AS_TEXT,
    count_missing,
    find_end,
    is_like_token,
    without_crlf,
    without_line_feed,
)
from ...explain.causes.variants import with_line_feeds
from ...explain.explanation import Explanation
from ...inspect.envelope_shape import SHOWN_FORM
from .refused_update import RefusedUpdate

_GZIP: Final = b"\x1f\x8b"
_GZIP_WINDOW: Final = 31
"""The window of zlib that reads a head of gzip, and no other."""
_TAG: Final = cbor.with_tags((ENVELOPE_TAG,), b"")
_METADATA: Final = cbor.with_tags((METADATA_TAG,), b"")
_SIGN1_ITEMS: Final = 4


def explain_form(refused: RefusedUpdate) -> Explanation:
    """Explain why bytes are no envelope."""
    return Explanation(
        f"a SUIT envelope with the tag {ENVELOPE_TAG}, in deterministic CBOR",
        str(refused.refusal.problem),
        _find_cause(refused.content),
    )


def _find_cause(content: bytes) -> str | None:
    if not content:
        return "the file is empty"
    if key_files.is_key_file(content):
        return "this is a key file"
    for words, change in _DAMAGES:
        if _is_envelope(change(content)):
            return words
    if content.startswith(_TAG):
        return _find_damage(content)
    return _find_other_kind(content)


def _find_damage(content: bytes) -> str | None:
    """What has become of a file that begins like an envelope."""
    if _is_of_older_draft(content):
        return _OLDER
    end = find_end(content, FORM)
    if end < len(content) and _is_envelope(content[:end]):
        return f"something else follows at the file's end, {len(content) - end} bytes"
    missing = count_missing(content, MAX_ENVELOPE_BYTES, FORM)
    if missing:
        return f"the file is cut short: at least {missing} bytes are missing at its end"
    return None


def _find_other_kind(content: bytes) -> str | None:
    """What a file is that does not begin like an envelope."""
    if is_bundle(content):
        return "this is a bundle; `suit create` makes an envelope of it"
    if content.startswith(_METADATA):
        return "this is metadata, and no envelope"
    if _is_of_older_draft(content):
        return _OLDER
    if _is_manifest(content):
        return "this is a manifest without its envelope"
    if content.lstrip()[:1] == b"{":
        return "this is JSON: what a tool makes an envelope of, perhaps"
    return "this is a single token, and no envelope" if is_like_token(content) else None


def _is_envelope(content: bytes) -> bool:
    try:
        decode_envelope(content)
    except EnvelopeError:
        return False
    return True


def _unpacked(content: bytes) -> bytes:
    if not content.startswith(_GZIP):
        return b""
    try:
        return zlib.decompressobj(_GZIP_WINDOW).decompress(content, MAX_ENVELOPE_BYTES)
    except zlib.error:
        return b""


def _tagged(content: bytes) -> bytes:
    return _TAG + content


def _bytes_within(content: bytes) -> bytes:
    """The content of a byte string; nothing if it is none."""
    found = _locate(content)
    is_bytes = found is not None and found.tag is None and isinstance(found.value, bytes)
    return content[found.content :] if found is not None and is_bytes else b""


def _is_of_older_draft(content: bytes) -> bool:
    """Whether the first thing in the wrapper is a signature, and not a digest, as until draft 9."""
    found = _locate(content)
    members = found.value if found is not None else None
    wrapper = members.get(EnvelopeMember.AUTHENTICATION) if isinstance(members, dict) else None
    parts = _locate(wrapper) if isinstance(wrapper, bytes) else None
    if parts is None or not parts.children:
        return False
    first = parts.children[0].value
    message = _locate(first) if isinstance(first, bytes) else None
    items = message.value if message is not None else None
    return isinstance(items, list) and len(items) == _SIGN1_ITEMS


def _is_manifest(content: bytes) -> bool:
    found = _locate(content)
    members = found.value if found is not None and found.tag is None else None
    needed = {ManifestMember.VERSION, ManifestMember.SEQUENCE_NUMBER, ManifestMember.COMMON}
    return isinstance(members, dict) and needed <= members.keys()


def _locate(content: bytes) -> cbor.Item | None:
    try:
        return cbor.locate(content, MAX_ENVELOPE_BYTES, SHOWN_FORM)
    except CborError:
        return None


_OLDER: Final = (
    f"this is an envelope of an older draft, such as draft 9, which RIOT's tool writes; {DRAFT} has"
    " a digest before the signatures"
)
_DAMAGES: Final[tuple[tuple[str, Callable[[bytes], bytes]], ...]] = (
    ("a line break was added at the file's end", without_line_feed),
    ("a line break (CR LF) was added at the file's end", without_crlf),
    ("every LF in it was turned into CR LF: it was transferred as text", with_line_feeds),
    *((f"the file is {form}, not bytes", change) for form, change in WRITTEN_AS_TEXT),
    ("the file is compressed (gzip)", _unpacked),
    (f"the tag {ENVELOPE_TAG} before it is missing", _tagged),
    ("the envelope is wrapped in a byte string once too often", _bytes_within),
)
