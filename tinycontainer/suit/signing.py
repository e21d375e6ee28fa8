"""Signatures put into an envelope by who has the private key."""

from tinycontainer_tokens import cbor

from .envelope.decoder import decode_envelope
from .envelope.encoder import signed_bytes, with_signature
from .envelope.signatures import ALGORITHM_LABEL, KID_LABEL
from .keys.keys import UpdateKey


def sign_envelope(content: bytes, key: UpdateKey, kid: bytes | None = None) -> bytes:
    """Add a signature to an envelope, after those that it has.

    Args:
        content: an envelope.
        key: has its private half.
        kid: key id that the signature names, 1 to 64 bytes; None for none.

    Raises:
        EnvelopeError: it is no envelope, or has 8 signatures already.
        KeyFileError: the key cannot sign.
    """
    header: dict[int, cbor.Encodable] = {ALGORITHM_LABEL: key.algorithm.cose_number}
    if kid is not None:
        header[KID_LABEL] = kid
    protected = cbor.encode(header)
    covered = signed_bytes(decode_envelope(content), protected)
    return with_signature(content, protected, key.sign(covered))
