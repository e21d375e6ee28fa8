"""The authentication wrapper of an envelope: a digest of the manifest, and signatures over it."""

from dataclasses import dataclass
from typing import Final

from tinycontainer_tokens import CborError, cbor

from .model import Signature, SuitDigest
from .reading import Part

MAX_SIGNATURES: Final = 8
MAX_KID_BYTES: Final = 64
SIGN1_TAG: Final = 18
COSE_TAGS: Final = (17, SIGN1_TAG, 96, 97, 98)
"""COSE_Mac0, COSE_Sign1, COSE_Encrypt, COSE_Mac and COSE_Sign (RFC 9052)."""

ALGORITHM_LABEL: Final = 1
KID_LABEL: Final = 4


@dataclass(frozen=True, slots=True)
class Wrapper:
    """An authentication wrapper taken apart.

    Attributes:
        digest: of the manifest.
        signed_digest: the same as it is encoded: what each signature covers.
        digest_offset: where that begins, in bytes from the beginning of the envelope.
        signatures: at most 8.
    """

    digest: SuitDigest
    signed_digest: bytes
    digest_offset: int
    signatures: tuple[Signature, ...]


def read_wrapper(wrapper: Part) -> Wrapper:
    """Take an authentication wrapper apart.

    Args:
        wrapper: what the byte string of the envelope wraps.

    Raises:
        EnvelopeError: not ``[bstr digest, * bstr COSE structure]``, or more than 8 structures.
    """
    parts = wrapper.array()
    if not parts:
        raise wrapper.refusal("no digest")
    if len(parts) - 1 > MAX_SIGNATURES:
        raise wrapper.refusal(f"{len(parts) - 1} signatures; at most {MAX_SIGNATURES} are allowed")
    digest = parts[0].inside(f"{wrapper.place}.digest")
    signatures = tuple(_signature(part) for part in parts[1:])
    return Wrapper(read_digest(digest), digest.data, digest.offset, signatures)


def read_digest(part: Part) -> SuitDigest:
    """Read ``[algorithm, bstr]``.

    Raises:
        EnvelopeError: it is something else.
    """
    items = part.array()
    if len(items) != 2:
        raise part.refusal("a digest is not an array of an algorithm and a byte string")
    return SuitDigest(items[0].integer(), items[1].byte_string())


def _signature(part: Part) -> Signature:
    content = part.byte_string()
    try:
        tags, _ = cbor.split_tags(content)
    except CborError as error:
        raise part.refusal(error.problem) from None
    if len(tags) != 1 or tags[0] not in COSE_TAGS:
        raise part.refusal("not one COSE structure with its tag")
    # Others cannot be verified here, and nothing of them is used. COSE does not ask for
    # deterministic encoding, so they may be no CBOR of our form.
    return _sign1(part.inside()) if tags[0] == SIGN1_TAG else Signature(tags[0])


def _sign1(tagged: Part) -> Signature:
    parts = tagged.at(tagged.item.children[0], tagged.place).array()
    if len(parts) != 4:
        raise tagged.refusal("not an array of two headers, payload and signature")
    protected, unprotected, payload, proof = parts
    if not payload.is_null():
        raise payload.refusal("the payload of a signature is not detached (null)")
    algorithm, kid = _protected_header(protected.renamed(f"{tagged.place}.protected"))
    hint = _unprotected_header(unprotected.renamed(f"{tagged.place}.unprotected"))
    if kid is not None and hint is not None:
        raise unprotected.refusal("a key id is in both headers")
    return Signature(
        SIGN1_TAG,
        algorithm,
        hint if kid is None else kid,
        protected.byte_string(),
        proof.byte_string(),
    )


def _protected_header(part: Part) -> tuple[int | None, bytes | None]:
    """Algorithm and key id; a header of no bytes has neither."""
    if not part.byte_string():
        return None, None
    algorithm, kid = None, None
    header = part.inside()
    for label, key, value in header.numbered():
        found = header.at(value, f"{part.place}.{label}")
        if label == ALGORITHM_LABEL:
            algorithm = found.integer()
        elif label == KID_LABEL:
            kid = _key_id(found)
        else:
            raise header.at(key, found.place).refusal(
                f"label {label} is not allowed; only alg (1) and kid (4) are"
            )
    return algorithm, kid


def _unprotected_header(part: Part) -> bytes | None:
    kid = None
    for label, key, value in part.numbered():
        found = part.at(value, f"{part.place}.{label}")
        if label != KID_LABEL:
            raise part.at(key, found.place).refusal(
                f"label {label} is not allowed; only kid (4) is"
            )
        kid = _key_id(found)
    return kid


def _key_id(part: Part) -> bytes:
    kid = part.byte_string()
    if not 1 <= len(kid) <= MAX_KID_BYTES:
        raise part.refusal(f"a key id of {len(kid)} bytes; it has 1 to {MAX_KID_BYTES}")
    return kid
