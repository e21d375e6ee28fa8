"""The public half of a device file: taken with its key files, and never with a private key.

Nothing here opens a file. A device file is only parsed; its keys come beside it, by the names that
the device file has for them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from json import dumps
from pathlib import Path
from typing import Final

from tinycontainer.assembly import DevicePlan, locate_drivers
from tinycontainer.device.containers.verification import Trust
from tinycontainer.errors import DeviceFileError
from tinycontainer.files.device_file import DeviceFile, KeyTable
from tinycontainer.files.fields import uid_from_text
from tinycontainer.files.toml_file import MAX_TOML_BYTES, parse_toml
from tinycontainer.text import show
from tinycontainer_tokens import Algorithm, KeyEntry, KeyFileError, KeyMaterial, KeyStore
from tinycontainer_tokens.key_files import MAX_KEY_FILE_BYTES, parse, to_public_pem

from ..refusing import PlatformRefused, bad_request

MOST_KEY_FILES: Final = 32
MOST_KEY_ENTRIES: Final = 64
MOST_CODE_BYTES: Final = 256 * 1024
"""Of a container. To judge longer code would take too long."""
_NAME: Final = "device file"
_WORD: Final = r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,62}"
_FILE_NAME: Final = re.compile(rf"{_WORD}(/{_WORD}){{0,3}}")
_NEVER_PUBLIC: Final = re.compile(r"PRIVATE\s+KEY", re.IGNORECASE)
_ANY_PEM: Final = re.compile(r"-----\s*BEGIN", re.IGNORECASE)
_UNWANTED: Final = {
    "state": "names a file that only the device has",
    "update": "names keys of updates, by which no container is judged",
    "agent": "names the device's contexts and keys",
    "containers": "names files of bundles",
    "evidence": "names a private key",
}
"""Tables that a profile cannot have, and why."""


@dataclass(frozen=True, slots=True)
class ProfileContent:
    """What a device accepts.

    Attributes:
        device_file: TOML.
        key_files: PEM of public keys, by the names that the device file has for them.
        tables: the device file, checked.
        keys: what is in the key files.
    """

    device_file: str
    key_files: Mapping[str, str]
    tables: DeviceFile
    keys: Mapping[str, KeyMaterial]

    @property
    def sha256(self) -> str:
        """By what equal ones are found."""
        return sha256(dumps([self.device_file, dict(self.key_files)]).encode()).hexdigest()

    @property
    def plan(self) -> DevicePlan:
        """The device file as tools take it; there is no such file on any disk."""
        return DevicePlan(Path(_NAME), self.tables)

    def trust(self, device_id: str | None = None) -> Trust:
        """Whom a device believes.

        Args:
            device_id: of the device; by default that of the device file.

        Raises:
            PlatformRefused: a key cannot be what it is named for.
        """
        table = self.tables.trust
        try:
            keys = KeyStore(
                _entry(f"trust.keys[{number}]", each, self.keys[each.file])
                for number, each in enumerate(table.keys)
            )
        except KeyFileError as error:
            raise bad_request(f"device_file: trust.keys: {error}") from None
        return Trust(
            keys=keys,
            profiles=tuple(table.profiles),
            allow_unsigned=table.allow_unsigned,
            unsigned_mask=table.unsigned_mask,
            require_endpoint_tokens=table.require_endpoint_tokens,
            device_id=self.tables.device.id if device_id is None else device_id,
        )


def read_profile(device_file: str, key_files: Mapping[str, str]) -> ProfileContent:
    """Take a profile.

    Args:
        device_file: untrusted TOML.
        key_files: untrusted PEM, by the names that the device file has for them.

    Returns:
        The profile. Of a key file only the public key itself is kept.

    Raises:
        PlatformRefused: it is too long, no device file, holds what a profile must not hold, or a
            key file is missing, too much, or private.
    """
    _refuse_private(device_file, key_files)
    _require_small(device_file, key_files)
    try:
        tables = parse_toml(device_file.encode(), DeviceFile, _NAME)
        locate_drivers(DevicePlan(Path(_NAME), tables))
    except DeviceFileError as error:
        place = f"{error.place}: " if error.place else ""
        raise bad_request(f"device_file: {place}{error.problem}") from None
    _refuse_unwanted(tables)
    _require_named(tables, key_files)
    keys = {name: _read_key(name, text) for name, text in sorted(key_files.items())}
    pems = {name: to_public_pem(key).decode() for name, key in keys.items()}
    found = ProfileContent(device_file, pems, tables, keys)
    found.trust()
    return found


def _refuse_private(device_file: str, key_files: Mapping[str, str]) -> None:
    """Look for private keys before anything else, so that no other refusal hides one."""
    for name, text in key_files.items():
        if _NEVER_PUBLIC.search(text):
            raise _private(f"key_files: {show(name, 80)}")
    if _NEVER_PUBLIC.search(device_file):
        raise _private("device_file")
    if _ANY_PEM.search(device_file):
        raise bad_request("device_file: holds a PEM block; send each public key in key_files")


def _require_small(device_file: str, key_files: Mapping[str, str]) -> None:
    try:
        size_bytes = len(device_file.encode())
    except UnicodeEncodeError:
        raise bad_request("device_file: is not UTF-8 text") from None
    if size_bytes > MAX_TOML_BYTES:
        raise bad_request(f"device_file: has more than {MAX_TOML_BYTES} bytes")
    if len(key_files) > MOST_KEY_FILES:
        raise bad_request(f"key_files: are more than {MOST_KEY_FILES}")
    for name, text in key_files.items():
        shown = show(name, 80)
        if _FILE_NAME.fullmatch(name) is None:
            advice = "use letters, digits, . _ - and /, as in keys/developer.pub"
            raise bad_request(f"key_files: {shown} is no name of a file in this place; {advice}")
        if not text.isascii() or len(text) > MAX_KEY_FILE_BYTES:
            problem = f"is no PEM of at most {MAX_KEY_FILE_BYTES} bytes"
            raise bad_request(f"key_files: {shown}: {problem}")


def _refuse_unwanted(tables: DeviceFile) -> None:
    for name, why in _UNWANTED.items():
        if name in tables.model_fields_set:
            raise bad_request(f"device_file: {name}: {why}; leave the table out")
    if tables.device.key is not None:
        raise bad_request("device_file: device.key: names a private key; leave it out")
    for number, driver in enumerate(tables.drivers):
        if driver.options:
            problem = "can name files and secrets, and decide nothing here; leave them out"
            raise bad_request(f"device_file: drivers[{number}].options: {problem}")
    code_bytes = tables.make_capacity().code_bytes
    if code_bytes > MOST_CODE_BYTES:
        problem = f"more than {MOST_CODE_BYTES} are not judged; leave this device out"
        raise bad_request(f"device_file: capacity.code_bytes: {problem}")


def _require_named(tables: DeviceFile, key_files: Mapping[str, str]) -> None:
    """Refuse key files that are missing or that nothing names."""
    if len(tables.trust.keys) > MOST_KEY_ENTRIES:
        raise bad_request(f"device_file: trust.keys: has more than {MOST_KEY_ENTRIES} entries")
    for number, each in enumerate(tables.trust.keys):
        if each.algorithm is Algorithm.HMAC_256:
            raise _private(f"device_file: trust.keys[{number}]", "a key of HMAC is a secret")
    named = {each.file for each in tables.trust.keys}
    missing = sorted(named - key_files.keys())
    if missing:
        problem = "is named in trust.keys and not here; send the public key"
        raise bad_request(f"key_files: {show(missing[0], 80)} {problem}")
    spare = sorted(key_files.keys() - named)
    if spare:
        problem = "is not named in trust.keys; leave it out"
        raise bad_request(f"key_files: {show(spare[0], 80)} {problem}")


def _read_key(name: str, text: str) -> KeyMaterial:
    place = f"key_files: {show(name, 80)}"
    try:
        key = parse(text.encode())
    except KeyFileError as error:
        raise bad_request(f"{place}: {error}") from None
    if key.secret is not None:
        raise _private(place)
    return key


def _entry(place: str, table: KeyTable, key: KeyMaterial) -> KeyEntry:
    if table.algorithm is Algorithm.ED25519:
        try:
            key = key.restrict_to(table.algorithm)
        except KeyFileError as error:
            raise bad_request(f"device_file: {place}.algorithm: {error}") from None
    uids = None if table.uids is None else frozenset(map(uid_from_text, table.uids))
    return KeyEntry(table.role, table.profile, key, uids)


def _private(place: str, what: str = "holds a private key") -> PlatformRefused:
    problem = f"{place}: {what}, which only its owner may have; send public keys only"
    return PlatformRefused(400, "private-key", problem)
