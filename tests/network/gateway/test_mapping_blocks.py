"""Payloads in blocks, from HTTP to a device and back."""

import itertools
import socket
from collections.abc import Callable, Iterator

import httpx
import pytest
from support.fake_device import CONTINUE, Asked, FakeDevice, Reply, cut, problem, reply, take
from support.gateways import Gateway, wait_until
from support.raw_http import exchange, status_of

pytest.importorskip("starlette")
pytest.importorskip("aiocoap")
from tinycontainer.network.agent.requests.blocks import encode_block
from tinycontainer.network.agent.requests.message import Block, Option, from_uint

Ask = Callable[..., httpx.Response]
METADATA = "/tc/c/00/m"
DONE = reply("2.04")
SIZES = [0, 1, 1023, 1024, 1025, 2048, 40_000]


@pytest.fixture(scope="module")
def limits() -> str:
    return "cache_ms = 0\nanswer_s = 5\npayload_bytes = 65536\n"


def content_of(size: int) -> bytes:
    """Bytes that show where a block is from."""
    return b"".join(n.to_bytes(4, "big") for n in range(size // 4 + 1))[:size]


def pieces_of(content: bytes, size: int = 700) -> Iterator[bytes]:
    """The same in pieces that are no blocks."""
    for begin in range(0, len(content), size):
        yield content[begin : begin + size]


def blocks_of(fake: FakeDevice) -> list[tuple[int, bool, int]]:
    """Number, more and size of each block that came."""
    found = [each.block1() for each in fake.asked]
    return [(each.number, each.more, each.size_bytes) for each in found if each is not None]


@pytest.mark.clause("TC-GW-50")
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_payload_arrives_in_blocks(
    ask: Ask, fake: FakeDevice, size: int, is_chunked: bool
) -> None:
    fake.does(lambda asked: take(asked, DONE))
    content = content_of(size)
    sent = ask("PUT", METADATA, content=pieces_of(content) if is_chunked else content)
    assert sent.status_code == 204
    assert fake.uploaded() == content
    count = -(-size // 1024)
    if size <= 1024:
        assert blocks_of(fake) == []
        return
    assert blocks_of(fake) == [(n, n < count - 1, 1024) for n in range(count)]
    sizes = [each.option(Option.SIZE1) for each in fake.asked]
    assert from_uint(sizes[0] or b"") == (0 if is_chunked else size)
    assert {*sizes[1:]} == {None}
    assert len({each.option(Option.REQUEST_TAG) for each in fake.asked}) == 1
    assert len({each.query for each in fake.asked}) == 1


@pytest.mark.clause("TC-GW-50")
def test_uploads_at_the_same_time_have_tags_of_their_own(ask: Ask, fake: FakeDevice) -> None:
    fake.does(lambda asked: take(asked, DONE))
    for _ in range(2):
        ask("PUT", METADATA, content=bytes(1025))
    tags = [each.option(Option.REQUEST_TAG) for each in fake.asked]
    assert tags[0] == tags[1] != tags[2] == tags[3]


@pytest.mark.clause("TC-GW-50")
def test_slow_pieces_make_whole_blocks(gateway: Gateway, fake: FakeDevice) -> None:
    fake.does(lambda asked: take(asked, DONE))
    content = content_of(2050)
    place = httpx.URL(gateway.web)
    with socket.create_connection((place.host, place.port), 10) as connection:
        head = f"PUT /devices/fake{METADATA} HTTP/1.1\r\nHost: {place.netloc.decode()}\r\n"
        connection.sendall(f"{head}Content-Length: 2050\r\nConnection: close\r\n\r\n".encode())
        connection.sendall(content[:1025])
        wait_until(lambda: len(fake.asked) == 1)
        connection.sendall(content[1025:1026])
        connection.sendall(content[1026:2049])
        wait_until(lambda: len(fake.asked) == 2)
        connection.sendall(content[2049:])
        assert status_of(connection.recv(65536)) == 204
    assert fake.uploaded() == content
    assert blocks_of(fake) == [(0, True, 1024), (1, True, 1024), (2, False, 1024)]


@pytest.mark.clause("TC-GW-51")
def test_a_payload_that_says_that_it_is_too_long_is_not_taken(
    gateway: Gateway, fake: FakeDevice
) -> None:
    fake.does(lambda asked: take(asked, DONE))
    place = gateway.web.removeprefix("http://")
    for length in ("65537", "99999999999999999999"):
        head = f"PUT /devices/fake{METADATA} HTTP/1.1\r\nHost: {place}\r\nContent-Length: {length}"
        answer = exchange(gateway.web, f"{head}\r\nConnection: close\r\n\r\n".encode(), ends=True)
        assert status_of(answer) in (400, 413)
    assert fake.asked == []


@pytest.mark.clause("TC-GW-51")
def test_a_payload_that_gets_too_long_is_never_completed(ask: Ask, fake: FakeDevice) -> None:
    fake.does(lambda asked: take(asked, DONE))
    assert ask("PUT", METADATA, content=pieces_of(bytes(65536))).status_code == 204
    fake.does(lambda asked: take(asked, DONE))
    found = ask("PUT", METADATA, content=pieces_of(bytes(65537)))
    assert found.status_code == 413
    assert found.json()["detail"] == "at most 65536 bytes are taken"
    assert all(more for _, more, _ in blocks_of(fake))


@pytest.mark.clause("TC-GW-51")
@pytest.mark.parametrize("framing", ["Content-Length: 5000", "Transfer-Encoding: chunked"])
def test_what_a_client_leaves_is_never_completed(
    gateway: Gateway, ask: Ask, fake: FakeDevice, framing: str
) -> None:
    fake.does(lambda asked: take(asked, DONE))
    place = httpx.URL(gateway.web)
    chunk = b"900\r\n" + bytes(0x900) + b"\r\n" if "chunked" in framing else bytes(0x900)
    with socket.create_connection((place.host, place.port), 10) as connection:
        head = f"PUT /devices/fake{METADATA} HTTP/1.1\r\nHost: {place.netloc.decode()}\r\n{framing}"
        connection.sendall(f"{head}\r\n\r\n".encode() + chunk)
        wait_until(lambda: len(fake.asked) == 2)
    fake.does(lambda asked: take(asked, DONE))
    assert ask("PUT", METADATA, content=b"next").status_code == 204
    assert [each.payload for each in fake.asked] == [b"next"]


@pytest.mark.clause("TC-GW-50")
@pytest.mark.parametrize("at", [0, 3, 9])
def test_a_device_can_refuse_any_block(ask: Ask, fake: FakeDevice, at: int) -> None:
    def answer(asked: Asked) -> Reply:
        block = asked.block1()
        refused = problem("4.13", "too-large", "no room")
        return refused if block is None or block.number == at else take(asked, DONE)

    fake.does(answer)
    found = ask("PUT", METADATA, content=bytes(10 * 1024))
    assert (found.status_code, found.json()["detail"]) == (413, "no room")
    assert len(fake.asked) == at + 1


def with_block(dotted: str, block: Block) -> Reply:
    """An answer to an upload that names a block."""
    return reply(dotted, b"", (Option.BLOCK1, encode_block(block)))


@pytest.mark.clause("TC-GW-52")
@pytest.mark.parametrize(
    ("answers", "asked"),
    [
        ([reply("2.31")], 1),
        ([reply("2.04")], 1),
        ([reply("2.01")], 1),
        ([reply("2.05", b"secret")], 1),
        ([with_block("2.04", Block(0, False, 1024))], 1),
        ([with_block("2.31", Block(1, True, 1024))], 1),
        ([with_block("2.31", Block(0, True, 1024))] * 2, 2),
        ([reply("2.31", b"", (Option.BLOCK1, b"\x0f"))], 1),
        ([with_block("2.31", Block(n, True, 1024)) for n in range(3)], 3),
        ([with_block("2.31", Block(0, True, 1024)), DONE], 2),
    ],
)
def test_a_device_that_does_not_know_blocks_has_done_nothing_for_sure(
    ask: Ask, fake: FakeDevice, answers: list[Reply], asked: int
) -> None:
    fake.answers(*answers)
    found = ask("PUT", METADATA, content=bytes(3000))
    assert (found.status_code, found.json()["title"]) == (502, "bad answer")
    assert len(fake.asked) == asked
    assert "secret" not in found.text


@pytest.mark.clause("TC-GW-52")
@pytest.mark.parametrize("size", [16, 64, 512])
def test_a_device_can_want_smaller_blocks(ask: Ask, fake: FakeDevice, size: int) -> None:
    def answer(asked: Asked) -> Reply:
        block = asked.block1()
        if block is None or not block.more:
            return DONE
        return with_block("2.31", Block(block.number, True, size))

    fake.does(answer)
    content = content_of(3000)
    assert ask("PUT", METADATA, content=content).status_code == 204
    assert fake.uploaded() == content
    first, *others = blocks_of(fake)
    assert first == (0, True, 1024)
    numbers = [number for number, _, _ in others]
    assert numbers == [*range(1024 // size, 1024 // size + len(others))]
    assert {each for _, _, each in others} == {size}


@pytest.mark.clause("TC-GW-53")
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("block", [16, 1024])
def test_an_answer_in_blocks_arrives_as_it_is(
    ask: Ask, fake: FakeDevice, size: int, block: int
) -> None:
    content = content_of(min(size, 200 * block))
    fake.does(lambda asked: cut(asked, content, size=block))
    found = ask("GET", METADATA)
    assert (found.status_code, found.content) == (200, content)
    assert found.headers["etag"] == '"65"'
    assert len(fake.asked) == max(1, -(-len(content) // block))


@pytest.mark.clause("TC-GW-53")
def test_what_becomes_json_is_put_together_first(ask: Ask, fake: FakeDevice) -> None:
    import cbor2  # noqa: PLC0415

    rows = [[n, b"x" * 100] for n in range(50)]
    fake.does(lambda asked: cut(asked, cbor2.dumps({0: 50, 1: rows})))
    assert len(ask("GET", "/tc/e").json()["events"]) == 50


@pytest.mark.clause("TC-GW-53")
def test_the_answer_to_an_upload_can_have_blocks_as_well(ask: Ask, fake: FakeDevice) -> None:
    content = content_of(3000)

    def answer(asked: Asked) -> Reply:
        block = asked.block1()
        if block is not None and block.more:
            return take(asked, DONE)
        found = cut(asked, content)
        return Reply(0x44, found.payload, found.options)

    fake.does(answer)
    assert ask("POST", "/tc/su", content=bytes(2000)).content == content
    assert [each.payload for each in fake.asked[2:]] == [b"", b""]


def following(*answers: Reply) -> Callable[[Asked], Reply]:
    """The first block of 3000 bytes, and then other answers."""
    first = cut(Asked(1, (), (), (), b""), content_of(3000))
    left = iter([first, *answers])
    return lambda _: next(left)


def block2(number: int, payload: bytes, *, more: bool = True, etag: bytes = b"e") -> Reply:
    """A block of an answer."""
    block = encode_block(Block(number, more, 1024))
    return reply("2.05", payload, (Option.ETAG, etag), (Option.BLOCK2, block))


FULL = bytes(1024)
WRONG = {
    "another tag": block2(1, FULL, etag=b"f"),
    "no tag": reply("2.05", FULL, (Option.BLOCK2, encode_block(Block(1, True, 1024)))),
    "the same block": block2(0, FULL),
    "a later block": block2(2, FULL),
    "no block": reply("2.05", FULL, (Option.ETAG, b"e")),
    "an error": reply("4.04"),
    "another success": reply("2.04", FULL),
    "another size": cut(Asked(1, (), (), ((Option.BLOCK2, b"\x14"),), b""), bytes(9999), size=256),
    "a short block": block2(1, b"short"),
    "an empty block": block2(1, b""),
    "a long block": block2(1, bytes(1025)),
    "a malformed option": reply("2.05", FULL, (Option.ETAG, b"e"), (Option.BLOCK2, bytes(4))),
    "a last block that is long": block2(1, bytes(1025), more=False),
}


@pytest.mark.clause("TC-GW-54")
@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_an_answer_whose_blocks_do_not_fit_is_cut_off(
    ask: Ask, fake: FakeDevice, gateway: Gateway, wrong: Reply
) -> None:
    fake.does(following(wrong, block2(2, FULL, more=False)))
    with pytest.raises(httpx.RemoteProtocolError):
        ask("GET", METADATA)
    fake.does(following(wrong, block2(2, FULL, more=False)))
    whole = ask("GET", "/tc/e")
    assert (whole.status_code, whole.json()["title"]) == (502, "bad answer")
    assert "Traceback" not in gateway.complaints()


@pytest.mark.clause("TC-GW-54")
def test_an_answer_that_does_not_begin_with_its_begin_is_none(ask: Ask, fake: FakeDevice) -> None:
    for more in (True, False):
        fake.answers(block2(1, FULL, more=more))
        assert ask("GET", METADATA).status_code == 502


@pytest.mark.clause("TC-GW-54")
def test_an_answer_without_an_end_is_bounded(ask: Ask, fake: FakeDevice) -> None:
    counter = itertools.count()
    fake.does(lambda _: block2(next(counter), FULL))
    with pytest.raises(httpx.RemoteProtocolError):
        ask("GET", METADATA)
    assert len(fake.asked) == 1025
    counter = itertools.count()
    assert ask("GET", "/tc/e").status_code == 502


@pytest.mark.clause("TC-GW-54")
def test_an_answer_that_stops_is_cut_off(ask: Ask, fake: FakeDevice) -> None:
    fake.answers(block2(0, FULL), None)
    with pytest.raises(httpx.RemoteProtocolError):
        ask("GET", METADATA)


@pytest.mark.clause("TC-GW-52")
def test_a_repeated_continuation_ends(ask: Ask, fake: FakeDevice) -> None:
    fake.does(lambda _: Reply(CONTINUE))
    assert ask("PUT", METADATA, content=b"short").status_code == 502
    assert len(fake.asked) == 1


@pytest.mark.clause("TC-GW-54")
@pytest.mark.parametrize("size", [3100, 4080, 5000, 60_000])
def test_a_message_that_is_cut_on_its_way_is_no_answer(
    ask: Ask, fake: FakeDevice, size: int
) -> None:
    fake.answers(Reply(payload=bytes(size)))
    assert ask("GET", METADATA).status_code == 502
