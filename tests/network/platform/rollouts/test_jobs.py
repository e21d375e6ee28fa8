"""Workers share jobs by leases, and go on where one that was killed has left off."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from random import Random
from typing import Any

import pytest
from sqlalchemy import update
from support.four_parties import good
from support.rollouts import GATEWAY, Rollouts

from tinycontainer.network.platform.rollouts.jobs import LEASE_S
from tinycontainer.network.platform.rollouts.worker import RolloutWorker
from tinycontainer.network.platform.tables.rollouts import JobRow

NAMES = [f"box-{number}" for number in range(1, 7)]
ONCE = ["load", "start"]


class Killed(Exception):
    """The platform was killed at this moment."""


def other_worker(world: Rollouts, *, knows_gateway: bool = True) -> RolloutWorker:
    """A worker in another process, maybe of another file."""
    made = world.make_worker()
    if not knows_gateway:
        made.gateways = {}
    return made


def changes(world: Rollouts) -> list[list[str]]:
    """What was changed on each device."""
    return [each.changes for each in world.gateway.fleet.values()]


@pytest.fixture
def told(rollouts: Rollouts) -> Rollouts:
    """Two devices whose jobs are due."""
    rollouts.add_devices(NAMES[:2])
    rollouts.start()
    assert rollouts.worker.step()
    return rollouts


def test_no_job_is_worked_on_twice_at_a_time(told: Rollouts) -> None:
    second = other_worker(told)
    worked: list[bool] = []

    def let_the_other_work() -> None:
        told.gateway.when_asked = lambda: None
        worked.extend(second.deliver() for _ in range(20))
        assert len({each.endpoint for each in told.gateway.jobs.values()}) == 1

    told.gateway.when_asked = let_the_other_work
    assert told.worker.deliver()
    assert worked[0], "the other job is free"
    assert not worked[-1], "this one is not"
    assert len({each.endpoint for each in told.gateway.jobs.values()}) == 2
    told.settle(5)
    assert changes(told) == [ONCE, ONCE]


def test_a_worker_that_is_gone_is_followed_by_another_when_its_lease_is_over(
    told: Rollouts,
) -> None:
    def die() -> None:
        raise Killed

    told.gateway.when_asked = die
    for _ in NAMES[:2]:
        with pytest.raises(Killed):
            told.worker.deliver()
    told.gateway.when_asked = lambda: None
    told.worker = other_worker(told)
    told.platform.clock.at_s += LEASE_S
    assert not told.worker.deliver(), "the lease is not over yet"
    told.platform.clock.at_s += 0.1
    told.settle(5)
    assert changes(told) == [ONCE, ONCE]


def test_an_old_worker_that_comes_back_is_not_heard(told: Rollouts) -> None:
    old, told.worker = told.worker, other_worker(told)

    def sleep_for_long() -> None:
        told.gateway.when_asked = lambda: None
        told.platform.clock.at_s += LEASE_S + 1
        told.settle(5)
        told.gateway.fleet[NAMES[0]].has = None
        told.gateway.fleet[NAMES[1]].has = None

    told.gateway.when_asked = sleep_for_long
    assert old.deliver()
    assert [told.container(each)["reported"] for each in NAMES[:2]] == [1, 1]
    assert not told.worker.deliver(), "nothing has begun anew"
    assert told.show(1)["state"] == "done"


@pytest.mark.parametrize("progress", ["?", "[" * 5000, '{"step": "put"}', '"\\u0000"', "null"])
def test_what_cannot_be_read_begins_anew_by_looking(told: Rollouts, progress: str) -> None:
    told.settle(0.1)
    with told.platform.database.transaction() as session:
        session.execute(update(JobRow).values(progress=progress))
    told.settle(10)
    assert changes(told) == [ONCE, ONCE]
    assert told.show(1)["state"] == "done"


def test_a_device_whose_gateway_is_gone_from_the_file_has_not_answered(
    rollouts: Rollouts,
) -> None:
    rollouts.add_devices(NAMES[:2])
    rollout = rollouts.start(answer_s=30)
    rollouts.worker = other_worker(rollouts, knows_gateway=False)
    rollouts.settle(20)
    assert set(rollouts.progress(rollout).values()) == {"told"}
    rollouts.settle(20)
    assert set(rollouts.progress(rollout).values()) == {"failed"}
    assert rollouts.gateway.jobs == {}


def test_a_rollout_is_cancelled_also_if_its_gateway_is_gone_from_the_file(told: Rollouts) -> None:
    told.worker = other_worker(told, knows_gateway=False)
    good(told.ask(1, "cancel"))
    told.settle(5)
    assert set(told.progress(1).values()) == {"waiting"}


def test_nothing_is_lost_while_a_gateway_is_down(told: Rollouts) -> None:
    told.gateway.is_down = True
    told.settle(40)
    assert changes(told) == [[], []]
    assert told.said
    assert all(line.startswith(f"gateway {GATEWAY}: ") for line in told.said)
    told.gateway.is_down = False
    told.settle(60)
    assert changes(told) == [ONCE, ONCE]


def test_nothing_is_lost_when_a_gateway_has_lost_its_jobs(told: Rollouts) -> None:
    told.gateway.asleep.update(NAMES)
    told.settle(5)
    assert len(told.gateway.jobs) == 2
    told.gateway.jobs.clear()
    told.gateway.blobs.clear()
    told.gateway.asleep.clear()
    told.settle(60)
    assert changes(told) == [ONCE, ONCE]


def test_a_device_that_has_left_while_somebody_works_on_it_is_forgotten(told: Rollouts) -> None:
    def leave() -> None:
        told.gateway.when_asked = lambda: None
        owner = told.platform.client("boxes")
        for name in NAMES[:2]:
            assert owner.delete(f"/api/devices/{name}").status_code == 204

    told.gateway.when_asked = leave
    told.settle(5)
    assert told.progress(1) == {}
    shown = told.show(1)
    assert (shown["state"], shown["waves"][0]["skipped"]) == ("done", 2)


@pytest.mark.clause("TC-PLAT-39")
def test_threads_of_two_platforms_bring_all_there_once(rollouts: Rollouts) -> None:
    rollouts.add_devices(NAMES)
    clock, ended = rollouts.platform.clock, threading.Event()
    workers = [rollouts.worker, other_worker(rollouts)]
    works = [work for each in workers for work in (each.step, each.look, *[each.deliver] * 3)]

    def go_on(work: Callable[[], bool]) -> None:
        while not ended.is_set():
            if not work():
                ended.wait(0.01)

    until_s = time.monotonic() + 60
    with ThreadPoolExecutor(len(works)) as pool, setting(ended):
        threads = [pool.submit(go_on, each) for each in works]
        first = rollouts.start(standing=True)
        for name in NAMES[:3]:
            rollouts.connect(name)
            body = {"labels": {"changed": name}}
            good(rollouts.platform.client("boxes").patch(f"/api/devices/{name}", json=body))
        while set(rollouts.progress(first).values()) != {"done"}:
            assert time.monotonic() < until_s
            assert not any(each.done() for each in threads)
            clock.at_s += 1
            time.sleep(0.01)
    for each in threads:
        each.result()
    assert changes(rollouts) == [ONCE] * len(NAMES)
    rollouts.require_right_counts(first)


@contextmanager
def setting(ended: threading.Event) -> Iterator[None]:
    """Set an event when the block is left."""
    try:
        yield
    finally:
        ended.set()


def work_among_kills(world: Rollouts, random: Random, share: float, for_s: float) -> None:
    """Let all be done while the platform is killed now and then."""

    def maybe_die() -> None:
        if random.random() < share:
            raise Killed

    world.gateway.when_asked = world.gateway.when_submitted = maybe_die
    while True:
        try:
            world.settle(for_s)
        except Killed:
            world.worker = world.make_worker()
            world.platform.clock.at_s += LEASE_S + 1
        else:
            break
    world.gateway.when_asked = world.gateway.when_submitted = lambda: None


def require_all_done_once(world: Rollouts, seed: int) -> None:
    """Two overlapping rollouts among kills at random moments end as if there had been none."""
    random = Random(seed)
    world.parties.complete(2)
    world.add_devices(NAMES)
    world.refuse_always(NAMES[0])
    world.gateway.asleep.update(NAMES[1:2])
    plan: dict[str, Any] = {"waves": [50, 100], "halt_minimum": 10, "success_per_cent": 30}
    numbers = [world.start(1, **plan)]
    work_among_kills(world, random, random.choice([0.02, 0.1, 0.3]), random.choice([0, 0.2, 3]))
    numbers.append(world.start(2, **plan))
    if random.random() < 0.5:
        good(world.ask(numbers[1], "cancel"))
        numbers.append(world.start(2, **plan))
    work_among_kills(world, random, 0.05, 2)
    world.gateway.asleep.clear()
    work_among_kills(world, random, 0.05, 60)
    for rollout in numbers:
        world.require_right_counts(rollout)
    assert world.progress(numbers[-1]) == {
        name: "failed" if name == NAMES[0] else "done" for name in NAMES
    }
    assert changes(world)[0] == []
    for name, made in zip(NAMES[1:], changes(world)[1:], strict=True):
        assert len(made) == len(set(made)), (name, made)
        assert {"load", "start"} <= set(made) <= {"load", "start", "replace"}
        shown = world.container(name)
        assert (shown["desired"], shown["reported"], shown["state"]) == (2, 2, "RUNNING")
    assert world.container(NAMES[0])["reported"] is None


@pytest.mark.clause("TC-PLAT-39")
@pytest.mark.parametrize("seed", range(4))
def test_kills_at_random_moments_change_nothing(rollouts: Rollouts, seed: int) -> None:
    require_all_done_once(rollouts, seed)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 180))
def test_many_kills_at_random_moments_change_nothing(rollouts: Rollouts, seed: int) -> None:
    require_all_done_once(rollouts, seed)
