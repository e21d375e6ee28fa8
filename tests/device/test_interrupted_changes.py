"""Changes that an interrupt tore in two: what completes them, even if that is interrupted too."""

from collections.abc import Iterable
from typing import Any

import pytest
from support.drivers import Puppet, raising, served_by
from support.random_updates import TornState
from support.scripted import Program, calling, work
from support.worlds import World, blueprint, local, newer, piped, times

from tinycontainer.device.containers.container import ExitReason
from tinycontainer.device.containers.memory import Slot
from tinycontainer.trace import TraceEvent
from tinycontainer.trace.events import DescriptorClosed
from tinycontainer_tokens import (
    Accepted,
    Kind,
    MemorySequenceStore,
    SequenceStoreError,
    SequenceSubject,
)

PLAN = blueprint("box", endpoints=(local(),), security=times(period=1))


@pytest.mark.clause("TC-LIFE-24")
def test_an_interrupt_while_a_look_completes_what_was_left_is_raised_by_that_look() -> None:
    interrupts = list[BaseException]()

    def sink(_event: TraceEvent) -> None:
        if interrupts:
            raise interrupts.pop()

    world = World(sinks=(sink,), drivers=(served_by(Puppet(on_read=raising(KeyboardInterrupt()))),))
    calls = (lambda natives: natives.open(1), lambda natives: natives.read(1, 1))
    world.run(PLAN, Program(work(1), start=calling([], *calls)))
    management: Any = world.device._managing
    recover = management._recover
    management._recover = raising(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        world.device.run(for_ms=5)
    management._recover = recover
    interrupts.append(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        len(world.device)
    assert interrupts == []
    assert len(world.device) == 1
    world.device.run(for_ms=5)
    assert world.exit_of("box").reason is ExitReason.INTERRUPTED


@pytest.mark.clause("TC-LIFE-24")
def test_a_change_that_is_made_twice_revokes_what_the_first_one_did(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World()
    open_pipe = calling([], lambda natives: natives.open(3))
    box = blueprint("box", endpoints=(piped(3, "pal", 3),), security=times(period=1))
    pal = blueprint("pal", endpoints=(piped(3, "box", 3),), security=times(period=1))
    for plan in (box, pal):
        world.add(plan, Program(work(1), start=open_pipe))
    world.device.start("box")
    world.device.start("pal")
    world.device.run(for_ms=5)
    management: Any = world.device._managing
    recover = management._recover

    def recover_later() -> None:
        monkeypatch.undo()
        recover()

    monkeypatch.setattr(Slot, "replace_metadata", raising(KeyboardInterrupt()))
    monkeypatch.setattr(management, "_recover", recover_later)
    with pytest.raises(KeyboardInterrupt):
        world.reconfigure(newer(box, endpoints=(piped(3, "another", 3),)))
    closed = [(event.uid, event.reason) for event in world.of(DescriptorClosed)]
    assert closed == [(b"box", "revoked"), (b"pal", "peer-gone")]


class TornStore(MemorySequenceStore):
    """A store that records, and then is interrupted or busy, as often as it is told."""

    def __init__(self, *ends: BaseException) -> None:
        super().__init__()
        self.ends = list(ends)

    def accept(self, entries: Iterable[tuple[SequenceSubject, Accepted]]) -> None:
        if self.ends and isinstance(self.ends[0], SequenceStoreError):
            raise self.ends.pop(0)
        super().accept(entries)
        if self.ends:
            raise self.ends.pop(0)


TORN: list[tuple[BaseException, ...]] = [
    (KeyboardInterrupt(),),
    (KeyboardInterrupt(), KeyboardInterrupt()),
    (KeyboardInterrupt(), SequenceStoreError("busy")),
]


@pytest.mark.clause("TC-LIFE-24")
@pytest.mark.parametrize("ends", TORN)
def test_a_withdrawn_mask_that_was_recorded_is_withdrawn(ends: tuple[BaseException, ...]) -> None:
    store = TornStore()
    world = World(sequences=store)
    world.add(PLAN, Program(work(1)))
    store.ends = list(ends)
    with pytest.raises(KeyboardInterrupt):
        world.reconfigure(newer(PLAN, mask=0))
    recorded = store.newest(SequenceSubject(b"box", Kind.MASK))
    assert recorded is not None
    assert recorded.sequence == 2
    assert world.device["box"].mask == 0


@pytest.mark.clause("TC-LIFE-24")
@pytest.mark.parametrize("ends", TORN)
def test_a_load_that_was_recorded_is_done(ends: tuple[BaseException, ...]) -> None:
    world = World(sequences=TornStore(*ends))
    with pytest.raises(KeyboardInterrupt):
        world.add(PLAN, Program(work(1)))
    assert "box" in world.device


@pytest.mark.clause("TC-LIFE-24", "TC-STATE-14")
def test_what_is_loaded_again_after_an_interrupted_delete_is_recorded() -> None:
    state = TornState()
    world = World(state=state)
    world.add(PLAN, Program(work(1)))
    state.interrupts = True
    with pytest.raises(KeyboardInterrupt):
        world.device.delete("box")
    assert "box" not in world.device
    assert state.containers() == ()
    world.add(PLAN)
    assert [entry.uid for entry in state.containers()] == [b"box"]
    world.device.run(for_ms=20_000)
    assert [entry.uid for entry in state.containers()] == [b"box"]
