"""A managed device is recorded, and a replay does the same without anybody who asks."""

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.agents import Managed, managed_programs
from support.repeating import Recording
from support.taped import MoodyState
from support.withdrawals import withdrawal
from support.worlds import blueprint, times

from tinycontainer.metadata import Bundle, Security
from tinycontainer.network.agent.requests.message import CoapAnswer, Code, Method, Option
from tinycontainer.network.agent.requests.rights import EVERYBODY
from tinycontainer.state import MemoryState, StateFileError
from tinycontainer.tools.packing.packing import TokenOptions

UIDS = ("a", "b", "c")


class Visitors:
    """Those who ask a recorded device at random, between two slices of its run."""

    def __init__(self, seed: int, state: MemoryState) -> None:
        self.recording = Recording(remembers=True)
        self.managed = Managed(state=state, recorder=self.recording.recorder)
        self.answered: set[Code] = set()
        self._draws = random.Random(seed)
        self._sequences = dict.fromkeys(UIDS, 0)

    def come(self, count: int) -> None:
        clock = self.recording.recorder.clock(self.managed.world.clock)
        for _ in range(count):
            self._ask()
            try:
                due_ns = self.managed.device.run_due(5)
            except StateFileError:
                continue
            # As the agent does, which looks at the time before it rests.
            if due_ns is not None and due_ns > self.managed.device.now_ns:
                clock.sleep_until(due_ns)

    def _ask(self) -> None:
        uid = self._draws.choice(UIDS)
        path = f"/tc/c/{uid.encode().hex()}"
        verb = self._draws.choice(["start", "stop", "kill"])
        query = f"id={self._draws.randrange(1 << 12):016x}"
        asked: tuple[Any, ...] = self._draws.choice(
            [
                (Method.GET, "/tc"),
                (Method.GET, "/tc/c"),
                (Method.GET, "/tc/e"),
                (Method.GET, path),
                (Method.GET, "/device-id/"),
                (Method.POST, "/device-id/", b"desk"),
                (Method.POST, f"{path}?{verb}&{query}"),
                (Method.POST, f"{path}?start&{query}"),
                (Method.DELETE, f"{path}?{query}"),
                (Method.PUT, f"{path}?{query}", self._bundle(uid)),
                (Method.PUT, f"{path}?{query}", self._bundle(uid)),
                (Method.PUT, f"{path}?confirm=40&{query}", self._bundle(uid), b""),
                (Method.PUT, f"{path}/m?{query}", self._metadata(uid)),
                (Method.POST, f"{path}/w?{query}", self._withdrawal(uid)),
                (Method.POST, "/tc/j?replaces", self._bundle(uid)),
                (Method.PUT, f"{path}?{query}", b"nonsense"),
                (Method.POST, "/container/", 1, self._sections(uid)),
                (Method.PUT, "/container/", 2, {Option.UID: uid.encode()}),
                (Method.PUT, "/container/", 4, {Option.UID: b"\xff" * 3000}),
            ]
        )
        answer = self._send(*asked)
        self.answered.add(answer.code)
        recorder = self.recording.recorder
        recorder.note_request(EVERYBODY.name, asked[0].name, asked[1], answer.code.dotted)

    def _send(self, method: Method, path: str, *more: Any) -> CoapAnswer:
        match more:
            case (int(action), options):
                given = {Option.ACTION: bytes([action]), **options}
                return self.managed.ask(method, path, options=given)
            case (payload, if_match):
                return self.managed.ask(method, path, payload, options={Option.IF_MATCH: if_match})
        return self.managed.ask(method, path, *more)

    def _bundle(self, uid: str) -> bytes:
        self._sequences[uid] += self._draws.randrange(2)
        return self._pack(uid, times(period=self._draws.choice([10, 17]))).encode()

    def _metadata(self, uid: str) -> bytes:
        self._sequences[uid] += 1
        return self._pack(uid, times(period=5)).metadata

    def _withdrawal(self, uid: str) -> bytes:
        self._sequences[uid] += 1
        return withdrawal(uid, self._sequences[uid] + self._draws.randrange(2))

    def _pack(self, uid: str, security: Security) -> Bundle:
        plan = blueprint(uid, security=security)
        options = TokenOptions(sequence=self._sequences[uid] + 1)
        return self.managed.world.pack(replace(plan, options=options))

    def _sections(self, uid: str) -> dict[Option, bytes]:
        bundle = self.managed.world.pack(blueprint(uid))
        return {
            Option.METADATA: bundle.metadata,
            Option.DATA: bundle.data,
            Option.CODE: bundle.code,
        }


@pytest.mark.clause("TC-TOOL-10", "TC-TOOL-18")
@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize(
    "count", [pytest.param(150, id="some"), pytest.param(3_000, id="many", marks=pytest.mark.long)]
)
def test_a_replay_of_a_managed_device_gives_the_same_events(
    tmp_path: Path, count: int, fails: bool
) -> None:
    state = MoodyState()
    visitors = Visitors(count, state)
    visitors.come(count // 3)
    if fails:
        state.mood = random.Random(7)
    visitors.come(count)
    state.mood = None
    visitors.managed.device.wind_down()
    visitors.managed.device.run_due(50)
    visitors.managed.device.end_trace()
    world = visitors.recording.repeat(tmp_path / "tape", managed_programs())
    assert world.events == visitors.managed.world.events
    assert [*world.device] == [*visitors.managed.device]
    wanted = {Code.CREATED, Code.CHANGED, Code.CONTENT, Code.DELETED, Code.NOT_FOUND, Code.CONFLICT}
    assert wanted <= visitors.answered
    assert (Code.UNAVAILABLE in visitors.answered) == fails
    for kind in (
        "load-sections",
        "events",
        "look",
        "run-due",
        "replace",
        "reconfigure",
        "withdraw",
    ):
        assert any(f'"do":"{kind}"' in line for line in visitors.recording.lines), kind


@pytest.mark.clause("TC-TOOL-18")
def test_a_replay_of_a_second_boot_begins_with_what_the_first_left(tmp_path: Path) -> None:
    state = MemoryState()
    Visitors(5, state).come(80)
    left = state.containers()
    assert left
    visitors = Visitors(6, state)
    visitors.managed.device.restore()
    visitors.come(40)
    visitors.managed.device.end_trace()
    world = visitors.recording.repeat(tmp_path / "tape", managed_programs())
    assert world.events == visitors.managed.world.events
    assert any(f'"container":{left[0].slot}' in line for line in visitors.recording.lines)
