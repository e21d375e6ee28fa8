"""The places of tokens in metadata, as every verification and every tool goes through them."""

from tinycontainer.metadata import (
    ContainerMap,
    ContainerType,
    Direction,
    Endpoint,
    Metadata,
    PeerType,
    Security,
)
from tinycontainer.metadata.codec import CONTAINER_FIELDS, ENDPOINT_FIELDS, SECURITY_FIELDS
from tinycontainer.metadata.model import KIND_OF_FIELD, token_places
from tinycontainer_tokens import Kind

BARE = ContainerMap(b"probe", ContainerType.WASM, b"mask")


def endpoint(number: int, token: bytes | None) -> Endpoint:
    return Endpoint(number, PeerType.LOCAL, 1, Direction.IN, token=token)


def test_places_come_in_the_order_of_a_verification() -> None:
    security = Security(data_token=b"data", code_token=b"code", metadata_token=b"metadata")
    endpoints = (endpoint(7, None), endpoint(9, b"owner"))
    found = tuple(token_places(Metadata(BARE, endpoints, security, b"")))
    assert [(place.name, place.kind, place.token, place.endpoint_id) for place in found] == [
        ("metadata token", Kind.METADATA, b"metadata", 0),
        ("code token", Kind.CODE, b"code", 0),
        ("data token", Kind.DATA, b"data", 0),
        ("mask token", Kind.MASK, b"mask", 0),
        ("endpoints[0].endpoint-token", Kind.ENDPOINT, None, 7),
        ("endpoints[1].endpoint-token", Kind.ENDPOINT, b"owner", 9),
    ]


def test_without_a_security_array_its_places_are_empty() -> None:
    found = tuple(token_places(Metadata(BARE, None, None, b"")))
    assert [place.token for place in found] == [b"", b"", b"", b"mask"]


def test_every_field_of_a_token_in_the_codec_has_a_kind() -> None:
    fields = [*CONTAINER_FIELDS.values(), *ENDPOINT_FIELDS.values(), *SECURITY_FIELDS]
    assert {name for name, _, _ in fields if name.endswith("token")} == set(KIND_OF_FIELD)
