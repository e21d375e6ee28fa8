"""A container's metadata: frozen values, their strict codec, and the bundle that carries them."""

from .codec import Bundle, decode, encode, encode_endpoint
from .model import (
    DEFAULT_PRIORITY,
    ContainerMap,
    ContainerType,
    Direction,
    Endpoint,
    Metadata,
    PeerType,
    Security,
    Timing,
    TokenPlace,
    token_places,
)

__all__ = [
    "DEFAULT_PRIORITY",
    "Bundle",
    "ContainerMap",
    "ContainerType",
    "Direction",
    "Endpoint",
    "Metadata",
    "PeerType",
    "Security",
    "Timing",
    "TokenPlace",
    "decode",
    "encode",
    "encode_endpoint",
    "token_places",
]
