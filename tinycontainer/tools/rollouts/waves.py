"""Puts the devices of a rollout into waves, each with its share of every sort of device.

Which devices of a sort come first depends on a hash of their names: the devices with the lowest
numbers are as a rule the oldest ones, and say little about the others.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from .candidate import Candidate


@dataclass(frozen=True, slots=True)
class Wave:
    """A step of a rollout.

    Attributes:
        per_cent: how much of the fleet is in this wave and those before it, 1 to 100.

    Raises:
        ValueError: the share is out of range.
    """

    per_cent: int

    def __post_init__(self) -> None:
        if type(self.per_cent) is not int or not 1 <= self.per_cent <= 100:
            raise ValueError(f"the share of a wave is 1 to 100 per cent, not {self.per_cent!a}")


@dataclass(frozen=True, slots=True, order=True)
class _Place:
    """The place of a device in its stratum; those that are due first stand first.

    Attributes:
        due_per_cent: the wave with this share is the last that it can be in.
        hash: decides between devices that are due together.
        name: of the device.
        after_per_cent: only waves with a greater share can have it.
    """

    due_per_cent: int
    hash: bytes
    name: str
    after_per_cent: int


def require_waves(waves: Sequence[Wave]) -> None:
    """Require that shares rise from wave to wave, and that the last wave has all devices.

    Raises:
        ValueError: they do not.
    """
    shares = [wave.per_cent for wave in waves]
    if shares != sorted(set(shares)):
        raise ValueError(f"the shares of waves rise from wave to wave; these do not: {shares}")
    if not shares or shares[-1] != 100:
        raise ValueError("the last wave has a share of 100 per cent; add such a wave")


def assign_waves(
    candidates: Iterable[Candidate], waves: Sequence[Wave], strata_keys: Sequence[str], salt: str
) -> Mapping[str, int]:
    """Assign a wave to each device.

    Of every stratum, the devices up to a wave are the wave's share, rounded up or down. The devices
    of all strata up to a wave are its share rounded up, so the first wave is never empty.

    Args:
        candidates: the devices, in any order.
        waves: the steps.
        strata_keys: ``kind``, ``group``, or ``label.`` and a key; devices that have the same texts
            there are a stratum.
        salt: of the rollout, so that not every rollout begins with the same devices.

    Returns:
        The number of its wave, from 0, for the name of each device.

    Raises:
        ValueError: two devices have one name, or the waves or the strata keys are wrong.
    """
    require_waves(waves)
    waiting = sorted(_places(candidates, strata_keys, salt))
    count = len(waiting)
    assigned: dict[str, int] = {}
    for number, wave in enumerate(waves):
        room = _rounded_up(count * wave.per_cent) - len(assigned)
        # Those that are due first go first: then there is room for each device when it is due,
        # because there is an assignment that meets every bound.
        open_to = [place for place in waiting if place.after_per_cent < wave.per_cent]
        assigned.update((place.name, number) for place in open_to[:room])
        waiting = [place for place in waiting if place.name not in assigned]
    if len(assigned) != count:
        raise ValueError("two devices have the same name; names have to be unique")
    return assigned


def size_waves(devices: int, waves: Sequence[Wave]) -> tuple[int, ...]:
    """How many devices `assign_waves` puts into each wave, whatever their strata.

    Args:
        devices: how many there are, 0 or more.
        waves: the steps.

    Raises:
        ValueError: the waves are wrong.
    """
    require_waves(waves)
    up_to = [0, *(_rounded_up(devices * wave.per_cent) for wave in waves)]
    return tuple(after - before for before, after in pairwise(up_to))


def wave_of_late_joiner(name: str, waves: Sequence[Wave], first_open: int, salt: str) -> int:
    """The wave of a device that was not there when waves were assigned.

    Args:
        name: of the device.
        waves: the steps.
        first_open: number of the first wave that has not ended, from 0.
        salt: of the rollout.

    Returns:
        The number of its wave. Late devices are spread by the shares of the waves; those whose wave
        has ended come to the first that has not.

    Raises:
        ValueError: the waves are wrong, or none is open.
    """
    require_waves(waves)
    if not 0 <= first_open < len(waves):
        raise ValueError(f"there is no open wave {first_open}; a late device needs one")
    drawn_per_cent = int.from_bytes(_hash_of(name, salt)) % 100
    shares = [wave.per_cent for wave in waves]
    drawn = next(number for number, share in enumerate(shares) if drawn_per_cent < share)
    return max(drawn, first_open)


def _places(
    candidates: Iterable[Candidate], strata_keys: Sequence[str], salt: str
) -> Iterator[_Place]:
    strata: dict[tuple[str | None, ...], list[tuple[bytes, str]]] = defaultdict(list)
    for candidate in candidates:
        stratum = tuple(candidate.text_of(key) for key in strata_keys)
        strata[stratum].append((_hash_of(candidate.name, salt), candidate.name))
    for members in strata.values():
        size = len(members)
        for rank, (hashed, name) in enumerate(sorted(members)):
            yield _Place(
                due_per_cent=-(-(rank + 1) * 100 // size),
                hash=hashed,
                name=name,
                after_per_cent=rank * 100 // size,
            )


def _hash_of(name: str, salt: str) -> bytes:
    # The salt comes with its length: no other salt and name give the same bytes.
    return hashlib.sha256(f"{len(salt)}:{salt}{name}".encode("utf-8", "surrogatepass")).digest()


def _rounded_up(hundredths: int) -> int:
    return -(-hundredths // 100)
