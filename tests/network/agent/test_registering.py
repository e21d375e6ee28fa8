"""A device is kept registered in virtual time, whatever its directory answers."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from support.serving import HOST, free_port
from support.virtual_time import run_virtually

aiocoap = pytest.importorskip("aiocoap")

from tinycontainer.network.agent.coap_server import Listener, Observers, Site  # noqa: E402
from tinycontainer.network.agent.directory import DirectoryClient  # noqa: E402
from tinycontainer.network.agent.presence import PresencePlan, RegistrationTerms, Rhythm  # noqa: E402
from tinycontainer.network.agent.registration import Registering  # noqa: E402
from tinycontainer.network.agent.requests.message import CoapAnswer, Code  # noqa: E402

GOOD = ("rd", "7")


def answer(code: int, *location: str, **more: Any) -> Any:
    return aiocoap.Message(code=aiocoap.Code(code), location_path=location, **more)


def good(request: Any) -> Any:
    is_first = tuple(request.opt.uri_path) == ("rd",)
    return answer(65, *GOOD) if is_first else answer(68)


class World:
    """A directory and a socket without a network.

    Attributes:
        asked: when, and at which path.
        reports: when the state has changed, and why.
        naps: when the socket was closed.
        answer: of the directory; an exception is raised, None is silence.
        is_busy: whether the device must not sleep.
        can_open: whether the address can be used.
    """

    def __init__(self, rhythm: Rhythm, reply: Callable[[Any], Any]) -> None:
        self.asked: list[tuple[float, str]] = []
        self.reports: list[tuple[float, str]] = []
        self.naps: list[float] = []
        self.answer = reply
        self.is_busy = False
        self.can_open = True
        self._rhythm = rhythm
        self._is_open = True

    async def open(self) -> None:
        if not self.can_open:
            raise OSError("in use")
        self._is_open = True

    async def close(self) -> None:
        self._is_open = False
        self.naps.append(asyncio.get_running_loop().time())

    async def ask(self, message: Any) -> Any:
        assert self._is_open
        self.asked.append((asyncio.get_running_loop().time(), "/".join(message.opt.uri_path)))
        found = self.answer(message)
        if found is None:
            await asyncio.sleep(1e6)
        if isinstance(found, Exception):
            raise found
        return found

    def run(self, for_s: float) -> None:
        """Keep the device registered for so long."""

        async def run() -> None:
            now_s = asyncio.get_running_loop().time
            listener: Any = self
            registration = RegistrationTerms("coap://[::1]:5700", "desk", None, self._rhythm)
            registering = Registering(
                PresencePlan(self._rhythm, now_s(), lambda: 0.0),
                DirectoryClient(registration, None, self.ask),
                listener,
                lambda: self.is_busy,
                lambda problem: self.reports.append((now_s(), problem)),
                now_s,
            )
            await registering.run()

        run_virtually(run(), for_s)


HOSTILE = {
    "no location": answer(65),
    "an empty segment": answer(65, "rd", ""),
    "many segments": answer(65, *"abcdefgh"),
    "a long segment": answer(65, "rd", "7" * 200),
    "2.04": answer(68, *GOOD),
    "2.05": answer(69, *GOOD),
    "2.31": answer(95, *GOOD),
    "4.01": answer(129, echo=b"x"),
    "4.04": answer(132),
    "5.03": answer(163),
    "7.31": answer(255),
    "blocks": answer(69, block2=(0, True, 6), payload=b"x" * 1024),
    "nobody": aiocoap.error.NetworkError("refused"),
    "no name": UnicodeError("label too long"),
    "no network": OSError("unreachable"),
    "silence": None,
}


@pytest.mark.clause("TC-MGMT-16", "TC-MGMT-18")
@pytest.mark.parametrize("kind", HOSTILE)
def test_no_answer_ends_it_or_makes_it_ask_more_than_the_backoff_allows(kind: str) -> None:
    world = World(Rhythm(300), lambda _request: HOSTILE[kind])
    world.run(3600)
    assert 54 < len(world.asked) <= 66
    assert {path for _, path in world.asked} == {"rd"}
    assert len(world.reports) == 1
    assert world.reports[0][1].isprintable()


@pytest.mark.clause("TC-MGMT-17")
def test_a_directory_that_forgets_at_each_renewal_is_asked_twice_each_time() -> None:
    def forget(request: Any) -> Any:
        return good(request) if tuple(request.opt.uri_path) == ("rd",) else answer(132)

    world = World(Rhythm(300), forget)
    world.run(1000)
    assert world.asked[:3] == [(0, "rd"), (120, "rd/7"), (120, "rd")]
    assert len(world.asked) == 17
    assert [problem for _, problem in world.reports[:3]] == ["", "it has forgotten the device", ""]


@pytest.mark.clause("TC-MGMT-17", "TC-MGMT-18")
def test_only_changes_are_reported() -> None:
    def fail_for_an_hour(request: Any) -> Any:
        now_s = asyncio.get_running_loop().time()
        return None if 1000 < now_s < 4600 else good(request)

    world = World(Rhythm(300), fail_for_an_hour)
    world.run(10_000)
    (first_s, first), (lost_s, lost), (back_s, back) = world.reports
    assert (first_s, first, lost, back) == (0, "", "it does not answer", "")
    assert 1000 < lost_s < 1000 + 300
    assert 4600 <= back_s < 4600 + 65


@pytest.mark.clause("TC-MGMT-19")
def test_a_silent_directory_costs_no_sleep() -> None:
    world = World(Rhythm(300, sleep_s=60, awake_s=10), lambda _request: None)
    world.run(3600)
    assert world.naps == [*range(10, 3600, 70)]
    assert len(world.asked) <= len(world.naps) + 3


@pytest.mark.clause("TC-MGMT-19")
def test_an_update_that_is_fetched_keeps_it_awake() -> None:
    def be_busy_for_a_minute(request: Any) -> Any:
        world.is_busy = asyncio.get_running_loop().time() < 60
        return good(request)

    world = World(Rhythm(100, sleep_s=20, awake_s=10), be_busy_for_a_minute)
    world.run(200)
    assert world.naps[0] > 60
    assert len(world.naps) > 3


@pytest.mark.clause("TC-MGMT-19")
def test_a_device_whose_address_is_taken_while_it_sleeps_tries_again() -> None:
    world = World(Rhythm(100, sleep_s=20, awake_s=10), good)
    world.can_open = False
    world.run(1000)
    assert world.reports[1:] == [(30, "the device's own address cannot be used")]
    world.can_open = True
    world.run(1000)
    assert len(world.naps) > 30


@pytest.mark.clause("TC-MGMT-19")
def test_observations_end_when_the_socket_is_closed() -> None:
    port = free_port()

    async def observe(observers: Observers) -> None:
        found = CoapAnswer(Code.CONTENT, b"x")
        listener = Listener(Site(lambda _: found, lambda _: found, observers), HOST, port)
        client = await aiocoap.Context.create_client_context(transports=["udp6"])
        for _ in range(5):
            await listener.open()
            for _ in range(8):
                uri = f"coap://{HOST}:{port}/tc"
                request = client.request(aiocoap.Message(code=aiocoap.GET, uri=uri, observe=0))
                assert (await request.response).opt.observe == 1
                request.observation.cancel()
            await listener.close()
            await asyncio.sleep(0)
        await client.shutdown()

    observers = Observers()
    asyncio.run(asyncio.wait_for(observe(observers), 20))
    assert observers.has_room(b"somebody else")
