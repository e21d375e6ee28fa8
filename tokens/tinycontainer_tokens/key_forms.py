"""What all key files have in common: PEM or COSE_Key, bounded, other formats refused by their name.

Which keys are of use is for the caller to say: `key_files` takes those of tokens, and who signs
something else takes others. Everything here works on bytes.
"""

import re
from typing import Final, TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization as pem
from cryptography.hazmat.primitives.asymmetric.ec import (
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes

from . import cbor
from .errors import CborError, KeyFileError

MAX_KEY_FILE_BYTES: Final = 4096
PEM_BEGINS: Final = b"-----BEGIN"

# Labels of a COSE_Key (RFC 9052, section 7; RFC 9053, section 7). Label -1 is the curve of an OKP
# or EC2 key, and the secret bytes of a symmetric one.
KTY: Final = 1
KID: Final = 2
ALG: Final = 3
KEY_OPS: Final = 4
CRV_OR_K: Final = -1
X: Final = -2
D: Final = -4
KTY_OKP: Final = 1
KTY_SYMMETRIC: Final = 4
CRV_ED25519: Final = 6
SIGN_AND_VERIFY: Final = (1, 2)
"""What a key is for, in key_ops (RFC 9052, table 5): first to make a proof, then to verify it."""

CoseFields: TypeAlias = dict[int, cbor.Value]

_FOREIGN: Final = (
    (b"-----BEGIN OPENSSH PRIVATE KEY-----", "an OpenSSH private key"),
    (b"-----BEGIN SSH2 ", "an SSH key"),
    (b"-----BEGIN CERTIFICATE-----", "an X.509 certificate"),
    (b"-----BEGIN CERTIFICATE REQUEST-----", "a certificate request"),
    (b"-----BEGIN PGP ", "a PGP key"),
)
_MAP_HEADS: Final = frozenset(bytes([head]) for head in range(0xA0, 0xC0))
_DER_SEQUENCE: Final = b"\x30"
_SHORTEST_DER_BYTES: Final = 40
_CURVES: Final = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}


def is_pem(content: bytes) -> bool:
    """Whether a key file is PEM; otherwise it is to be read as a COSE_Key.

    Args:
        content: the whole file.

    Raises:
        KeyFileError: it is too long, or of a format that is neither.
    """
    if len(content) > MAX_KEY_FILE_BYTES:
        raise KeyFileError(f"{len(content)} bytes are too many for a key file")
    if content[:1] in _MAP_HEADS:  # whatever a COSE_Key holds, such as in its key id
        return False
    foreign = next((name for begin, name in _FOREIGN if begin in content), None)
    if foreign is None and PEM_BEGINS not in content:  # text may come before a PEM, of any kind
        foreign = _name_foreign(content)
    if foreign is not None:
        raise KeyFileError(
            f"this is {foreign}; use PEM (PKCS #8, SubjectPublicKeyInfo) or COSE_Key"
        )
    return content[:1].isascii() and PEM_BEGINS in content


def read_pem(
    content: bytes, passphrase: bytes | None, usable: str
) -> PrivateKeyTypes | PublicKeyTypes:
    """Read the one key of a PEM file, of any kind that the library knows.

    Args:
        content: at most `MAX_KEY_FILE_BYTES`.
        passphrase: opens an encrypted key.
        usable: the kinds of keys that the caller takes, for errors.

    Raises:
        KeyFileError: it holds several keys, cannot be read, or the passphrase does not open it.
    """
    count = content.count(PEM_BEGINS)
    if count > 1:
        raise KeyFileError(f"the PEM file holds {count} keys or other blocks; give a file to each")
    try:
        if b"PRIVATE KEY-----" in content:
            return pem.load_pem_private_key(content, passphrase)
        return pem.load_pem_public_key(content)
    except UnsupportedAlgorithm:
        problem = f"the PEM file holds a key of a kind that is not supported; use {usable}"
    except TypeError:
        problem = "a passphrase was given, but the private key is not encrypted"
        if passphrase is None:
            problem = "the private key is encrypted; give its passphrase"
    except ValueError:
        problem = "cannot be read" if passphrase is None else "cannot be read with this passphrase"
        problem = f"the PEM file {problem}"
    raise KeyFileError(problem) from None


def write_private_pem(key: PrivateKeyTypes, passphrase: bytes | None) -> bytes:
    """A private key as PKCS #8 PEM, encrypted if there is a passphrase.

    Raises:
        KeyFileError: the passphrase is unusable.
    """
    protection: pem.KeySerializationEncryption = pem.NoEncryption()
    try:
        if passphrase is not None:
            protection = pem.BestAvailableEncryption(passphrase)
        return key.private_bytes(pem.Encoding.PEM, pem.PrivateFormat.PKCS8, protection)
    except ValueError:
        raise KeyFileError("this passphrase cannot be used; it is empty or too long") from None


def write_public_pem(key: PublicKeyTypes) -> bytes:
    """A public key as SubjectPublicKeyInfo PEM."""
    return key.public_bytes(pem.Encoding.PEM, pem.PublicFormat.SubjectPublicKeyInfo)


def name_kind(key: PrivateKeyTypes | PublicKeyTypes) -> str:
    """The kind of a key as people say it, such as ``P-256``, ``RSA`` or ``X25519``."""
    if isinstance(key, EllipticCurvePrivateKey | EllipticCurvePublicKey):
        return _CURVES.get(key.curve.name, key.curve.name)
    return re.sub(r"^_|(Private|Public)Key$", "", type(key).__name__)


def read_cose_fields(content: bytes) -> CoseFields:
    """Read the map of a COSE_Key.

    Raises:
        KeyFileError: it is no map of integers in strict CBOR.
    """
    try:
        fields = cbor.decode(content, MAX_KEY_FILE_BYTES)
    except CborError:
        # The message does not say what is wrong: it could quote a secret that is no key file.
        raise KeyFileError("neither PEM nor a COSE_Key in strict CBOR") from None
    if not isinstance(fields, dict):
        raise KeyFileError("a COSE_Key is a map")
    return fields


def read_kid(fields: CoseFields) -> bytes | None:
    """The key id of a COSE_Key; None if it has none.

    Raises:
        KeyFileError: it is no byte string.
    """
    kid = fields.get(KID)
    if kid is not None and not isinstance(kid, bytes):
        raise KeyFileError("kid (label 2) of the COSE_Key is not a byte string")
    return kid


def refuse_other_labels(fields: CoseFields, allowed: set[int]) -> None:
    """Refuse a COSE_Key with labels that its kind does not have.

    Raises:
        KeyFileError: it has some; they are named.
    """
    unknown = sorted(set(fields) - allowed)
    if unknown:
        raise KeyFileError(f"the COSE_Key has labels that are not allowed: {unknown}")


def read_alg(fields: CoseFields, possible: tuple[int, ...]) -> int | None:
    """The alg that a COSE_Key names; None if it names none.

    Raises:
        KeyFileError: it is not one of those that are possible.
    """
    if ALG not in fields:
        return None
    for number in possible:
        if fields[ALG] == number:
            return number
    raise KeyFileError(f"alg (label 3) of the COSE_Key is not {' or '.join(map(str, possible))}")


def read_operations(fields: CoseFields, allowed: tuple[int, int]) -> tuple[bool, bool]:
    """Whether a key may make proofs, and whether it may verify them.

    Args:
        fields: of the COSE_Key.
        allowed: the operation that makes a proof, and the one that verifies it.

    Raises:
        KeyFileError: key_ops is no list of these.
    """
    operations = fields.get(KEY_OPS, list(allowed))
    if not isinstance(operations, list) or not operations:
        raise KeyFileError("key_ops (label 4) of the COSE_Key is not a list of operations")
    if any(each not in allowed for each in operations):
        raise KeyFileError(f"key_ops (label 4) of the COSE_Key allows more than {list(allowed)}")
    make, check = allowed
    return make in operations, check in operations


def read_bytes(fields: CoseFields, label: int, name: str) -> bytes:
    """A byte string of a COSE_Key.

    Raises:
        KeyFileError: it is missing, or something else.
    """
    value = fields.get(label)
    if not isinstance(value, bytes):
        raise KeyFileError(f"{name} (label {label}) of the COSE_Key is not a byte string")
    return value


def _name_foreign(content: bytes) -> str | None:
    text = content.lstrip()
    if text.startswith((b"ssh-", b"ecdsa-", b"sk-ssh-")):
        return "an OpenSSH public key"
    if text.startswith((b"{", b"[{")):
        return "JSON, perhaps a JWK"
    if content.startswith(_DER_SEQUENCE) and len(content) >= _SHORTEST_DER_BYTES:
        return "DER without PEM around it"
    return None
