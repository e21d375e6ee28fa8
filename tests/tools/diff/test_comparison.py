"""Two versions of a container: what changes, in words, and whether a running one can take it."""

import random
from dataclasses import replace

import pytest
from support.scripted import Program, work
from support.worlds import KEYS, World, blueprint, local, newer, piped, times

from tinycontainer.errors import LoadError
from tinycontainer.metadata import ContainerType, Direction, PeerType, decode, encode
from tinycontainer.tools.artefact.artefact import Artefact
from tinycontainer.tools.diff.comparison import Comparison, compare_versions
from tinycontainer.tools.packing.packing import Blueprint, TokenOptions, pack, pack_unsigned
from tinycontainer_tokens import KeyMaterial, Profile, Role

CODE, DATA = b"box", b"data"
PLAN = blueprint(
    "box", endpoints=(local(1), piped(2, "peer", 7)), security=times(period=100, loop=10)
)
OPEN, READ, WRITE = 0b10, 0b1000, 0b10000


def artefact(
    plan: Blueprint,
    code: bytes = CODE,
    data: bytes = DATA,
    keys: dict[Role, KeyMaterial] | None = None,
) -> Artefact:
    bundle = pack(plan, code, data, keys or KEYS)
    return Artefact("box", decode(bundle.metadata), code, data)


def compared(old: Blueprint, new: Blueprint) -> Comparison:
    return compare_versions(artefact(old), artefact(new))


def texts(found: Comparison, area: str) -> list[tuple[str, str]]:
    return [(change.kind, change.text) for change in found.changes if change.area == area]


def test_the_same_container_has_no_change() -> None:
    found = compared(PLAN, PLAN)
    assert found.changes == ()
    assert (found.reconfiguration.possible, found.reconfiguration.closes) == (True, ())


def test_rights_are_gained_and_lost_by_name() -> None:
    found = compared(replace(PLAN, mask=OPEN | READ), newer(PLAN, mask=OPEN | WRITE | 0x80))
    assert texts(found, "rights") == [
        ("gained", "may now call write; sets bits that allow no call: 7"),
        ("lost", "may no longer call read"),
    ]


def test_an_unsigned_version_has_no_mask_to_compare() -> None:
    bare = Artefact("box", decode(pack_unsigned(PLAN, CODE, DATA).metadata), CODE, DATA)
    found = compare_versions(artefact(PLAN), bare)
    assert [kind for kind, _ in texts(found, "rights")] == ["unknown"]
    assert {kind for kind, _ in texts(found, "tokens")} == {"unsigned"}
    assert {kind for kind, _ in texts(compare_versions(bare, artefact(PLAN)), "tokens")} == {
        "signed"
    }
    assert "no token for metadata, code, data, mask" in found.reconfiguration.unsettled[0]
    assert compare_versions(bare, bare).changes == ()


@pytest.mark.parametrize(
    ("changed", "kind", "text"),
    [
        (local(1, 9), "peer", "endpoint 1 now leads to the local peer 9 instead of the local"),
        (
            replace(local(1), peer_type=PeerType.REMOTE),
            "peer",
            "endpoint 1 now leads to the remote peer 1 instead of the local peer 1",
        ),
        (
            piped(1, "a\x1b", 3),
            "peer",
            "endpoint 1 now leads to endpoint 3 of the container a\\x1b instead of",
        ),
        (
            local(1, direction=Direction.IN),
            "narrowed",
            "endpoint 1: direction narrowed: may write (in) instead of may read and write (both)",
        ),
    ],
)
def test_a_changed_entry_says_what_of_it(changed: object, kind: str, text: str) -> None:
    entries = (changed, PLAN.endpoints[1])
    found = compared(PLAN, newer(PLAN, endpoints=entries))
    ((told, words),) = texts(found, "endpoints")
    assert told == kind
    assert words.startswith(text)
    ((closing, _),) = found.reconfiguration.closes
    assert closing == 1


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        (Direction.IN, Direction.BOTH, "widened"),
        (Direction.BOTH, Direction.OUT, "narrowed"),
        (Direction.IN, Direction.OUT, "turned"),
    ],
)
def test_directions_are_widened_narrowed_or_turned(
    old: Direction, new: Direction, kind: str
) -> None:
    before = replace(PLAN, endpoints=(local(1, direction=old),))
    found = compared(before, newer(before, endpoints=(local(1, direction=new),)))
    assert [told for told, _ in texts(found, "endpoints")] == [kind]


def test_endpoints_are_granted_and_revoked() -> None:
    found = compared(PLAN, newer(PLAN, endpoints=(local(1), local(3, 30, Direction.OUT))))
    assert texts(found, "endpoints") == [
        (
            "revoked",
            "endpoint 2 revoked: endpoint 7 of the container peer, may read and write (both)",
        ),
        ("granted", "endpoint 3 granted: the local peer 30, may read (out)"),
    ]
    assert found.reconfiguration.closes == ((2, "revoked; the other end, of peer, closes too"),)


def test_an_entry_that_is_signed_anew_closes_too() -> None:
    signed = replace(PLAN, endpoints=(local(1),), sign_endpoints=True)
    found = compared(signed, newer(signed))
    assert found.reconfiguration.closes == ((1, "its token changed"),)
    found = compared(replace(signed, sign_endpoints=False), newer(signed))
    assert texts(found, "endpoints") == [("signed", "endpoint 1 is now signed by the owner")]
    found = compared(signed, newer(signed, sign_endpoints=False))
    assert texts(found, "endpoints") == [("unsigned", "endpoint 1 is no longer signed")]


@pytest.mark.parametrize(
    ("old", "new", "kind", "text"),
    [
        (
            times(period=100, loop=10),
            times(period=100, loop=20),
            "raised",
            "runs up to 20 ms of every 100 ms (20 %) instead of up to 10 ms of every 100 ms (10 %)",
        ),
        (
            times(period=100, loop=10),
            times(period=200, loop=10),
            "lowered",
            "runs up to 10 ms of every 200 ms (5 %) instead of up to 10 ms of every 100 ms (10 %)",
        ),
        (
            times(period=100, loop=10),
            times(period=200, loop=20),
            "changed",
            "runs up to 20 ms of every 200 ms (10 %) instead of up to 10 ms of every 100 ms (10 %)",
        ),
        (
            times(period=100, loop=10),
            times(period=100),
            "raised",
            "runs without limit every 100 ms instead of up to 10 ms of every 100 ms (10 %)",
        ),
        (
            times(loop=10),
            times(),
            "changed",
            "runs without limit, loop after loop instead of up to 10 ms a loop, loop after loop",
        ),
        (
            times(lifetime=5),
            times(),
            "raised",
            "one start lasts any number of loops instead of 5 loops",
        ),
        (times(), times(lifetime=5), "lowered", "one start lasts 5 loops instead of any number"),
        (
            times(start=10),
            times(start=20),
            "raised",
            "its start hook may take up to 20 ms instead of up to 10 ms",
        ),
        (
            times(),
            times(stop=20),
            "lowered",
            "its stop hook may take up to 20 ms instead of any time",
        ),
    ],
)
def test_timing_is_told_in_words_with_numbers(
    old: object, new: object, kind: str, text: str
) -> None:
    found = compared(replace(PLAN, security=old), newer(PLAN, security=new))  # type: ignore[arg-type]
    ((told, words),) = texts(found, "timing")
    assert told == kind
    assert words.startswith(text)


def test_priority_and_the_longest_gap_are_told() -> None:
    new = newer(PLAN, container=replace(PLAN.container, priority=3, period_max_ms=500))
    (kind, gap), priority = texts(compared(PLAN, new), "timing")
    assert kind == "lowered"
    assert gap.startswith("the longest gap between two loop starts is 500 ms instead of until the")
    assert priority == ("raised", "priority raised from 12 to 3 (0 is the highest)")
    assert texts(compared(new, newer(new, container=PLAN.container)), "timing")[-1] == (
        "lowered",
        "priority lowered from 3 to 12 (0 is the highest)",
    )


def test_a_number_that_moves_without_effect_is_no_change_of_timing() -> None:
    old = replace(PLAN, profile=Profile.RIOT_2024)
    moved = replace(old.container, period_ms=100)
    found = compared(old, replace(old, container=moved))
    assert [change.kind for change in found.changes] == ["rewritten"]


def test_tokens_tell_sequence_dates_audience_and_signer() -> None:
    options = TokenOptions(
        sequence=4, audience="d\x1b", not_before_s=10, expires_s=86_400, issued_s=5
    )
    keys = {**KEYS, Role.DEVELOPER: replace(KEYS[Role.DEVELOPER], kid=b"k\x1b")}
    found = compare_versions(artefact(PLAN), artefact(replace(PLAN, options=options), keys=keys))
    about_code = [text for _, text in texts(found, "tokens") if "code" in text]
    assert about_code == [
        "the code token names the signer's key id k\\x1b instead of no signer's key id",
        "the code token is newer: sequence 4 instead of 1",
        "the code token expires at 1970-01-02T00:00:00Z instead of never",
        "the code token is valid from 1970-01-01T00:00:10Z on instead of from the beginning",
        "the code token is for the device d\\x1b instead of every device",
        "the code token says that it was issued at 1970-01-01T00:00:05Z",
    ]
    back = compare_versions(artefact(replace(PLAN, options=options), keys=keys), artefact(PLAN))
    assert ("older", "the code token is older: sequence 1 instead of 4") in texts(back, "tokens")


def test_a_token_of_another_key_says_the_same_in_other_bytes() -> None:
    keys = {**KEYS, Role.OWNER: KeyMaterial.from_private(b"\x66" * 32)}
    found = compare_versions(artefact(PLAN), artefact(PLAN, keys=keys))
    assert texts(found, "tokens") == [
        (
            "signed-anew",
            "the mask token says the same in other bytes: another key, or another form",
        )
    ]
    assert "the mask token is another under the same sequence 1" in " ".join(
        found.reconfiguration.obstacles
    )


def test_another_profile_is_a_step_back_one_way_only() -> None:
    riot = replace(PLAN, profile=Profile.RIOT_2024)
    found = compared(PLAN, riot)
    assert ("profile", "the code token has the profile riot-2024 instead of rfc9052") in texts(
        found, "tokens"
    )
    assert found.reconfiguration.obstacles == (
        "riot-2024 after rfc9052 is a step back, which every device refuses",
    )
    assert compared(riot, PLAN).reconfiguration.possible


def test_an_empty_endpoints_array_comes_and_goes() -> None:
    plan = replace(PLAN, endpoints=())
    there = decode(pack_unsigned(plan, CODE, DATA).metadata)
    gone = decode(encode(there.container, None, there.security))
    old, new = (Artefact("box", each, CODE, DATA) for each in (there, gone))
    assert texts(compare_versions(old, new), "endpoints") == [
        ("rewritten", "the empty endpoints array (key 2) disappears")
    ]
    assert "appears" in texts(compare_versions(new, old), "endpoints")[0][1]


def test_a_token_that_cannot_be_read_is_another() -> None:
    old = artefact(PLAN)
    assert old.metadata.security is not None
    security = replace(old.metadata.security, code_token=b"\xff")
    raw = encode(old.metadata.container, old.metadata.endpoints, security)
    found = compare_versions(old, replace(old, metadata=decode(raw)))
    assert texts(found, "tokens") == [
        ("unreadable", "the code token is another, and not both can be read")
    ]


def test_code_and_data_are_told_with_sizes_and_hashes() -> None:
    found = compare_versions(artefact(PLAN), artefact(newer(PLAN), code=b"box2", data=b"atad"))
    ((_, code),), ((_, data),) = texts(found, "code"), texts(found, "data")
    assert code.startswith("other code: size 4 instead of 3 (+1), sha256 ")
    assert data.startswith("other data: size 4, sha256 ")
    assert not found.reconfiguration.possible
    assert "the new code token does not fit the loaded code" in found.reconfiguration.obstacles[0]
    assert not any("vouches" in change.text for change in found.changes)


def test_without_sections_their_tokens_tell_that_they_changed() -> None:
    old, new = artefact(PLAN), artefact(newer(PLAN), code=b"box2")
    found = compare_versions(replace(old, code=None, data=None), replace(new, code=None, data=None))
    assert any(
        text.startswith("the code token vouches for sha256 ") for _, text in texts(found, "tokens")
    )
    assert len(found.reconfiguration.obstacles) == 1


def test_another_uid_or_type_warns_that_a_reconfiguration_is_refused() -> None:
    other = blueprint("b\x1bx", kind=ContainerType.WASM)
    found = compared(PLAN, other)
    assert texts(found, "container") == [
        ("uid", "the uid changes from box to b\\x1bx; a reconfiguration would be refused"),
        (
            "type",
            "the type changes from 1 (native) to 4 (wasm); a reconfiguration would be refused",
        ),
    ]
    assert found.reconfiguration.closes == ()
    assert [text.split(":")[0] for text in found.reconfiguration.obstacles] == [
        "the uid is another",
        "the type is another",
    ]


def random_plan(dice: random.Random) -> Blueprint:
    """A version of the container, often one that fits the first."""
    pick = dice.choice
    start = PLAN if dice.random() < 0.9 else blueprint("box", kind=ContainerType.WASM)
    return replace(
        start,
        mask=pick([0b11111, 0b10]),
        endpoints=pick([PLAN.endpoints, (local(1),), (local(1, 5),), ()]),
        sign_endpoints=pick([False, True]),
        options=TokenOptions(sequence=pick([1, 2, 2, 3])),
    )


def test_a_reconfiguration_is_possible_exactly_if_the_device_takes_it() -> None:
    dice, seen = random.Random(11), set()
    for _ in range(150):
        old = replace(random_plan(dice), container=PLAN.container)
        new, data = random_plan(dice), dice.choice([DATA, DATA, DATA, b"other"])
        world = World({"box": Program(work(1))})
        world.device.load(pack(old, CODE, DATA, KEYS).encode())
        found = compare_versions(artefact(old), artefact(new, data=data)).reconfiguration
        try:
            world.device.reconfigure(pack(new, CODE, data, KEYS).metadata)
            taken = True
        except LoadError:
            taken = False
        assert found.possible is taken, found.obstacles
        seen.add(taken)
    assert seen == {True, False}
