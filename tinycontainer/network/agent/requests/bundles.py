"""What can be seen of a bundle before it is judged."""

from tinycontainer.errors import MetadataError
from tinycontainer.metadata import Bundle, decode


def find_uid(metadata: bytes) -> bytes | None:
    """The uid that metadata names; None if it cannot be decoded."""
    try:
        return decode(metadata, len(metadata)).uid
    except MetadataError:
        return None


def find_uid_of_bundle(content: bytes) -> bytes | None:
    """The uid that the metadata of a bundle names; None if one of them cannot be decoded."""
    try:
        return find_uid(Bundle.decode(content, len(content)).metadata)
    except MetadataError:
        return None
