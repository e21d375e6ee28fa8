"""Files of update keys: PEM (PKCS #8, SubjectPublicKeyInfo, SEC 1) and COSE_Key (OKP and EC2).

Everything here works on bytes; the caller reads and writes the files. What all key files have in
common is in `tinycontainer_tokens.key_forms`, and Ed25519 in a COSE_Key is read as tokens read it.
"""

import re
from dataclasses import replace
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from tinycontainer_tokens import CborError, KeyFileError, KeyMaterial, cbor, key_files, key_forms
from tinycontainer_tokens.key_forms import ALG, KEY_OPS, KID, KTY, CoseFields, D, X

from . import p256
from .keys import UpdateAlgorithm, UpdateKey

_USABLE: Final = "P-256 or Ed25519"
_CURVE: Final = key_forms.CRV_OR_K
_Y: Final = -3
_KTY_EC2: Final = 2
_CRV_P256: Final = 1
_OTHER_KINDS: Final = {
    (_KTY_EC2, 2): "P-384",
    (_KTY_EC2, 3): "P-521",
    (_KTY_EC2, 8): "secp256k1",
    (key_forms.KTY_OKP, 4): "X25519",
    (key_forms.KTY_OKP, 5): "X448",
    (key_forms.KTY_OKP, 7): "Ed448",
}
"""Kinds of keys that are refused by their name, by kty and crv (RFC 9053, tables 17 and 18)."""

_KTY_RSA: Final = 3
_Y_AS_SIGN: Final = (b"\x22\xf4", b"\x22\xf5")
"""Label -3 and a boolean, as they are encoded: the compressed form of a point."""

_MAP: Final = 5
"""The major type of a map (RFC 8949, section 3)."""

_EC_PARAMETERS: Final = re.compile(
    rb"-----BEGIN EC PARAMETERS-----[^-]*-----END EC PARAMETERS-----\s*"
)
"""What ``openssl ecparam -genkey`` writes before a key; the key names its curve itself."""


def parse_update_key(content: bytes, passphrase: bytes | None = None) -> UpdateKey:
    """Read a key file: PEM if it begins like one, COSE_Key otherwise.

    A PEM does not say an algorithm, so its key is for both names of its signature; so is a COSE_Key
    without alg. A PEM may hold a point in compressed form. A COSE_Key may not: strict CBOR
    has no booleans.

    Args:
        content: the whole file.
        passphrase: opens an encrypted PEM.

    Raises:
        KeyFileError: the file is neither, holds several keys, is too long, is not of a key that
            signs updates, or the passphrase does not open it.
    """
    if key_forms.is_pem(content):
        return _parse_pem(_EC_PARAMETERS.sub(b"", content, count=1), passphrase)
    _refuse_compressed(content)
    fields = key_forms.read_cose_fields(content)
    if fields.get(KTY) == key_forms.KTY_SYMMETRIC:
        problem = "the COSE_Key is symmetric (HMAC): a device that checks updates could make them"
        raise KeyFileError(f"{problem}; use {_USABLE}")
    kind = (fields.get(KTY), fields.get(_CURVE))
    if kind == (key_forms.KTY_OKP, key_forms.CRV_ED25519):
        return _from_material(key_files.parse(content))
    if kind != (_KTY_EC2, _CRV_P256):
        raise KeyFileError(_name_other_kind(fields))
    return _parse_ec2(fields)


def to_private_pem(key: UpdateKey, passphrase: bytes | None = None) -> bytes:
    """The private key as PKCS #8 PEM, encrypted if there is a passphrase.

    Raises:
        KeyFileError: the private half is not known, or the passphrase is unusable.
    """
    if key.secret is None:
        raise KeyFileError("this key has no private half to write")
    if key.algorithm.is_p256:
        return key_forms.write_private_pem(p256.private_key_of(key.secret), passphrase)
    return key_files.to_pem(KeyMaterial.from_private(key.secret), passphrase)


def to_public_pem(key: UpdateKey) -> bytes:
    """The public half as SubjectPublicKeyInfo PEM."""
    if key.algorithm.is_p256:
        return key_forms.write_public_pem(p256.public_key_of(key.public))
    return key_forms.write_public_pem(Ed25519PublicKey.from_public_bytes(key.public))


def _parse_pem(content: bytes, passphrase: bytes | None) -> UpdateKey:
    key = key_forms.read_pem(content, passphrase, _USABLE)
    match key:
        case Ed25519PrivateKey() | Ed25519PublicKey():
            return _from_material(key_files.parse(content, passphrase))
        case ec.EllipticCurvePrivateKey(curve=ec.SECP256R1()):
            number = key.private_numbers().private_value
            secret = number.to_bytes(p256.COORDINATE_BYTES, "big")
            return UpdateKey.from_private(UpdateAlgorithm.ES256, secret)
        case ec.EllipticCurvePublicKey(curve=ec.SECP256R1()):
            return UpdateKey(UpdateAlgorithm.ES256, p256.encode_point(key))
    half = "private" if b"PRIVATE KEY-----" in content else "public"
    kind = key_forms.name_kind(key)
    raise KeyFileError(f"the PEM file holds a {half} key of {kind}; use {_USABLE}")


def _from_material(material: KeyMaterial) -> UpdateKey:
    """An update key of Ed25519 from what tokens would take it for."""
    algorithm = UpdateAlgorithm(material.algorithm)
    return UpdateKey(
        algorithm,
        material.public,
        material.secret,
        material.kid,
        is_alg_fixed=material.is_alg_fixed or algorithm is UpdateAlgorithm.ED25519,
        may_sign=material.may_sign,
        may_verify=material.may_verify,
    )


def _parse_ec2(fields: CoseFields) -> UpdateKey:
    key_forms.refuse_other_labels(fields, {KTY, KID, ALG, KEY_OPS, _CURVE, X, _Y, D})
    kid = key_forms.read_kid(fields)
    number = key_forms.read_alg(fields, _numbers_of_p256())
    may_sign, may_verify = key_forms.read_operations(fields, key_forms.SIGN_AND_VERIFY)
    key = replace(_read_p256(fields), kid=kid, may_sign=may_sign, may_verify=may_verify)
    algorithm = UpdateAlgorithm.of_number(number)
    return key if algorithm is None else key.restrict_to(algorithm)


def _read_p256(fields: CoseFields) -> UpdateKey:
    private = key_forms.read_bytes(fields, D, "d") if D in fields else None
    if private is not None and X not in fields and _Y not in fields:
        return UpdateKey.from_private(UpdateAlgorithm.ES256, private)  # RFC 9053, section 7.1.1
    point = p256.point_of(_read_coordinate(fields, X, "x"), _read_coordinate(fields, _Y, "y"))
    return UpdateKey(UpdateAlgorithm.ES256, point, private)


def _read_coordinate(fields: CoseFields, label: int, name: str) -> bytes:
    value = key_forms.read_bytes(fields, label, name)
    if len(value) != p256.COORDINATE_BYTES:  # zeros in front belong to it
        size = f"{p256.COORDINATE_BYTES} bytes, not {len(value)}"
        raise KeyFileError(f"{name} (label {label}) of a COSE_Key on P-256 has {size}")
    return value


def _numbers_of_p256() -> tuple[int, ...]:
    return tuple(each.cose_number for each in UpdateAlgorithm if each.is_p256)


def _refuse_compressed(content: bytes) -> None:
    try:
        cbor.decode(content, key_forms.MAX_KEY_FILE_BYTES)
    except CborError as error:
        ends_at_sign = content[error.offset - 1 : error.offset + 1] in _Y_AS_SIGN
        if ends_at_sign and content[0] >> 5 == _MAP:
            problem = "y (label -3) of the COSE_Key is a sign, and no byte string"
            raise KeyFileError(f"{problem}; write the point with both coordinates") from None


def _name_other_kind(fields: CoseFields) -> str:
    kty, curve = fields.get(KTY), fields.get(_CURVE)
    name = "RSA" if kty == _KTY_RSA else None
    if isinstance(kty, int) and isinstance(curve, int):
        name = _OTHER_KINDS.get((kty, curve), name)
    if name is not None:
        return f"the COSE_Key is of {name}; use {_USABLE}"
    return "the COSE_Key is neither OKP on Ed25519 (kty 1, crv 6) nor EC2 on P-256 (kty 2, crv 1)"
