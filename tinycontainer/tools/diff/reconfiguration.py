"""Whether a loaded container can be changed from one version of its metadata to another.

This judges what the files show: uid, type, hashes in the code and data tokens, sequences, profile.
Signatures, times and caps are left to the device.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from tinycontainer.metadata import Endpoint, PeerType, token_places
from tinycontainer.text import show
from tinycontainer_tokens import Kind, Profile

from ..artefact.artefact import Artefact
from .token_changes import Place, PlacedToken, tokens_by_place


@dataclass(frozen=True, slots=True)
class Reconfiguration:
    """The prospects of a `Device.reconfigure` with a new version.

    Attributes:
        possible: whether nothing in the files speaks against it.
        obstacles: everything that does, fit to be shown.
        unsettled: what the files alone cannot decide, fit to be shown.
        closes: endpoints whose descriptors would close, with the reason, by endpoint id.
    """

    possible: bool
    obstacles: tuple[str, ...]
    unsettled: tuple[str, ...]
    closes: tuple[tuple[int, str], ...]


def judge_reconfiguration(old: Artefact, new: Artefact) -> Reconfiguration:
    """Judge whether a loaded container can become the new version.

    Args:
        old: the version that is loaded, with its code and data where they are at hand.
        new: the version whose metadata is to take its place.
    """
    obstacles = tuple(_obstacles(old, new))
    return Reconfiguration(
        not obstacles,
        obstacles,
        tuple(_unsettled(old, new)),
        () if obstacles else tuple(_closing(old, new)),
    )


def _obstacles(old: Artefact, new: Artefact) -> Iterator[str]:
    if old.metadata.uid != new.metadata.uid:
        yield "the uid is another: load it as a container of its own"
    if old.metadata.container.type is not new.metadata.container.type:
        yield "the type is another: delete the container and load the new one"
    before = tokens_by_place(old.metadata)
    after = tokens_by_place(new.metadata)
    for kind, loaded in ((Kind.CODE, old.code), (Kind.DATA, old.data)):
        name = kind.name.lower()
        wanted = _loaded_sha256(loaded, before[kind, 0])
        vouched = after[kind, 0].claims.sha256
        if wanted is not None and vouched is not None and vouched != wanted:
            yield f"the new {name} token does not fit the loaded {name}: load the container again"
    yield from _profile_obstacles(before, after)
    if old.metadata.uid == new.metadata.uid:
        yield from _sequence_obstacles(before, after)


def _loaded_sha256(content: bytes | None, token: PlacedToken) -> bytes | None:
    return token.claims.sha256 if content is None else hashlib.sha256(content).digest()


def _profile_obstacles(
    before: dict[Place, PlacedToken], after: dict[Place, PlacedToken]
) -> Iterator[str]:
    profiles = {token.profile for token in after.values() if token.profile}
    if len(profiles) > 1:
        yield "the new tokens are of two profiles"
    was = {token.profile for token in before.values() if token.profile}
    if Profile.RFC9052 in was and Profile.RIOT_2024 in profiles:
        yield "riot-2024 after rfc9052 is a step back, which every device refuses"


def _sequence_obstacles(
    before: dict[Place, PlacedToken], after: dict[Place, PlacedToken]
) -> Iterator[str]:
    for place, token in after.items():
        newest = before[place].claims.sequence if place in before else None
        found = token.claims.sequence
        if newest is None or found is None:
            continue
        name = place[0].name.lower()
        where = f"{name} token" + (f" {place[1]}" if place[0] is Kind.ENDPOINT else "")
        if found < newest:
            yield f"the sequence of the {where} is lower: {found}, accepted is {newest}"
        elif found == newest and token.sha256 != before[place].sha256:
            yield f"the {where} is another under the same sequence {found}: count it up"


def _unsettled(old: Artefact, new: Artefact) -> Iterator[str]:
    absent = [
        place.kind.name.lower()
        for place in token_places(new.metadata)
        if place.endpoint is None and not place.token
    ]
    if absent:
        names = ", ".join(absent)
        yield f"only a device that allows unsigned parts accepts it: no token for {names}"
    unread = [
        kind.name.lower()
        for kind, content in ((Kind.CODE, old.code), (Kind.DATA, old.data))
        if content is None and tokens_by_place(old.metadata)[kind, 0].claims.sha256 is None
    ]
    if unread:
        yield f"whether the tokens fit the loaded {' and '.join(unread)}: it is not at hand"
    yield "signatures, times and the device's caps: see verify and explain"


def _closing(old: Artefact, new: Artefact) -> Iterator[tuple[int, str]]:
    """Endpoints that are revoked: an entry that is not the same to the byte is another one."""
    kept = set(new.metadata.endpoints or ())
    for entry in old.metadata.endpoints or ():
        if entry in kept:
            continue
        successor = new.metadata.endpoint(entry.endpoint_id)
        reason = "revoked" if successor is None else _why_another(entry, successor)
        if entry.peer_type is PeerType.CONTAINER:
            reason += f"; the other end, of {show(entry.peer_uid or b'')}, closes too"
        yield entry.endpoint_id, reason


def _why_another(old: Endpoint, new: Endpoint) -> str:
    fields = {
        "peer": (old.peer_type, old.peer_uid, old.peer_endpoint_id)
        != (new.peer_type, new.peer_uid, new.peer_endpoint_id),
        "direction": old.direction is not new.direction,
        "token": old.token != new.token,
    }
    return f"its {' and '.join(name for name, differs in fields.items() if differs)} changed"
