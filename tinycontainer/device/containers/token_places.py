"""Where tokens are placed in metadata, and of which kind each of them has to be.

Everything that looks at the tokens of a container asks here, so that all look at the same ones.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tinycontainer.metadata import Endpoint, Metadata, Security
from tinycontainer_tokens import Kind

KIND_OF_FIELD: Final = {
    "metadata_token": Kind.METADATA,
    "code_token": Kind.CODE,
    "data_token": Kind.DATA,
    "syscall_mask_token": Kind.MASK,
    "token": Kind.ENDPOINT,
}
"""The kind of token that each field of metadata holds, by the field's name in the model."""


@dataclass(frozen=True, slots=True)
class TokenPlace:
    """One place of a token in a container's metadata.

    Attributes:
        name: fit to be shown, such as ``code token`` or ``endpoints[2].endpoint-token``.
        kind: what the token has to vouch for.
        token: untrusted bytes, empty for an empty place; None if the place itself is missing,
            which only that of an endpoint token can be.
        endpoint: the entry that an endpoint token belongs to.
    """

    name: str
    kind: Kind
    token: bytes | None
    endpoint: Endpoint | None = None

    @property
    def endpoint_id(self) -> int:
        """Which endpoint; 0 for the other kinds, as in `Expectation`."""
        return 0 if self.endpoint is None else self.endpoint.endpoint_id


def token_places(metadata: Metadata) -> Iterator[TokenPlace]:
    """Every place of a token in metadata, in the order in which a device verifies them.

    Args:
        metadata: decoded metadata. Without a security array, its three places are empty.
    """
    security = metadata.security or Security()
    yield _container_place("metadata_token", security.metadata_token)
    yield _container_place("code_token", security.code_token)
    yield _container_place("data_token", security.data_token)
    yield _container_place("syscall_mask_token", metadata.container.syscall_mask_token)
    for index, endpoint in enumerate(metadata.endpoints or ()):
        name = f"endpoints[{index}].endpoint-token"
        yield TokenPlace(name, KIND_OF_FIELD["token"], endpoint.token, endpoint)


def _container_place(field: str, token: bytes) -> TokenPlace:
    kind = KIND_OF_FIELD[field]
    return TokenPlace(f"{kind.name.lower()} token", kind, token)
