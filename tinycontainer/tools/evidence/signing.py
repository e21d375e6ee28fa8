"""Signs what a device states of itself (TC-EVID-03)."""

from typing import Final

from tinycontainer_tokens import KeyMaterial, Profile
from tinycontainer_tokens.cbor import encode, with_tags
from tinycontainer_tokens.issue import prove

from .statement import MAX_STATEMENT_BYTES, Statement, StatementTooLong

SIGN1_TAG: Final = 18


def sign_statement(statement: Statement, key: KeyMaterial) -> bytes:
    """A statement as a COSE_Sign1 with its tag.

    Args:
        statement: what is stated.
        key: an Ed25519 key without a key id, with its secret half.

    Raises:
        StatementTooLong: it does not fit into `MAX_STATEMENT_BYTES`.
        KeyFileError: the key cannot sign.
    """
    proved = prove(statement.encode(), key, Profile.RFC9052)
    message = encode([proved.protected, {}, proved.payload, proved.proof])
    signed = with_tags((SIGN1_TAG,), message)
    if len(signed) > MAX_STATEMENT_BYTES:
        raise StatementTooLong(f"{len(signed)} bytes where at most {MAX_STATEMENT_BYTES} fit")
    return signed
