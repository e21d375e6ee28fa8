"""Which messages of an exchange of keys the library may see."""

import random

import cbor2
import pytest

from tinycontainer.interfaces.network.edhoc_identity import make_identity
from tinycontainer.network.agent.edhoc_messages import (
    is_panic,
    is_readable_alone,
    is_readable_combined,
)

lakers = pytest.importorskip("lakers")
POINT = bytes([5]) * 32
NO_POINT = bytes([1]) * 32


def first_message(suites: object = 2, point: bytes = POINT) -> bytes:
    return b"\xf5" + b"".join(map(cbor2.dumps, (3, suites, point, 5)))


@pytest.mark.parametrize(
    ("payload", "is_readable"),
    [
        (first_message(), True),
        (first_message([0, 2]), True),
        (first_message() + b"\x01\x41\x00", True),  # with data of an application
        (first_message(point=NO_POINT), False),
        (first_message(point=POINT[1:]), False),
        (first_message().replace(b"\x58\x20", b"\x59\x00\x20"), False),
        (b"\x37" + cbor2.dumps(bytes(8)), True),
        (b"\x37" + cbor2.dumps(bytes(255)), True),
        (b"\x37" + cbor2.dumps(bytes(7)), False),
        (b"\x37" + cbor2.dumps(bytes(256)), False),
        (b"\x37" + cbor2.dumps("a text of any length"), False),
        (b"\x37" + cbor2.dumps(bytes(8)) + b"\x00", False),
        (b"\x37\x5f\x48" + bytes(8) + b"\xff", False),
        (b"\x37\x58\x08" + bytes(8), False),
        (b"\x41\x37" + cbor2.dumps(bytes(8)), False),
        (first_message([24, 2]), True),
        (first_message([24, NO_POINT]), False),
        *((first_message()[:size], size >= 37) for size in range(39)),
        *(((b"\x37" + cbor2.dumps(bytes(30)))[:size], size == 33) for size in range(34)),
    ],
)
def test_a_message_by_itself(payload: bytes, is_readable: bool) -> None:
    assert is_readable_alone(payload) is is_readable


def test_a_message_before_a_protected_request() -> None:
    assert is_readable_combined(cbor2.dumps(bytes(8)) + b"protected")
    assert not is_readable_combined(cbor2.dumps(bytes(7)) + b"protected")
    assert not is_readable_combined(b"\x58\x08" + bytes(8) + b"protected")


def test_the_first_message_of_every_honest_client_is_readable() -> None:
    for own_id in range(24):
        message = lakers.EdhocInitiator().prepare_message_1(bytes([own_id]), [])
        assert is_readable_alone(b"\xf5" + message)


@pytest.mark.parametrize(
    "count",
    [pytest.param(300, id="some"), pytest.param(100_000, id="many", marks=pytest.mark.long)],
)
def test_the_library_panics_at_no_first_message_that_is_readable(count: int) -> None:
    draws = random.Random(count)
    key, credential = map(cbor2.loads, make_identity(draws.randbytes))
    own = key[-4], cbor2.dumps(credential[14], canonical=True)
    for _ in range(count):
        message = bytearray(first_message() + draws.randbytes(draws.randrange(40)))
        for _ in range(draws.randrange(4)):
            message[draws.randrange(1, len(message))] = draws.randrange(256)
        try:
            if is_readable_alone(bytes(message)):
                lakers.EdhocResponder(*own).process_message_1(bytes(message[1:]))
        except ValueError:  # the library's own refusal
            continue


def test_a_panic_is_known() -> None:
    initiator = lakers.EdhocInitiator()
    initiator.prepare_message_1(b"\1", [])
    with pytest.raises(BaseException, match="not a good point") as caught:
        initiator.parse_message_2(cbor2.dumps(NO_POINT * 2))
    assert is_panic(caught.value)
    assert not is_panic(KeyboardInterrupt())
