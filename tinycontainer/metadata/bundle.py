"""A bundle: one file that holds a container, CBOR ``[metadata, data, code]``. It holds no path."""

from dataclasses import dataclass

from tinycontainer.errors import MetadataError
from tinycontainer_tokens import CborError, cbor

OVERHEAD_BYTES = 64
"""Longest bundle beyond the capacities of its three sections."""

_PARTS = ("metadata", "data", "code")


@dataclass(frozen=True, slots=True)
class Bundle:
    """The three sections of a container, as they are transferred."""

    metadata: bytes
    data: bytes
    code: bytes

    def encode(self) -> bytes:
        """The bundle as bytes."""
        return cbor.encode([self.metadata, self.data, self.code])

    @classmethod
    def decode(cls, content: bytes, limit_bytes: int) -> "Bundle":
        """Take a bundle apart.

        Args:
            content: untrusted bytes.
            limit_bytes: longest acceptable bundle.

        Raises:
            MetadataError: not an array of three byte strings in strict CBOR, or too long.
        """
        try:
            parts = cbor.decode(content, limit_bytes)
        except CborError as error:
            raise MetadataError("bundle", str(error)) from None
        if not isinstance(parts, list) or len(parts) != len(_PARTS):
            raise MetadataError("bundle", "not an array of metadata, data and code")
        sections = []
        for name, part in zip(_PARTS, parts, strict=True):
            if not isinstance(part, bytes):
                raise MetadataError(f"bundle.{name}", "not a byte string")
            sections.append(part)
        return cls(*sections)
