"""What the covered bytes of endpoints and metadata mean: decoded, and encoded back."""

from typing import Final, NoReturn

from tinycontainer.errors import MetadataError
from tinycontainer.metadata import Endpoint, Metadata, decode, encode, encode_endpoint
from tinycontainer.metadata.model import METADATA_TAG
from tinycontainer.text import show
from tinycontainer_tokens import CborError, cbor

from .refusal import RefusalReason, SigningRefused

MAX_ENDPOINT_BYTES: Final = 256
MAX_METADATA_BYTES: Final = 1 << 14
"""Eight times what a usual device takes; nobody could read more before signing it."""


def read_endpoint(covered: bytes, endpoint_id: int) -> Endpoint:
    """The endpoint whose encoding is to be signed.

    Args:
        covered: untrusted bytes.
        endpoint_id: which endpoint it has to be.

    Raises:
        SigningRefused: it is no endpoint without a token, or another one.
    """
    try:
        entry = cbor.decode(covered, MAX_ENDPOINT_BYTES)
    except CborError as error:
        _refuse_endpoint(str(error))
    # The codec reads endpoints within metadata only. So this one gets some around it.
    container = cbor.encode({1: b"-", 2: 0, 3: b""})
    outer = cbor.encode({1: container, 2: cbor.encode([entry])})
    around = cbor.with_tags((METADATA_TAG,), outer)
    try:
        found = decode(around, len(around)).endpoints or ()
    except MetadataError as error:
        _refuse_endpoint(str(error))
    if len(found) != 1 or encode_endpoint(found[0], with_token=False) != covered:
        _refuse_endpoint("it is not encoded as endpoints are, without their token")
    if found[0].endpoint_id != endpoint_id:
        _refuse_endpoint(f"it is endpoint {found[0].endpoint_id}, not {endpoint_id}")
    return found[0]


def read_metadata(covered: bytes, uid: bytes, draft: bytes) -> Metadata:
    """The metadata that are to be signed, with a draft in the place of their own token.

    Args:
        covered: untrusted bytes; the metadata up to their own token.
        uid: of the container.
        draft: as long as the token that will be made.

    Raises:
        SigningRefused: these are no metadata, are of another container, or have room for another
            token than the key makes.
    """
    if len(covered) > MAX_METADATA_BYTES:
        _refuse_metadata(f"{len(covered)} bytes; at most {MAX_METADATA_BYTES} can be signed here")
    whole = covered + draft
    try:
        found = decode(whole, len(whole))
        again = encode(found.container, found.endpoints, found.security)
    except MetadataError as error:
        hint = "perhaps the platform knows the key under another key id"
        _refuse_metadata(f"with the token of this key they cannot be decoded: {error}; {hint}")
    if again != whole:
        _refuse_metadata("they are not encoded as metadata are")
    if found.security is None or found.security.metadata_token != draft:
        _refuse_metadata("their token would end up elsewhere")
    if found.uid != uid:
        _refuse_metadata(f"they are those of the container {show(found.uid)}")
    return found


def _refuse_endpoint(problem: str) -> NoReturn:
    text = f"the endpoint that is to be signed is refused: {problem}"
    raise SigningRefused(RefusalReason.ENDPOINT, text)


def _refuse_metadata(problem: str) -> NoReturn:
    text = f"the metadata that are to be signed are refused: {problem}"
    raise SigningRefused(RefusalReason.METADATA, text)
