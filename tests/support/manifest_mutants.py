"""Changes manifests at random where their structure is, and signs them again with the right key."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from random import Random
from typing import Any, Final

import cbor2

from tinycontainer_tokens import cbor


@dataclass
class Wrapped:
    """CBOR in a byte string."""

    inner: Any


Spot = tuple[Any, Any]
"""A list, map or `Wrapped`, and the index, key or name of one thing in it."""

_WRAPPING_MEMBERS: Final = (3, 7, 9, 16, 20, 24)
_JUNK: Final[tuple[Any, ...]] = (
    *(0, 1, 2, 3, 5, 15, 16, 23, 24, 47, 48, 255, 256, 65_536, 1 << 32, (1 << 63) - 1, 1 << 63),
    *((1 << 64) - 1, -1, -16, -(1 << 64), False, True, None, b"", bytes(16), bytes(32), b"\xf6"),
    *("", "#0", "#1", "#2", "#9", "coap://h/x", [], {}, [0], [0, 1, 2], [True], {1: bytes(16)}),
    *({14: 0}, {21: "#0"}, {18: b"a"}, [-16, bytes(32)], {-1: 0}, {99: 99}, "x" * 300),
)
_COMMANDS: Final = (
    *((3, 15), (14, 15), (1, 15), (2, 15), (24, 15), (21, 2), (18, 2), (23, 2), (33, 2), (22, 2)),
    *((31, 2), (32, b"\x80"), (12, True), (12, 0), (12, 1), (12, [0, 2]), (20, {21: "#0"})),
    *((20, {18: b"a"}), (20, {14: 1}), (15, [None]), (15, [Wrapped([3, 15]), None])),
    *((15, [Wrapped([14, 15]), Wrapped([12, 2])]), (15, [Wrapped([21, 2, 14, 15]), None])),
)


def open_manifest(manifest: bytes) -> dict[int, Any]:
    """A manifest of our tool as a tree in which no sequence is encoded."""
    members: dict[int, Any] = cbor2.loads(manifest)
    common = cbor2.loads(members[3])
    common[2] = [[Wrapped(cbor2.loads(part)) for part in each] for each in common[2]]
    if 4 in common:
        common[4] = _sequence(common[4])
    for label in _WRAPPING_MEMBERS:
        if isinstance(members.get(label), bytes):
            members[label] = Wrapped(common) if label == 3 else _sequence(members[label])
    return members


def _sequence(encoded: bytes) -> Wrapped:
    items = cbor2.loads(encoded)
    for index in range(0, len(items), 2):
        label, argument = items[index], items[index + 1]
        if label == 20 and 3 in argument:
            argument[3] = Wrapped(cbor2.loads(argument[3]))
        if label == 15:
            items[index + 1] = [each if each is None else _sequence(each) for each in argument]
    return Wrapped(items)


def close(tree: Any) -> Any:
    """A tree with its wrapped parts encoded, in deterministic form."""
    if isinstance(tree, Wrapped):
        return cbor.encode(close(tree.inner))
    if isinstance(tree, list):
        return [close(each) for each in tree]
    if isinstance(tree, dict):
        return {key: close(value) for key, value in tree.items()}
    return tree


def digests_of(manifest: bytes) -> set[bytes]:
    """Every image-digest that a manifest sets anywhere."""
    return {
        place.inner[1]
        for holder, key in _spots(open_manifest(manifest))
        if isinstance(place := _get(holder, key), Wrapped)
        and isinstance(place.inner, list)
        and len(place.inner) == 2
        and isinstance(place.inner[1], bytes)
    }


def mutate(manifest: dict[int, Any], random: Random) -> dict[int, Any]:
    """A manifest after one to three changes of its structure."""
    changed = deepcopy(manifest)
    for _ in range(random.choice([1, 1, 1, 2, 3])):
        spots = list(_spots(changed))
        if spots:
            _change(random.choice(spots), spots, random)
    return changed


def _spots(tree: Any) -> Iterator[Spot]:
    """Everything in a tree, with what holds it."""
    keys: list[Any] = []
    if isinstance(tree, Wrapped):
        keys = ["inner"]
    elif isinstance(tree, list):
        keys = list(range(len(tree)))
    elif isinstance(tree, dict):
        keys = list(tree)
    for key in keys:
        yield tree, key
        yield from _spots(_get(tree, key))


def _get(holder: Any, key: Any) -> Any:
    return holder.inner if isinstance(holder, Wrapped) else holder[key]


def _set(holder: Any, key: Any, value: Any) -> None:
    if isinstance(holder, Wrapped):
        holder.inner = value
    else:
        holder[key] = value


def _change(spot: Spot, spots: list[Spot], random: Random) -> None:
    holder, key = spot
    found = _get(holder, key)
    match random.randrange(9):
        case 0:
            _set(holder, key, deepcopy(random.choice(_JUNK)))
        case 1:
            _set(holder, key, deepcopy(_get(*random.choice(spots))))
        case 2 if isinstance(found, int) and not isinstance(found, bool):
            _set(holder, key, found + random.choice([-1, 1, 2, 256]))
        case 3:
            _set(holder, key, found.inner if isinstance(found, Wrapped) else Wrapped(found))
        case 4 if isinstance(holder, dict):
            _rename(holder, key, random)
        case _:
            _move_commands(holder, random)


def _rename(holder: dict[Any, Any], key: Any, random: Random) -> None:
    value = holder.pop(key)
    if random.random() < 0.7:
        holder[random.choice([1, 2, 3, 4, 5, 7, 9, 14, 16, 18, 20, 21, 23, 24, -1])] = value


def _move_commands(holder: Any, random: Random) -> None:
    """Drop, double, swap or add things of a list, one or two at a time as commands are."""
    if not isinstance(holder, list) or not holder:
        return
    width = random.choice([1, 2, 2, 2])
    at = random.randrange(0, len(holder), width)
    there = random.randrange(0, len(holder), width)
    taken = holder[at : at + width]
    match random.randrange(4):
        case 0:
            del holder[at : at + width]
        case 1:
            holder[there:there] = deepcopy(taken)
        case 2:
            del holder[at : at + width]
            holder[there:there] = taken
        case _:
            holder[there:there] = deepcopy(list(random.choice(_COMMANDS)))
