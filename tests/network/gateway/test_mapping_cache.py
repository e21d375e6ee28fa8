"""Answers that are used again for a short time."""

import time
from collections.abc import Callable

import httpx
import pytest
from support.fake_device import FakeDevice, Reply, cbor, cut, fake_device, reply
from support.gateways import Gateway, register, running_gateway, wait_until, write_gateway_file

pytest.importorskip("starlette")
pytest.importorskip("aiocoap")
from tinycontainer.network.agent.requests.message import Option, to_uint

Ask = Callable[..., httpx.Response]
METADATA = "/tc/c/00/m"


@pytest.fixture(scope="module")
def limits() -> str:
    return "cache_ms = 60000\n"


def numbered(fake: FakeDevice, *options: tuple[int, bytes]) -> None:
    """Answer with the number of the request, and forget what is kept."""
    fake.does(lambda _: Reply(payload=b"%d" % len(fake.asked), options=options))


@pytest.fixture(autouse=True)
def forget(ask: Ask, fake: FakeDevice) -> None:
    """A change, so that nothing is kept from before."""
    fake.answers(reply("2.04"))
    ask("PUT", METADATA, content=b"x")


@pytest.mark.clause("TC-GW-49")
def test_an_answer_is_used_again_with_its_age(ask: Ask, fake: FakeDevice) -> None:
    numbered(fake)
    first, second, head = ask("GET", METADATA), ask("GET", METADATA), ask("HEAD", METADATA)
    assert (first.text, second.text, head.text) == ("1", "1", "")
    assert len(fake.asked) == 1
    for each in (first, second, head):
        assert each.headers["cache-control"] == "private, max-age=60"
        assert each.headers["age"] == "0"


@pytest.mark.clause("TC-GW-49")
def test_a_device_shortens_the_time_and_forbids_it(ask: Ask, fake: FakeDevice) -> None:
    numbered(fake, (Option.MAX_AGE, to_uint(7)))
    assert ask("GET", METADATA).headers["cache-control"] == "private, max-age=7"
    numbered(fake, (Option.MAX_AGE, b""))
    one, two = (ask("GET", f"{METADATA}?never") for _ in range(2))
    assert (one.text, two.text) == ("1", "2")
    assert two.headers["cache-control"] == "no-store"
    assert "age" not in two.headers


@pytest.mark.clause("TC-GW-49")
def test_an_answer_gets_old(ask: Ask, fake: FakeDevice) -> None:
    numbered(fake, (Option.MAX_AGE, to_uint(2)))
    assert ask("GET", METADATA).text == "1"
    began_s = time.monotonic()
    wait_until(lambda: ask("GET", METADATA).headers["age"] == "1")
    wait_until(lambda: ask("GET", METADATA).text == "2")
    assert time.monotonic() - began_s > 1.9
    assert len(fake.asked) == 2


@pytest.mark.clause("TC-GW-49")
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", METADATA),
        ("DELETE", "/tc/c/01"),
        ("POST", "/tc/c/02?start"),
        ("POST", "/device-id/"),
        ("PUT", "/container/?action=start&uid=00"),
    ],
)
@pytest.mark.parametrize("answer", [reply("2.04"), reply("4.09"), reply("2.31")])
def test_after_a_change_the_device_is_asked_again(
    ask: Ask, fake: FakeDevice, method: str, path: str, answer: Reply
) -> None:
    fake.does(lambda asked: cbor(len(fake.asked)) if asked.code == 1 else answer)
    before = ask("GET", METADATA).content
    ask(method, path)
    after = ask("GET", METADATA).content
    assert (before, after) == (b"\x01", b"\x03")


@pytest.mark.clause("TC-GW-49")
def test_what_was_asked_during_a_change_is_not_kept(gateway: Gateway, ask: Ask) -> None:
    with fake_device() as slow:
        register(gateway, "slow", slow.base)
        slow.does(lambda asked: Reply(payload=b"%d" % len(slow.asked), delay_s=0.5))
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415

        with ThreadPoolExecutor() as pool:
            looking = pool.submit(gateway.ask, "GET", f"/devices/slow{METADATA}")
            wait_until(lambda: len(slow.asked) == 1)
            gateway.ask("PUT", f"/devices/slow{METADATA}", content=b"x")
            assert looking.result().text == "1"
        assert gateway.ask("GET", f"/devices/slow{METADATA}").text == "3"


@pytest.mark.clause("TC-GW-49")
def test_other_questions_have_answers_of_their_own(ask: Ask, fake: FakeDevice) -> None:
    numbered(fake)
    headers = [{}, {"Accept": "application/cbor"}, {"Accept": "application/json"}]
    found = [ask("GET", METADATA, headers=each).text for each in headers * 2]
    assert found == ["1", "2", "3"] * 2
    paths = [f"{METADATA}?a=1", f"{METADATA}?a=2", f"{METADATA}?a=1&b", "/tc/c/01/m"]
    assert [ask("GET", each).text for each in paths * 2] == ["4", "5", "6", "7"] * 2
    tagged = [ask("GET", METADATA, headers={"If-None-Match": '"01"'}).text for _ in range(2)]
    assert tagged == ["8", "9"]


@pytest.mark.clause("TC-GW-49")
def test_another_device_has_answers_of_its_own(
    gateway: Gateway, ask: Ask, fake: FakeDevice
) -> None:
    numbered(fake)
    assert ask("GET", METADATA).text == "1"
    register(gateway, "other", fake.base)
    assert gateway.ask("GET", f"/devices/other{METADATA}").text == "2"
    fake.answers(reply("2.04"))
    gateway.ask("PUT", f"/devices/other{METADATA}", content=b"x")
    assert ask("GET", METADATA).text == "1"


@pytest.mark.clause("TC-GW-49")
def test_errors_and_long_answers_are_not_kept(ask: Ask, fake: FakeDevice) -> None:
    fake.answers(reply("4.04", b"", (Option.MAX_AGE, b"\x3c")), reply("2.05", b"x"))
    assert [ask("GET", METADATA).status_code for _ in range(2)] == [404, 200]
    fake.answers(Reply(payload=bytes(2048)))
    found = [ask("GET", f"{METADATA}?one") for _ in range(2)]
    assert [(len(each.content), len(fake.asked)) for each in found] == [(2048, 1)] * 2
    fake.does(lambda asked: cut(asked, bytes(1025)))
    found = [ask("GET", f"{METADATA}?blocks") for _ in range(2)]
    assert {each.headers["cache-control"] for each in found} == {"no-store"}
    assert len(fake.asked) == 4


@pytest.mark.clause("TC-GW-49")
def test_a_gateway_can_keep_nothing_for_long(
    tmp_path_factory: pytest.TempPathFactory, fake: FakeDevice
) -> None:
    file = write_gateway_file(tmp_path_factory.mktemp("short"), "cache_ms = 300\n")
    numbered(fake)
    with running_gateway(file) as short:
        register(short, "fake", fake.base)
        found = [short.ask("GET", f"/devices/fake{METADATA}")]
        assert found[0].headers["cache-control"] == "private, max-age=1"
        wait_until(lambda: short.ask("GET", f"/devices/fake{METADATA}").text == "2", 5)
