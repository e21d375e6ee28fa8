"""Two processes over one state file: a token that was overtaken in one is refused in the other."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.sharing import MAX_SEQUENCE, NARROW, NONE, WIDE, Attempt, Peer, Version, pack_all

from tinycontainer.state import SqliteState
from tinycontainer_tokens import Kind, SequenceSubject

VERSIONS = [
    Version(sequence, mask) for sequence in range(MAX_SEQUENCE) for mask in (WIDE, NARROW, NONE)
]
METADATA = SequenceSubject(b"box", Kind.METADATA)


@pytest.fixture(scope="module")
def bundles() -> dict[Version, tuple[bytes, bytes]]:
    return pack_all(VERSIONS)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "device.db"


@pytest.fixture
def peers(path: Path, bundles: dict[Version, tuple[bytes, bytes]]) -> Iterator[tuple[Peer, Peer]]:
    both = Peer(path, bundles), Peer(path, bundles)
    yield both
    for each in both:
        each.end()


@pytest.mark.clause("TC-TOK-18", "TC-TOK-27")
def test_a_mask_that_was_withdrawn_in_another_process_does_not_come_back(
    peers: tuple[Peer, Peer],
) -> None:
    first, second = peers
    assert first.do("load", Version(5, WIDE)).accepted
    assert second.do("load", Version(6, NARROW)).accepted
    for verb in ("reconfigure", "load"):
        found = first.do(verb, Version(5, WIDE))
        assert not found.accepted
        assert "sequence 5 is older than 6" in found.problem
    found = first.do("load", Version(6, WIDE))
    assert not found.accepted
    assert "accepted before with other bytes" in found.problem
    assert first.do("load", Version(6, NARROW)).accepted


@pytest.mark.clause("TC-TOK-27")
def test_turn_by_turn_two_processes_accept_exactly_what_one_would(
    peers: tuple[Peer, Peer],
) -> None:
    draws = random.Random(1)
    newest: Version | None = None
    loaded = [False, False]
    for _ in range(120):
        number = draws.randrange(2)
        verb = draws.choice(["load", "reconfigure"])
        near = 0 if newest is None else newest.sequence
        sequence = min(max(0, near + draws.choice([-1, 0, 0, 0, 1])), MAX_SEQUENCE - 1)
        wanted = Version(sequence, draws.choice([WIDE, NARROW, NONE]))
        fits = newest is None or wanted.sequence > newest.sequence or wanted == newest
        found = peers[number].do(verb, wanted)
        assert found.accepted == (fits and (verb == "load" or loaded[number])), found
        if verb == "load":
            loaded[number] = found.accepted
        if found.accepted:
            newest = wanted


def overtaken(attempts: list[Attempt]) -> list[tuple[Attempt, Attempt]]:
    """Attempts that were accepted although a newer or other token was accepted before they began.

    Also those of one number with other bytes, whenever they were.
    """
    accepted = [each for each in attempts if each.accepted]
    return [
        (late, early)
        for late in accepted
        for early in accepted
        if (early.ended < late.began and early.version.sequence > late.version.sequence)
        or (early.version.sequence == late.version.sequence and early.version != late.version)
    ]


@pytest.mark.parametrize(
    "seed", [1, *(pytest.param(n, marks=pytest.mark.long) for n in range(2, 12))]
)
@pytest.mark.clause("TC-TOK-27")
def test_processes_that_race_never_accept_an_overtaken_token(
    path: Path, peers: tuple[Peer, Peer], seed: int
) -> None:
    draws = random.Random(seed)
    attempts: list[Attempt] = []
    for number in range(10):  # 10 rounds of 2 times 5 attempts at once: 1,000 in all seeds
        low = number * MAX_SEQUENCE // 10
        versions = [each for each in VERSIONS if low <= each.sequence < low + 4]
        for peer in peers:
            verbs = ["load", *draws.choices(["load", "reconfigure"], k=4)]
            peer.ask(*((verb, draws.choice(versions)) for verb in verbs))
        for peer in peers:
            attempts += peer.answer()
    assert not overtaken(attempts)
    assert sum(each.accepted for each in attempts) >= 10
    assert sum(not each.accepted for each in attempts) >= 10
    newest = SqliteState(path).newest(METADATA)
    assert newest is not None
    assert newest.sequence == max(each.version.sequence for each in attempts if each.accepted)
