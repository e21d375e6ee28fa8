"""Which updates a device takes: for whom they must be, whose they may be, and where from."""

import re
import uuid
from dataclasses import dataclass
from typing import Final

from tinycontainer.interfaces.network.coap_uri import parse_coap_uri
from tinycontainer.interfaces.updating import UpdateIdentity

from .keys.keys import UpdateKeys

_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class UpdateRules:
    """What a device asks of updates.

    Attributes:
        identity: which devices an update has to be for.
        keys: whose updates it takes; without a key it takes none.
        origins: servers that payloads may be fetched from, as `CoapUri.origin` writes them.
    """

    identity: UpdateIdentity
    keys: UpdateKeys
    origins: tuple[str, ...] = ()

    def allow_fetch(self, uri: str) -> bool:
        """Whether a payload may be fetched from a URI; never from what is no URI of CoAP."""
        try:
            return parse_coap_uri(uri).origin in self.origins
        except ValueError:
            return False


def is_uuid(text: str) -> bool:
    """Whether text is a UUID in its usual form, in letters of either case."""
    return _UUID.fullmatch(text) is not None


def derive_identity(vendor: str, class_name: str, device: str | None = None) -> UpdateIdentity:
    """The identifiers of a device, from the names of its vendor, its class and itself.

    Each is a UUID of version 5 (RFC 9562): of the vendor's domain in the name space of the DNS, of
    the class and of the device in that of the vendor. A UUID in place of a vendor or class is
    taken as it is.

    Args:
        vendor: a domain name, or a UUID.
        class_name: any text, or a UUID.
        device: any text; None if the device has no name.
    """
    vendor_id = _derive(uuid.NAMESPACE_DNS, vendor)
    device_id = None if device is None else uuid.uuid5(vendor_id, device).bytes
    return UpdateIdentity(vendor_id.bytes, _derive(vendor_id, class_name).bytes, device_id)


def _derive(space: uuid.UUID, name: str) -> uuid.UUID:
    return uuid.UUID(name) if is_uuid(name) else uuid.uuid5(space, name)
