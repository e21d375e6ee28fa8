"""The states of rollouts and of devices in them, and which rollout counts for a device."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinycontainer.tools.rollouts import (
    DeviceProgress,
    IllegalProgressEvent,
    IllegalRolloutEvent,
    ProgressEvent,
    RolloutEvent,
    RolloutOfDevice,
    RolloutState,
    choose,
)

ROLLOUTS = st.builds(
    RolloutOfDevice, st.integers(0, 9), st.integers(0, 2), st.sampled_from(RolloutState)
)


@pytest.mark.parametrize("state", RolloutState)
def test_a_rollout_can_be_cancelled_until_it_has_ended(state: RolloutState) -> None:
    if not state.has_ended:
        assert state.after(RolloutEvent.CANCEL) is RolloutState.CANCELLED
        return
    for event in RolloutEvent:
        with pytest.raises(IllegalRolloutEvent, match=f"that is {state} has no event {event}"):
            state.after(event)


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ([RolloutEvent.START, RolloutEvent.FINISH], RolloutState.DONE),
        ([RolloutEvent.START, RolloutEvent.EXPIRE], RolloutState.EXPIRED),
        ([RolloutEvent.START, RolloutEvent.PAUSE, RolloutEvent.RESUME], RolloutState.RUNNING),
        ([RolloutEvent.START, RolloutEvent.HALT, RolloutEvent.RESUME], RolloutState.RUNNING),
        ([RolloutEvent.START, RolloutEvent.PAUSE, RolloutEvent.EXPIRE], RolloutState.EXPIRED),
        ([RolloutEvent.START, RolloutEvent.HALT, RolloutEvent.EXPIRE], RolloutState.EXPIRED),
    ],
)
def test_a_rollout_goes_from_state_to_state(
    events: list[RolloutEvent], state: RolloutState
) -> None:
    now = RolloutState.DRAFT
    for event in events:
        now = now.after(event)
    assert now is state


@pytest.mark.parametrize("state", [RolloutState.PAUSED, RolloutState.HALTED])
def test_a_rollout_that_has_stopped_does_not_finish(state: RolloutState) -> None:
    with pytest.raises(IllegalRolloutEvent):
        state.after(RolloutEvent.FINISH)


def test_a_device_that_has_failed_waits_again_while_it_has_attempts() -> None:
    failed = DeviceProgress.FAILED
    assert failed.after(ProgressEvent.RETRY, attempts_left=1) is DeviceProgress.WAITING
    with pytest.raises(IllegalProgressEvent, match="all of its attempts"):
        failed.after(ProgressEvent.RETRY)


def test_a_device_that_is_done_or_skipped_stays_so() -> None:
    ended = (DeviceProgress.DONE, DeviceProgress.SKIPPED)
    for progress, event in itertools.product(ended, ProgressEvent):
        with pytest.raises(IllegalProgressEvent, match=f"that is {progress} has no event"):
            progress.after(event, attempts_left=9)


@pytest.mark.parametrize("progress", [DeviceProgress.WAITING, DeviceProgress.TOLD])
def test_a_device_without_an_end_can_be_superseded_and_comes_back(
    progress: DeviceProgress,
) -> None:
    superseded = progress.after(ProgressEvent.SUPERSEDE)
    assert superseded is DeviceProgress.SUPERSEDED
    assert superseded.after(ProgressEvent.RESTORE) is DeviceProgress.WAITING


def test_only_a_device_that_waits_is_told() -> None:
    assert DeviceProgress.WAITING.after(ProgressEvent.TELL) is DeviceProgress.TOLD
    for progress in set(DeviceProgress) - {DeviceProgress.WAITING}:
        with pytest.raises(IllegalProgressEvent):
            progress.after(ProgressEvent.TELL)


def test_the_highest_priority_counts_and_then_the_newest() -> None:
    old = RolloutOfDevice(1, 5, RolloutState.RUNNING)
    new = RolloutOfDevice(2, 5, RolloutState.RUNNING)
    minor = RolloutOfDevice(3, 4, RolloutState.RUNNING)
    assert choose([new, minor, old]) == new
    assert choose([minor, old]) == old
    assert choose([]) is None


def test_a_rollout_that_is_halted_keeps_its_devices_and_an_ended_one_does_not() -> None:
    running = RolloutOfDevice(1, 0, RolloutState.RUNNING)
    for state in RolloutState:
        other = RolloutOfDevice(2, 1, state)
        assert choose([running, other]) == (other if state.is_open else running)


@given(st.lists(ROLLOUTS, unique_by=lambda each: each.number), st.data())
def test_the_order_of_rollouts_does_not_matter(
    rollouts: list[RolloutOfDevice], data: st.DataObject
) -> None:
    assert choose(data.draw(st.permutations(rollouts))) == choose(rollouts)
