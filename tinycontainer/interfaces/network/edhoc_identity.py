"""Identities for EDHOC (RFC 9528): a private key with its owner, a credential for all others.

Both are CBOR: the key as a COSE_Key of P-256, the credential as the claims set that holds the
public half (`kccs`). They are read with suspicion, and a key is never shown.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec

from tinycontainer.errors import DeviceFileError
from tinycontainer.interfaces.private_files import file_error, read_regular_file

MAX_FILE_BYTES: Final = 1024
_COORDINATE_BYTES: Final = 32
_KEY_ID: Final = b"-"
"""Nobody looks for it: credentials are sent by value, but the library wants one to be there."""
_KCCS: Final = 14
Credential: TypeAlias = dict[int, Any]
"""``{14: {2: subject, 8: {1: COSE_Key}}}``."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A private key, and the credential that it belongs to.

    Attributes:
        private_key: COSE_Key with the secret; not shown.
        credential: the public half, for all others.
    """

    private_key: dict[int, Any] = field(repr=False)
    credential: Credential


def make_identity(random_bytes: Callable[[int], bytes]) -> tuple[bytes, bytes]:
    """Make a private key and its credential.

    Args:
        random_bytes: draws so many unpredictable bytes.

    Returns:
        The file of the key, and the file of the credential.
    """
    while True:
        secret = random_bytes(_COORDINATE_BYTES)
        try:
            credential = _credential_of(int.from_bytes(secret, "big"))
        except ValueError:  # one draw in 2**32 is not below the order of the curve
            continue
        return cbor2.dumps({1: 2, -1: 1, -4: secret}), cbor2.dumps(credential)


def read_identity(path: Path) -> Identity:
    """Read a private key.

    Raises:
        DeviceFileError: it cannot be read, others than its owner can use it, or it is no key.
    """
    key = _read_map(path, is_private=True)
    secret = key.get(-4)
    if key.keys() != {1, -1, -4} or (key[1], key[-1]) != (2, 1) or not isinstance(secret, bytes):
        raise _no_key(path)
    try:
        credential = _credential_of(int.from_bytes(secret, "big"))
    except ValueError:
        raise _no_key(path) from None
    if len(secret) != _COORDINATE_BYTES:
        raise _no_key(path)
    return Identity(key, credential)


def read_credential(path: Path) -> Credential:
    """Read a credential: the public half of somebody's key.

    Raises:
        DeviceFileError: it cannot be read, or it is no credential.
    """
    found = _read_map(path, is_private=False)
    try:
        key = found[_KCCS][8][1]
        x, y = (int.from_bytes(key[label], "big") for label in (-2, -3))
        ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
        is_sound = found == _to_credential(x, y)
    except (LookupError, TypeError, ValueError, OverflowError):
        is_sound = False
    if not is_sound:
        problem = "is no credential; `keygen --edhoc` makes one (.ccs) beside each key"
        raise file_error(path, problem)
    return found


def _credential_of(secret: int) -> Credential:
    public = ec.derive_private_key(secret, ec.SECP256R1()).public_key().public_numbers()
    return _to_credential(public.x, public.y)


def _to_credential(x: int, y: int) -> Credential:
    coordinates = {
        -2: x.to_bytes(_COORDINATE_BYTES, "big"),
        -3: y.to_bytes(_COORDINATE_BYTES, "big"),
    }
    return {_KCCS: {2: "", 8: {1: {1: 2, 2: _KEY_ID, -1: 1, **coordinates}}}}


def _read_map(path: Path, *, is_private: bool) -> dict[Any, Any]:
    content = read_regular_file(path, MAX_FILE_BYTES + 1, is_private=is_private)
    try:
        values = cbor2.loads(content[:MAX_FILE_BYTES]) if len(content) <= MAX_FILE_BYTES else None
    except (cbor2.CBORError, ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise _no_key(path) if is_private else file_error(path, "is no credential of EDHOC")
    return values


def _no_key(path: Path) -> DeviceFileError:
    return file_error(path, "is no private key of P-256; `keygen --edhoc` makes one (.edhoc)")
