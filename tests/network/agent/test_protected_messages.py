"""Requests that a context protects: only the device's answer to this one request counts."""

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tinycontainer.interfaces.network.oscore import open_context
from tinycontainer.interfaces.network.security_context import (
    make_security_contexts,
    read_security_context,
)
from tinycontainer.network.agent.operator.client import Unproved, Unreachable
from tinycontainer.network.agent.operator.gateway_replies import ProtectedMessage
from tinycontainer.network.agent.operator.protected_messages import ProtectedRequests
from tinycontainer.network.agent.requests.message import CoapAnswer, CoapRequest, Code, Method

pytest.importorskip("aiocoap")
START = CoapRequest(b"", Method.POST, ("tc", "c", "626f78"), ("start",), (), b"payload")
DONE = CoapAnswer(Code.CHANGED, b"done")


class Device:
    """The other side of a context, as a carrier: it answers 2.04 to everything.

    Attributes:
        seen: the requests as the device reads them.
        answers: what it has answered.
        spoil: what becomes of an answer on its way.
        proved: how often the operator's side has found an answer good.
    """

    def __init__(self, context: Any) -> None:
        self._context = context
        self.seen: list[Any] = []
        self.answers: list[ProtectedMessage] = []
        self.spoil: Callable[[ProtectedMessage], ProtectedMessage] = lambda answer: answer
        self.proved = 0

    def carry(self, message: ProtectedMessage) -> ProtectedMessage:
        import aiocoap  # noqa: PLC0415 - an optional part
        from aiocoap.message import Direction  # noqa: PLC0415

        outer: Any = aiocoap.Message(code=aiocoap.POST, payload=message.payload)
        outer.opt.oscore, outer.direction = message.option, Direction.INCOMING
        request, identity = self._context.unprotect(outer)
        self.seen.append(request)
        answer: Any = aiocoap.Message(code=aiocoap.CHANGED, payload=b"done")
        found, _ = self._context.protect(answer, identity)
        self.answers.append(ProtectedMessage(found.opt.oscore, found.payload))
        return self.spoil(self.answers[-1])

    def has_answered(self) -> None:
        self.proved += 1


@contextmanager
def both_sides(directory: Path) -> Iterator[tuple[ProtectedRequests, Device]]:
    with ExitStack() as held:
        opened = {}
        for side, files in make_security_contexts(random.Random(1).randbytes).items():
            folder = directory / side
            folder.mkdir(mode=0o700)
            for name, content in files.items():
                (folder / name).write_bytes(content)
            opened[side] = held.enter_context(open_context(read_security_context(folder)))
        device = Device(opened["device"])
        yield ProtectedRequests(opened["operator"], device), device


@pytest.mark.clause("TC-GW-53", "TC-GW-56")
def test_the_device_reads_what_was_asked_and_its_answer_counts(tmp_path: Path) -> None:
    with both_sides(tmp_path) as (requests, device):
        assert requests.ask(START) == DONE
        (seen,) = device.seen
        assert (seen.opt.uri_path, seen.opt.uri_query) == (START.path, START.query)
        assert (int(seen.code), seen.payload) == (Method.POST, b"payload")
        assert device.proved == 1


@pytest.mark.clause("TC-GW-56")
def test_no_bit_of_an_answer_can_be_changed(tmp_path: Path) -> None:
    with both_sides(tmp_path) as (requests, device):
        requests.ask(START)
        for position in range(8 * len(device.answers[0].payload)):

            def flip(answer: ProtectedMessage, position: int = position) -> ProtectedMessage:
                payload = bytearray(answer.payload)
                payload[position // 8] ^= 1 << position % 8
                return replace(answer, payload=bytes(payload))

            device.spoil = flip
            with pytest.raises(Unproved):
                requests.ask(START)
        assert device.proved == 1


@pytest.mark.clause("TC-GW-56")
def test_no_option_makes_another_answer_of_it(tmp_path: Path) -> None:
    rests = (b"", bytes(1), bytes(8), b"\xff" * 9)
    with both_sides(tmp_path) as (requests, device):
        for option in (bytes([first]) + rest for first in range(256) for rest in rests):
            device.spoil = partial(replace, option=option)
            with suppress(Unproved):  # the library passes over bytes after what the flags name
                assert requests.ask(START) == DONE
        assert device.proved <= len(rests)


@pytest.mark.clause("TC-GW-56")
def test_an_answer_to_another_request_does_not_count(tmp_path: Path) -> None:
    with both_sides(tmp_path) as (requests, device):
        requests.ask(START)
        before = device.answers[0]
        device.spoil = lambda _answer: before
        with pytest.raises(Unproved):
            requests.ask(START)


@pytest.mark.clause("TC-GW-56")
def test_without_a_recorded_number_nothing_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with both_sides(tmp_path) as (requests, device):

        def fail(*_given: object) -> None:
            raise OSError("No space left on device")

        monkeypatch.setattr("os.replace", fail)
        for _ in range(2):
            with pytest.raises(Unreachable):
                requests.ask(START)
        assert device.seen == []
        monkeypatch.undo()
