"""Random frames and reads raise nothing but the documented errors.

pytest -m long -s tests/endpoints/tinyml/test_random_frames.py
"""

import hashlib
import random
import struct
from collections import Counter

import pytest
from support.tinyml.client import Client, input_frames, load_frames, make_setup
from support.tinyml.fake_workers import FakeNursery
from support.tinyml.models import I8, seed

from tinycontainer.errors import DriverError
from tinycontainer_endpoints.tinyml.driver import TinyML
from tinycontainer_endpoints.tinyml.protocol.codes import ErrorCode, Op

SAMPLE, FULL = 5_000, 100_000
MODELS = [seed("dense"), seed("branches"), seed("softmax", I8)]


def frame(chance: random.Random) -> list[bytes]:
    """A frame, or the frames of one step; some of them sound."""
    kind = chance.randrange(10)
    if kind == 0:
        return [chance.randbytes(chance.randrange(1, 256))]
    if kind == 1:
        return [bytes([chance.choice(list(Op))]) + chance.randbytes(chance.randrange(255))]
    model = chance.choice(MODELS)
    if kind == 2:
        digest = hashlib.sha256(model).digest() if chance.random() < 0.5 else None
        return list(load_frames(model, digest=digest, keep=chance.random() < 0.5))
    if kind == 3:
        return [b"\x12\0\0\0" + hashlib.sha256(model).digest()]
    if kind in (4, 5):
        size = chance.choice((10, 16, 24))
        return list(input_frames(chance.randrange(2), chance.randbytes(size), chance.randrange(24)))
    if kind == 6:
        return [struct.pack("<BBH", 0x30, 0, chance.choice((0, 1, 1000, 1001)))]
    if kind in (7, 8):
        numbers = chance.randrange(6), chance.randrange(3), 0, chance.choice((0, 1, 1 << 31))
        return [struct.pack("<BBBBI", 0x40, *numbers)]
    return [bytes([0x7F, chance.randrange(3)])]


def play(count: int, seed_: int) -> Counter[str]:
    chance, told = random.Random(seed_), Counter[str]()
    for virtual in (True, False):
        setup = make_setup(virtual=virtual, quotas={"inferences_per_second": 100})
        here = Client(TinyML(setup, nursery=FakeNursery()))
        sent = 0
        while sent < count // 2:
            frames = frame(chance)
            if chance.random() < 0.1:
                spoilt = bytearray(frames[0])
                spoilt[chance.randrange(len(spoilt))] ^= 1 << chance.randrange(8)
                frames[0] = bytes(spoilt)
            for each in frames:
                sent += 1
                here.context.time_us += 5000
                told[outcome(here, each, chance)] += 1
    return told


def outcome(here: Client, frame_: bytes, chance: random.Random) -> str:
    try:
        here.send(frame_)
        if chance.random() < 0.5:
            assert len(here.read(chance.randrange(1, 256))) <= 255
    except DriverError as error:
        return ErrorCode(error.code).name
    return "taken"


@pytest.mark.clause("TC-TML-10")
def test_a_sample_of_random_frames_raises_documented_errors_only() -> None:
    assert len(play(SAMPLE, 1)) >= 7


@pytest.mark.long
def test_a_hundred_thousand_random_frames_raise_documented_errors_only() -> None:
    told = play(FULL, 2)
    print(f"\n{sum(told.values())} frames: {dict(sorted(told.items()))}")  # noqa: T201 - the counts are asked for
