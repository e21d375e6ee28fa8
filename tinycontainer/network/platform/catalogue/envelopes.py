"""Envelopes of SUIT, by which infrastructure brings releases to devices that take updates."""

from sqlalchemy.orm import Session

from tinycontainer.errors import EnvelopeError
from tinycontainer.suit.envelope.components import uids_of
from tinycontainer.suit.envelope.decoder import decode_envelope, decode_manifest
from tinycontainer.suit.envelope.profile import objections
from tinycontainer.text import flatten
from tinycontainer_tokens import Role

from ..actor import Actor
from ..audit import note
from ..refusing import bad_request
from ..tables.catalogue import ReleaseRow
from .artefacts import require_artefact
from .releases import name_of, require_open_to


def add_envelope(
    session: Session, actor: Actor, row: ReleaseRow, digest: str, now_s: float
) -> None:
    """Add the envelope of a release, or another one in its place.

    A device alone judges by which key it is signed, and what it brings; what is brought is compared
    with the release after that.

    Args:
        session: of a transaction that writes.
        actor: who asks.
        row: of the release.
        digest: SHA-256 of an artefact of infrastructure.
        now_s: Unix time.

    Raises:
        PlatformRefused: the organisation is not the infrastructure, has no such artefact, or that
            is no envelope of this container alone; or a rollout was started.
    """
    require_open_to(actor, row, Role.INFRASTRUCTURE)
    content = require_artefact(session, actor, digest).content
    _require_about(content, row.application.uid)
    row.envelope_sha256 = digest
    note(session, actor, "envelope-added", name_of(row), {"sha256": digest}, now_s)


def _require_about(content: bytes, uid: bytes) -> None:
    """Require that untrusted bytes are an envelope of one container."""
    try:
        envelope = decode_envelope(content)
        manifest = decode_manifest(envelope)
        objection = next(objections(envelope, manifest), None)
        uids = uids_of(manifest.components)
    except (EnvelopeError, ValueError) as error:
        raise bad_request(f"envelope: {flatten(str(error))[:300]}") from None
    if objection is not None:
        raise bad_request(f"envelope: {objection.place}: {flatten(objection.problem)[:300]}")
    if uids != (uid,):
        raise bad_request("envelope: is about other containers than this one")
