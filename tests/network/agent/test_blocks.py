"""Uploads in blocks: whole, in order, bounded, and nobody else's."""

from contextlib import suppress
from random import Random

import pytest

from tinycontainer.network.agent.requests.blocks import (
    UPLOAD_S,
    UPLOADS,
    UPLOADS_PER_PEER,
    Uploads,
    decode_block,
    encode_block,
)
from tinycontainer.network.agent.requests.message import (
    Block,
    CoapAnswer,
    CoapRequest,
    Code,
    Method,
    Option,
    to_uint,
)
from tinycontainer.network.agent.requests.refusing import CoapRefused

MOST = 4096


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def request(
    peer: str = "p", payload: bytes = b"", tag: bytes | None = None, size1: int | None = None
) -> CoapRequest:
    options = []
    if tag is not None:
        options.append((int(Option.REQUEST_TAG), tag))
    if size1 is not None:
        options.append((int(Option.SIZE1), to_uint(size1)))
    return CoapRequest(peer.encode(), Method.PUT, ("tc", "c", "61"), (), tuple(options), payload)


def take(uploads: Uploads, number: int, payload: bytes, *, more: bool, **of: object) -> object:
    """What a block of 16 bytes is answered: a payload, or a code."""
    size = of.pop("size", 16)
    assert isinstance(size, int)
    try:
        found = uploads.take(request(payload=payload, **of), Block(number, more, size), MOST)  # type: ignore[arg-type]
    except CoapRefused as refusal:
        return refusal.code
    return found.code if isinstance(found, CoapAnswer) else found


@pytest.mark.clause("TC-MGMT-05")
@pytest.mark.parametrize("number", [0, 1, 15, 16, 4096, (1 << 20) - 1])
@pytest.mark.parametrize("size", [16 << each for each in range(7)])
def test_a_block_option_is_read_as_it_is_written(number: int, size: int) -> None:
    for more in (False, True):
        block = Block(number, more, size)
        assert decode_block(encode_block(block)) == block


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (b"\7", Code.BAD_REQUEST),
        (b"\x0f", Code.BAD_REQUEST),
        (b"\xff\xff\xff", Code.BAD_REQUEST),
        (b"\0\0\0\0", Code.BAD_OPTION),
    ],
)
def test_a_malformed_block_option_is_refused(value: bytes, code: Code) -> None:
    with pytest.raises(CoapRefused) as caught:
        decode_block(value)
    assert caught.value.code is code


@pytest.mark.clause("TC-MGMT-05")
def test_a_payload_of_one_block_may_be_empty() -> None:
    assert take(Uploads(Clock()), 0, b"", more=False) == b""


@pytest.mark.clause("TC-MGMT-06")
def test_a_block_that_comes_again_and_again_keeps_no_place() -> None:
    clock = Clock()
    uploads = Uploads(clock)
    for _ in range(4):
        assert take(uploads, 0, b"x" * 16, more=True) is Code.CONTINUE
        clock.now_s += UPLOAD_S / 3
    # By then it had died of age, and its first block began a new one.
    assert take(uploads, 1, b"x" * 16, more=False) == b"x" * 32
    take(uploads, 0, b"y" * 16, more=True)
    take(uploads, 1, b"y" * 16, more=True)
    clock.now_s += UPLOAD_S - 1
    assert take(uploads, 1, b"y" * 16, more=True) is Code.CONTINUE
    clock.now_s += 1
    assert take(uploads, 1, b"y" * 16, more=True) is Code.INCOMPLETE


@pytest.mark.clause("TC-MGMT-05")
def test_a_payload_is_whole_with_its_last_block_and_then_forgotten() -> None:
    uploads = Uploads(Clock())
    assert take(uploads, 0, bytes(16), more=True) is Code.CONTINUE
    assert take(uploads, 1, b"b" * 16, more=True) is Code.CONTINUE
    assert take(uploads, 2, b"c", more=False) == bytes(16) + b"b" * 16 + b"c"
    assert len(uploads) == 0
    assert take(uploads, 3, b"d", more=False) is Code.INCOMPLETE
    assert take(uploads, 0, b"only", more=False) == b"only"


@pytest.mark.clause("TC-MGMT-06")
@pytest.mark.parametrize(
    ("number", "payload", "more"),
    [(2, bytes(16), True), (0x3FFFF, bytes(16), True), (1, bytes(15), True), (1, bytes(17), True),
     (1, bytes(17), False), (1, b"", False), (2, b"x", False)],
)  # fmt: skip
def test_what_is_out_of_order_ends_the_upload(number: int, payload: bytes, more: bool) -> None:
    uploads = Uploads(Clock())
    take(uploads, 0, bytes(16), more=True)
    assert take(uploads, number, payload, more=more) is Code.INCOMPLETE
    assert take(uploads, 1, bytes(16), more=True) is Code.INCOMPLETE
    assert len(uploads) == 0


@pytest.mark.clause("TC-MGMT-05")
def test_a_block_that_comes_twice_is_taken_once() -> None:
    uploads = Uploads(Clock())
    for number in (0, 0, 1, 1):
        assert take(uploads, number, b"x" * 16, more=True) is Code.CONTINUE
    assert take(uploads, 2, b"", more=False) is Code.INCOMPLETE
    for number in (0, 1):
        take(uploads, number, b"x" * 16, more=True)
    assert take(uploads, 0, b"y" * 16, more=True) is Code.CONTINUE
    assert take(uploads, 1, b"z", more=False) == b"y" * 16 + b"z"


@pytest.mark.clause("TC-MGMT-05")
def test_blocks_may_become_smaller_where_they_fit() -> None:
    uploads = Uploads(Clock())
    take(uploads, 0, bytes(64), more=True, size=64)
    assert take(uploads, 4, b"s" * 16, more=True) is Code.CONTINUE
    assert take(uploads, 5, b"e", more=False) == bytes(64) + b"s" * 16 + b"e"


@pytest.mark.clause("TC-MGMT-03")
def test_what_is_too_long_ends_as_soon_as_that_is_known() -> None:
    uploads = Uploads(Clock())
    assert take(uploads, 0, bytes(16), more=True, size1=MOST + 1) is Code.TOO_LARGE
    for number in range(MOST // 1024):
        assert take(uploads, number, bytes(1024), more=True, size=1024) is Code.CONTINUE
    assert take(uploads, MOST // 1024, b"x", more=False, size=1024) is Code.TOO_LARGE
    assert len(uploads) == 0


@pytest.mark.clause("TC-MGMT-06")
def test_uploads_are_bounded_for_each_peer_and_for_all_and_die_of_age() -> None:
    clock = Clock()
    uploads = Uploads(clock)
    for tag in range(UPLOADS_PER_PEER):
        assert take(uploads, 0, bytes(16), more=True, tag=bytes([tag])) is Code.CONTINUE
    assert take(uploads, 0, bytes(16), more=True, tag=b"more") is Code.UNAVAILABLE
    for peer in range(UPLOADS):
        take(uploads, 0, bytes(16), more=True, peer=f"p{peer}")
    assert len(uploads) == UPLOADS
    assert take(uploads, 0, bytes(16), more=True, peer="late") is Code.UNAVAILABLE
    assert take(uploads, 0, b"whole", more=False, peer="late") == b"whole"
    assert take(uploads, 1, b"x", more=False, tag=b"\0") == bytes(16) + b"x"
    clock.now_s = UPLOAD_S - 1
    assert take(uploads, 1, bytes(16), more=True, tag=b"\1") is Code.CONTINUE
    clock.now_s = UPLOAD_S
    assert take(uploads, 0, bytes(16), more=True, peer="late") is Code.CONTINUE
    assert len(uploads) == 2
    assert take(uploads, 2, b"x", more=False, tag=b"\1") == bytes(32) + b"x"
    assert take(uploads, 1, b"x", more=False, tag=b"\2") is Code.INCOMPLETE


def attack(random: Random) -> None:
    """Honest uploads among hostile blocks: each of them is whole, and memory stays bounded."""
    clock = Clock()
    uploads = Uploads(clock)
    honest = {f"h{each}": random.randbytes(random.randrange(17, 400)) for each in range(3)}
    sent = dict.fromkeys(honest, 0)
    whole: dict[str, object] = {}
    while len(whole) < len(honest):
        clock.now_s += random.random() / 10
        for _ in range(random.randrange(8)):
            hostile = f"x{random.randrange(3)}"
            payload = random.randbytes(random.choice([0, 1, 15, 16, 16, 17, 1024]))
            block = Block(
                random.choice([0, 0, 1, 2, random.randrange(1 << 20)]),
                random.random() < 0.8,
                random.choice([16, 16, 1024]),
            )
            tag = random.choice([None, *(bytes([each]) for each in range(7))])
            with suppress(CoapRefused):
                uploads.take(request(hostile, payload, tag, random.choice([None, 9])), block, MOST)
        peer = random.choice([each for each in honest if each not in whole])
        number, content = sent[peer], honest[peer]
        piece = content[16 * number : 16 * number + 16]
        more = 16 * number + 16 < len(content)
        answer = take(uploads, number, piece, more=more, peer=peer)
        sent[peer] += 1
        if more:
            assert answer is Code.CONTINUE
        else:
            whole[peer] = answer
        assert len(uploads) <= UPLOADS
        assert uploads.held_bytes <= UPLOADS * MOST
    assert whole == honest


@pytest.mark.clause("TC-MGMT-06")
@pytest.mark.parametrize(
    "sequences",
    [pytest.param(100, id="some"), pytest.param(2_000, id="many", marks=pytest.mark.long)],
)
def test_hostile_blocks_touch_no_upload_of_others(sequences: int) -> None:
    for seed in range(sequences):
        attack(Random(seed))
