"""Issue tokens: claims and a key in, bytes out; `envelope` says what their proofs cover."""

from dataclasses import replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pycose.headers import KID
from pycose.headers import Algorithm as AlgorithmHeader
from pycose.keys.curves import Ed25519
from pycose.keys.okp import OKPKey
from pycose.keys.symmetric import SymmetricKey
from pycose.messages.mac0message import Mac0Message
from pycose.messages.sign1message import Sign1Message

from . import claims as claims_codec
from .claims import Claims
from .envelope import Envelope, protected_header, raw_hmac
from .errors import KeyFileError
from .keys import KeyMaterial
from .kinds import Algorithm, Kind, Profile

_PYCOSE_ALGORITHM = {Algorithm.EDDSA: "EDDSA", Algorithm.HMAC_256: "HMAC_256"}


def issue(
    claims: Claims, kind: Kind, key: KeyMaterial, profile: Profile, *, tagged: bool | None = None
) -> bytes:
    """Make one token.

    Args:
        claims: what the token says; exactly what kind and profile demand and allow.
        kind: the place that the token is for.
        key: a key that can sign.
        profile: layout of the token.
        tagged: whether the token begins with the tags 61 and 18 or 17; by default it does, except
            an Ed25519 token of ``riot-2024``, which the firmware writes without.

    Raises:
        ClaimsError: the claims do not fit kind or profile.
        KeyFileError: the key cannot sign.
        ValueError: an untagged form that does not exist.
    """
    if tagged is None:
        tagged = profile is not Profile.RIOT_2024 or bool(not key.public)
    payload = claims_codec.encode(claims, kind, profile)
    return prove(payload, key, profile, tagged=tagged).encode()


def prove(payload: bytes, key: KeyMaterial, profile: Profile, *, tagged: bool = True) -> Envelope:
    """Sign or MAC a payload.

    Args:
        payload: encoded claims.
        key: a key that can sign.
        profile: decides headers and what the proof covers.
        tagged: whether the token begins with the tags; the firmware's own tokens have none. An HMAC
            needs them, and so does every token of ``rfc9052``.

    Raises:
        KeyFileError: only the public half of the key is known, or the key is not for signing.
        ValueError: an untagged form that does not exist.
    """
    if key.secret is None:
        raise KeyFileError("this is a public key; signing needs the private one")
    if not key.may_sign:
        raise KeyFileError("key_ops (label 4) of this COSE_Key does not allow to sign with it")
    if not tagged and (profile is Profile.RFC9052 or key.algorithm is Algorithm.HMAC_256):
        raise ValueError("only an Ed25519 token of riot-2024 can be without tags")
    if profile is Profile.RIOT_2024:
        algorithm = Algorithm.HMAC_256 if key.is_symmetric else Algorithm.EDDSA
        return Envelope(tagged, algorithm, b"", payload, _raw_proof(payload, key, key.secret))
    protected = protected_header(key.algorithm, key.kid)
    unproved = Envelope(True, key.algorithm, protected, payload, b"")
    if key.algorithm is Algorithm.ED25519:  # pycose does not know the number
        return replace(unproved, proof=_raw_proof(unproved.structure, key, key.secret))
    return replace(unproved, proof=_cose_proof(payload, key, key.secret))


def _raw_proof(covered: bytes, key: KeyMaterial, secret: bytes) -> bytes:
    if key.is_symmetric:
        return raw_hmac(covered, secret)
    return Ed25519PrivateKey.from_private_bytes(secret).sign(covered)


def _cose_proof(payload: bytes, key: KeyMaterial, secret: bytes) -> bytes:
    header: dict[object, object] = {AlgorithmHeader: _PYCOSE_ALGORITHM[key.algorithm]}
    if key.kid is not None:
        header[KID] = key.kid
    if key.algorithm is Algorithm.HMAC_256:
        mac = Mac0Message(phdr=header, payload=payload, key=SymmetricKey(k=secret))
        return bytes(mac.compute_tag())
    okp = OKPKey(crv=Ed25519, x=key.public, d=secret)
    return bytes(Sign1Message(phdr=header, payload=payload, key=okp).compute_signature())
