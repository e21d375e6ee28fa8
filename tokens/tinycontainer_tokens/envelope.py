"""The outer form of a token: which COSE message it is, its headers and its proof (RFC 9052).

Both profiles share this form and differ in tags, headers and in what the signature covers:

* ``rfc9052``: 61(18([protected, {}, payload, signature])) or 61(17(...)); the protected header
  names the algorithm and, optionally, the key.
* ``riot-2024``: the C firmware's form. Untagged (a COSE_Sign1), or the same two tags; both
  headers empty.

The proof of ``rfc9052`` covers COSE's Sig_structure or MAC_structure. That of ``riot-2024`` covers
the payload bytes alone, as the firmware does; that is no COSE, so it is done with the primitives.
"""

import hashlib
import hmac
from dataclasses import dataclass
from typing import Final

from . import cbor
from .errors import CborError, TokenError
from .keys import MAX_KID_BYTES, KeyMaterial
from .kinds import Algorithm, Profile

MAX_TOKEN_BYTES = 1024
"""Longest token that is looked at."""

CWT_TAG = 61
_MAC0_TAG = 17
_SIGN1_TAG = 18
ALG_LABEL = 1
KID_LABEL = 4

TAG_OF: Final = {
    Algorithm.EDDSA: _SIGN1_TAG,
    Algorithm.ED25519: _SIGN1_TAG,
    Algorithm.HMAC_256: _MAC0_TAG,
}
COSE_NUMBER: Final = {Algorithm.EDDSA: -8, Algorithm.ED25519: -19, Algorithm.HMAC_256: 5}
CONTEXT: Final = {_SIGN1_TAG: "Signature1", _MAC0_TAG: "MAC0"}
"""By tag, the first item of what a proof covers: Sig_structure or MAC_structure (RFC 9052)."""
_PROOF_BYTES: Final = {_SIGN1_TAG: 64, _MAC0_TAG: 32}


@dataclass(frozen=True, slots=True)
class Envelope:
    """A token taken apart.

    Attributes:
        tagged: whether it begins with the tags (in ``rfc9052`` it must).
        algorithm: what kind of proof it carries; of the two names of Ed25519 that of its header,
            and ``EdDSA`` without a header.
        protected: protected header as it was encoded.
        payload: encoded claims.
        proof: signature (64 bytes) or authentication tag (32 bytes).
    """

    tagged: bool
    algorithm: Algorithm
    protected: bytes
    payload: bytes
    proof: bytes

    @property
    def profile(self) -> Profile:
        """The profile that the form belongs to: only ``riot-2024`` has an empty header."""
        return Profile.RFC9052 if self.protected else Profile.RIOT_2024

    @property
    def structure(self) -> bytes:
        """COSE's Sig_structure or MAC_structure, which a proof of ``rfc9052`` covers."""
        context = CONTEXT[TAG_OF[self.algorithm]]
        return cbor.encode([context, self.protected, b"", self.payload])

    def encode(self) -> bytes:
        """The token as bytes."""
        message = cbor.encode([self.protected, {}, self.payload, self.proof])
        if not self.tagged:
            return message
        return cbor.with_tags((CWT_TAG, TAG_OF[self.algorithm]), message)


def parse(token: bytes) -> Envelope:
    """Take a token apart without judging profile, header or signature.

    Raises:
        TokenError: the bytes are not one COSE_Sign1 or COSE_Mac0 of either profile's form.
    """
    if len(token) > MAX_TOKEN_BYTES:
        raise TokenError(f"{len(token)} bytes where at most {MAX_TOKEN_BYTES} are allowed")
    try:
        tags, message = cbor.decode_tagged(token, MAX_TOKEN_BYTES)
    except CborError as error:
        raise TokenError(str(error)) from None
    tag = _message_tag(tags)
    if not isinstance(message, list) or len(message) != 4:
        raise TokenError("not an array of protected, unprotected, payload and signature")
    protected, unprotected, payload, proof = message
    if not isinstance(protected, bytes) or not isinstance(payload, bytes):
        raise TokenError("protected header and payload are not both byte strings")
    if unprotected != {}:
        raise TokenError("the unprotected header is not the empty map")
    algorithm = _algorithm_of(tag, protected)
    if not isinstance(proof, bytes) or len(proof) != _PROOF_BYTES[tag]:
        raise TokenError(f"the proof of {algorithm} is not {_PROOF_BYTES[tag]} bytes")
    return Envelope(bool(tags), algorithm, protected, payload, proof)


def parse_if_possible(token: bytes) -> Envelope | None:
    """Take a token apart; None if it is no COSE message of either profile."""
    try:
        return parse(token)
    except TokenError:
        return None


def protected_header(algorithm: Algorithm, kid: bytes | None) -> bytes:
    """Encode the protected header of ``rfc9052``."""
    header: dict[int, cbor.Value] = {ALG_LABEL: COSE_NUMBER[algorithm]}
    if kid is not None:
        header[KID_LABEL] = kid
    return cbor.encode(header)


_WITHOUT_KID: Final = {algorithm: protected_header(algorithm, None) for algorithm in Algorithm}


def read_protected(envelope: Envelope) -> bytes | None:
    """Check the protected header of ``rfc9052`` and return its key id.

    Raises:
        TokenError: anything but the algorithm that the tag implies and a key id of 1 to 64 bytes.
    """
    if envelope.protected == _WITHOUT_KID[envelope.algorithm]:
        return None
    try:
        header = cbor.decode(envelope.protected, MAX_TOKEN_BYTES)
    except CborError as error:
        raise TokenError(f"protected header: {error}") from None
    if not isinstance(header, dict):
        raise TokenError("the protected header is not a map")
    unknown = sorted(set(header) - {ALG_LABEL, KID_LABEL})
    if unknown:
        raise TokenError(f"the protected header has labels that are not allowed: {unknown}")
    if header.get(ALG_LABEL) != COSE_NUMBER[envelope.algorithm]:
        raise TokenError(
            f"alg is not {_numbers_of(TAG_OF[envelope.algorithm])}, as the tag demands"
        )
    kid = header.get(KID_LABEL)
    if kid is not None and not (isinstance(kid, bytes) and 1 <= len(kid) <= MAX_KID_BYTES):
        raise TokenError(f"kid is not 1 to {MAX_KID_BYTES} bytes")
    return kid


def proof_holds(envelope: Envelope, key: KeyMaterial) -> bool:
    """Whether the proof was made with this key, by the rules of the envelope's profile.

    Args:
        envelope: of any token that could be taken apart, with a header that was not checked.
        key: the key.
    """
    if not key.allows(envelope.algorithm, envelope.profile):
        return False
    # Not by pycose: its messages parse the header, and a header that nobody has judged (`explain`
    # tries keys on such tokens too) makes them raise almost anything.
    covered = envelope.structure if envelope.profile is Profile.RFC9052 else envelope.payload
    if key.verifier is None:
        return hmac.compare_digest(raw_hmac(covered, key.hmac_key), envelope.proof)
    return key.verifier.has_signed(covered, envelope.proof)


def raw_hmac(payload: bytes, secret: bytes) -> bytes:
    """HMAC with SHA-256, not truncated, over the bytes alone."""
    return hmac.new(secret, payload, hashlib.sha256).digest()


_ED25519_HEADER: Final = _WITHOUT_KID[Algorithm.ED25519][1:]


def _algorithm_of(tag: int, protected: bytes) -> Algorithm:
    if tag == _MAC0_TAG:
        return Algorithm.HMAC_256
    # No need to decode a header that nobody has judged: in every one that is accepted, alg is the
    # first label.
    if protected[1:].startswith(_ED25519_HEADER):
        return Algorithm.ED25519
    return Algorithm.EDDSA


def _numbers_of(tag: int) -> str:
    """The values of alg under a tag, with their names."""
    named = (f"{COSE_NUMBER[each]} ({each})" for each in Algorithm if TAG_OF[each] == tag)
    return " or ".join(named)


def _message_tag(tags: tuple[int, ...]) -> int:
    if tags == ():
        return _SIGN1_TAG
    if len(tags) == 2 and tags[0] == CWT_TAG and tags[1] in _PROOF_BYTES:
        return tags[1]
    raise TokenError(f"tags {list(tags)} are not [61, 18] (signed) or [61, 17] (MAC)")
