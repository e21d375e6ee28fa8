"""Component identifiers of our profile: which section of which container a component is.

Both parts are CBOR in a byte string each: the uid as a byte string, the section as text.
"""

from collections.abc import Iterable
from typing import Final

from tinycontainer.interfaces.updating import UpdateSection
from tinycontainer.text import show
from tinycontainer_tokens import CborError, cbor

from .model import ComponentId

MAX_UID_BYTES: Final = 63
_MAX_PART_BYTES: Final = 96
_SHOWN_BYTES: Final = 40


def component_id(uid: bytes, section: UpdateSection) -> ComponentId:
    """The identifier of a container's section.

    Args:
        uid: of the container, 1 to 63 bytes.
        section: which of its sections.
    """
    return cbor.encode(uid), cbor.encode(str(section))


def uids_of(components: Iterable[ComponentId]) -> tuple[bytes, ...]:
    """The uids that identifiers of our profile name, each once, in order.

    Raises:
        ValueError: one is none of our profile.
    """
    return tuple(dict.fromkeys(parse_component(each)[0] for each in components))


def parse_component(identifier: ComponentId) -> tuple[bytes, UpdateSection]:
    """The uid and the section that an identifier names.

    Raises:
        ValueError: it is none of our profile; the message says why.
    """
    if len(identifier) != 2:
        raise ValueError("a component is not two byte strings, of a uid and of a section")
    try:
        uid, section = (cbor.decode(part, _MAX_PART_BYTES) for part in identifier)
    except CborError as error:
        raise ValueError(f"a part is not CBOR of our form: {error.problem}") from None
    if not isinstance(uid, bytes) or not 1 <= len(uid) <= MAX_UID_BYTES:
        raise ValueError(f"the uid is not a byte string of 1 to {MAX_UID_BYTES} bytes")
    if not isinstance(section, str):
        raise ValueError("the section is not text")
    try:
        return uid, UpdateSection(section)
    except ValueError:
        sections = ", ".join(UpdateSection)
        raise ValueError(f"section {show(section, _SHOWN_BYTES)} is none of {sections}") from None
