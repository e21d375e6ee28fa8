"""What a device accepts: a container is READY only if everything about it is right."""

from dataclasses import replace

import pytest
from support.scripted import Program, ScriptedRuntime, endless, work
from support.worlds import ALL_CALLS, Ledger, World, blueprint, refused, snapshot, times

from tinycontainer.assembly import Device
from tinycontainer.device.containers.lifecycle import State
from tinycontainer.device.containers.limits import Capacity
from tinycontainer.device.containers.verification import Trust
from tinycontainer.device.setup import Setup
from tinycontainer.errors import InvalidTransition, LoadReason, UnknownContainer
from tinycontainer.interfaces.clock import VirtualClock
from tinycontainer.interfaces.runtime import RuntimeLimits
from tinycontainer.metadata import Bundle, ContainerType
from tinycontainer.tools.packing.packing import TokenOptions
from tinycontainer.trace.events import Loaded, LoadRefused, Transitioned

EPOCH_S = 1_000_000
IDLE = Program(work(1))


def world(**parts: object) -> World:
    return World(
        {"box": IDLE, "two": IDLE},
        sequences=Ledger(),
        epoch_s=EPOCH_S,
        **parts,  # type: ignore[arg-type]
    )


def test_a_container_that_is_in_order_is_ready() -> None:
    here = world()
    view = here.add(blueprint("box", mask=0b10110, priority=3), data=b"12345")
    assert (view.uid, view.slot, view.state) == (b"box", 0, State.READY)
    assert (view.mask, view.priority, view.last_exit, view.loops) == (0b10110, 3, None, 0)
    (loaded,) = here.of(Loaded)
    assert (loaded.type, loaded.profile) == ("native", "rfc9052")
    assert loaded.metadata_bytes == len(here.device.metadata("box").raw)
    assert (loaded.code_bytes, loaded.data_bytes) == (3, 5)
    assert [(e.before, e.trigger, e.after) for e in here.of(Transitioned)] == [
        ("provisioning", "loaded", "ready")
    ]


def test_a_rejected_container_goes_through_the_life_cycle_to_its_end() -> None:
    here = world()
    with refused(LoadReason.CODE_INADMISSIBLE):
        here.add(blueprint("nobody"))
    assert [(e.uid, e.before, e.trigger, e.after) for e in here.of(Transitioned)] == [
        (b"nobody", "provisioning", "rejected", "deleting"),
        (b"nobody", "deleting", "erased", "gone"),
    ]


@pytest.mark.parametrize("running", [False, True])
@pytest.mark.clause("TC-LOAD-05")
def test_a_second_container_with_the_same_uid_is_refused(running: bool) -> None:
    here = world()
    here.add(blueprint("box"), Program(endless()))
    if running:
        here.device.start("box")
    before = snapshot(here)
    with refused(LoadReason.DUPLICATE_UID):
        here.add(blueprint("box", sequence=2))
    assert snapshot(here) == before
    assert here.add(blueprint("two")).slot == 1


def test_a_refused_second_container_does_not_look_like_the_end_of_the_first() -> None:
    here = world()
    here.add(blueprint("box"))
    with refused(LoadReason.DUPLICATE_UID):
        here.add(blueprint("box", sequence=2))
    assert [event.after for event in here.of(Transitioned, "box")] == ["ready"]


@pytest.mark.clause("TC-LOAD-06")
def test_a_load_without_a_free_slot_is_refused() -> None:
    here = world(capacity=Capacity(slots=1))
    here.add(blueprint("box"))
    before = snapshot(here)
    with refused(LoadReason.NO_SLOT):
        here.add(blueprint("two"))
    assert snapshot(here) == before
    here.device.delete("box")
    here.add(blueprint("two"))


@pytest.mark.parametrize("kind", [kind for kind in ContainerType if kind != ContainerType.NATIVE])
@pytest.mark.clause("TC-LOAD-07")
def test_a_type_without_a_runtime_is_refused_naming_it_and_those_there_are(
    kind: ContainerType,
) -> None:
    here = world()
    before = snapshot(here)
    with refused(LoadReason.RUNTIME_MISSING, kind.name.lower()):
        here.add(blueprint("box", kind=kind))
    assert "native" in here.of(LoadRefused)[-1].problem
    assert snapshot(here) == before
    here.add(blueprint("box"))


def test_a_device_without_any_runtime_says_so() -> None:
    device = Device(Setup(runtimes={}), VirtualClock())
    with refused(LoadReason.RUNTIME_MISSING, "there are: none"):
        device.load(unsigned())


@pytest.mark.clause("TC-LOAD-10", "TC-RT-01")
def test_code_that_its_runtime_does_not_admit_is_refused_and_leaves_no_trace() -> None:
    here = world()
    before = snapshot(here)
    with refused(LoadReason.CODE_INADMISSIBLE, "no such program"):
        here.add(blueprint("none", sequence=9))
    assert snapshot(here) == before


def test_a_runtime_that_breaks_while_judging_code_leaves_the_device_as_before() -> None:
    class Broken(ScriptedRuntime):
        def admit(self, code: bytes, limits: RuntimeLimits) -> None:
            raise ZeroDivisionError

    here = world(capacity=Capacity(slots=1))
    here.runtime.__class__ = Broken
    before = snapshot(here)
    with refused(LoadReason.CODE_INADMISSIBLE, "the runtime failed: ZeroDivisionError"):
        here.add(blueprint("box"))
    assert snapshot(here) == before
    here.runtime.__class__ = ScriptedRuntime
    assert here.add(blueprint("box")).slot == 0


@pytest.mark.parametrize(
    ("bundle", "reason"),
    [
        (b"", LoadReason.BUNDLE),
        (b"\x83\x40\x40", LoadReason.BUNDLE),
        (b"\x82\x40\x40", LoadReason.BUNDLE),
        (b"\x83\x40\x40\x60", LoadReason.BUNDLE),
        (b"\x83\x40\x40\x40\x00", LoadReason.BUNDLE),
        (b"\x83\x40\x40\x40", LoadReason.METADATA),
        (Bundle(b"\xa0", b"", b"").encode(), LoadReason.METADATA),
        (Bundle(b"\xff" * 2048, b"", b"").encode(), LoadReason.METADATA),
        (Bundle(b"\xff" * 2049, b"", b"").encode(), LoadReason.CAPACITY),
    ],
)
@pytest.mark.clause("TC-LOAD-11")
def test_bytes_that_are_no_container_are_refused(bundle: bytes, reason: LoadReason) -> None:
    here = world(capacity=Capacity(slots=1))
    before = snapshot(here)
    with refused(reason):
        here.device.load(bundle)
    assert snapshot(here) == before
    assert [event.reason for event in here.of(LoadRefused)] == [reason]
    here.add(blueprint("box"))


@pytest.mark.clause("TC-LOAD-10")
def test_refusals_do_not_disturb_a_container_that_runs() -> None:
    calm, disturbed = world(), world()
    for here in (calm, disturbed):
        here.run(blueprint("box", security=times(period=3)), Program(work(500)))
    for step in range(10):
        for here in (calm, disturbed):
            here.device.run_until(step * 7)
        with refused(LoadReason.CODE_INADMISSIBLE):
            disturbed.add(blueprint(f"no{step}"))
    assert snapshot(calm) == snapshot(disturbed)


# Starting.


@pytest.mark.clause("TC-LIFE-02")
def test_only_a_ready_container_starts() -> None:
    here = world()
    here.add(blueprint("box"))
    here.device.start("box")
    assert here.device["box"].state is State.RUNNING
    before = snapshot(here)
    with pytest.raises(InvalidTransition, match=r"start.*running"):
        here.device.start("box")
    assert snapshot(here) == before


@pytest.mark.parametrize("verb", ["start", "stop", "kill", "delete"])
@pytest.mark.clause("TC-LIFE-21")
def test_an_unknown_uid_is_an_error_that_is_also_a_key_error(verb: str) -> None:
    here = world()
    with pytest.raises(UnknownContainer, match="nobody") as caught:
        getattr(here.device, verb)("nobody")
    assert isinstance(caught.value, KeyError)
    with pytest.raises(KeyError):
        here.device["nobody"]
    assert "nobody" not in here.device


@pytest.mark.parametrize("verb", ["stop", "kill"])
def test_a_ready_container_can_be_neither_stopped_nor_killed(verb: str) -> None:
    here = world()
    here.add(blueprint("box"))
    before = snapshot(here)
    with pytest.raises(InvalidTransition, match=rf"{verb}.*ready"):
        getattr(here.device, verb)("box")
    assert snapshot(here) == before


@pytest.mark.clause("TC-TOK-13")
def test_a_container_whose_token_has_expired_since_its_load_does_not_start() -> None:
    here = world()
    plan = replace(blueprint("box"), options=TokenOptions(expires_s=EPOCH_S + 10))
    here.add(plan)
    here.device.run_until(10_000)
    before = snapshot(here)
    with refused(LoadReason.TOKEN, "expired"):
        here.device.start("box")
    assert snapshot(here) == before
    assert [event.uid for event in here.of(LoadRefused)] == [b"box"]


def test_a_container_starts_until_the_second_in_which_its_token_expires() -> None:
    here = world()
    here.add(replace(blueprint("box"), options=TokenOptions(expires_s=EPOCH_S + 10)))
    here.device.run_until(9_999)
    here.device.start("box")
    assert here.device["box"].state is State.RUNNING


# Devices for the bench.


def bench(unsigned_mask: int = 0) -> World:
    trust = Trust(allow_unsigned=True, unsigned_mask=unsigned_mask)
    return World({"box": IDLE}, trust=trust)


def unsigned() -> bytes:
    return World(bare=True).pack(blueprint("box", mask=ALL_CALLS)).encode()


@pytest.mark.clause("TC-TOK-20")
def test_unsigned_containers_are_refused_by_default() -> None:
    here = world()
    before = snapshot(here)
    with refused(LoadReason.TOKEN, "missing"):
        here.device.load(unsigned())
    assert snapshot(here) == before


@pytest.mark.parametrize("mask", [0, 0b101, ALL_CALLS])
def test_an_unsigned_container_gets_the_mask_of_the_device(mask: int) -> None:
    here = bench(unsigned_mask=mask)
    assert here.device.load(unsigned()).mask == mask
    assert [event.profile for event in here.of(Loaded)] == [""]


@pytest.mark.clause("TC-TOK-20")
def test_an_unsigned_container_may_call_nothing_by_default() -> None:
    assert Trust().unsigned_mask == 0


def test_a_signed_container_keeps_its_own_mask_where_unsigned_ones_are_allowed() -> None:
    here = World({"box": IDLE}, trust=replace(world().trust, allow_unsigned=True))
    assert here.add(blueprint("box", mask=0b11)).mask == 0b11


@pytest.mark.clause("TC-TOK-20")
def test_absent_tokens_are_forgiven_but_wrong_ones_never() -> None:
    here = bench()
    with refused(LoadReason.TOKEN, "no key of the role"):
        here.add(blueprint("box"))
    assert len(here.device) == 0
