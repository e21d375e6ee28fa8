"""Who may manage a device: `[[agent.peers]]` of its file."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tinycontainer.assembly import DevicePlan
from tinycontainer.errors import DeviceFileError
from tinycontainer.files.fields import uid_from_text
from tinycontainer.interfaces.network.edhoc_identity import (
    Credential,
    Identity,
    read_credential,
    read_identity,
)
from tinycontainer.interfaces.network.security_context import SecurityContext, read_security_context

from .requests.rights import KnownPeer, Peers, Right

Found = TypeVar("Found")


def make_peers(plan: DevicePlan) -> Peers:
    """The peers of a device; everybody, if its file lets everybody.

    The identity of a peer is its name, under which OSCORE proves it.
    """
    table = plan.content.agent
    known = {
        peer.name.encode(): KnownPeer(
            peer.name,
            frozenset(map(Right, peer.rights)),
            None if peer.uids is None else frozenset(map(uid_from_text, peer.uids)),
        )
        for peer in table.peers
    }
    return Peers(known, is_protected=not table.insecure)


@dataclass(frozen=True, slots=True)
class Proofs:
    """By what a device file says that peers are known; no context is opened.

    Attributes:
        contexts: of the peers that have one, by name.
        identity: the device's own; None if no peer has a credential.
        credentials: of the peers that have one, by name.
    """

    contexts: Mapping[str, SecurityContext]
    identity: Identity | None
    credentials: Mapping[str, Credential]


def read_proofs(plan: DevicePlan) -> Proofs:
    """Read the contexts and credentials of all peers, and the device's identity.

    Raises:
        DeviceFileError: one cannot be used, or two peers have one.
    """
    table = plan.content.agent
    contexts: dict[str, SecurityContext] = {}
    credentials: dict[str, Credential] = {}
    owners: dict[object, str] = {}
    for number, peer in enumerate(table.peers):
        if peer.context is not None:
            place = f"agent.peers[{number}].context"
            found = _read(plan, peer.context, place, read_security_context)
            contexts[peer.name] = found
            mark: object = found.recipient_id
        else:
            place = f"agent.peers[{number}].credential"
            credential = _read(plan, peer.credential or "", place, read_credential)
            credentials[peer.name] = credential
            mark = repr(credential)
        other = owners.setdefault(mark, peer.name)
        if other != peer.name:
            raise plan.error(place, f"is the one of {other} too; each peer needs one of its own")
    identity = None
    if table.identity is not None:
        identity = _read(plan, table.identity, "agent.identity", read_identity)
    return Proofs(contexts, identity, credentials)


def _read(plan: DevicePlan, name: str, place: str, read: Callable[[Path], Found]) -> Found:
    path = plan.file(name, place)
    try:
        return read(path)
    except DeviceFileError as error:
        raise plan.error(place, str(error)) from None
