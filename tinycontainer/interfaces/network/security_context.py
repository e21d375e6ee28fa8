"""OSCORE contexts as folders: made for both sides, and read with suspicion (TC-MGMT-13)."""

import json
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tinycontainer.interfaces.private_files import file_error, read_regular_file, require_private
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
    """Read the context of a folder, and check all of it.

    Raises:
        DeviceFileError: it cannot be read, others than its owner can use it, or it is no context.
    """
    _require_private_folder(folder)
    values: dict[str, bytes] = {}
    for name, needed in _NEEDED.items():
        values |= _read_values(folder / name, needed, needed | _POSSIBLE[name])
    _require_numbers(folder / SEQUENCE)
    own, other = values["sender-id_hex"], values["recipient-id_hex"]
    if max(len(own), len(other)) > MAX_ID_BYTES:
        raise file_error(folder, f"an id has more than {MAX_ID_BYTES} bytes")
    if own == other:
        raise file_error(folder, "both sides have one id")
    if len(values["secret_hex"]) < MIN_SECRET_BYTES:
        raise file_error(folder, f"the secret has fewer than {MIN_SECRET_BYTES} bytes")
    return SecurityContext(folder, own, other)


def _require_private_folder(folder: Path) -> None:
    try:
        mode = folder.stat().st_mode
    except OSError as error:
        raise file_error(folder, f"cannot be read: {error.strerror}") from None
    except ValueError:
        raise file_error(folder, "is not the name of a folder") from None
    if not stat.S_ISDIR(mode):
        raise file_error(folder, "is no folder; `keygen --oscore` makes one for each side")
    require_private(folder, mode, right_mode=0o700)


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
        raise file_error(path, problem)


def _read_values(path: Path, needed: set[str], known: set[str]) -> dict[str, bytes]:
    """The byte strings of one of its files. Errors never show a value."""
    found = _read_object(path)
    for key in sorted(found.keys() - known):
        raise file_error(path, f"{show(key, 40)}: is not known")
    for key in sorted(needed - found.keys()):
        raise file_error(path, f"{key}: is missing")
    return {key: _to_bytes(path, key, value) for key, value in found.items()}


def _read_object(path: Path) -> dict[str, Any]:
    content = read_regular_file(path, MAX_FILE_BYTES + 1, is_private=False)
    if len(content) > MAX_FILE_BYTES:
        raise file_error(path, f"has more than {MAX_FILE_BYTES} bytes")
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        raise file_error(path, "is no JSON") from None
    if not isinstance(found, dict):
        raise file_error(path, "is no JSON object")
    return found


def _to_bytes(path: Path, key: str, value: object) -> bytes:
    is_hex = isinstance(value, str) and value.isascii() and value.isalnum()
    try:
        found = bytes.fromhex(str(value)) if is_hex or value == "" else None
    except ValueError:
        found = None
    if found is None or len(found) > _MAX_BYTES:
        raise file_error(path, f"{key}: is not at most {_MAX_BYTES} bytes in hexadecimal digits")
    return found


def _encode(values: dict[str, Any]) -> bytes:
    return json.dumps(values, indent=2).encode() + b"\n"
