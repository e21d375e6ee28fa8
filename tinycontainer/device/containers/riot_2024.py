"""What the profile ``riot-2024`` demands of metadata: the form that the C firmware's parser takes.

A device that accepts only ``rfc9052``, as one does by default, never comes here.
"""

from collections.abc import Iterator
from typing import Final

from tinycontainer.metadata import Endpoint, Metadata
from tinycontainer_tokens import Kind, SequenceStore, SequenceSubject

RIOT_METADATA_TOKEN_BYTES: Final = 111
"""Length of an Ed25519 metadata token; the firmware takes every one to be so long."""
RIOT_MAX_ENDPOINT_ID: Final = 127
"""The firmware passes endpoint ids in 8 signed bits."""

_UNKNOWN_FIELDS: Final = {
    "exec_time_ms": "exec-time (key 4)",
    "period_ms": "period (key 5)",
    "period_max_ms": "period-max (key 6)",
    "lifetime_loops": "lifetime (key 7)",
    "priority": "priority (key 8)",
}


def riot_objections(metadata: Metadata, sequences: SequenceStore | None) -> Iterator[str]:
    """Everything that speaks against a container with tokens of ``riot-2024``.

    Args:
        metadata: decoded metadata.
        sequences: what the device accepted before, if that is known.
    """
    objection = find_riot_objection(metadata)
    if objection is not None:
        yield objection
    # Only tokens of rfc9052 have a sequence, so a record of one is a record of that profile.
    if sequences and any(sequences.newest(SequenceSubject(metadata.uid, kind)) for kind in Kind):
        yield "this uid was accepted under rfc9052; riot-2024 is a step back"


def find_riot_objection(metadata: Metadata) -> str | None:
    """Why the C firmware would not take the form of metadata; None if it would.

    The firmware reads keys 1, 2 and 3 always and container keys 1 to 3 only, knows no endpoint
    tokens, and hashes all but the last 111 bytes of metadata, whatever its token's length is.

    Returns:
        The first objection, fit to be shown.
    """
    for attribute, name in _UNKNOWN_FIELDS.items():
        if getattr(metadata.container, attribute) is not None:
            return f"container.{name} is unknown to riot-2024"
    if metadata.endpoints is None or metadata.security is None:
        missing = "endpoints (key 2)" if metadata.endpoints is None else "security (key 3)"
        return f"{missing} is missing; riot-2024 always has it"
    for index, endpoint in enumerate(metadata.endpoints):
        objection = _endpoint_objection(endpoint)
        if objection is not None:
            return f"endpoints[{index}].{objection}"
    token = metadata.security.metadata_token
    if token and len(token) != RIOT_METADATA_TOKEN_BYTES:
        return (
            f"security.metadata-token has {len(token)} bytes; riot-2024 hashes all but the last"
            f" {RIOT_METADATA_TOKEN_BYTES}"
        )
    return None


def _endpoint_objection(endpoint: Endpoint) -> str | None:
    if endpoint.token is not None:
        return "endpoint-token (key 6) is unknown to riot-2024"
    if endpoint.endpoint_id > RIOT_MAX_ENDPOINT_ID:
        return f"endpoint-id {endpoint.endpoint_id} is above {RIOT_MAX_ENDPOINT_ID}"
    return None
