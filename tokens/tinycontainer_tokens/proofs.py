"""Signatures and MACs of both profiles: made and checked here and nowhere else.

``rfc9052`` covers COSE's Sig_structure or MAC_structure and is made by pycose. ``riot-2024`` covers
the payload bytes alone, as the firmware does; that is no COSE, so it is done with the primitives.
"""

import hashlib
import hmac

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pycose.headers import KID
from pycose.headers import Algorithm as AlgorithmHeader
from pycose.keys.curves import Ed25519
from pycose.keys.okp import OKPKey
from pycose.keys.symmetric import SymmetricKey
from pycose.messages.mac0message import Mac0Message
from pycose.messages.sign1message import Sign1Message

from . import cbor
from .envelope import Envelope, protected_header
from .errors import KeyFileError
from .keys import KeyMaterial
from .kinds import Algorithm, Profile

_PYCOSE_ALGORITHM = {Algorithm.EDDSA: "EDDSA", Algorithm.HMAC_256: "HMAC_256"}


def prove(payload: bytes, key: KeyMaterial, profile: Profile, *, tagged: bool = True) -> Envelope:
    """Sign or MAC a payload.

    Args:
        payload: encoded claims.
        key: a key that can sign.
        profile: decides headers and what the proof covers.
        tagged: whether the token begins with the tags; the firmware's own tokens have none. An HMAC
            needs them, and so does every token of ``rfc9052``.

    Raises:
        KeyFileError: only the public half of the key is known.
        ValueError: an untagged form that does not exist.
    """
    if key.secret is None:
        raise KeyFileError("this is a public key; signing needs the private one")
    if not tagged and (profile is Profile.RFC9052 or key.algorithm is Algorithm.HMAC_256):
        raise ValueError("only an Ed25519 token of riot-2024 can be without tags")
    if profile is Profile.RIOT_2024:
        return Envelope(tagged, key.algorithm, b"", payload, _raw_proof(payload, key, key.secret))
    protected = protected_header(key.algorithm, key.kid)
    proof = _cose_proof(payload, key, key.secret)
    return Envelope(True, key.algorithm, protected, payload, proof)


def proof_holds(envelope: Envelope, key: KeyMaterial) -> bool:
    """Whether the proof was made with this key, by the rules of the envelope's profile."""
    if envelope.algorithm is not key.algorithm:
        return False
    is_cose = envelope.profile is Profile.RFC9052
    if key.verifier is None:
        tag = _cose_tag(envelope, key) if is_cose else _hmac(envelope.payload, key.hmac_key)
        return hmac.compare_digest(tag, envelope.proof)
    # Not by pycose: its message would parse and check the header again, which was done before.
    covered = (
        cbor.encode(["Signature1", envelope.protected, b"", envelope.payload])
        if is_cose
        else envelope.payload
    )
    try:
        key.verifier.verify(envelope.proof, covered)
    except InvalidSignature:
        return False
    return True


def _raw_proof(payload: bytes, key: KeyMaterial, secret: bytes) -> bytes:
    if key.algorithm is Algorithm.HMAC_256:
        return _hmac(payload, secret)
    return Ed25519PrivateKey.from_private_bytes(secret).sign(payload)


def _hmac(payload: bytes, secret: bytes) -> bytes:
    return hmac.new(secret, payload, hashlib.sha256).digest()


def _cose_proof(payload: bytes, key: KeyMaterial, secret: bytes) -> bytes:
    header: dict[object, object] = {AlgorithmHeader: _PYCOSE_ALGORITHM[key.algorithm]}
    if key.kid is not None:
        header[KID] = key.kid
    if key.algorithm is Algorithm.HMAC_256:
        mac = Mac0Message(phdr=header, payload=payload, key=SymmetricKey(k=secret))
        return bytes(mac.compute_tag())
    okp = OKPKey(crv=Ed25519, x=key.public, d=secret)
    return bytes(Sign1Message(phdr=header, payload=payload, key=okp).compute_signature())


def _cose_tag(envelope: Envelope, key: KeyMaterial) -> bytes:
    message = [envelope.protected, {}, envelope.payload, envelope.proof]
    mac = Mac0Message.from_cose_obj(message, allow_unknown_attributes=True)
    mac.key = SymmetricKey(k=key.hmac_key)
    return bytes(mac.compute_tag())
