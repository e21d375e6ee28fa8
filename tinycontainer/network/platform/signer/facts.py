"""The same that lines show, as plain values for programs."""

from typing import Any

from tinycontainer.text import show
from tinycontainer.tools.inspect.inspection import claims_as_dict, inspect_section

from .description import Description
from .examining import ExaminedRequest


def as_facts(new: ExaminedRequest, described: Description, key_sha256: bytes) -> dict[str, Any]:
    """What is to be signed, and what that means.

    Args:
        new: what passed all checks.
        described: what is shown of it.
        key_sha256: hash of the public key that signs it.
    """
    return {
        "uid": show(new.order.uid),
        "uid_hex": new.order.uid.hex(),
        "number": new.order.number,
        "part": new.part.name,
        "role": new.part.role.value,
        "profile": new.order.profile.value,
        "key_sha256": key_sha256.hex(),
        "payload": new.payload.hex(),
        "claims": claims_as_dict(new.claims),
        "covered": None if new.covered is None else inspect_section(new.covered),
        "heading": described.heading,
        "meaning": list(described.meaning),
        "since": described.since,
        "changes": [
            {"area": each.area, "kind": each.kind, "text": each.text} for each in described.changes
        ],
        "warnings": list(described.warnings),
    }
