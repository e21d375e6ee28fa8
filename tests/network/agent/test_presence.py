"""When a device asks its directory and when it sleeps: the plan alone, with any outcome."""

from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinycontainer.network.agent.presence import (
    ANSWER_S,
    MOST_FAILURES,
    Deed,
    Due,
    PresencePlan,
    Rhythm,
)

ASKING = (Deed.REGISTER, Deed.RENEW)


@st.composite
def rhythms(draw: st.DrawFn) -> Rhythm:
    sleep_s = draw(st.integers(0, 200))
    awake_s = draw(st.integers(1, 100))
    least_s = max(20, sleep_s + awake_s + 1 if sleep_s else 20)
    return Rhythm(draw(st.integers(least_s, least_s + 300)), sleep_s, awake_s)


@dataclass
class Walk:
    """A device in a world that does what was drawn."""

    rhythm: Rhythm
    jitter: float
    now_s: float = 0.0
    asked: list[tuple[float, Deed, str]] = field(default_factory=list)
    naps: list[tuple[float, float]] = field(default_factory=list)
    used_s: float = 0.0

    def __post_init__(self) -> None:
        self.presence = PresencePlan(self.rhythm, 0.0, lambda: self.jitter)

    def step(self, outcome: str) -> Due:
        """Do what is due next, with an outcome if it is a question."""
        due = self.presence.find_due()
        self.now_s = max(self.now_s, due.at_s)
        if due.deed in ASKING:
            self._ask(due.deed, outcome)
        elif due.deed is Deed.SLEEP:
            self.naps.append((self.now_s, self.used_s))
            self.presence.note_asleep(self.now_s)
        elif outcome == "no-socket":
            self.presence.note_still_asleep(self.now_s)
        else:
            self.used_s = self.now_s
            self.presence.note_awake(self.now_s)
        return due

    def use(self, after_s: float) -> None:
        """A request is answered after a while, if nothing is due before and it is awake."""
        due = self.presence.find_due()
        if due.deed is not Deed.WAKE and self.now_s + after_s < due.at_s:
            self.now_s += after_s
            self.used_s = self.now_s
            self.presence.note_use(self.now_s)

    def _ask(self, deed: Deed, outcome: str) -> None:
        if outcome == "forgotten" and deed is Deed.REGISTER:
            outcome = "refused"
        self.asked.append((self.now_s, deed, outcome))
        if outcome == "silent":
            self.now_s += self.presence.answer_s(self.now_s)
        if outcome == "good":
            self.presence.note_registered(self.now_s)
            self.used_s = self.now_s
        elif outcome == "forgotten":
            self.presence.note_forgotten(self.now_s)
            self.used_s = self.now_s
        else:
            self.presence.note_failure(self.now_s)


outcomes = st.sampled_from(["good", "good", "silent", "refused", "forgotten", "no-socket"])
worlds = st.lists(st.tuples(outcomes, st.floats(0, 40)), max_size=60)
jitters = st.floats(0, 1, exclude_max=True)


@pytest.mark.clause("TC-MGMT-18")
@given(rhythms(), jitters, worlds)
def test_no_outcome_makes_it_ask_more_than_the_backoff_allows(
    rhythm: Rhythm, jitter: float, world: list[tuple[str, float]]
) -> None:
    walk = Walk(rhythm, jitter)
    for outcome, after_s in world:
        walk.use(after_s)
        walk.step(outcome)
    failures, at_s, before = 0, 0.0, "none"
    woken = [begin_s + rhythm.sleep_s for begin_s, _ in walk.naps]
    for now_s, deed, outcome in walk.asked:
        is_first_after_sleep = any(at_s < each <= now_s for each in woken)
        if before in ("silent", "refused") and not is_first_after_sleep:
            assert now_s - at_s >= min(60, 2 ** (failures - 1)) - 1e-9
        if before == "forgotten":
            assert deed is Deed.REGISTER
        failures = 0 if outcome == "good" else failures + (outcome != "forgotten")
        at_s, before = now_s, outcome


@pytest.mark.clause("TC-MGMT-17")
@given(rhythms(), jitters, st.lists(st.floats(0, 40), max_size=60))
def test_a_registration_never_lapses_while_the_directory_answers(
    rhythm: Rhythm, jitter: float, uses: list[float]
) -> None:
    walk = Walk(rhythm, jitter)
    for after_s in uses:
        walk.use(after_s)
        walk.step("good")
    times_s = [now_s for now_s, _, _ in walk.asked]
    assert all(later - before < rhythm.lifetime_s for before, later in pairwise(times_s))
    assert [deed for _, deed, _ in walk.asked[1:]] == [Deed.RENEW] * (len(times_s) - 1)


@pytest.mark.clause("TC-MGMT-19")
@given(rhythms(), jitters, worlds)
def test_it_sleeps_after_the_time_awake_and_asks_first_on_waking(
    rhythm: Rhythm, jitter: float, world: list[tuple[str, float]]
) -> None:
    walk = Walk(rhythm, jitter)
    has_woken = False
    for outcome, after_s in world:
        if not has_woken:
            walk.use(after_s)
        due = walk.step(outcome)
        assert not has_woken or due.deed in ASKING
        has_woken = due.deed is Deed.WAKE and outcome != "no-socket"
        assert rhythm.sleep_s or due.deed in ASKING
    for begin_s, used_s in walk.naps:
        # No answer keeps it awake for longer than the last question takes.
        assert rhythm.awake_s - 1e-6 <= begin_s - used_s <= rhythm.awake_s + ANSWER_S


@pytest.mark.clause("TC-MGMT-17")
@pytest.mark.parametrize("jitter", [0.0, 0.5, 0.999])
def test_it_renews_at_about_half_the_lifetime(jitter: float) -> None:
    walk = Walk(Rhythm(300), jitter)
    for _ in range(5):
        walk.step("good")
    times_s = [now_s for now_s, _, _ in walk.asked]
    assert {round(later - before, 6) for before, later in pairwise(times_s)} == {
        round(300 * (0.4 + 0.1 * jitter), 6)
    }


@pytest.mark.clause("TC-MGMT-18")
def test_it_tries_again_for_ever_each_minute_at_last() -> None:
    walk = Walk(Rhythm(300), 0.0)
    for _ in range(12):
        walk.step("refused")
    times_s = [now_s for now_s, _, _ in walk.asked]
    waits_s = [later - before for before, later in pairwise(times_s)]
    assert waits_s == [1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60]


@pytest.mark.clause("TC-MGMT-18")
def test_one_lost_datagram_is_no_lost_registration() -> None:
    walk = Walk(Rhythm(300), 0.0)
    walk.step("good")
    for _ in range(MOST_FAILURES - 1):
        assert walk.step("silent").deed is Deed.RENEW
        assert walk.presence.is_registered
    assert walk.step("silent").deed is Deed.RENEW
    assert not walk.presence.is_registered
    assert walk.step("good").deed is Deed.REGISTER


@pytest.mark.clause("TC-MGMT-19")
def test_requests_that_keep_it_awake_make_it_renew_before_it_sleeps() -> None:
    walk = Walk(Rhythm(lifetime_s=30, sleep_s=20, awake_s=5), 0.99)
    walk.step("good")
    walk.use(4)
    walk.use(4)
    assert walk.step("good") == Due(Deed.RENEW, 13)
    assert walk.step("good") == Due(Deed.SLEEP, 18)
    assert walk.step("good") == Due(Deed.WAKE, 38)
    assert walk.step("good") == Due(Deed.RENEW, 38)
