"""OSCORE contexts as folders: made for both sides, and read with suspicion (TC-MGMT-13)."""

import json
import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tinycontainer.errors import DeviceFileError
from tinycontainer.text import show

SETTINGS: Final = "settings.json"
SECRET: Final = "secret.json"
SEQUENCE: Final = "sequence.json"
SIDES: Final = ("device", "operator")
MAX_FILE_BYTES: Final = 4096
MIN_SECRET_BYTES: Final = 16
MAX_ID_BYTES: Final = 7
"""With AES-CCM-16-64-128 (RFC 8613, section 3.3)."""
_SECRET_BYTES: Final = 16
_SALT_BYTES: Final = 8
_ID_BYTES: Final = 4
_MAX_BYTES: Final = 64
_FOR_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_MAX_NUMBER: Final = (1 << 40) - 1
"""Of a message (RFC 8613, section 7.2.1)."""
_FRESH: Final = {"next-to-send": 0, "received": {"index": 0, "bitfield": 0}}
_NEEDED: Final = {SETTINGS: {"sender-id_hex", "recipient-id_hex"}, SECRET: {"secret_hex"}}
_POSSIBLE: Final = {SETTINGS: {"id-context_hex"}, SECRET: {"salt_hex"}}


@dataclass(frozen=True, slots=True)
class SecurityContext:
    """A context that was read. Its secret stays in its folder.

    Attributes:
        folder: where it lies.
        sender_id: of this side; at most 7 bytes.
        recipient_id: of the other side, which its messages bear; another one.
    """

    folder: Path
    sender_id: bytes
    recipient_id: bytes


def make_security_contexts(
    random_bytes: Callable[[int], bytes],
) -> Mapping[str, Mapping[str, bytes]]:
    """Make one context for both of its sides.

    Args:
        random_bytes: draws so many unpredictable bytes.

    Returns:
        The files of the folder of each side, by name.
    """
    secret = {
        "secret_hex": random_bytes(_SECRET_BYTES).hex(),
        "salt_hex": random_bytes(_SALT_BYTES).hex(),
    }
    device, operator = random_bytes(_ID_BYTES), random_bytes(_ID_BYTES)
    while operator == device:
        operator = random_bytes(_ID_BYTES)
    ids = {"device": (device, operator), "operator": (operator, device)}
    return {
        side: {
            SETTINGS: _encode({"sender-id_hex": own.hex(), "recipient-id_hex": other.hex()}),
            SECRET: _encode(secret),
            SEQUENCE: _encode(_FRESH),
        }
        for side, (own, other) in ids.items()
    }


def read_security_context(folder: Path) -> SecurityContext:
    """Read the context of a folder, with all that can be wrong with it.

    Raises:
        DeviceFileError: it cannot be read, others than its owner can use it, or it is none.
    """
    _require_private(folder)
    values: dict[str, bytes] = {}
    for name, needed in _NEEDED.items():
        values |= _read_values(folder / name, needed, needed | _POSSIBLE[name])
    _require_numbers(folder / SEQUENCE)
    own, other = values["sender-id_hex"], values["recipient-id_hex"]
    if max(len(own), len(other)) > MAX_ID_BYTES:
        raise _error(folder, f"an id has more than {MAX_ID_BYTES} bytes")
    if own == other:
        raise _error(folder, "both sides have one id")
    if len(values["secret_hex"]) < MIN_SECRET_BYTES:
        raise _error(folder, f"the secret has fewer than {MIN_SECRET_BYTES} bytes")
    return SecurityContext(folder, own, other)


def _require_private(folder: Path) -> None:
    try:
        mode = folder.stat().st_mode
    except OSError as error:
        raise _error(folder, f"cannot be read: {error.strerror}") from None
    except ValueError:
        raise _error(folder, "is not the name of a folder") from None
    if not stat.S_ISDIR(mode):
        raise _error(folder, "is no folder; `keygen --oscore` makes one for each side")
    if mode & _FOR_OTHERS:
        found = f"{stat.S_IMODE(mode):04o}"
        raise _error(folder, f"has the mode {found}, so others can use it; make it 0700")


def _require_numbers(path: Path) -> None:
    """Refuse a context that does not know which numbers it has used: it may never use one twice."""
    found = _read_object(path)
    received = found.get("received")
    window = received if isinstance(received, dict) else {"index": 0, "bitfield": 0}
    numbers = (found.get("next-to-send"), window.get("index"))
    is_sound = (
        found.keys() == _FRESH.keys()
        and (received == "unknown" or isinstance(received, dict))
        and window.keys() == {"index", "bitfield"}
        and all(type(each) is int and 0 <= each <= _MAX_NUMBER for each in numbers)
        and type(window["bitfield"]) is int
        and 0 <= window["bitfield"] < 1 << 64
    )
    if not is_sound:
        problem = "does not say which numbers were used; make a new context for both sides"
        raise _error(path, problem)


def _read_values(path: Path, needed: set[str], known: set[str]) -> dict[str, bytes]:
    """The byte strings of one of its files. What is wrong is told without a value."""
    found = _read_object(path)
    for key in sorted(found.keys() - known):
        raise _error(path, f"{show(key, 40)}: is not known")
    for key in sorted(needed - found.keys()):
        raise _error(path, f"{key}: is missing")
    return {key: _to_bytes(path, key, value) for key, value in found.items()}


def _read_object(path: Path) -> dict[str, Any]:
    try:
        content = _read(path)
    except OSError as error:
        raise _error(path, f"cannot be read: {error.strerror}") from None
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        raise _error(path, "is no JSON") from None
    if not isinstance(found, dict):
        raise _error(path, "is no JSON object")
    return found


def _read(path: Path) -> bytes:
    # Not blocking: to open a named pipe would wait for somebody to write into it.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise _error(path, "is not a regular file")
        content = file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise _error(path, f"has more than {MAX_FILE_BYTES} bytes")
    return content


def _to_bytes(path: Path, key: str, value: object) -> bytes:
    is_hex = isinstance(value, str) and value.isascii() and value.isalnum()
    try:
        found = bytes.fromhex(str(value)) if is_hex or value == "" else None
    except ValueError:
        found = None
    if found is None or len(found) > _MAX_BYTES:
        raise _error(path, f"{key}: is not at most {_MAX_BYTES} bytes in hexadecimal digits")
    return found


def _encode(values: dict[str, Any]) -> bytes:
    return json.dumps(values, indent=2).encode() + b"\n"


def _error(path: Path, problem: str) -> DeviceFileError:
    return DeviceFileError(show(str(path)), "", problem)
