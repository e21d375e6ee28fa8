"""Key files: PEM (PKCS #8 and SubjectPublicKeyInfo, Ed25519) and COSE_Key (RFC 9052, section 7).

Everything here works on bytes; the caller reads and writes the files.
"""

import codecs
from dataclasses import replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from . import cbor, key_forms
from .envelope import COSE_NUMBER
from .errors import CborError, KeyFileError
from .key_forms import (
    ALG,
    CRV_ED25519,
    CRV_OR_K,
    KEY_OPS,
    KID,
    KTY,
    KTY_OKP,
    KTY_SYMMETRIC,
    PEM_BEGINS,
    SIGN_AND_VERIFY,
    CoseFields,
    D,
    X,
)
from .keys import KeyMaterial
from .kinds import Algorithm

MAX_KEY_FILE_BYTES = key_forms.MAX_KEY_FILE_BYTES
_MAKE_AND_VERIFY_MAC = (9, 10)
_USABLE = "Ed25519"
_ENCRYPTED = (b"-----BEGIN ENCRYPTED PRIVATE KEY-----", b"Proc-Type: 4,ENCRYPTED")
# The second is the form of before PKCS #8, which OpenSSL writes of keys on other curves.


def parse(content: bytes, passphrase: bytes | None = None) -> KeyMaterial:
    """Read a key file: PEM if it begins like one, COSE_Key otherwise.

    Args:
        content: the whole file.
        passphrase: opens an encrypted PEM.

    Raises:
        KeyFileError: the file is neither, holds several keys, is too long, is not of a key that
            tokens use, or the passphrase does not open it.
    """
    if key_forms.is_pem(content):
        return _parse_pem(content, passphrase)
    return _parse_cose_key(key_forms.read_cose_fields(content))


def is_encrypted(content: bytes) -> bool:
    """Whether a key file needs a passphrase."""
    return any(mark in content for mark in _ENCRYPTED)


def is_key_file(content: bytes) -> bool:
    """Whether a file must not be shown: PEM, a COSE_Key or a set of them, usable or not.

    Args:
        content: untrusted bytes.
    """
    text = content.removeprefix(codecs.BOM_UTF8)
    if text[:1].isascii() and PEM_BEGINS in text[:MAX_KEY_FILE_BYTES]:
        return True
    try:
        value = cbor.locate(content, MAX_KEY_FILE_BYTES).value
    except CborError:
        return False
    return any(map(_is_cose_key, value if isinstance(value, list) else [value]))


def to_pem(key: KeyMaterial, passphrase: bytes | None = None) -> bytes:
    """The private key as PKCS #8 PEM, encrypted if there is a passphrase.

    Raises:
        KeyFileError: not an Ed25519 key with its private half, or an unusable passphrase.
    """
    if key.is_symmetric or key.secret is None:
        raise KeyFileError("only an Ed25519 private key is written as PEM; use COSE_Key")
    return key_forms.write_private_pem(Ed25519PrivateKey.from_private_bytes(key.secret), passphrase)


def to_public_pem(key: KeyMaterial) -> bytes:
    """The public half as SubjectPublicKeyInfo PEM.

    Raises:
        KeyFileError: an HMAC key has no public half.
    """
    return key_forms.write_public_pem(Ed25519PublicKey.from_public_bytes(key.public_half().public))


def to_cose_key(key: KeyMaterial) -> bytes:
    """The key as a COSE_Key, with its secret half if it is known.

    It names an alg if the key is for one alone, and key_ops if it is not for all that it could do.
    """
    content: CoseFields = {}
    if key.algorithm is not Algorithm.EDDSA or key.is_alg_fixed:
        content[ALG] = COSE_NUMBER[key.algorithm]
    if key.kid is not None:
        content[KID] = key.kid
    make, check = _MAKE_AND_VERIFY_MAC if key.is_symmetric else SIGN_AND_VERIFY
    if not (key.may_sign and key.may_verify):
        content[KEY_OPS] = [make if key.may_sign else check]
    if key.algorithm is Algorithm.HMAC_256:
        content[KTY] = KTY_SYMMETRIC
        content[CRV_OR_K] = key.hmac_key
        return cbor.encode(content)
    content |= {KTY: KTY_OKP, CRV_OR_K: CRV_ED25519, X: key.public}
    if key.secret is not None:
        content[D] = key.secret
    return cbor.encode(content)


def _is_cose_key(value: cbor.Value) -> bool:
    # The headers of a token are maps with label 1 too, but hold no parameters of a key.
    return isinstance(value, dict) and KTY in value and any(label < 0 for label in value)


def _parse_pem(content: bytes, passphrase: bytes | None) -> KeyMaterial:
    key = key_forms.read_pem(content, passphrase, _USABLE)
    if isinstance(key, Ed25519PrivateKey):
        return KeyMaterial.from_private(key.private_bytes_raw())
    if isinstance(key, Ed25519PublicKey):
        return KeyMaterial(Algorithm.EDDSA, key.public_bytes_raw())
    half = "private" if b"PRIVATE KEY-----" in content else "public"
    kind = key_forms.name_kind(key)
    raise KeyFileError(f"the PEM file holds a {half} key that is not {_USABLE} but {kind}")


def _parse_cose_key(fields: CoseFields) -> KeyMaterial:
    kid = key_forms.read_kid(fields)
    if fields.get(KTY) == KTY_SYMMETRIC:
        return _parse_symmetric(fields, kid)
    if fields.get(KTY) != KTY_OKP or fields.get(CRV_OR_K) != CRV_ED25519:
        raise KeyFileError("the COSE_Key is neither OKP on Ed25519 (kty 1, crv 6) nor symmetric")
    key_forms.refuse_other_labels(fields, {KTY, KID, ALG, KEY_OPS, CRV_OR_K, X, D})
    algorithm = _read_algorithm(fields, (Algorithm.EDDSA, Algorithm.ED25519))
    may_sign, may_verify = key_forms.read_operations(fields, SIGN_AND_VERIFY)
    key = replace(_read_ed25519(fields, kid), may_sign=may_sign, may_verify=may_verify)
    return key if algorithm is None else key.restrict_to(algorithm)


def _parse_symmetric(fields: CoseFields, kid: bytes | None) -> KeyMaterial:
    key_forms.refuse_other_labels(fields, {KTY, KID, ALG, KEY_OPS, CRV_OR_K})
    _read_algorithm(fields, (Algorithm.HMAC_256,))
    may_sign, may_verify = key_forms.read_operations(fields, _MAKE_AND_VERIFY_MAC)
    secret = key_forms.read_bytes(fields, CRV_OR_K, "k")
    return KeyMaterial(
        Algorithm.HMAC_256, b"", secret, kid, may_sign=may_sign, may_verify=may_verify
    )


def _read_ed25519(fields: CoseFields, kid: bytes | None) -> KeyMaterial:
    private = key_forms.read_bytes(fields, D, "d") if D in fields else None
    if private is not None and X not in fields:  # x may be left out (RFC 9053, section 7.2)
        return KeyMaterial.from_private(private, kid)
    return KeyMaterial(Algorithm.EDDSA, key_forms.read_bytes(fields, X, "x"), private, kid)


def _read_algorithm(fields: CoseFields, possible: tuple[Algorithm, ...]) -> Algorithm | None:
    numbers = {COSE_NUMBER[algorithm]: algorithm for algorithm in possible}
    number = key_forms.read_alg(fields, tuple(numbers))
    return None if number is None else numbers[number]
