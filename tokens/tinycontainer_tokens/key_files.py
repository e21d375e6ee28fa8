"""Key files: PEM (PKCS #8 and SubjectPublicKeyInfo, Ed25519) and COSE_Key (RFC 9052, section 7).

Everything here works on bytes; the caller reads and writes the files.
"""

import codecs
from dataclasses import replace

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization as pem
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from . import cbor
from .envelope import COSE_NUMBER
from .errors import CborError, KeyFileError
from .keys import KeyMaterial
from .kinds import Algorithm

MAX_KEY_FILE_BYTES = 4096
# Labels of a COSE_Key (RFC 9052, section 7; RFC 9053, section 7). Label -1 is the curve of an OKP
# key, and the secret bytes of a symmetric one.
_KTY = 1
_KID = 2
_ALG = 3
_CRV_OR_K = -1
_X = -2
_D = -4
_KTY_OKP = 1
_KTY_SYMMETRIC = 4
_CRV_ED25519 = 6
_PEM_BEGINS = b"-----BEGIN"
_KEY_OPS = 4
_SIGN_AND_VERIFY = (1, 2)
_MAKE_AND_VERIFY_MAC = (9, 10)
# What a key is for, in key_ops (RFC 9052, table 5): first to make a proof, then to verify it.

_FOREIGN = (
    (b"-----BEGIN OPENSSH PRIVATE KEY-----", "an OpenSSH private key"),
    (b"-----BEGIN SSH2 ", "an SSH key"),
    (b"-----BEGIN CERTIFICATE-----", "an X.509 certificate"),
    (b"-----BEGIN CERTIFICATE REQUEST-----", "a certificate request"),
    (b"-----BEGIN PGP ", "a PGP key"),
)
_DER_SEQUENCE = b"\x30"
_SHORTEST_DER_BYTES = 40


def parse(content: bytes, passphrase: bytes | None = None) -> KeyMaterial:
    """Read a key file: PEM if it begins like one, COSE_Key otherwise.

    Args:
        content: the whole file.
        passphrase: opens an encrypted PEM.

    Raises:
        KeyFileError: the file is neither, holds several keys, is too long, is not of a key that
            tokens use, or the passphrase does not open it.
    """
    if len(content) > MAX_KEY_FILE_BYTES:
        raise KeyFileError(f"{len(content)} bytes are too many for a key file")
    foreign = next((name for begin, name in _FOREIGN if begin in content), None)
    if foreign is None and _PEM_BEGINS not in content:  # text may come before a PEM, of any kind
        foreign = _name_foreign(content)
    if foreign is not None:
        raise KeyFileError(
            f"this is {foreign}; use PEM (PKCS #8, SubjectPublicKeyInfo) or COSE_Key"
        )
    # Tools write text in front of the first block; a COSE_Key begins with a byte that is no text.
    if content[:1].isascii() and _PEM_BEGINS in content:
        return _parse_pem(content, passphrase)
    return _parse_cose_key(content)


def is_encrypted(content: bytes) -> bool:
    """Whether a key file needs a passphrase."""
    return b"-----BEGIN ENCRYPTED PRIVATE KEY-----" in content


def is_key_file(content: bytes) -> bool:
    """Whether a file must not be shown: PEM, a COSE_Key or a set of them, usable or not.

    Args:
        content: untrusted bytes.
    """
    text = content.removeprefix(codecs.BOM_UTF8)
    if text[:1].isascii() and _PEM_BEGINS in text[:MAX_KEY_FILE_BYTES]:
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
    private = Ed25519PrivateKey.from_private_bytes(key.secret)
    protection: pem.KeySerializationEncryption = pem.NoEncryption()
    try:
        if passphrase is not None:
            protection = pem.BestAvailableEncryption(passphrase)
        return private.private_bytes(pem.Encoding.PEM, pem.PrivateFormat.PKCS8, protection)
    except ValueError:
        raise KeyFileError("this passphrase cannot be used; it is empty or too long") from None


def to_public_pem(key: KeyMaterial) -> bytes:
    """The public half as SubjectPublicKeyInfo PEM.

    Raises:
        KeyFileError: an HMAC key has no public half.
    """
    public = Ed25519PublicKey.from_public_bytes(key.public_half().public)
    return public.public_bytes(pem.Encoding.PEM, pem.PublicFormat.SubjectPublicKeyInfo)


def to_cose_key(key: KeyMaterial) -> bytes:
    """The key as a COSE_Key, with its secret half if it is known.

    It names an alg if the key is for one alone, and key_ops if it is not for all that it could do.
    """
    content: dict[int, cbor.Value] = {}
    if key.algorithm is not Algorithm.EDDSA or key.is_alg_fixed:
        content[_ALG] = COSE_NUMBER[key.algorithm]
    if key.kid is not None:
        content[_KID] = key.kid
    make, check = _MAKE_AND_VERIFY_MAC if key.is_symmetric else _SIGN_AND_VERIFY
    if not (key.may_sign and key.may_verify):
        content[_KEY_OPS] = [make if key.may_sign else check]
    if key.algorithm is Algorithm.HMAC_256:
        content[_KTY] = _KTY_SYMMETRIC
        content[_CRV_OR_K] = key.hmac_key
        return cbor.encode(content)
    content |= {_KTY: _KTY_OKP, _CRV_OR_K: _CRV_ED25519, _X: key.public}
    if key.secret is not None:
        content[_D] = key.secret
    return cbor.encode(content)


def _is_cose_key(value: cbor.Value) -> bool:
    # The headers of a token are maps with label 1 too, but hold no parameters of a key.
    return isinstance(value, dict) and _KTY in value and any(label < 0 for label in value)


def _name_foreign(content: bytes) -> str | None:
    text = content.lstrip()
    if text.startswith((b"ssh-", b"ecdsa-", b"sk-ssh-")):
        return "an OpenSSH public key"
    if text.startswith((b"{", b"[{")):
        return "JSON, perhaps a JWK"
    if content.startswith(_DER_SEQUENCE) and len(content) >= _SHORTEST_DER_BYTES:
        return "DER without PEM around it"
    return None


def _parse_pem(content: bytes, passphrase: bytes | None) -> KeyMaterial:
    count = content.count(_PEM_BEGINS)
    if count > 1:
        raise KeyFileError(f"the PEM file holds {count} keys or other blocks; give a file to each")
    try:
        if b"PRIVATE KEY-----" in content:
            private = pem.load_pem_private_key(content, passphrase)
            if not isinstance(private, Ed25519PrivateKey):
                raise KeyFileError("the PEM file holds a private key that is not Ed25519")
            return KeyMaterial.from_private(private.private_bytes_raw())
        public = pem.load_pem_public_key(content)
    except (TypeError, UnsupportedAlgorithm) as error:
        raise KeyFileError(_passphrase_problem(passphrase, error)) from None
    except KeyFileError:
        raise
    except ValueError:
        problem = "cannot be read" if passphrase is None else "cannot be read with this passphrase"
        raise KeyFileError(f"the PEM file {problem}") from None
    if not isinstance(public, Ed25519PublicKey):
        raise KeyFileError("the PEM file holds a public key that is not Ed25519")
    return KeyMaterial(Algorithm.EDDSA, public.public_bytes_raw())


def _passphrase_problem(passphrase: bytes | None, error: Exception) -> str:
    if isinstance(error, UnsupportedAlgorithm):
        return "the PEM file holds a key of a kind that is not supported; use Ed25519"
    if passphrase is None:
        return "the private key is encrypted; give its passphrase"
    return "a passphrase was given, but the private key is not encrypted"


def _parse_cose_key(content: bytes) -> KeyMaterial:
    try:
        fields = cbor.decode(content, MAX_KEY_FILE_BYTES)
    except CborError:
        # The message does not say what is wrong: it could quote a secret that is no key file.
        raise KeyFileError("neither PEM nor a COSE_Key in strict CBOR") from None
    if not isinstance(fields, dict):
        raise KeyFileError("a COSE_Key is a map")
    kid = fields.get(_KID)
    if kid is not None and not isinstance(kid, bytes):
        raise KeyFileError("kid (label 2) of the COSE_Key is not a byte string")
    if fields.get(_KTY) == _KTY_SYMMETRIC:
        _refuse_others(fields, {_KTY, _KID, _ALG, _KEY_OPS, _CRV_OR_K})
        algorithm = _read_algorithm(fields, (Algorithm.HMAC_256,))
        may_sign, may_verify = _read_operations(fields, _MAKE_AND_VERIFY_MAC)
        secret = _raw(fields, _CRV_OR_K, "k")
        return KeyMaterial(algorithm, b"", secret, kid, may_sign=may_sign, may_verify=may_verify)
    if fields.get(_KTY) != _KTY_OKP or fields.get(_CRV_OR_K) != _CRV_ED25519:
        raise KeyFileError("the COSE_Key is neither OKP on Ed25519 (kty 1, crv 6) nor symmetric")
    _refuse_others(fields, {_KTY, _KID, _ALG, _KEY_OPS, _CRV_OR_K, _X, _D})
    algorithm = _read_algorithm(fields, (Algorithm.EDDSA, Algorithm.ED25519))
    may_sign, may_verify = _read_operations(fields, _SIGN_AND_VERIFY)
    key = replace(_read_ed25519(fields, kid), may_sign=may_sign, may_verify=may_verify)
    return key.restrict_to(algorithm) if _ALG in fields else key


def _read_ed25519(fields: dict[int, cbor.Value], kid: bytes | None) -> KeyMaterial:
    private = _raw(fields, _D, "d") if _D in fields else None
    if private is not None and _X not in fields:  # x may be left out (RFC 9053, section 7.2)
        return KeyMaterial.from_private(private, kid)
    return KeyMaterial(Algorithm.EDDSA, _raw(fields, _X, "x"), private, kid)


def _refuse_others(fields: dict[int, cbor.Value], allowed: set[int]) -> None:
    unknown = sorted(set(fields) - allowed)
    if unknown:
        raise KeyFileError(f"the COSE_Key has labels that are not allowed: {unknown}")


def _read_algorithm(fields: dict[int, cbor.Value], possible: tuple[Algorithm, ...]) -> Algorithm:
    """The algorithm that a key names, else the first of those that it could be for."""
    if _ALG not in fields:
        return possible[0]
    for algorithm in possible:
        if fields[_ALG] == COSE_NUMBER[algorithm]:
            return algorithm
    numbers = " or ".join(str(COSE_NUMBER[algorithm]) for algorithm in possible)
    raise KeyFileError(f"alg (label 3) of the COSE_Key is not {numbers}")


def _read_operations(fields: dict[int, cbor.Value], allowed: tuple[int, int]) -> tuple[bool, bool]:
    """Whether a key may make proofs, and whether it may verify them."""
    operations = fields.get(_KEY_OPS, list(allowed))
    if not isinstance(operations, list) or not operations:
        raise KeyFileError("key_ops (label 4) of the COSE_Key is not a list of operations")
    if any(each not in allowed for each in operations):
        raise KeyFileError(f"key_ops (label 4) of the COSE_Key allows more than {list(allowed)}")
    make, check = allowed
    return make in operations, check in operations


def _raw(fields: dict[int, cbor.Value], label: int, name: str) -> bytes:
    value = fields.get(label)
    if not isinstance(value, bytes):
        raise KeyFileError(f"{name} (label {label}) of the COSE_Key is not a byte string")
    return value
