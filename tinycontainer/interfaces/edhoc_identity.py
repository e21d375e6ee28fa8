"""Identities for EDHOC (RFC 9528): a private key with its owner, a credential for all others.

Both are CBOR: the key as a COSE_Key of P-256, the credential as the claims set that holds the
public half (`kccs`). They are read with suspicion, and a key is never shown.
"""

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec

from tinycontainer.errors import DeviceFileError
from tinycontainer.text import show

MAX_FILE_BYTES: Final = 1024
_COORDINATE_BYTES: Final = 32
_FOR_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_KEY_ID: Final = b"-"
"""Nobody looks for it: credentials are sent by value, but the library wants one to be there."""
_KCCS: Final = 14
Credential: TypeAlias = dict[int, Any]
"""``{14: {2: subject, 8: {1: COSE_Key}}}``."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is, with what proves it.

    Attributes:
        private_key: COSE_Key with the secret; not shown.
        credential: what others know it by.
    """

    private_key: dict[int, Any] = field(repr=False)
    credential: Credential


def make_identity() -> tuple[bytes, bytes]:
    """Make the file of a private key, and the file of its credential."""
    secret = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
    key = {1: 2, -1: 1, -4: secret.to_bytes(_COORDINATE_BYTES, "big")}
    return cbor2.dumps(key), cbor2.dumps(_credential_of(secret))


def read_identity(path: Path) -> Identity:
    """Read a private key.

    Raises:
        DeviceFileError: it cannot be read, others than its owner can use it, or it is none.
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
        DeviceFileError: it cannot be read, or it is none.
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
        raise _error(path, "is no credential; `keygen --edhoc` makes one (.ccs) beside each key")
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
    try:
        mode, content = _read(path)
    except OSError as error:
        raise _error(path, f"cannot be read: {error.strerror}") from None
    except ValueError:
        raise _error(path, "is not a file name") from None
    if not stat.S_ISREG(mode):
        raise _error(path, "is not a regular file")
    if is_private and mode & _FOR_OTHERS:
        found = f"{stat.S_IMODE(mode):04o}"
        raise _error(path, f"has the mode {found}, so others can use it; make it 0600")
    try:
        values = cbor2.loads(content[:MAX_FILE_BYTES]) if len(content) <= MAX_FILE_BYTES else None
    except (cbor2.CBORError, ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise _no_key(path) if is_private else _error(path, "is no credential of EDHOC")
    return values


def _read(path: Path) -> tuple[int, bytes]:
    # Not blocking: to open a named pipe would wait for somebody to write into it.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        mode = os.fstat(descriptor).st_mode
        return mode, file.read(MAX_FILE_BYTES + 1) if stat.S_ISREG(mode) else b""


def _no_key(path: Path) -> DeviceFileError:
    return _error(path, "is no private key of P-256; `keygen --edhoc` makes one (.edhoc)")


def _error(path: Path, problem: str) -> DeviceFileError:
    return DeviceFileError(show(str(path)), "", problem)
