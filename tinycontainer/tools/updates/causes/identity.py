"""Whom an update is for: experiments on the names that its identifiers were derived from."""

import uuid
from collections.abc import Iterator
from typing import Final
from uuid import UUID

from tinycontainer.errors import UpdateReason
from tinycontainer.interfaces.updating import IDENTIFIER_BYTES, UpdateIdentity
from tinycontainer.suit.envelope.labels import Parameter
from tinycontainer.suit.rules import is_uuid
from tinycontainer.text import show

from ...explain.explanation import Explanation
from ...inspect.envelope_components import values_of
from .refused_update import RefusedUpdate

_PARAMETERS: Final = {
    UpdateReason.VENDOR: Parameter.VENDOR_IDENTIFIER,
    UpdateReason.CLASS: Parameter.CLASS_IDENTIFIER,
    UpdateReason.DEVICE: Parameter.DEVICE_IDENTIFIER,
}
_SHOWN_BYTES: Final = 60


def explain_identity(refused: RefusedUpdate) -> Explanation:
    """Explain why an update is for another vendor, class or device."""
    reason = refused.refusal.reason
    own = _own(refused, reason)
    named = [
        value
        for value in dict.fromkeys(values_of(refused.manifest, _PARAMETERS[reason]))
        if isinstance(value, bytes)
    ]
    others = [value for value in named if value != own]
    expected = f"the {reason} {_format(own)}{_derived_from(refused, reason)}"
    if own is None:
        return Explanation(
            f"no condition on the {reason}: this one has no id",
            ", ".join(map(_format, named)) or "none",
            "[device] id is missing in the device file",
        )
    if not named:
        cause = "its maker has forgotten the condition; `suit create` writes it"
        return Explanation(f"a condition on the {reason}", "none", cause)
    found = ", ".join(map(_format, others or named))
    return Explanation(expected, f"the {reason} {found}", _find_cause(refused, others))


def _own(refused: RefusedUpdate, reason: UpdateReason) -> bytes | None:
    identity = None if refused.device.rules is None else refused.device.rules.identity
    if identity is None:
        return None
    if reason is UpdateReason.VENDOR:
        return identity.vendor_id
    return identity.class_id if reason is UpdateReason.CLASS else identity.device_id


def _derived_from(refused: RefusedUpdate, reason: UpdateReason) -> str:
    names = refused.device.names
    places = {
        UpdateReason.VENDOR: ("update.vendor", "device.vendor"),
        UpdateReason.CLASS: ("update.class", "device.name"),
        UpdateReason.DEVICE: ("device.id",),
    }[reason]
    place = next((each for each in places if each in names), None)
    return "" if place is None else f", derived from {place} {show(names[place], _SHOWN_BYTES)}"


def _find_cause(refused: RefusedUpdate, others: list[bytes]) -> str | None:
    """What an identifier was derived from, among what the device file names."""
    if refused.device.rules is None:
        return None
    for words, identifier in _candidates(refused, refused.device.rules.identity):
        if identifier in others:
            return words
    what = str(refused.refusal.reason)
    return f"it is for another {what}, or was derived from other names than the device file has"


def _candidates(refused: RefusedUpdate, identity: UpdateIdentity) -> Iterator[tuple[str, bytes]]:
    """Identifiers that can be made of the names of the device file, and how."""
    reason = refused.refusal.reason
    known = {
        "vendor": identity.vendor_id,
        "class": identity.class_id,
        "device": identity.device_id,
    }
    for kind, identifier in known.items():
        if identifier is not None and kind != reason:
            yield (
                f"it is the device's {kind} identifier, in the place of the {reason}'s",
                identifier,
            )
    vendor = UUID(bytes=identity.vendor_id)
    spaces = (
        ("the vendor's name space", vendor),
        ("the name space of the DNS", uuid.NAMESPACE_DNS),
        *_vendors(refused, reason),
    )
    for place, name in refused.device.names.items():
        for form, text in (("", name), (" in small letters", name.lower())):
            if is_uuid(text):
                continue
            for words, space in spaces:
                made = uuid.uuid5(space, text).bytes
                yield f"it was derived from {place}{form} in {words}", made


def _vendors(refused: RefusedUpdate, reason: UpdateReason) -> Iterator[tuple[str, UUID]]:
    """Name spaces of the other vendors that the update or the device file names."""
    if reason is UpdateReason.VENDOR:
        return
    for value in values_of(refused.manifest, Parameter.VENDOR_IDENTIFIER):
        if isinstance(value, bytes) and len(value) == IDENTIFIER_BYTES:
            yield "the name space of the update's vendor", UUID(bytes=value)
    for place, name in refused.device.names.items():
        yield f"the name space of {place} as vendor", uuid.uuid5(uuid.NAMESPACE_DNS, name)


def _format(identifier: bytes | None) -> str:
    if identifier is None:
        return "none"
    is_whole = len(identifier) == IDENTIFIER_BYTES
    return str(UUID(bytes=identifier)) if is_whole else identifier.hex()
