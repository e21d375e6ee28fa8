"""The public half of a device's key for evidence, as its owner gives it."""

from hashlib import sha256

from tinycontainer_tokens import KeyFileError
from tinycontainer_tokens.key_files import parse

from ..refusing import PlatformRefused, bad_request


def read_evidence_key(text: str) -> bytes:
    """Read a public key.

    Args:
        text: untrusted PEM, of bounded length.

    Returns:
        Its 32 bytes.

    Raises:
        PlatformRefused: it is no public key of Ed25519.
    """
    try:
        key = parse(text.encode())
    except (KeyFileError, UnicodeEncodeError) as error:
        problem = "is no text" if isinstance(error, UnicodeEncodeError) else error
        raise bad_request(f"evidence_key: {problem}") from None
    if key.secret is not None:
        problem = "this is a private key, which only the device may have; send its public half"
        raise PlatformRefused(400, "private-key", f"evidence_key: {problem}")
    return key.public


def fingerprint_of_evidence_key(public: bytes) -> str:
    """By what a key is named: SHA-256 of its 32 bytes, in small hexadecimal digits."""
    return sha256(public).hexdigest()
