"""Key files on the command line: private ones to sign with, public ones to verify by."""

import string
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from tinycontainer.files.toml_file import read_bounded
from tinycontainer.suit.keys.key_files import parse_update_key
from tinycontainer.suit.keys.keys import UpdateKey, UpdateKeyEntry, UpdateKeys
from tinycontainer.text import show
from tinycontainer_tokens import (
    Algorithm,
    KeyEntry,
    KeyFileError,
    KeyMaterial,
    KeyStore,
    Profile,
    Role,
    key_files,
)

from .options import path_option
from .verb import VerbRefused

_PRIVATE_SUFFIXES: Final = (".pem", ".cose")
_PUBLIC_SUFFIXES: Final = (".pub", ".cose")
_RAW_KEY_DIGITS: Final = 64
_MAX_PASSPHRASE_BYTES: Final = 1024

passphrase_option = path_option(
    "--passphrase-file",
    help="File whose first line opens encrypted PEM files; asked for if absent, on a terminal.",
)

alg_option = click.option(
    "--alg",
    type=click.Choice([Algorithm.EDDSA.value, Algorithm.ED25519.value]),
    help="The alg that tokens of an Ed25519 key name: EdDSA (-8) or Ed25519 (-19, RFC 9864)."
    " By default what the key is for, else EdDSA.",
)


def restrict_to_alg(key: KeyMaterial, alg: str | None, profile: Profile) -> KeyMaterial:
    """Let a key make tokens of the alg that was asked for.

    Args:
        key: a private key.
        alg: value of `alg_option`; None leaves the key as it is.
        profile: of the tokens.

    Raises:
        VerbRefused: the key is not for this alg, or tokens of the profile name none.
    """
    if alg is None:
        return key
    if profile is Profile.RIOT_2024:
        raise VerbRefused(f"--alg: tokens of {profile} name no algorithm; leave --alg out")
    try:
        return key.restrict_to(Algorithm(alg))
    except KeyFileError as error:
        raise VerbRefused(f"--alg: {error}") from None


@dataclass(frozen=True, slots=True)
class PrivateKeys:
    """Reads private keys.

    Attributes:
        passphrase_file: holds the passphrase of encrypted ones.
    """

    passphrase_file: Path | None

    def read(self, path: Path) -> KeyMaterial:
        """Read one key file.

        Raises:
            VerbRefused: it cannot be used.
        """
        content = read_bounded(path, key_files.MAX_KEY_FILE_BYTES)
        key = _parse_key(path, content, self._ask_passphrase(path, content))
        if key.secret is None:
            raise VerbRefused(f"{show(str(path))}: is a public key; signing needs the private one")
        if not key.may_sign:
            raise VerbRefused(f"{show(str(path))}: key_ops does not allow to sign with it")
        return key

    def read_role(self, directory: Path, role: Role) -> KeyMaterial:
        """Read the key of a role from a directory, as keygen makes it.

        Raises:
            VerbRefused: there is none, or it cannot be used.
        """
        for suffix in _PRIVATE_SUFFIXES:
            path = directory / f"{role}{suffix}"
            if path.is_file():
                return self.read(path)
        raise VerbRefused(
            f"{show(str(directory))}: holds neither {role}.pem nor {role}.cose; see keygen --help"
        )

    def read_update_key(self, path: Path) -> UpdateKey:
        """Read a key file to sign updates with.

        Raises:
            VerbRefused: it cannot be used.
        """
        content = read_bounded(path, key_files.MAX_KEY_FILE_BYTES)
        key = _parse_update_key(path, content, self._ask_passphrase(path, content))
        if key.secret is None:
            raise VerbRefused(f"{show(str(path))}: is a public key; signing needs the private one")
        if not key.may_sign:
            raise VerbRefused(f"{show(str(path))}: key_ops does not allow to sign with it")
        return key

    def _ask_passphrase(self, path: Path, content: bytes) -> bytes | None:
        if not key_files.is_encrypted(content):
            return None
        if self.passphrase_file is not None:
            return read_passphrase(self.passphrase_file)
        if not sys.stdin.isatty():
            raise VerbRefused(f"{show(str(path))}: is encrypted; give its --passphrase-file")
        text: str = click.prompt(f"Passphrase of {show(path.name)}", hide_input=True, err=True)
        return text.encode()


def read_passphrase(path: Path) -> bytes:
    """Read the first line of a file.

    Raises:
        VerbRefused: it is empty.
    """
    lines = read_bounded(path, _MAX_PASSPHRASE_BYTES).splitlines()
    if not lines or not lines[0]:
        raise VerbRefused(f"{show(str(path))}: its first line, the passphrase, is empty")
    return lines[0]


def read_trusted_keys(
    values: tuple[str, ...], directory: Path | None, profile: Profile, option: str
) -> KeyStore:
    """Read the keys to verify with.

    Args:
        values: each a key file or raw Ed25519 public key, after ``ROLE=`` or, for the firmware's
            profile, alone.
        directory: holds ROLE.pub or ROLE.cose.
        profile: what the keys are trusted for.
        option: the option that gave the values, for errors.

    Raises:
        VerbRefused: a key cannot be used, or the keys cannot be trusted together.
    """
    entries = [entry for value in values for entry in _read_entries(value, profile, option)]
    if directory is not None:
        entries += _read_directory(directory, profile)
    try:
        return KeyStore(entries)
    except KeyFileError as error:
        raise VerbRefused(f"{option}: {error}") from None


def read_update_keys(paths: tuple[Path, ...], option: str) -> UpdateKeys:
    """Read the keys to verify updates with; each may update every container.

    Args:
        paths: key files; of a private key the public half is used.
        option: the option that gave them, for errors.

    Raises:
        VerbRefused: a key cannot be used, or is there twice.
    """
    entries = []
    for path in paths:
        content = read_bounded(path, key_files.MAX_KEY_FILE_BYTES)
        key = _parse_update_key(path, content, None)
        if not key.may_verify:
            raise VerbRefused(f"{show(str(path))}: key_ops does not allow to verify with it")
        entries.append(UpdateKeyEntry(key.public_half()))
    try:
        return UpdateKeys(entries)
    except KeyFileError as error:
        raise VerbRefused(f"{option}: {error}") from None


def read_evidence_key(path: Path) -> KeyMaterial:
    """Read the public key by which a device's evidence is checked.

    Args:
        path: a key file; of a private key the public half is used.

    Raises:
        VerbRefused: it cannot be used.
    """
    key = _read_public(path)
    if key.is_symmetric:
        raise VerbRefused(f"{show(str(path))}: is no Ed25519 key; evidence is checked by one")
    return KeyMaterial(Algorithm.EDDSA, key.public)


def require_trustworthy(keys: Mapping[Role, KeyMaterial], profile: Profile) -> KeyStore:
    """Make the store of a device that trusts keys, and refuse those that none could trust together.

    Raises:
        VerbRefused: one key has two roles.
    """
    try:
        return KeyStore(KeyEntry(role, profile, key) for role, key in keys.items())
    except KeyFileError as error:
        raise VerbRefused(f"--keys: {error}") from None


def _read_entries(text: str, profile: Profile, option: str) -> list[KeyEntry]:
    role_name, separator, value = text.partition("=")
    if not separator:
        # Only riot-2024 allows one key in all roles. Under rfc9052 no token fits these entries, and
        # verify names the missing key.
        material = _parse_public(text, option)
        return [KeyEntry(role, Profile.RIOT_2024, material) for role in Role]
    if role_name not in set(Role):
        raise VerbRefused(f"{option}: {show(role_name)} is none of {', '.join(Role)}")
    return [KeyEntry(Role(role_name), profile, _parse_public(value, option))]


def _read_directory(directory: Path, profile: Profile) -> list[KeyEntry]:
    entries = [
        KeyEntry(role, profile, _read_public(path))
        for role in Role
        for path in (directory / f"{role}{suffix}" for suffix in _PUBLIC_SUFFIXES)
        if path.is_file()
    ]
    if not entries:
        raise VerbRefused(
            f"{show(str(directory))}: holds neither ROLE.pub nor ROLE.cose of any role"
        )
    return entries


def _parse_public(value: str, option: str) -> KeyMaterial:
    is_hexadecimal = all(digit in string.hexdigits for digit in value)
    if Path(value).exists() or not (is_hexadecimal or len(value) == _RAW_KEY_DIGITS):
        return _read_public(Path(value))
    if not is_hexadecimal:
        raise VerbRefused(f"{option}: {show(value)} is neither a file nor hexadecimal")
    if len(value) != _RAW_KEY_DIGITS:
        raise VerbRefused(
            f"{option}: {show(value)} is no file, and a raw key has {_RAW_KEY_DIGITS} digits,"
            f" not {len(value)}"
        )
    try:
        return KeyMaterial(Algorithm.EDDSA, bytes.fromhex(value))
    except KeyFileError as error:
        raise VerbRefused(f"{option}: {error}") from None


def _read_public(path: Path) -> KeyMaterial:
    key = _parse_key(path, read_bounded(path, key_files.MAX_KEY_FILE_BYTES), None)
    if not key.may_verify:
        raise VerbRefused(f"{show(str(path))}: key_ops does not allow to verify with it")
    return key


def _parse_key(path: Path, content: bytes, passphrase: bytes | None) -> KeyMaterial:
    try:
        return key_files.parse(content, passphrase)
    except KeyFileError as error:
        raise VerbRefused(f"{show(str(path))}: {error}") from None


def _parse_update_key(path: Path, content: bytes, passphrase: bytes | None) -> UpdateKey:
    try:
        return parse_update_key(content, passphrase)
    except KeyFileError as error:
        raise VerbRefused(f"{show(str(path))}: {error}") from None
