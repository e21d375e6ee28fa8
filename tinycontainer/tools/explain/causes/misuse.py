"""Experiments on sound tokens that are used for another kind, container, device or time."""

import hashlib
from typing import Final

from tinycontainer.device.setup import DEFAULT_EPOCH_S
from tinycontainer.text import show
from tinycontainer_tokens import Claims

from ...artefact.moments import format_utc
from ..explanation import name_of
from .refused_token import RefusedToken

_MS_PER_S: Final = 1000
_EARLIEST_S: Final = 946_684_800
"""2000-01-01T00:00:00Z: a number of milliseconds that means an earlier moment is no such number."""


def find_kind_cause(refused: RefusedToken) -> str | None:
    """Find out why a token is of another kind."""
    claims = _claims(refused)
    if claims.kind is None:
        return None
    content = refused.content_of(refused.kind)
    signed = f"the role {refused.role} signed it as a {name_of(claims.kind)} token"
    if content is not None and claims.sha256 == hashlib.sha256(content).digest():
        return f"{signed}, though its hash is that of the {name_of(refused.kind)}"
    return signed


def find_uid_cause(refused: RefusedToken) -> str | None:
    """Find out why a token is for another container."""
    claims = _claims(refused)
    wanted = refused.report.expected.uid
    found = claims.uid or b""
    if found.strip() == wanted.strip():
        return "the uids differ in spaces or a line break at an end only"
    if found.lower() == wanted.lower():
        return "the uids differ in upper and lower case only"
    content = refused.content_of(refused.kind)
    same = content is not None and claims.sha256 == hashlib.sha256(content).digest()
    kept = f"; the {name_of(refused.kind)} itself is the same" if same else ""
    return (
        f"a token of the container {show(found)} was used again here, or the container was given"
        f" another uid after it was signed{kept}"
    )


def find_audience_cause(refused: RefusedToken) -> str | None:
    """Find out why a token is for another device."""
    wanted = refused.report.expected.audience
    found = _claims(refused).audience or ""
    if wanted is None:
        return "the device has no id: name it by --device-id, or in the device file ([device] id)"
    if wanted.strip().lower() == found.strip().lower():
        return "the ids differ in spaces or in upper and lower case only"
    return f"the token was made for the device {show(found)}"


def find_time_cause(refused: RefusedToken) -> str | None:
    """Find out why a token is not valid at this time."""
    claims = _claims(refused)
    now_s = refused.report.expected.now_s
    begins_s = claims.not_before_s
    ends_s = claims.expires_s
    if begins_s is not None and ends_s is not None and ends_s <= begins_s:
        end = format_utc(ends_s)
        return f"the token is never valid: it ends at {end} and begins at {format_utc(begins_s)}"
    if begins_s is not None and now_s < begins_s:
        meant_s = begins_s // _MS_PER_S
        if _EARLIEST_S <= meant_s <= now_s:
            return f"nbf is in milliseconds, not seconds: as such it is {format_utc(meant_s)}"
        if now_s == DEFAULT_EPOCH_S:
            now = format_utc(now_s)
            return f"the clock is at its default, {now}: set [device] epoch, or --at"
        return "it is too early, or the clock is slow"
    issued_s = claims.issued_s
    if issued_s is not None and ends_s is not None and ends_s < issued_s:
        issued = format_utc(issued_s)
        return f"the token expired before it was issued, at {issued}: exp may be a duration"
    return "it is too late: sign again with a later exp; or the clock is fast"


def find_sequence_cause(refused: RefusedToken) -> str | None:
    """Find out how a token relates to the newest that was accepted."""
    found = _claims(refused).sequence
    newest = refused.sequences.newest(refused.report.subject) if refused.sequences else None
    if newest is None or found is None:
        return None
    if found == newest.sequence:
        return "signed again under a sequence that was used: raise the sequence and sign again"
    return (
        f"an older version: {newest.sequence - found} before the newest that was accepted,"
        f" {newest.sequence}"
    )


def _claims(refused: RefusedToken) -> Claims:
    found = refused.report.verification.claims if refused.report.verification else None
    return found or Claims()
