"""The descriptor table: numbers, owners and limits, also against a model under random use."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from support.drivers import Puppet
from support.worlds import local

from tinycontainer.device.calls import endpoint_table
from tinycontainer.device.calls.endpoint_table import Descriptor, EndpointTable
from tinycontainer.metadata import Direction

DRIVER = Puppet()
LIMIT, LIMIT_PER_CONTAINER = 5, 3


def table(limit: int = LIMIT, per_container: int = LIMIT_PER_CONTAINER) -> EndpointTable:
    return EndpointTable(limit, per_container)


@pytest.mark.clause("TC-CALL-07")
def test_descriptors_count_up_from_one() -> None:
    rows = table()
    assert [rows.add(b"a", local(i), DRIVER, 9).endpoint_fd for i in range(3)] == [1, 2, 3]


@pytest.mark.clause("TC-CALL-07")
def test_a_closed_descriptor_is_not_given_again_at_once() -> None:
    rows = table()
    first = rows.add(b"a", local(1), DRIVER, 9)
    rows.remove(first)
    assert rows.add(b"a", local(1), DRIVER, 9).endpoint_fd == 2


@pytest.mark.clause("TC-CALL-07")
def test_after_the_largest_number_descriptors_begin_again_and_pass_over_open_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert endpoint_table.MAX_DESCRIPTOR == 2**31 - 1
    monkeypatch.setattr(endpoint_table, "MAX_DESCRIPTOR", 5)
    rows = table()
    kept = rows.add(b"a", local(9), DRIVER, 9)
    given = [kept.endpoint_fd]
    for _ in range(9):
        entry = rows.add(b"a", local(1), DRIVER, 9)
        given.append(entry.endpoint_fd)
        rows.remove(entry)
    assert given == [1, 2, 3, 4, 5, 2, 3, 4, 5, 2]


def test_descriptors_of_all_containers_are_counted_together() -> None:
    rows = table()
    fds = [rows.add(owner, local(1), DRIVER, 9).endpoint_fd for owner in (b"a", b"b", b"c")]
    assert fds == [1, 2, 3]


@pytest.mark.clause("TC-END-01")
def test_a_descriptor_knows_all_that_stands_behind_it() -> None:
    endpoint = local(2**32 - 1, direction=Direction.OUT)
    entry = table().add(b"a", endpoint, DRIVER, 77)
    assert (entry.owner, entry.endpoint, entry.driver_fd) == (b"a", endpoint, 77)
    assert entry.driver is DRIVER


def test_a_descriptor_is_found_whoever_owns_it_until_it_is_removed() -> None:
    rows = table()
    entry = rows.add(b"a", local(1), DRIVER, 9)
    assert rows.open.get(1) is entry
    assert rows.open.get(2) is None
    rows.remove(entry)
    assert rows.open.get(1) is None


def test_each_of_several_descriptors_of_a_driver_is_held() -> None:
    rows = table()
    for number in (1, 2):
        rows.add(b"a", local(number), DRIVER, 8 + number)
    assert [rows.holds(DRIVER, driver_fd) for driver_fd in (8, 9, 10, 11)] == [0, 1, 1, 0]


def test_an_endpoint_is_open_for_its_own_container_only() -> None:
    rows = table()
    rows.add(b"a", local(1), DRIVER, 9)
    assert rows.is_open(b"a", 1)
    assert not rows.is_open(b"b", 1)
    assert not rows.is_open(b"a", 2)


def test_room_ends_with_the_limit_of_a_container() -> None:
    rows = table()
    for number in range(LIMIT_PER_CONTAINER):
        assert rows.has_room(b"a")
        rows.add(b"a", local(number), DRIVER, 9)
    assert not rows.has_room(b"a")
    assert rows.has_room(b"b")
    with pytest.raises(RuntimeError):
        rows.add(b"a", local(99), DRIVER, 9)
    assert len(rows) == LIMIT_PER_CONTAINER


def test_room_ends_with_the_limit_of_the_device() -> None:
    rows = table(limit=2)
    rows.add(b"a", local(1), DRIVER, 9)
    second = rows.add(b"b", local(1), DRIVER, 9)
    assert not rows.has_room(b"c")
    with pytest.raises(RuntimeError):
        rows.add(b"c", local(1), DRIVER, 9)
    rows.remove(second)
    assert rows.has_room(b"c")


def test_the_same_endpoint_is_not_entered_twice() -> None:
    rows = table()
    rows.add(b"a", local(1), DRIVER, 9)
    with pytest.raises(RuntimeError):
        rows.add(b"a", local(1), DRIVER, 9)
    assert len(rows) == 1


def test_descriptors_can_be_removed_while_they_are_walked_through() -> None:
    rows = table()
    for owner in (b"a", b"b", b"a"):
        rows.add(owner, local(len(rows)), DRIVER, 9)
    for entry in rows.of(b"a"):
        rows.remove(entry)
    found = [rows.open.get(fd) for fd in (1, 2, 3)]
    assert [entry.owner for entry in found if entry] == [b"b"]


OWNERS = st.sampled_from([b"a", b"b", b"c"])


class Against(RuleBasedStateMachine):
    """A table and a list of what should be in it, under random use."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = table()
        self.model: list[Descriptor] = []
        self.last = 0

    def may_add(self, owner: bytes, endpoint_id: int) -> bool:
        own = [entry for entry in self.model if entry.owner == owner]
        return (
            len(self.model) < LIMIT
            and len(own) < LIMIT_PER_CONTAINER
            and endpoint_id not in {entry.endpoint.endpoint_id for entry in own}
        )

    @rule(owner=OWNERS, endpoint_id=st.integers(0, 4), driver_fd=st.integers(1, 2**31))
    def add(self, owner: bytes, endpoint_id: int, driver_fd: int) -> None:
        if not self.may_add(owner, endpoint_id):
            with pytest.raises(RuntimeError):
                self.rows.add(owner, local(endpoint_id), DRIVER, driver_fd)
            return
        entry = self.rows.add(owner, local(endpoint_id), DRIVER, driver_fd)
        assert entry.endpoint_fd == self.last + 1
        assert (entry.owner, entry.driver_fd) == (owner, driver_fd)
        self.last = entry.endpoint_fd
        self.model.append(entry)

    @precondition(lambda self: self.model)
    @rule(choice=st.integers(0, 1000))
    def remove(self, choice: int) -> None:
        self.rows.remove(self.model.pop(choice % len(self.model)))

    @rule(owner=OWNERS)
    def remove_all_of(self, owner: bytes) -> None:
        for entry in self.rows.of(owner):
            self.rows.remove(entry)
        self.model = [entry for entry in self.model if entry.owner != owner]

    @invariant()
    def holds_what_it_should(self) -> None:
        assert len(self.rows) == len(self.model)
        for fd in range(self.last + 2):
            expected = [entry for entry in self.model if entry.endpoint_fd == fd]
            assert self.rows.open.get(fd) is (expected[0] if expected else None)
        for owner in (b"a", b"b", b"c"):
            own = [entry for entry in self.model if entry.owner == owner]
            assert list(self.rows.of(owner)) == own
            for endpoint_id in range(5):
                is_open = endpoint_id in {entry.endpoint.endpoint_id for entry in own}
                assert self.rows.is_open(owner, endpoint_id) == is_open
            assert self.rows.has_room(owner) == self.may_add(owner, 99)


@pytest.mark.parametrize(
    "examples", [pytest.param(40, id="some"), pytest.param(800, id="many", marks=pytest.mark.long)]
)
def test_random_use_agrees_with_the_model(examples: int) -> None:
    run_state_machine_as_test(
        Against, settings=settings(max_examples=examples, stateful_step_count=40)
    )
