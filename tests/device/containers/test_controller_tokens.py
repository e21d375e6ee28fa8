"""Tokens that are wrong in any way: the container is never READY and the device as before."""

from dataclasses import replace

import pytest
from support.scripted import Program, work
from support.tokens.forging import Forger, flipped
from support.worlds import (
    FOREIGN,
    KEYS,
    Ledger,
    World,
    blueprint,
    local,
    refused,
    snapshot,
    trusted,
)

from tinycontainer.device.containers.verification import (
    Trust,
)
from tinycontainer.errors import LoadError, LoadReason
from tinycontainer.metadata import Bundle, Direction, decode, encode
from tinycontainer.tools.packing.packing import Blueprint, TokenOptions, pack_unsigned
from tinycontainer.trace.events import LoadRefused, Transitioned
from tinycontainer_tokens import KeyEntry, KeyStore, Kind, Profile, Role
from tinycontainer_tokens.kinds import SIGNING_ROLE

EPOCH_S = 1_000_000
PLAN = blueprint("box", endpoints=(local(),), sequence=5)
PLACE_NAMES = {
    Kind.METADATA: "metadata token",
    Kind.CODE: "code token",
    Kind.DATA: "data token",
    Kind.MASK: "mask token",
    Kind.ENDPOINT: "endpoints[0].endpoint-token",
}
every_place = pytest.mark.parametrize("place", list(Kind), ids=lambda kind: kind.name.lower())


def device(trust: Trust | None = None) -> World:
    return World(
        {uid: Program(work(1)) for uid in ("box", "two")},
        trust=trust or Trust(keys=trusted()),
        sequences=Ledger(),
        epoch_s=EPOCH_S,
    )


def never_ready(world: World, bundle: bytes, words: str = "") -> LoadError:
    """The bundle is refused, and nothing but the trace knows of it."""
    before, heard = snapshot(world), len(world.events)
    with pytest.raises(LoadError) as caught:
        world.device.load(bundle)
    assert words in caught.value.problem
    assert snapshot(world) == before
    told = world.events[heard:]
    assert not [e for e in told if isinstance(e, Transitioned) and e.after == "ready"]
    assert [e.reason for e in told if isinstance(e, LoadRefused)] == [caught.value.reason]
    return caught.value


def refuses(world: World, bundle: Bundle, place: Kind, step: str) -> None:
    error = never_ready(world, bundle.encode(), f"{PLACE_NAMES[place]}: step")
    assert error.reason is LoadReason.TOKEN
    assert f"({step})" in error.problem


def tokens_of(place: Kind, plan: Blueprint) -> list[bytes]:
    """The tokens that are made for one place when a plan is packed, the final one last."""
    made: list[bytes] = []

    def note(token: bytes) -> bytes:
        made.append(token)
        return token

    Forger(place, change=note).pack(plan)
    return made


@every_place
def test_what_a_forger_leaves_alone_is_in_order(place: Kind) -> None:
    world = device()
    assert world.device.load(Forger(place).pack(PLAN).encode()).uid == b"box"


@pytest.mark.parametrize(
    "every_nth", [pytest.param(37, id="some"), pytest.param(1, id="all", marks=pytest.mark.long)]
)
@every_place
@pytest.mark.clause("TC-TOK-21")
def test_a_token_with_one_wrong_bit_is_refused(place: Kind, every_nth: int) -> None:
    world, bits = device(), 8 * len(tokens_of(place, PLAN)[-1])
    for bit in range(every_nth // 2, bits, every_nth):
        error = never_ready(world, Forger(place, change=flipped(bit)).pack(PLAN).encode())
        assert error.problem.startswith(PLACE_NAMES[place])
    world.device.load(Forger(place).pack(PLAN).encode())


@pytest.mark.parametrize(
    "every_nth", [pytest.param(71, id="some"), pytest.param(1, id="all", marks=pytest.mark.long)]
)
def test_a_bundle_with_one_wrong_bit_anywhere_is_refused(every_nth: int) -> None:
    world = device()
    bundle = world.pack(PLAN, data=b"data").encode()
    for bit in range(every_nth // 2, 8 * len(bundle), every_nth):
        never_ready(world, flipped(bit)(bundle))
    world.device.load(bundle)


@pytest.mark.parametrize("role", Role)
@every_place
@pytest.mark.clause("TC-TOK-01")
def test_a_token_signed_by_another_role_is_refused(place: Kind, role: Role) -> None:
    bundle = Forger(place, key=KEYS[role]).pack(PLAN)
    if role is SIGNING_ROLE[place]:
        device().device.load(bundle.encode())
    else:
        refuses(device(), bundle, place, "signature")


@every_place
def test_a_token_signed_by_a_stranger_is_refused(place: Kind) -> None:
    refuses(device(), Forger(place, key=FOREIGN).pack(PLAN), place, "signature")


@every_place
@pytest.mark.clause("TC-TOK-11")
def test_a_token_made_for_another_container_is_refused(place: Kind) -> None:
    refuses(device(), Forger(place, uid=b"two").pack(PLAN), place, "uid")


@every_place
@pytest.mark.clause("TC-TOK-11")
def test_a_token_of_another_kind_is_refused_in_this_place(place: Kind) -> None:
    for kind in Kind:
        if kind is not place:
            refuses(device(), Forger(place, kind=kind).pack(PLAN), place, "kind")


@every_place
def test_a_token_is_void_from_the_second_in_which_it_expires(place: Kind) -> None:
    expired = TokenOptions(sequence=5, expires_s=EPOCH_S)
    refuses(device(), Forger(place, options=expired).pack(PLAN), place, "time")
    alive = TokenOptions(sequence=5, expires_s=EPOCH_S + 1)
    device().device.load(Forger(place, options=alive).pack(PLAN).encode())


@every_place
@pytest.mark.clause("TC-TOK-13")
def test_a_token_is_void_before_its_time(place: Kind) -> None:
    early = TokenOptions(sequence=5, not_before_s=EPOCH_S + 1)
    refuses(device(), Forger(place, options=early).pack(PLAN), place, "time")
    due = TokenOptions(sequence=5, not_before_s=EPOCH_S)
    device().device.load(Forger(place, options=due).pack(PLAN).encode())


@pytest.mark.clause("TC-TOK-26")
def test_the_time_of_a_load_is_the_epoch_and_what_has_passed_since() -> None:
    world = device()
    bundle = Forger(Kind.CODE, options=TokenOptions(expires_s=EPOCH_S + 3)).pack(PLAN)
    world.device.run_until(3000)
    refuses(world, bundle, Kind.CODE, "time")


@every_place
@pytest.mark.clause("TC-TOK-13")
def test_a_start_asks_for_the_first_of_all_tokens_that_expires(place: Kind) -> None:
    world = device()
    late = replace(PLAN, options=TokenOptions(sequence=5, expires_s=EPOCH_S + 100))
    early = TokenOptions(sequence=5, expires_s=EPOCH_S + 2)
    world.device.load(Forger(place, options=early).pack(late).encode())
    world.device.run_until(2000)
    with refused(LoadReason.TOKEN, "expired"):
        world.device.start("box")


@every_place
@pytest.mark.clause("TC-TOK-14")
def test_a_token_for_another_device_is_refused(place: Kind) -> None:
    bundle = Forger(place, options=TokenOptions(sequence=5, audience="desk-1")).pack(PLAN)
    device(Trust(keys=trusted(), device_id="desk-1")).device.load(bundle.encode())
    refuses(device(Trust(keys=trusted(), device_id="desk-2")), bundle, place, "audience")
    refuses(device(), bundle, place, "audience")


@pytest.mark.parametrize("place", [Kind.METADATA, Kind.MASK, Kind.ENDPOINT, Kind.CODE, Kind.DATA])
@pytest.mark.clause("TC-TOK-18")
def test_an_older_sequence_is_refused_even_after_a_delete(place: Kind) -> None:
    world = device()
    world.device.load(Forger(place).pack(PLAN).encode())
    world.device.delete("box")
    newer = replace(PLAN, options=TokenOptions(sequence=6))
    older = Forger(place, options=TokenOptions(sequence=4)).pack(newer)
    refuses(world, older, place, "sequence")
    world.device.load(Forger(place).pack(newer).encode())


@pytest.mark.clause("TC-TOK-18")
def test_an_equal_sequence_is_taken_with_the_same_bytes_only() -> None:
    world = device()
    for _ in range(2):
        world.add(PLAN)
        world.device.delete("box")
    refuses(world, world.pack(replace(PLAN, mask=1)), Kind.METADATA, "sequence")


def test_the_sequences_of_one_container_do_not_bind_another() -> None:
    world = device()
    world.add(PLAN)
    world.add(blueprint("two", sequence=1))


@pytest.mark.clause("TC-TOK-18")
def test_a_refused_load_does_not_move_the_sequence() -> None:
    world = device()
    far = Forger(Kind.DATA, key=FOREIGN).pack(replace(PLAN, options=TokenOptions(sequence=99)))
    refuses(world, far, Kind.DATA, "signature")
    world.add(PLAN)


@pytest.mark.clause("TC-TOK-27")
def test_a_sequence_store_that_fails_leaves_the_device_as_before() -> None:
    world = device()
    assert isinstance(world.sequences, Ledger)
    world.sequences.broken = True
    error = never_ready(world, world.pack(PLAN).encode(), "broken on purpose")
    assert error.reason is LoadReason.SEQUENCE_STORE
    world.sequences.broken = False
    assert world.add(PLAN).slot == 0


@pytest.mark.clause("TC-TOK-27")
def test_a_sequence_store_that_cannot_be_read_is_not_the_token_s_fault() -> None:
    world = device()
    assert isinstance(world.sequences, Ledger)
    world.sequences.unreadable = True
    error = never_ready(world, world.pack(PLAN).encode(), "cannot be read on purpose")
    assert error.reason is LoadReason.SEQUENCE_STORE
    world.sequences.unreadable = False
    assert world.add(PLAN).slot == 0


@pytest.mark.parametrize("missing", Role)
@pytest.mark.clause("TC-TOK-03")
def test_a_role_without_a_key_cannot_vouch_for_anything(missing: Role) -> None:
    keys = KeyStore(entry for entry in trusted() if entry.role is not missing)
    world = device(Trust(keys=keys))
    error = never_ready(world, world.pack(PLAN).encode(), f"no key of the role {missing}")
    assert error.reason is LoadReason.TOKEN


@pytest.mark.parametrize("role", Role)
def test_a_key_that_is_bound_to_a_container_signs_for_no_other(role: Role) -> None:
    keys = KeyStore(
        replace(entry, uids=frozenset({b"two"})) if entry.role is role else entry
        for entry in trusted()
    )
    world = device(Trust(keys=keys))
    never_ready(world, world.pack(PLAN).encode(), f"no key of the role {role}")
    world.add(blueprint("two"))


def test_sections_of_another_container_do_not_fit_these_tokens() -> None:
    world = device()
    bundle = world.pack(PLAN, data=b"own")
    refuses(world, replace(bundle, code=b"two"), Kind.CODE, "content")
    refuses(world, replace(bundle, data=b"any"), Kind.DATA, "content")
    refuses(world, replace(bundle, data=b""), Kind.DATA, "content")


@pytest.mark.parametrize("place", [Kind.METADATA, Kind.CODE, Kind.DATA, Kind.MASK])
@pytest.mark.clause("TC-TOK-15")
def test_an_absent_token_is_refused_even_for_an_empty_section(place: Kind) -> None:
    refuses(device(), Forger(place, change=lambda _: b"").pack(PLAN), place, "present")


@pytest.mark.clause("TC-META-17")
def test_metadata_without_a_security_section_is_refused() -> None:
    bundle = pack_unsigned(PLAN, b"box", b"")
    metadata = decode(bundle.metadata)
    naked = replace(bundle, metadata=encode(metadata.container, metadata.endpoints, None))
    refuses(device(), naked, Kind.METADATA, "present")


# Endpoint tokens.


def strict() -> World:
    return device(Trust(keys=trusted(), require_endpoint_tokens=True))


@pytest.mark.clause("TC-END-03")
def test_a_strict_device_demands_a_token_for_every_endpoint() -> None:
    world = strict()
    refuses(world, world.pack(PLAN), Kind.ENDPOINT, "present")
    world.add(replace(PLAN, sign_endpoints=True))


def test_a_strict_device_loads_a_container_without_endpoints() -> None:
    strict().add(blueprint("box"))


def test_endpoint_tokens_are_not_demanded_by_default() -> None:
    device().add(PLAN)


def test_an_endpoint_token_covers_its_own_entry_only() -> None:
    world = strict()
    bundle = world.pack(replace(PLAN, sign_endpoints=True))
    (signed,) = decode(bundle.metadata).endpoints or ()
    for other in (local(peer=2), local(direction=Direction.OUT)):
        forged = replace(PLAN, endpoints=(replace(other, token=signed.token),))
        refuses(world, world.pack(forged), Kind.ENDPOINT, "content")


# Two profiles.


def old_and_new() -> World:
    both = [
        KeyEntry(role, profile, key.public_half())
        for role, key in KEYS.items()
        for profile in Profile
    ]
    return device(Trust(keys=KeyStore(both), profiles=tuple(Profile)))


OLD = blueprint("box", profile=Profile.RIOT_2024)


def test_the_old_profile_is_taken_only_by_a_device_that_was_told_so() -> None:
    world = device(Trust(keys=trusted(Profile.RIOT_2024)))
    assert never_ready(world, world.pack(OLD).encode()).reason is LoadReason.PROFILE
    old_and_new().add(OLD)


@pytest.mark.clause("TC-TOK-09")
def test_a_uid_once_accepted_under_the_new_profile_never_loads_under_the_old() -> None:
    world = old_and_new()
    world.add(OLD)
    world.device.delete("box")
    world.add(PLAN)
    world.device.delete("box")
    error = never_ready(world, world.pack(OLD).encode(), "rfc9052")
    assert error.reason is LoadReason.PROFILE
    world.add(blueprint("two", profile=Profile.RIOT_2024))


@pytest.mark.clause("TC-TOK-09")
def test_a_uid_accepted_by_its_mask_token_alone_does_not_go_back_either() -> None:
    world = device(replace(old_and_new().trust, allow_unsigned=True))
    mask_only = replace(PLAN, container=decode(world.pack(PLAN).metadata).container)
    world.device.load(pack_unsigned(mask_only, b"box", b"").encode())
    world.device.delete("box")
    never_ready(world, world.pack(OLD).encode())


@pytest.mark.parametrize("place", [Kind.METADATA, Kind.CODE, Kind.DATA, Kind.MASK])
def test_a_token_of_the_old_profile_among_new_ones_is_refused(place: Kind) -> None:
    world = old_and_new()
    old = tokens_of(place, OLD)[-1]
    never_ready(world, Forger(place, change=lambda _: old).pack(PLAN).encode())


@pytest.mark.parametrize(
    "plan",
    [
        blueprint("box", priority=1, profile=Profile.RIOT_2024),
        blueprint("box", period_max_ms=1, profile=Profile.RIOT_2024),
        blueprint("box", endpoints=(local(128),), profile=Profile.RIOT_2024),
        replace(OLD, endpoints=(local(1),), sign_endpoints=True),
    ],
    ids=["priority", "period-max", "endpoint id", "endpoint token"],
)
@pytest.mark.clause("TC-META-18")
def test_what_the_firmware_does_not_know_is_refused_in_its_profile(plan: Blueprint) -> None:
    world = old_and_new()
    error = never_ready(world, world.pack(plan).encode())
    assert error.reason is LoadReason.PROFILE


def test_the_largest_endpoint_id_of_the_old_profile_is_127() -> None:
    old_and_new().add(blueprint("box", endpoints=(local(127),), profile=Profile.RIOT_2024))
