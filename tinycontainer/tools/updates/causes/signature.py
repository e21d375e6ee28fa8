"""Experiments on signatures: whose they are, and over which bytes they were made."""

from collections.abc import Iterator

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from tinycontainer.suit.envelope.encoder import signed_bytes
from tinycontainer.suit.envelope.model import Signature, UpdateEnvelope
from tinycontainer.suit.envelope.signatures import ALGORITHM_LABEL, SIGN1_TAG
from tinycontainer.suit.keys.keys import UpdateAlgorithm, UpdateKey, UpdateKeyEntry
from tinycontainer.suit.keys.p256 import COORDINATE_BYTES
from tinycontainer.text import show
from tinycontainer_tokens import cbor

from ...explain.explanation import Explanation
from ...inspect.signature_shape import algorithm_name
from .refused_update import RefusedUpdate

_PROOF_BYTES = 2 * COORDINATE_BYTES
_DER_SEQUENCE = b"\x30"
_CONTEXT = "Signature1"


def explain_key(refused: RefusedUpdate) -> Explanation:
    """Explain why no key could be tried."""
    keys = refused.device.keys
    signatures = refused.envelope.signatures
    kinds = ", ".join(dict.fromkeys(str(entry.key.algorithm) for entry in keys)) or "none"
    found = ", ".join(_describe(each) for each in signatures) or "no signature"
    return Explanation(
        f"a signature for a key of the device; its keys are for: {kinds}",
        found,
        _find_key_cause(refused),
    )


def explain_signature(refused: RefusedUpdate) -> Explanation:
    """Explain why no signature holds."""
    found = ", ".join(_describe(each) for each in refused.envelope.signatures)
    return Explanation(
        "made with an update key of the device over the digest that is there now",
        f"{found}, which none of the keys fits",
        _find_signature_cause(refused),
    )


def _describe(signature: Signature) -> str:
    if signature.tag != SIGN1_TAG:
        return "a structure that is no COSE_Sign1"
    kid = "" if signature.kid is None else f" with the key id {show(signature.kid)}"
    return f"a signature by {algorithm_name(signature.algorithm)}{kid}"


def _find_key_cause(refused: RefusedUpdate) -> str | None:
    signatures = _sign1s(refused.envelope)
    if not len(refused.device.keys):
        return "the device has no key for updates: name one in [[update.keys]] of its file"
    if not refused.envelope.signatures:
        return "nobody has signed it; `suit sign` does"
    if not signatures:
        return "only COSE_Sign1 can be verified here"
    for signature in signatures:
        for name, entry in _named_keys(refused):
            if _holds(refused.envelope, signature, entry.key):
                return _describe_restriction(name, entry.key, signature)
    return _token_signer(refused) or _other_kind(refused)


def _describe_restriction(name: str, key: UpdateKey, signature: Signature) -> str:
    """Why a key that has made a signature was not tried."""
    made = f"it was made with {name}"
    algorithm = UpdateAlgorithm.of_number(signature.algorithm)
    if algorithm is None or not key.allows(algorithm):
        named = algorithm_name(signature.algorithm)
        return f"{made}, which is for {key.algorithm} alone, and the signature names {named}"
    own = "none" if key.kid is None else show(key.kid)
    other = "none" if signature.kid is None else show(signature.kid)
    return f"{made}, whose key id is {own}, and the signature names {other}"


def _other_kind(refused: RefusedUpdate) -> str:
    named = ", ".join(dict.fromkeys(_named_algorithm(each) for each in _sign1s(refused.envelope)))
    known = [entry for _, entry in _named_keys(refused) if entry.key.kid is not None]
    kids = ", ".join(show(entry.key.kid or b"") for entry in known)
    if kids and all(_named_algorithm(each) != "none" for each in _sign1s(refused.envelope)):
        return f"made with a key that the device does not have; its key ids are: {kids}"
    return f"made with a key of another kind: it names {named}"


def _named_algorithm(signature: Signature) -> str:
    return algorithm_name(signature.algorithm)


def _find_signature_cause(refused: RefusedUpdate) -> str:
    return (
        _token_signer(refused)
        or _other_form(refused)
        or _other_header(refused)
        or _other_coverage(refused)
        or "made with a key that the device does not have, or its digest was changed after signing"
    )


def _token_signer(refused: RefusedUpdate) -> str | None:
    envelope = refused.envelope
    for signature in _sign1s(envelope):
        covered = signed_bytes(envelope, signature.protected)
        role = refused.device.role_of(covered, signature.proof)
        if role is not None:
            return f"made with the key of the role {role}: keys of tokens sign no updates"
    return None


def _other_form(refused: RefusedUpdate) -> str | None:
    """Whether a signature by ECDSA is in the form of other protocols."""
    for signature in _sign1s(refused.envelope):
        raw = _from_der(signature.proof)
        for name, entry in _named_keys(refused):
            covered = signed_bytes(refused.envelope, signature.protected)
            if raw is not None and entry.key.has_signed(covered, raw):
                return f"made with {name}, in DER; COSE has r and s of 32 bytes each"
    return None


def _from_der(proof: bytes) -> bytes | None:
    if not proof.startswith(_DER_SEQUENCE) or len(proof) == _PROOF_BYTES:
        return None
    try:
        r, s = decode_dss_signature(proof)
        return r.to_bytes(COORDINATE_BYTES, "big") + s.to_bytes(COORDINATE_BYTES, "big")
    except (ValueError, OverflowError):
        return None


def _other_header(refused: RefusedUpdate) -> str | None:
    """Whether the name of the algorithm was changed after signing."""
    for signature in _sign1s(refused.envelope):
        for algorithm in UpdateAlgorithm:
            protected = cbor.encode({ALGORITHM_LABEL: algorithm.cose_number})
            for name, entry in _named_keys(refused):
                covered = signed_bytes(refused.envelope, protected)
                if entry.key.has_signed(covered, signature.proof):
                    named = algorithm_name(signature.algorithm)
                    return (
                        f"made with {name} as {algorithm}; its protected header was changed, and"
                        f" names {named} now"
                    )
    return None


def _other_coverage(refused: RefusedUpdate) -> str | None:
    for signature in _sign1s(refused.envelope):
        for words, covered in _coverages(refused.envelope, signature.protected):
            for name, entry in _named_keys(refused):
                if entry.key.has_signed(covered, signature.proof):
                    return f"made with {name} over {words}; the draft covers the encoded digest"
    return None


def _coverages(envelope: UpdateEnvelope, protected: bytes) -> Iterator[tuple[str, bytes]]:
    """Other bytes that a signature may have been made over."""

    def structure(payload: bytes, header: bytes = protected) -> bytes:
        return cbor.encode([_CONTEXT, header, b"", payload])

    inner = envelope.manifest[cbor.locate(envelope.manifest, len(envelope.manifest)).content :]
    yield "the manifest itself", structure(inner)
    yield "the manifest with the head of its byte string", structure(envelope.manifest)
    yield "the hash alone", structure(envelope.digest.value)
    yield "the digest in one more byte string", structure(cbor.encode(envelope.signed_digest))
    yield "the digest without COSE's Sig_structure", envelope.signed_digest
    yield "the manifest without COSE's Sig_structure", inner
    yield "an empty protected header", structure(envelope.signed_digest, b"")


def _holds(envelope: UpdateEnvelope, signature: Signature, key: UpdateKey) -> bool:
    return key.has_signed(signed_bytes(envelope, signature.protected), signature.proof)


def _sign1s(envelope: UpdateEnvelope) -> list[Signature]:
    return [each for each in envelope.signatures if each.tag == SIGN1_TAG]


def _named_keys(refused: RefusedUpdate) -> list[tuple[str, UpdateKeyEntry]]:
    return list(zip(refused.device.key_names, refused.device.keys, strict=True))
