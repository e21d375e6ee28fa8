"""A container's metadata: frozen values, their strict codec, and the bundle that carries them."""

from .bundle import Bundle
from .codec import decode, encode, encode_endpoint
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
    "decode",
    "encode",
    "encode_endpoint",
]
