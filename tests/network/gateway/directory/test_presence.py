"""When a device can be reached, from what it has said and when it was heard."""

import pytest

from tinycontainer.network.gateway.directory.presence import (
    Availability,
    Presence,
    judge_presence,
)
from tinycontainer.network.gateway.directory.registrations import Registration


def registration(sleep_s: int = 0, awake_s: int = 0) -> Registration:
    place = "coap://[::1]:5683"
    return Registration("a", "", "a", "0" * 16, place, 1000, 100.0, sleep_s, awake_s)


SLEEPER = registration(300, 10)
AWAKE = Availability(Presence.AWAKE, 0.0)
GONE = Availability(Presence.GONE, None)


@pytest.mark.clause("TC-GW-12")
@pytest.mark.parametrize(
    ("of", "heard_s", "now_s", "expected"),
    [
        (registration(), None, 1099.9, AWAKE),
        (registration(), 1099.0, 1100.0, GONE),
        (None, 100.0, 100.0, GONE),
        (SLEEPER, None, 100.0, AWAKE),
        (SLEEPER, None, 109.4, AWAKE),
        (SLEEPER, None, 109.5, Availability(Presence.ASLEEP, 300.5)),
        (SLEEPER, 105.0, 114.4, AWAKE),
        (SLEEPER, 105.0, 115.0, Availability(Presence.ASLEEP, 300.0)),
        (SLEEPER, 50.0, 110.0, Availability(Presence.ASLEEP, 300.0)),
        (SLEEPER, None, 410.0, Availability(Presence.ASLEEP, 0.0)),
        (SLEEPER, None, 1000.0, Availability(Presence.ASLEEP, 0.0)),
        (SLEEPER, None, 1100.0, GONE),
        (registration(300, 1), None, 100.89, AWAKE),
        (registration(300, 1), None, 100.91, Availability(Presence.ASLEEP, 300.09)),
    ],
)
def test_a_device_is_awake_for_a_while_after_it_was_heard(
    of: Registration | None, heard_s: float | None, now_s: float, expected: Availability
) -> None:
    found = judge_presence(of, heard_s, now_s)
    assert found.presence is expected.presence
    assert found.back_s == pytest.approx(expected.back_s)
