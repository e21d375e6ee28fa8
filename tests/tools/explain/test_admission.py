"""What is said of a load is what the same device says when it loads, with every reason."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest
from support.scripted import ScriptedRuntime
from support.worlds import FOREIGN, KEYS, Ledger, blueprint, local, newer, times, trusted

from tinycontainer.assembly import Device
from tinycontainer.device.containers.limits import Cap, Capacity, Caps
from tinycontainer.device.containers.verification import Trust
from tinycontainer.device.setup import Setup
from tinycontainer.errors import InadmissibleCode, LoadError
from tinycontainer.interfaces.clock import VirtualClock
from tinycontainer.interfaces.runtime import RuntimeLimits
from tinycontainer.metadata import Bundle, ContainerType
from tinycontainer.tools.explain.admission import ExplainedCheck, explain_bundle
from tinycontainer.tools.packing.packing import Blueprint, TokenOptions, pack, pack_unsigned
from tinycontainer_tokens import KeyEntry, KeyStore, Profile, Role

NOW_S = 1_000_000
DATA = b"data"
PLAN = blueprint("box", endpoints=(local(),), security=times(period=100, loop=10))


class Picky(ScriptedRuntime):
    """Admits code without a quarrel, and without a line break at its end."""

    def admit(self, code: bytes, limits: RuntimeLimits) -> None:
        if b"?" in code:
            raise InadmissibleCode("it asks", "answer it")
        if b"!" in code or code.endswith(b"\n"):
            raise InadmissibleCode("it quarrels")


def setup(**changes: object) -> Setup:
    start = Setup(
        runtimes={ContainerType.NATIVE: Picky({})},
        trust=Trust(keys=trusted()),
        epoch_s=NOW_S,
        sequences=Ledger(),
    )
    return replace(start, **changes)  # type: ignore[arg-type]


def packed(plan: Blueprint = PLAN, code: bytes = b"box", data: bytes = DATA) -> bytes:
    return pack(plan, code, data, KEYS).encode()


def judged(content: bytes, device: Setup) -> tuple[ExplainedCheck, ...]:
    return explain_bundle("box", content, device, device.epoch_s)


def agrees(content: bytes, device: Setup) -> tuple[ExplainedCheck, ...]:
    """The checks; their verdict and its reason are those of a load."""
    assert isinstance(device.sequences, Ledger)
    before = dict(device.sequences.entries)
    checks = judged(content, device)
    assert device.sequences.entries == before
    failed = [each for each in checks if each.check.failed]
    error = load_refusal(content, device)
    device.sequences.entries = before
    assert (error is None) == (failed == [])
    assert len({each.check.name for each in checks}) == len(checks)
    if error is not None:
        assert failed[0].check.reason is error.reason
        assert failed[0].check.detail in error.problem
        assert all(each.explanation is not None for each in failed)
    return checks


def load_refusal(content: bytes, device: Setup) -> LoadError | None:
    """Why an empty device refuses to load, if it does."""
    try:
        Device(device, VirtualClock()).load(content)
    except LoadError as error:
        return error
    return None


def failures(content: bytes, device: Setup) -> dict[str, str | None]:
    """Names of the failed checks, and their causes."""
    return {
        each.check.name: each.explanation.cause if each.explanation else None
        for each in agrees(content, device)
        if each.check.failed
    }


# One mistake after the other.


@pytest.mark.clause("TC-LOAD-09")
def test_a_good_container_passes_every_check_in_the_order_of_a_load() -> None:
    checks = agrees(packed(replace(PLAN, sign_endpoints=True)), setup())
    assert [each.check.name for each in checks] == [
        "bundle",
        "capacity of metadata",
        "capacity of code",
        "capacity of data",
        "metadata",
        "runtime",
        "caps",
        "profile",
        "metadata token",
        "code token",
        "data token",
        "mask token",
        "endpoints[0].endpoint-token",
        "form",
        "code",
    ]
    assert not any(each.check.failed for each in checks)


def test_capacities_are_told_for_each_section() -> None:
    content = packed(code=bytes(100), data=bytes(50))
    small = Capacity(metadata_bytes=10, code_bytes=99, data_bytes=49)
    assert list(failures(content, setup(capacity=small)))[:2] == ["bundle", "capacity of metadata"]
    tight = Capacity(code_bytes=101, data_bytes=101, shared_bytes=149)
    found = failures(content, setup(capacity=tight))
    assert found == {
        "capacity of data": "code, rounded up to 4, and data share 149 bytes on this board"
    }
    data = next(each for each in judged(content, setup(capacity=tight)) if each.check.failed)
    assert data.explanation is not None
    assert (data.explanation.expected, data.explanation.found) == ("at most 49 bytes", "50 bytes")


def test_metadata_beyond_the_capacity_is_judged_all_the_same() -> None:
    device = setup(capacity=Capacity(metadata_bytes=100), trust=Trust())
    found = failures(packed(), device)
    assert {"capacity of metadata", "metadata token", "mask token"} <= set(found)


def test_a_missing_runtime_does_not_hide_what_else_is_wrong() -> None:
    plan = replace(PLAN, container=replace(PLAN.container, type=ContainerType.WASM))
    checks = agrees(packed(plan, b"rBPF...."), setup(trust=Trust()))
    failed = {each.check.name: each for each in checks if each.check.failed}
    assert {"runtime", "code token"} <= set(failed)
    assert failed["runtime"].explanation is not None
    assert "contradicts the first bytes of the code" in (failed["runtime"].explanation.cause or "")
    assert checks[-1].check.name == "code"
    assert checks[-1].check.detail == "there is no runtime to judge it"


def test_every_cap_that_is_passed_is_told() -> None:
    cap = Cap(best_priority=13, start_max_ms=5, loop_max_ms=5, loop_share=0.05)
    found = failures(packed(), setup(caps=Caps(cap)))
    assert list(found) == [
        "caps: priority",
        "caps: start_max_ms",
        "caps: loop_max_ms",
        "caps: loop share",
    ]
    assert set(found.values()) == {"the device file's cap for everybody is lower ([caps])"}
    found = failures(packed(), setup(caps=Caps(by_uid={b"box": Cap(loop_max_ms=5)})))
    assert found == {"caps: loop_max_ms": "the device file's cap for this uid is lower ([caps])"}


def test_inadmissible_code_is_told_with_the_form_that_would_be_taken() -> None:
    assert failures(packed(code=b"box!"), setup()) == {"code": None}
    assert failures(packed(code=b"box\n"), setup()) == {
        "code": "the runtime admits this code without its last line break"
    }


def test_what_a_runtime_says_that_is_to_be_done_is_the_likely_cause() -> None:
    assert failures(packed(code=b"box?"), setup()) == {"code": "answer it"}


def test_a_profile_that_is_not_accepted_is_told_beside_the_tokens() -> None:
    plan = replace(PLAN, profile=Profile.RIOT_2024)
    found = failures(packed(plan), setup())
    assert set(found) >= {"metadata token", "profile"}
    keys = KeyStore([*trusted(Profile.RIOT_2024)])
    device = setup(trust=Trust(keys=keys))
    assert list(failures(packed(plan), device)) == ["profile"]
    both = Trust(keys=keys, profiles=(Profile.RIOT_2024, Profile.RFC9052))
    assert failures(packed(plan), setup(trust=both)) == {}
    named = replace(plan, container=replace(plan.container, priority=3))
    assert list(failures(packed(named), setup(trust=both))) == ["form"]


def test_a_step_back_of_the_profile_is_told() -> None:
    store = Ledger()
    Device(setup(sequences=store), VirtualClock()).load(packed())
    keys = KeyStore(KeyEntry(role, Profile.RIOT_2024, KEYS[role].public_half()) for role in Role)
    trust = Trust(keys=keys, profiles=(Profile.RIOT_2024,))
    content = packed(replace(PLAN, profile=Profile.RIOT_2024))
    checks = agrees(content, setup(trust=trust, sequences=store))
    (detail,) = (each.check.detail for each in checks if each.check.failed)
    assert "riot-2024 is a step back" in detail


def test_absent_tokens_are_skipped_where_they_are_forgiven() -> None:
    content = pack_unsigned(PLAN, b"box", DATA).encode()
    device = setup(trust=Trust(allow_unsigned=True))
    checks = agrees(content, device)
    assert not any(each.check.failed for each in checks)
    assert [each.check.detail for each in checks if each.check.report] == [
        "absent, which this device accepts"
    ] * 4


def test_an_old_sequence_is_told_and_nothing_is_recorded() -> None:
    store = Ledger()
    Device(setup(sequences=store), VirtualClock()).load(packed(newer(newer(PLAN))))
    found = failures(packed(), setup(sequences=store))
    assert set(found) == {"metadata token", "code token", "data token", "mask token"}
    assert found["mask token"] == "an older version: 2 before the newest that was accepted, 3"


# Any container at all.


@dataclass
class Mutator:
    """Makes containers and devices that fit each other more or less."""

    dice: random.Random
    store: Ledger = field(default_factory=Ledger)

    def device(self) -> Setup:
        pick = self.dice.choice
        keys = [
            replace(entry, material=FOREIGN) if self.dice.random() < 0.03 else entry
            for entry in trusted()
            if self.dice.random() > 0.03
        ]
        return setup(
            capacity=pick(
                [*[Capacity()] * 9, Capacity(metadata_bytes=400), Capacity(data_bytes=3)]
            ),
            caps=pick([*[Caps()] * 9, Caps(Cap(loop_max_ms=5))]),
            trust=Trust(
                keys=_distinct(keys),
                profiles=pick([(Profile.RFC9052,)] * 4 + [tuple(Profile)]),
                allow_unsigned=pick([True, False]),
                require_endpoint_tokens=pick([True, *[False] * 5]),
                device_id=pick([None, "desk-1"]),
            ),
            epoch_s=pick([NOW_S, NOW_S, NOW_S + 100]),
            sequences=self.store,
        )

    def content(self) -> bytes:
        pick = self.dice.choice
        options = TokenOptions(
            sequence=pick([1, 2, 2, 3]),
            expires_s=pick([*[None] * 5, NOW_S + 50]),
            audience=pick([*[None] * 5, "desk-1", "desk-2"]),
        )
        kind = pick([ContainerType.NATIVE] * 15 + [ContainerType.BPF])
        profile = pick([*[Profile.RFC9052] * 15, Profile.RIOT_2024])
        plan = replace(
            PLAN,
            container=replace(PLAN.container, type=kind),
            profile=profile,
            options=options if profile is Profile.RFC9052 else TokenOptions(),
            sign_endpoints=False,
        )
        code = pick([*[b"box"] * 9, b"!box"])
        if self.dice.random() < 0.1:
            return pack_unsigned(plan, code, DATA).encode()
        bundle = pack(plan, code, DATA, KEYS)
        return self._damaged(bundle)

    def _damaged(self, bundle: Bundle) -> bytes:
        luck = self.dice.random()
        if luck < 0.1:
            return replace(bundle, data=bundle.code, code=bundle.data).encode()
        if luck < 0.2:
            return replace(bundle, data=DATA + b"\n").encode()
        content = bytearray(bundle.encode())
        if luck < 0.4:
            place = self.dice.randrange(len(content))
            content[place] = self.dice.randrange(256)
        return bytes(content)


def _distinct(keys: list[KeyEntry]) -> KeyStore:
    """A store that has the foreign key at most once."""
    seen: set[bytes] = set()
    kept = []
    for entry in keys:
        if entry.material.public not in seen:
            kept.append(entry)
        seen.add(entry.material.public)
    return KeyStore(kept)


def worlds(seed: int, count: int) -> Iterator[tuple[bytes, Setup]]:
    mutator = Mutator(random.Random(seed))
    for _ in range(count):
        device = mutator.device()
        yield mutator.content(), device
        if mutator.dice.random() < 0.2:
            mutator.store = Ledger()


def check_agreement(seed: int, count: int) -> None:
    loaded = 0
    for content, device in worlds(seed, count):
        checks = agrees(content, device)
        if not any(each.check.failed for each in checks):
            loaded += 1
            Device(device, VirtualClock()).load(content)
    assert loaded > count / 10


def test_explain_agrees_with_a_load_of_any_container() -> None:
    check_agreement(7, 400)


@pytest.mark.long
def test_explain_agrees_with_a_load_of_any_of_many_containers() -> None:
    check_agreement(8, 8_000)
