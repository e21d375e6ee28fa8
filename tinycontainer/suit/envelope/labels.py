"""Numbers and names of draft-ietf-suit-manifest, and of its companion on trust domains.

The version of the draft is written here and nowhere else in the code. Labels that are not in our
profile (`profile`) have a name all the same, so that they are refused by it.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import Final

DRAFT: Final = "draft-ietf-suit-manifest-37"
ENVELOPE_TAG: Final = 107
MANIFEST_VERSION: Final = 1
SHA_256: Final = -16
"""The algorithm of a digest (RFC 9054)."""


class EnvelopeMember(IntEnum):
    """Keys of the envelope; severed members have those of `ManifestMember`."""

    DELEGATION = 1
    AUTHENTICATION = 2
    MANIFEST = 3


class ManifestMember(IntEnum):
    """Keys of the manifest."""

    VERSION = 1
    SEQUENCE_NUMBER = 2
    COMMON = 3
    REFERENCE_URI = 4
    COMPONENT_ID = 5
    VALIDATE = 7
    LOAD = 8
    INVOKE = 9
    COSWID = 14
    DEPENDENCY_RESOLUTION = 15
    PAYLOAD_FETCH = 16
    CANDIDATE_VERIFICATION = 18
    INSTALL = 20
    TEXT = 23
    UNINSTALL = 24


class CommonMember(IntEnum):
    """Keys of the common map."""

    DEPENDENCIES = 1
    COMPONENTS = 2
    SHARED_SEQUENCE = 4


class Label(IntEnum):
    """Conditions and directives."""

    VENDOR_IDENTIFIER = 1
    CLASS_IDENTIFIER = 2
    IMAGE_MATCH = 3
    COMPONENT_SLOT = 5
    CHECK_CONTENT = 6
    DEPENDENCY_INTEGRITY = 7
    IS_DEPENDENCY = 8
    PROCESS_DEPENDENCY = 11
    SET_COMPONENT_INDEX = 12
    SET_PARAMETERS = 19
    ABORT = 14
    TRY_EACH = 15
    WRITE = 18
    OVERRIDE_PARAMETERS = 20
    FETCH = 21
    COPY = 22
    INVOKE = 23
    DEVICE_IDENTIFIER = 24
    SWAP = 31
    RUN_SEQUENCE = 32
    UNLINK = 33


class Parameter(IntEnum):
    """Keys of override-parameters."""

    VENDOR_IDENTIFIER = 1
    CLASS_IDENTIFIER = 2
    IMAGE_DIGEST = 3
    COMPONENT_SLOT = 5
    STRICT_ORDER = 12
    SOFT_FAILURE = 13
    IMAGE_SIZE = 14
    CONTENT = 18
    ENCRYPTION_INFO = 19
    URI = 21
    SOURCE_COMPONENT = 22
    INVOKE_ARGUMENTS = 23
    DEVICE_IDENTIFIER = 24
    FETCH_ARGUMENTS = 25


class TextMember(IntEnum):
    """Keys of the text of one language."""

    MANIFEST_DESCRIPTION = 1
    UPDATE_DESCRIPTION = 2


_KINDS: Final = (EnvelopeMember, ManifestMember, CommonMember, Label, Parameter, TextMember)
_NAMES: Final[Mapping[type[IntEnum], Mapping[int, str]]] = {
    kind: {int(each): each.name.lower().replace("_", "-") for each in kind} for kind in _KINDS
}


def name_of(kind: type[IntEnum], number: int) -> str:
    """The draft's name of a label, or its number."""
    return _NAMES[kind].get(number) or str(number)
