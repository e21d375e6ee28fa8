"""What changes between two versions of a container, in words.

Nothing is verified: this compares what the files say. `explain` and `verify` show whether a device
would accept the new version.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from tinycontainer.interfaces.syscalls import allowed, describe_unknown_bits
from tinycontainer.metadata import Direction, Endpoint, Metadata, PeerType
from tinycontainer.text import show

from ..artefact.artefact import Artefact
from .reconfiguration import Reconfiguration, judge_reconfiguration
from .timing_changes import list_timing_changes
from .token_changes import list_token_changes, mask_of_token, tokens_by_place


@dataclass(frozen=True, slots=True)
class Change:
    """One difference.

    Attributes:
        area: ``container``, ``rights``, ``endpoints``, ``timing``, ``tokens``, ``code`` or
            ``data``.
        kind: such as ``gained`` or ``lost``.
        text: a clause that says it, fit to be shown.
    """

    area: str
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two versions side by side.

    Attributes:
        changes: what differs, by area.
        reconfiguration: whether a running container can be changed from the old to the new.
    """

    changes: tuple[Change, ...]
    reconfiguration: Reconfiguration


def compare_versions(old: Artefact, new: Artefact) -> Comparison:
    """Compare two versions of a container.

    Args:
        old: the version that is running, or was.
        new: the version that is to take its place.
    """
    changes = [
        *_container_changes(old.metadata, new.metadata),
        *_mask_changes(old.metadata, new.metadata),
        *_endpoint_changes(old.metadata, new.metadata),
        *(
            Change("timing", kind, text)
            for kind, text in list_timing_changes(old.metadata.timing, new.metadata.timing)
        ),
        *(
            Change("tokens", kind, text)
            for kind, text in list_token_changes(
                tokens_by_place(old.metadata), tokens_by_place(new.metadata), _covered(old, new)
            )
        ),
        *_section_changes("code", old.code, new.code),
        *_section_changes("data", old.data, new.data),
    ]
    if not changes and old.metadata.raw != new.metadata.raw:
        changes.append(
            Change("container", "rewritten", "other bytes of metadata, which mean the same")
        )
    return Comparison(tuple(changes), judge_reconfiguration(old, new))


def _covered(old: Artefact, new: Artefact) -> frozenset[str]:
    """Changes of tokens that follow from other changes, and are reported with those."""
    covered = {"mask", "content of metadata"}
    if old.metadata.uid != new.metadata.uid:
        covered.add("uid")
    for name, before, after in (("code", old.code, new.code), ("data", old.data, new.data)):
        if before is not None and after is not None and before != after:
            covered.add(f"content of {name}")
    return frozenset(covered)


def _container_changes(old: Metadata, new: Metadata) -> Iterator[Change]:
    warning = "; a reconfiguration would be refused"
    if old.uid != new.uid:
        text = f"the uid changes from {show(old.uid)} to {show(new.uid)}{warning}"
        yield Change("container", "uid", text)
    before = old.container.type
    after = new.container.type
    if before is not after:
        text = (
            f"the type changes from {before.value} ({before.name.lower()}) to"
            f" {after.value} ({after.name.lower()}){warning}"
        )
        yield Change("container", "type", text)


def _mask_changes(old: Metadata, new: Metadata) -> Iterator[Change]:
    before = mask_of_token(old)
    after = mask_of_token(new)
    if before is None or after is None:
        if before != after:
            text = "only one version has a readable mask token; without one the device decides"
            yield Change("rights", "unknown", f"system calls cannot be compared: {text}")
        return
    gained = after & ~before
    lost = before & ~after
    if gained:
        yield Change("rights", "gained", _right_change(gained, "may now call", "sets"))
    if lost:
        yield Change("rights", "lost", _right_change(lost, "may no longer call", "clears"))


def _right_change(mask: int, may_call: str, changes: str) -> str:
    """The calls and the unknown bits of a mask, each with its own verb."""
    names = ", ".join(call.name.lower() for call in allowed(mask))
    unknown = describe_unknown_bits(mask)
    parts = (f"{may_call} {names}" if names else "", f"{changes} {unknown}" if unknown else "")
    return "; ".join(part for part in parts if part)


def _endpoint_changes(old: Metadata, new: Metadata) -> Iterator[Change]:
    before = {entry.endpoint_id: entry for entry in old.endpoints or ()}
    after = {entry.endpoint_id: entry for entry in new.endpoints or ()}
    for number in sorted(before | after):
        if number not in before:
            yield Change(
                "endpoints", "granted", f"endpoint {number} granted: {_words(after[number])}"
            )
        elif number not in after:
            yield Change(
                "endpoints", "revoked", f"endpoint {number} revoked: {_words(before[number])}"
            )
        else:
            yield from _entry_changes(before[number], after[number])
    if (old.endpoints is None) != (new.endpoints is None) and not before | after:
        verb = "appears" if old.endpoints is None else "disappears"
        yield Change("endpoints", "rewritten", f"the empty endpoints array (key 2) {verb}")


def _entry_changes(old: Endpoint, new: Endpoint) -> Iterator[Change]:
    name = f"endpoint {old.endpoint_id}"
    if _peer(old) != _peer(new):
        yield Change(
            "endpoints", "peer", f"{name} now leads to {_peer(new)} instead of {_peer(old)}"
        )
    if old.direction is not new.direction:
        kind = _direction_change(old.direction, new.direction)
        text = f"{name}: direction {kind}: {_may(new.direction)} instead of {_may(old.direction)}"
        yield Change("endpoints", kind, text)
    if (old.token is None) != (new.token is None):
        kind = "signed" if old.token is None else "unsigned"
        text = "is now signed by the owner" if old.token is None else "is no longer signed"
        yield Change("endpoints", kind, f"{name} {text}")


def _direction_change(old: Direction, new: Direction) -> str:
    if new is Direction.BOTH:
        return "widened"
    return "narrowed" if old is Direction.BOTH else "turned"


def _words(entry: Endpoint) -> str:
    return f"{_peer(entry)}, {_may(entry.direction)}"


def _peer(entry: Endpoint) -> str:
    if entry.peer_type is PeerType.CONTAINER:
        return f"endpoint {entry.peer_endpoint_id} of the container {show(entry.peer_uid or b'')}"
    return f"the {entry.peer_type.name.lower()} peer {entry.peer_endpoint_id}"


def _may(direction: Direction) -> str:
    verbs = [
        verb
        for verb, may in (
            ("read", direction.container_reads),
            ("write", direction.container_writes),
        )
        if may
    ]
    return f"may {' and '.join(verbs)} ({direction.name.lower()})"


def _section_changes(name: str, old: bytes | None, new: bytes | None) -> Iterator[Change]:
    if old is None or new is None or old == new:
        return
    grown = len(new) - len(old)
    size = f"size {len(new)} instead of {len(old)} ({grown:+d})" if grown else f"size {len(new)}"
    hashes = f"sha256 {_hash(new)} instead of {_hash(old)}"
    yield Change(name, "changed", f"other {name}: {size}, {hashes}")


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
