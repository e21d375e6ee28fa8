"""``suit sign``: a signature for an envelope, after those that it has."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from tinycontainer.errors import EnvelopeError
from tinycontainer.files.fields import bytes_from_hex
from tinycontainer.files.toml_file import read_bounded
from tinycontainer.suit.envelope.decoder import MAX_ENVELOPE_BYTES, decode_envelope, decode_manifest
from tinycontainer.suit.envelope.encoder import signed_bytes
from tinycontainer.suit.envelope.model import UpdateEnvelope
from tinycontainer.suit.envelope.profile import objections
from tinycontainer.suit.keys.keys import UpdateAlgorithm, UpdateKey
from tinycontainer.suit.signing import sign_envelope
from tinycontainer.text import show
from tinycontainer_tokens import KeyFileError
from tinycontainer_tokens.keys import MAX_KID_BYTES

from ...keys import PrivateKeys, passphrase_option
from ...options import force_option, json_option, path_argument, path_option
from ...output_files import require_absent, write_file
from ...printing import print_json
from ...verb import Verb, VerbRefused

_HEX: Final = "hex:"


def _parse_kid(
    _context: click.Context, _parameter: click.Parameter, text: str | None
) -> bytes | None:
    if text is None:
        return None
    try:
        digits = text.removeprefix(_HEX)
        is_hex = text.startswith(_HEX)
        kid = bytes_from_hex(digits) if is_hex else text.encode("utf-8", "surrogateescape")
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    if not 1 <= len(kid) <= MAX_KID_BYTES:
        raise click.BadParameter(f"a key id has 1 to {MAX_KID_BYTES} bytes, not {len(kid)}")
    return kid


@click.command(cls=Verb, short_help="Add a signature to an envelope.")
@path_argument("file")
@path_option(
    "--key", "key_file", required=True, help="Private key file, as keygen --update makes it."
)
@passphrase_option
@click.option(
    "--alg",
    type=click.Choice([each.value for each in UpdateAlgorithm]),
    help="The alg that the signature names; by default what the key is for, else ES256 or EdDSA.",
)
@click.option(
    "--kid",
    callback=_parse_kid,
    help="Key id that the signature names; text, or hex: and digits. By default the key's own.",
)
@path_option("--out", "-o", help="The signed envelope; by default FILE, with --force.")
@force_option
@json_option
def sign(
    file: Path,
    key_file: Path,
    passphrase_file: Path | None,
    alg: str | None,
    kid: bytes | None,
    out: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """Add a signature to the envelope FILE. Several can sign, up to eight.

    The digest of the envelope has to be that of its manifest. A key that signs updates must not
    sign tokens: no device takes a key for both.

    Example: tinycontainerctl suit sign update.suit --key keys/operator.pem -o signed.suit
    """
    path = file if out is None else out
    content = read_bounded(file, MAX_ENVELOPE_BYTES)
    envelope = _require_sound(file, content)
    key = PrivateKeys(passphrase_file).read_update_key(key_file)
    if alg is not None:
        try:
            key = key.restrict_to(UpdateAlgorithm(alg))
        except KeyFileError as error:
            raise VerbRefused(f"--alg: {error}") from None
    if _has_signed(key, envelope):
        raise VerbRefused(f"{show(str(file))}: this key has signed it already")
    require_absent((path,), force=force)
    kid = key.kid if kid is None else kid
    made = _Made(path, _add_signature(file, content, key, kid), key.algorithm, kid)
    write_file(path, made.content)
    if as_json:
        print_json(made.as_dict())
    else:
        for line in made.lines():
            click.echo(line)


def _require_sound(file: Path, content: bytes) -> UpdateEnvelope:
    """Refuse what nobody should sign: other bytes than the digest is of."""
    try:
        envelope = decode_envelope(content)
        if not envelope.digest.is_of(envelope.manifest):
            problem = "its digest is not that of its manifest; it was changed"
            raise VerbRefused(f"{show(str(file))}: {problem}")
        decode_manifest(envelope)
    except EnvelopeError as error:
        raise VerbRefused(f"{show(str(file))}: {error}") from None
    return envelope


def _has_signed(key: UpdateKey, envelope: UpdateEnvelope) -> bool:
    return any(
        key.has_signed(signed_bytes(envelope, each.protected), each.proof)
        for each in envelope.signatures
    )


def _add_signature(file: Path, content: bytes, key: UpdateKey, kid: bytes | None) -> bytes:
    try:
        return sign_envelope(content, key, kid)
    except EnvelopeError as error:
        raise VerbRefused(f"{show(str(file))}: {error}") from None


@dataclass(frozen=True, slots=True)
class _Made:
    """The signed envelope."""

    path: Path
    content: bytes
    algorithm: UpdateAlgorithm
    kid: bytes | None

    def as_dict(self) -> dict[str, object]:
        return {
            "file": str(self.path),
            "bytes": len(self.content),
            "algorithm": self.algorithm,
            "kid": None if self.kid is None else show(self.kid),
            "signatures": len(decode_envelope(self.content).signatures),
        }

    def lines(self) -> Iterator[str]:
        envelope = decode_envelope(self.content)
        count = len(envelope.signatures)
        plural = "signature" if count == 1 else "signatures"
        name = show(str(self.path))
        yield f"{name}: {len(self.content)} bytes, signed with {self.algorithm}; {count} {plural}"
        for objection in objections(envelope, decode_manifest(envelope)):
            yield f"our devices will not take it: {objection.place}: {objection.problem}"
            break
