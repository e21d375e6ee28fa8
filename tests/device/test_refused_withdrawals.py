"""Withdrawals that are refused: nothing changes, and an event says why."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from support.scripted import Program, work
from support.withdrawals import riot_withdrawal, withdrawal
from support.worlds import (
    FOREIGN,
    KEYS,
    Ledger,
    World,
    blueprint,
    refused,
    snapshot,
    times,
    trusted,
)

from tinycontainer.device.containers.verification import Trust
from tinycontainer.errors import LoadReason
from tinycontainer.tools.packing.packing import Signer, TokenOptions
from tinycontainer.trace.events import LoadRefused, Withdrawn
from tinycontainer_tokens import KeyEntry, KeyMaterial, KeyStore, Kind, Profile, Role

EPOCH_S = 1_000_000
PLAN = blueprint("box", security=times(period=10, loop=5, stop=20))
PROGRAMS = {"box": Program(work(10), stop=work(10))}


def other_kind() -> bytes:
    options = TokenOptions(sequence=9)
    signer = Signer(KEYS[Role.OWNER], b"box", Profile.RFC9052, options)
    return signer.sign_digest(Kind.ENDPOINT, bytes(32))


REFUSALS: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (bytes, "step 1 (present)"),
    "noise": (lambda: b"\xd8\x3d\xd2" + bytes(40), "step 2 (structure)"),
    "too long": (lambda: withdrawal("box") + bytes(1024), "step 2 (structure): "),
    "riot-2024": (riot_withdrawal, "step 3 (profile)"),
    "not tagged": (lambda: withdrawal("box")[3:], "step 3 (profile)"),
    "another owner": (lambda: withdrawal("box", key=FOREIGN), "step 6 (signature)"),
    "no owner": (lambda: withdrawal("box", key=KEYS[Role.INFRASTRUCTURE]), "step 6 (signature)"),
    "changed": (lambda: withdrawal("box")[:-1] + b"\0", "step 6 (signature)"),
    "another kind": (other_kind, "step 7 (claims)"),
    "another uid": (lambda: withdrawal("other"), "step 9 (uid)"),
    "another device": (lambda: withdrawal("box", audience="desk-2"), "step 10 (audience)"),
    "expired": (lambda: withdrawal("box", expires_s=EPOCH_S), "step 11 (time)"),
    "too early": (lambda: withdrawal("box", not_before_s=EPOCH_S + 60), "step 11 (time)"),
    "lower": (lambda: withdrawal("box", 3), "step 12 (sequence)"),
    "equal": (lambda: withdrawal("box", 4), "step 12 (sequence)"),
    "it allows a call": (lambda: withdrawal("box", 5, mask=0b100), "allows 0x4"),
    "it allows what there is not": (lambda: withdrawal("box", 5, mask=1 << 31), "0x80000000"),
}


@pytest.mark.clause("TC-TOK-33", "TC-LOAD-11", "TC-LOAD-19")
@pytest.mark.parametrize("name", REFUSALS)
@pytest.mark.parametrize("is_loaded", [True, False])
def test_what_does_not_hold_is_refused_and_changes_nothing(name: str, is_loaded: bool) -> None:
    make, words = REFUSALS[name]
    trust = Trust(keys=trusted(), device_id="desk-1", allow_unsigned=True)
    world = World(dict(PROGRAMS), trust=trust, sequences=Ledger(), epoch_s=EPOCH_S)
    world.run(replace(PLAN, options=TokenOptions(sequence=4)), PROGRAMS["box"])
    if not is_loaded:
        world.device.kill("box")
        world.device.delete("box")
        world.device.run(for_ms=1)
    before = snapshot(world)
    reason = LoadReason.BAD_REQUEST if "allows" in name else LoadReason.TOKEN
    with refused(reason, f"mask token: {words}" if "step" in words else words):
        world.device.withdraw("box", make())
    assert snapshot(world) == before
    assert world.of(Withdrawn) == []
    event = world.of(LoadRefused)[-1]
    assert (event.uid, event.verb, event.reason) == (b"box", "withdraw", reason)


@pytest.mark.clause("TC-TOK-33")
@pytest.mark.parametrize("replaces", [False, True])
def test_the_mask_token_of_the_loaded_container_is_none_as_its_bundle_could_come_back(
    replaces: bool,
) -> None:
    world = World(dict(PROGRAMS), sequences=Ledger())
    plan = replace(PLAN, mask=0, options=TokenOptions(sequence=4))
    world.run(
        replace(plan, options=TokenOptions(sequence=3)) if replaces else plan, PROGRAMS["box"]
    )
    if replaces:
        world.device.replace(world.pack(plan).encode())
    before = snapshot(world)
    with refused(LoadReason.TOKEN, "is that of the loaded container; sign one with more than 4"):
        world.device.withdraw("box", withdrawal("box", 4))
    assert snapshot(world) == before
    world.device.withdraw("box", withdrawal("box", 5))
    world.device.run(for_ms=50)
    assert "box" not in world.device


@pytest.mark.clause("TC-TOK-33")
def test_a_token_for_this_device_and_time_and_of_a_key_for_this_uid_is_accepted() -> None:
    key = KeyMaterial.from_private(b"\x31" * 32)
    others = (each for each in KEYS.items() if each[0] is not Role.OWNER)
    keys = KeyStore(
        [
            *(KeyEntry(role, Profile.RFC9052, each.public_half()) for role, each in others),
            KeyEntry(Role.OWNER, Profile.RFC9052, key.public_half(), frozenset({b"box"})),
        ]
    )
    world = World(trust=Trust(keys=keys, device_id="desk-1"))
    valid = TokenOptions(1, "desk-1", EPOCH_S, EPOCH_S + 1)
    world.device.withdraw("box", Signer(key, b"box", Profile.RFC9052, valid).sign_mask(0))
    with refused(LoadReason.TOKEN, "step 5 (key)"):
        world.device.withdraw("other", withdrawal("other", 1, key=key))


@pytest.mark.clause("TC-TOK-09", "TC-TOK-33")
def test_a_device_of_the_firmwares_profile_knows_no_withdrawal_and_one_of_both_does() -> None:
    riot = Profile.RIOT_2024
    keys = [KeyEntry(role, riot, key.public_half()) for role, key in KEYS.items()]
    world = World(trust=Trust(keys=KeyStore(keys), profiles=(riot,)))
    with refused(LoadReason.PROFILE, "does not accept rfc9052 tokens"):
        world.device.withdraw("box", withdrawal("box"))
    plain = blueprint("box", profile=riot)
    key = KeyMaterial.from_private(b"\x32" * 32)
    entry = KeyEntry(Role.OWNER, Profile.RFC9052, key.public_half())
    trust = Trust(keys=KeyStore([*keys, entry]), profiles=(riot, Profile.RFC9052))
    world = World({"box": PROGRAMS["box"]}, trust=trust)
    world.add(plain)
    world.device.withdraw("box", withdrawal("box", key=key))
    with refused(LoadReason.PROFILE, "a step back"):
        world.add(plain)


@pytest.mark.parametrize("uid", [b"", b"x" * 64])
def test_a_uid_that_no_container_can_have_is_a_mistake_of_the_caller(uid: bytes) -> None:
    world = World()
    with pytest.raises(ValueError, match="1 to 63 bytes"):
        world.device.withdraw(uid, withdrawal("box"))
    assert world.events == []
