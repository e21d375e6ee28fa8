"""Who may manage a device: `[[agent.peers]]` of its file."""

from collections.abc import Mapping

from tinycontainer.agent.requests.rights import KnownPeer, Peers, Right
from tinycontainer.assembly import DevicePlan
from tinycontainer.errors import DeviceFileError
from tinycontainer.files.fields import uid_from_text
from tinycontainer.interfaces.security_context import SecurityContext, read_security_context


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


def read_contexts(plan: DevicePlan) -> Mapping[str, SecurityContext]:
    """The OSCORE context of each peer, by the peer's name; none is opened.

    Raises:
        DeviceFileError: one cannot be used, or two peers have one.
    """
    contexts: dict[str, SecurityContext] = {}
    owners: dict[bytes, str] = {}
    for number, peer in enumerate(plan.content.agent.peers):
        place = f"agent.peers[{number}].context"
        try:
            found = read_security_context(plan.file(peer.context, place))
        except DeviceFileError as error:
            raise plan.error(place, error.problem if error.place else str(error)) from None
        other = owners.setdefault(found.recipient_id, peer.name)
        if other != peer.name:
            problem = f"has the recipient id of {other}'s; each peer needs a context of its own"
            raise plan.error(place, problem)
        contexts[peer.name] = found
    return contexts
