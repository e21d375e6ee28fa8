"""How often peers may ask."""

from tinycontainer.network.agent.requests.rates import MAX_PEERS, Rates


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_a_peer_has_a_burst_and_then_its_rate() -> None:
    clock = Clock()
    rates = Rates(clock, per_s=10, burst=5)
    assert [rates.admit(b"p") for _ in range(5)] == [0.0] * 5
    assert abs(rates.admit(b"p") - 0.1) < 1e-9
    assert rates.admit(b"other") == 0.0
    clock.now_s = 0.1
    assert rates.admit(b"p") == 0.0
    assert rates.admit(b"p") > 0
    clock.now_s = 1000
    assert [rates.admit(b"p") == 0.0 for _ in range(6)] == [True] * 5 + [False]


def test_many_addresses_are_no_way_around_the_rate() -> None:
    rates = Rates(Clock(), per_s=10, burst=5, shared=4)
    admitted = sum(rates.admit(b"%d" % number) == 0.0 for number in range(10 * MAX_PEERS))
    assert admitted == 20
