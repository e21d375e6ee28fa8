"""What is observed at devices as streams of events, and back."""

import cbor2
import httpx
import pytest
from support.event_streams import StreamEvent, following
from support.fake_device import Asked, FakeDevice, Reply, cbor, cut, fake_device, problem, reply
from support.gateways import Gateway, register, wait_until

pytest.importorskip("starlette")
pytest.importorskip("aiocoap")
from tinycontainer.network.agent.requests.message import Option

CONTAINERS = ("tc", "c")
EVENTS = ("tc", "e")


def box(loops: int) -> dict[int, object]:
    """A container that has run so many loops."""
    return {0: b"box", 1: 2, 2: loops, 3: "", 4: 1, 5: bytes(32), 6: 0}


def nobody_observes(fake: FakeDevice) -> bool:
    """A device learns it at its next notification, which is answered with a reset."""
    for path in {*fake.observed}:
        fake.notify(path, cbor([]))
    return not fake.observed


@pytest.fixture(autouse=True)
def fresh(gateway: Gateway, fake: FakeDevice) -> None:
    """Nobody looks, and the device answers with no containers."""
    fake.does(lambda _: cbor([]))
    fake.observes = True
    wait_until(lambda: nobody_observes(fake))
    fake.asked.clear()


@pytest.mark.clause("TC-GW-33")
def test_a_state_is_told_now_and_whenever_it_is_another(gateway: Gateway, fake: FakeDevice) -> None:
    with following(f"{gateway.web}/devices/fake/tc/c") as events:
        assert next(events) == StreamEvent("state", [])
        for loops in (1, 2):
            fake.notify(CONTAINERS, cbor([box(loops)]))
            assert next(events).data[0]["loops"] == loops
        assert fake.asked[0].option(Option.OBSERVE) in (b"", b"\x00")
    assert len(fake.asked) == 1


@pytest.mark.clause("TC-GW-33")
def test_what_is_the_same_is_not_told_again(gateway: Gateway, fake: FakeDevice) -> None:
    with following(f"{gateway.web}/devices/fake/tc/c") as events:
        next(events)
        fake.notify(CONTAINERS, cbor([]))
        fake.notify(CONTAINERS, cbor([], (Option.ETAG, b"other")))
        fake.notify(CONTAINERS, cbor([box(3)]))
        assert next(events).data[0]["loops"] == 3


@pytest.mark.clause("TC-GW-33")
def test_a_state_that_cannot_be_read_is_said_and_passed_over(
    gateway: Gateway, fake: FakeDevice
) -> None:
    with following(f"{gateway.web}/devices/fake/tc/c") as events:
        next(events)
        fake.notify(CONTAINERS, reply("2.05", b"\xff secret \x1b"))
        unreadable = next(events)
        assert unreadable.kind == "unreadable"
        assert "secret" not in str(unreadable.data)
        fake.notify(CONTAINERS, cbor([box(1)]))
        assert next(events).kind == "state"


@pytest.mark.clause("TC-GW-33")
def test_a_refusal_ends_it(gateway: Gateway, fake: FakeDevice) -> None:
    with following(f"{gateway.web}/devices/fake/tc/c/00") as events:
        assert next(events).kind == "unreadable"
        fake.notify(("tc", "c", "00"), problem("4.04", "unknown-uid", "gone"), is_last=True)
        rest = [*events]
        assert [each.kind for each in rest] == ["refused"], rest
        (last,) = rest
    assert last.kind == "refused"
    assert last.data["status"] == 404
    assert last.data["detail"] == "gone"
    fake.answers(problem("4.03", "forbidden", "no"))
    with following(f"{gateway.web}/devices/fake/tc/c") as events:
        assert [each.kind for each in events] == ["refused"]


@pytest.mark.clause("TC-GW-33")
def test_a_long_state_is_put_together(gateway: Gateway, fake: FakeDevice) -> None:
    content = cbor2.dumps([{**box(n), 3: "x" * 100} for n in range(30)])
    fake.does(lambda asked: cut(asked, content, (Option.CONTENT_FORMAT, b"\x3c")))
    with following(f"{gateway.web}/devices/fake/tc/c") as events:
        assert len(next(events).data) == 30


@pytest.mark.clause("TC-GW-33")
def test_a_device_that_does_not_know_how_is_asked_again(gateway: Gateway, fake: FakeDevice) -> None:
    fake.observes = False
    fake.does(lambda _: cbor([box(len(fake.asked))]))
    with following(f"{gateway.web}/devices/fake/tc/c") as events:
        assert [next(events).data[0]["loops"] for _ in range(2)] == [1, 2]


@pytest.mark.clause("TC-GW-34")
def test_all_who_look_share_one_observation(gateway: Gateway, fake: FakeDevice) -> None:
    uri = f"{gateway.web}/devices/fake/tc/c"
    with following(uri) as first:
        next(first)
        with following(uri) as second:
            assert next(second) == StreamEvent("state", [])
            fake.notify(CONTAINERS, cbor([box(1)]))
            assert next(first) == next(second)
            assert fake.observed == [CONTAINERS]
        fake.notify(CONTAINERS, cbor([box(2)]))
        assert next(first).data[0]["loops"] == 2
        assert fake.observed == [CONTAINERS]
    assert len(fake.asked) == 1


@pytest.mark.clause("TC-GW-34")
def test_the_observation_ends_with_the_last_who_looks(gateway: Gateway, fake: FakeDevice) -> None:
    with following(f"{gateway.web}/devices/fake/tc/c") as events:
        next(events)
        assert fake.observed == [CONTAINERS]
    wait_until(lambda: nobody_observes(fake))
    assert len(fake.asked) == 1


@pytest.mark.clause("TC-GW-34")
def test_a_stream_goes_on_when_its_device_is_back(gateway: Gateway) -> None:
    with fake_device() as away:
        port = int(away.base.rpartition(":")[2])
        away.does(lambda _: cbor([box(1)], (Option.MAX_AGE, b"\x01")))
        register(gateway, "away", away.base)
        stream = following(f"{gateway.web}/devices/away/tc/c", 60)
        events = stream.__enter__()
        assert next(events).data[0]["loops"] == 1
    with fake_device(port) as back:
        back.does(lambda _: cbor([box(2)]))
        assert next(events).data[0]["loops"] == 2
        stream.__exit__(None, None, None)
        assert back.asked[0].option(Option.OBSERVE) is not None


@pytest.mark.clause("TC-GW-34")
def test_a_device_that_registers_anew_is_observed_anew(gateway: Gateway, fake: FakeDevice) -> None:
    with fake_device() as again:
        again.does(lambda _: cbor([box(len(again.asked))]))
        register(gateway, "again", again.base)
        with following(f"{gateway.web}/devices/again/tc/c") as events:
            assert next(events).data[0]["loops"] == 1
            register(gateway, "again", again.base)
            assert next(events).data[0]["loops"] == 2
            again.notify(CONTAINERS, cbor([box(9)]))
            assert next(events).data[0]["loops"] == 9


def ring(*numbers: int, newest: int | None = None) -> Reply:
    """The events of a device."""
    rows = [[n, b'{"event": "n%d"}' % n] for n in numbers]
    return cbor({0: max(numbers, default=0) if newest is None else newest, 1: rows})


class Ring:
    """A device's ring of events, from which those above a number are given."""

    def __init__(self, fake: FakeDevice, newest: int) -> None:
        self._fake = fake
        self.newest = newest
        self.name = "n"
        fake.does(self.answer)

    def answer(self, asked: Asked) -> Reply:
        """Four events above the number that is asked for."""
        since = int(
            dict(part.split("=") for part in asked.query if "since" in part).get("since", 0)
        )
        numbers = range(since + 1, min(since + 4, self.newest) + 1)
        rows = [[n, b'{"event": "%s%d"}' % (self.name.encode(), n)] for n in numbers]
        return cbor({0: self.newest, 1: rows})

    def grow(self, newest: int) -> None:
        """More events, of which observers are told."""
        self.newest = newest
        self._fake.notify(EVENTS, cbor({0: newest, 1: []}))


@pytest.mark.clause("TC-GW-35")
def test_events_come_once_and_in_order(gateway: Gateway, fake: FakeDevice) -> None:
    ring = Ring(fake, 10)
    with following(f"{gateway.web}/devices/fake/tc/e") as events:
        found = [next(events) for _ in range(10)]
        assert [each.number for each in found] == [str(n) for n in range(1, 11)]
        assert found[0] == StreamEvent("event", {"event": "n1"}, "1")
        ring.grow(12)
        assert [next(events).number for _ in range(2)] == ["11", "12"]


@pytest.mark.clause("TC-GW-35")
@pytest.mark.parametrize("place", ["header", "query"])
def test_events_go_on_after_the_last_one(gateway: Gateway, fake: FakeDevice, place: str) -> None:
    Ring(fake, 9)
    uri = f"{gateway.web}/devices/fake/tc/e"
    is_query = place == "query"
    stream = following(f"{uri}?since=7") if is_query else following(uri, Last_Event_ID="7")
    with stream as events:
        assert [next(events).number for _ in range(2)] == ["8", "9"]


@pytest.mark.clause("TC-GW-35")
def test_a_number_beyond_the_newest_begins_anew(gateway: Gateway, fake: FakeDevice) -> None:
    ring = Ring(fake, 2)
    with following(f"{gateway.web}/devices/fake/tc/e", Last_Event_ID="9") as events:
        assert next(events) == StreamEvent("reset", {"newest": 2})
        assert [next(events).number for _ in range(2)] == ["1", "2"]
        ring.grow(1)
        assert next(events).kind == "reset"
        assert next(events).number == "1"


@pytest.mark.clause("TC-GW-35")
def test_events_of_before_a_reboot_are_not_told_after_it(
    gateway: Gateway, fake: FakeDevice
) -> None:
    ring = Ring(fake, 3)
    uri = f"{gateway.web}/devices/fake/tc/e"
    with following(uri) as events:
        assert [next(events).data["event"] for _ in range(3)] == ["n1", "n2", "n3"]
    ring.name = "m"
    with following(uri) as events:
        assert [next(events).data["event"] for _ in range(3)] == ["m1", "m2", "m3"]


@pytest.mark.clause("TC-GW-35")
@pytest.mark.parametrize("number", ["-1", "x", "1" * 19, "\u00b2", "1.5"])
def test_what_is_no_number_of_an_event_is_refused(
    gateway: Gateway, fake: FakeDevice, number: str
) -> None:
    headers = {b"Accept": b"text/event-stream", b"Last-Event-ID": number.encode()}
    found = httpx.get(f"{gateway.web}/devices/fake/tc/e", headers=headers, trust_env=False)
    assert (found.status_code, fake.asked) == (400, [])


@pytest.mark.clause("TC-GW-35")
@pytest.mark.parametrize("rows", [[[2, b""], [1, b""]], [[1, b""], [1, b""]], [[0, b""]], []])
def test_events_that_are_out_of_order_do_not_keep_the_gateway_busy(
    gateway: Gateway, fake: FakeDevice, rows: list[object]
) -> None:
    fake.does(lambda _: cbor({0: 5, 1: rows}))
    with following(f"{gateway.web}/devices/fake/tc/e") as events:
        wait_until(lambda: len(fake.asked) >= 2)
        fake.does(lambda _: cbor({0: 0, 1: []}))
        assert gateway.ask("GET", "/devices/fake/tc/e").status_code == 200
        assert len(fake.asked) < 20
        del events
