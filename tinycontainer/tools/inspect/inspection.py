"""Metadata, tokens and sections as plain values, for people and programs; nothing is verified."""

import hashlib
from typing import Any

from tinycontainer.device.containers.riot_2024 import find_riot_objection
from tinycontainer.device.containers.verification import profile_of
from tinycontainer.interfaces.syscalls import allowed, mask_from_bytes
from tinycontainer.metadata import Endpoint, Metadata, PeerType, Security
from tinycontainer.text import show
from tinycontainer_tokens import Claims, Kind
from tinycontainer_tokens.unverified import read_unverified


def inspect_metadata(metadata: Metadata) -> dict[str, Any]:
    """All fields of metadata; absent optional ones are null."""
    container = metadata.container
    timing = metadata.timing
    profile = profile_of(metadata)
    return {
        "kind": "metadata",
        "bytes": len(metadata.raw),
        "profile": profile,
        "riot_2024_objection": find_riot_objection(metadata),
        "container": {
            "uid": show(container.uid),
            "uid_hex": container.uid.hex(),
            "type": container.type.value,
            "type_name": container.type.name.lower(),
            "syscall_mask_token": inspect_token(container.syscall_mask_token, Kind.MASK),
            "exec_time_ms": container.exec_time_ms,
            "period_ms": container.period_ms,
            "period_max_ms": container.period_max_ms,
            "lifetime_loops": container.lifetime_loops,
            "priority": container.priority,
        },
        "endpoints": None
        if metadata.endpoints is None
        else [_endpoint(endpoint) for endpoint in metadata.endpoints],
        "security": None if metadata.security is None else _security(metadata.security),
        "signed_prefix": inspect_section(metadata.signed_prefix),
        "effective": {
            "start_max_ms": timing.start_max_ms,
            "period_ms": timing.period_ms,
            "period_max_ms": timing.period_max_ms,
            "loop_max_ms": timing.loop_max_ms,
            "lifetime_loops": timing.lifetime_loops,
            "stop_max_ms": timing.stop_max_ms,
            "priority": timing.priority,
        },
    }


def inspect_token(token: bytes, kind: Kind | None) -> dict[str, Any]:
    """Form and claims of a token.

    Args:
        token: untrusted bytes; empty for an absent token.
        kind: the place that it is in; None to read it as the first kind that fits.
    """
    if not token:
        return {"bytes": 0, "problem": "absent"}
    said = read_unverified(token, kind)
    problem = said.structure_error or said.header_error
    if said.envelope is None or problem is not None:
        return {"bytes": len(token), "problem": str(problem)}
    claims = (
        {"problem": str(said.claims_error)} if said.claims is None else claims_as_dict(said.claims)
    )
    return {
        "bytes": len(token),
        "profile": said.envelope.profile,
        "algorithm": said.envelope.algorithm,
        "tagged": said.envelope.tagged,
        "kid": None if said.kid is None else show(said.kid),
        "claims": claims,
    }


def inspect_section(content: bytes) -> dict[str, Any]:
    """Size and hash of a section."""
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def claims_as_dict(claims: Claims) -> dict[str, Any]:
    """The claims that are present, by name."""
    values: dict[str, Any] = {}
    if claims.mask is not None:
        mask = mask_from_bytes(claims.mask)
        values["mask"] = claims.mask.hex()
        values["calls"] = [call.name.lower() for call in allowed(mask)]
    if claims.sha256 is not None:
        values["sha256"] = claims.sha256.hex()
    if claims.uid is not None:
        values["uid"] = show(claims.uid)
    if claims.kind is not None:
        values["kind"] = claims.kind.name.lower()
    if claims.audience is not None:
        values["audience"] = show(claims.audience)
    for name in ("sequence", "not_before_s", "expires_s", "issued_s"):
        if getattr(claims, name) is not None:
            values[name] = getattr(claims, name)
    return values


def _endpoint(endpoint: Endpoint) -> dict[str, Any]:
    token = endpoint.token
    return {
        "id": endpoint.endpoint_id,
        "peer": endpoint.peer_type.name.lower(),
        "peer_uid": show(endpoint.peer_uid)
        if endpoint.peer_type is PeerType.CONTAINER and endpoint.peer_uid is not None
        else None,
        "peer_endpoint": endpoint.peer_endpoint_id,
        "direction": endpoint.direction.name.lower(),
        "token": None if token is None else inspect_token(token, Kind.ENDPOINT),
    }


def _security(security: Security) -> dict[str, Any]:
    return {
        "start_max_duration_ms": security.start_max_duration_ms,
        "loop_period_ms": security.loop_period_ms,
        "loop_max_duration_ms": security.loop_max_duration_ms,
        "loop_max_lifetime": security.loop_max_lifetime,
        "stop_max_duration_ms": security.stop_max_duration_ms,
        "data_token": inspect_token(security.data_token, Kind.DATA),
        "code_token": inspect_token(security.code_token, Kind.CODE),
        "metadata_token": inspect_token(security.metadata_token, Kind.METADATA),
    }
