"""A platform in an attacker's hands: no device runs what its four parties did not sign.

The attacker has the whole database, and every right of the platform on the devices. After each of
its requests the device itself is compared with a model of what was signed, withdrawn and in time.
"""

import random
from collections import Counter
from collections.abc import Callable

import pytest
from support.attacked_device import AttackedDevice
from support.hostile_mixing import strip_all
from support.hostile_platform import DeviceAttack, HostilePlatform, furnish
from support.hostile_replays import (
    ATTACKS,
    load_expired,
    load_of_strangers,
    load_older_after_delete,
    load_withdrawn_after_boot,
)
from support.platforms import made_platform
from support.signed_releases import SigningLedger, sign_much
from support.stolen_platform import Loot, steal

ROUNDS_OF_A_DEVICE = 4
MET = ("signature", "sequence", "content", "profile", "time", "uid", "audience")
"""Steps of the verification of tokens at which attacks must have failed, if the test tries much."""


@pytest.fixture(scope="module")
def stolen(tmp_path_factory: pytest.TempPathFactory) -> tuple[Loot, SigningLedger]:
    """What was signed at a real platform, and what was then stolen from it."""
    folder = tmp_path_factory.mktemp("platform")
    with made_platform(folder) as platform:
        ledger = sign_much(platform)
    loot = steal(folder / "platform.db")
    assert [each.bundle() for each in loot.releases] == [each.sections for each in ledger.versions]
    assert set(loot.withdrawals) < {(each.uid, each.token) for each in ledger.withdrawals}
    assert list(loot.envelopes) == [each.envelope for each in ledger.updates]
    return loot, ledger


@pytest.mark.clause("TC-TOK-14", "TC-TOK-18", "TC-TOK-33", "TC-LOAD-19", "TC-MGMT-20", "TC-UPD-22")
@pytest.mark.parametrize(
    ("seed", "rounds"),
    [
        pytest.param(1, 2 * len(ATTACKS), id="some"),
        *(pytest.param(seed, 500, marks=pytest.mark.long) for seed in (2, 3, 4)),
    ],
)
def test_whatever_a_platform_asks_a_device_is_what_was_signed(
    stolen: tuple[Loot, SigningLedger], seed: int, rounds: int
) -> None:
    draws = random.Random(seed)
    further = draws.choices(ATTACKS, k=rounds - len(ATTACKS))
    attacks = [*draws.sample(ATTACKS, len(ATTACKS)), *further]
    answers: Counter[str] = Counter()
    steps: Counter[str] = Counter()
    loads = withdrawals = 0
    for first in range(0, rounds, ROUNDS_OF_A_DEVICE):
        accepts_riot = bool(first // ROUNDS_OF_A_DEVICE % 2)
        name = "box-2" if accepts_riot else "box-1"
        device = AttackedDevice(name, accepts_riot=accepts_riot)
        platform = HostilePlatform(*stolen, device, seed * 1000 + first)
        furnish(platform)
        for attack in attacks[first : first + ROUNDS_OF_A_DEVICE]:
            platform.live()
            attack(platform)
        answers += platform.answers
        steps += platform.steps
        loads += platform.rights.loads
        withdrawals += platform.rights.withdrawals
    assert set(MET) <= set(steps)
    assert loads >= rounds // 3
    assert withdrawals >= rounds // 10
    assert answers["4.03 token"] >= rounds


WORSE: tuple[tuple[DeviceAttack, Callable[[AttackedDevice], None], str], ...] = (
    (strip_all, AttackedDevice.forgive, "nobody has signed"),
    (load_of_strangers, AttackedDevice.trust_strangers, "(may not come back|nobody has signed)"),
    (load_older_after_delete, AttackedDevice.forget, "may not come back"),
    (load_withdrawn_after_boot, AttackedDevice.forget, "may not come back"),
    (load_expired, AttackedDevice.stop_clock, "(may not come back|has expired)"),
)
"""Attacks that succeed on a worse device, and what is said of it then."""


def test_what_a_worse_device_would_let_happen_is_noticed(
    stolen: tuple[Loot, SigningLedger],
) -> None:
    for attack, make_worse, words in WORSE:
        device = AttackedDevice("box-1", accepts_riot=False)
        make_worse(device)
        platform = HostilePlatform(*stolen, device, 1)
        furnish(platform)
        with pytest.raises(AssertionError, match=words):
            _repeat(attack, platform)


def _repeat(attack: DeviceAttack, platform: HostilePlatform) -> None:
    for _ in range(40):
        attack(platform)
