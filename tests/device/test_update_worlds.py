"""Random series of updates between all other calls: what was promised is so, and nothing leaks."""

import pytest
from support.joint_changes import empty
from support.random_updates import Life


def live(seeds: range, steps: int) -> None:
    refused = accepted = waited = 0
    for seed in seeds:
        life = Life(seed)
        try:
            for _ in range(steps):
                life.step()
            life.settle()
            empty(life.world)
        except BaseException as error:
            error.add_note(f"seed {seed}, after {life.steps} calls")
            raise
        refused, accepted = refused + life.refused, accepted + life.accepted
        waited += life.waited
    assert min(refused, accepted, waited) > len(seeds)


@pytest.mark.clause("TC-UPD-20", "TC-UPD-21", "TC-UPD-22", "TC-UPD-23")
def test_a_device_is_what_its_updates_have_promised_whatever_happens_meanwhile() -> None:
    live(range(12), 40)


@pytest.mark.long
def test_many_devices_are_what_their_updates_have_promised() -> None:
    live(range(100, 1_100), 60)
