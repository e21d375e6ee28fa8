"""Records a run of a random device whose drivers fail at random, and repeats it."""

import json
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from support.drivers import Puppet, served_by
from support.scripted import Program, ScriptedRuntime, Steps
from support.tokens.forging import Forger
from support.worlds import ALL_CALLS, blueprint, local, newer, times, trusted
from tinycontainer.assembly import Device
from tinycontainer.device.calls.driver_table import DriverTable
from tinycontainer.device.containers.verification import Trust
from tinycontainer.device.setup import DEFAULT_EPOCH_S, Setup
from tinycontainer.errors import DriverError, TinyContainerError
from tinycontainer.interfaces.clock import NS_PER_MS, Clock, VirtualClock, WallClock
from tinycontainer.interfaces.driver import CallContext
from tinycontainer.interfaces.runtime import Natives
from tinycontainer.metadata import ContainerType
from tinycontainer.state import (
    MemoryState,
    StateChange,
    StateFileBusy,
    StateFileError,
    StateFileOwned,
    StoredAnswer,
    StoredEvents,
)
from tinycontainer.tools.packing.packing import TokenOptions, pack_unsigned
from tinycontainer.tools.recording import (
    Digest,
    Header,
    InterruptGate,
    Player,
    Recorder,
    TapeReader,
    TapeWriter,
    replay,
)
from tinycontainer.trace import JsonLines, Sink
from tinycontainer_tokens import Accepted, Kind, MemorySequenceStore, SequenceSubject

CONTAINERS = 3
VERBS = (
    *("start", "stop", "kill", "delete", "load", "reconfigure", "nonsense"),
    *("replace", "replace on trial", "judge", "judge a successor"),
    *("run due", "load sections", "answered start", "answered delete", "events", "wind down"),
    "account",
)


@dataclass(frozen=True)
class Tape:
    """A recorded run.

    Attributes:
        lines: the recording.
        trace: its trace, payload included.
        now_ns: when it ended.
    """

    lines: tuple[str, ...]
    trace: tuple[str, ...]
    now_ns: int


@dataclass(frozen=True)
class Story:
    """What happens in a world; the seed says the rest.

    A token of each container, of the kind that `expires` names, expires after a second. A device
    that remembers goes on from a run before; its state fails at random, but not while it restores.
    """

    seed: int
    wall: bool
    steps: tuple[tuple[int, str, int], ...]
    interrupt_after: int | None = None
    expires: Kind | None = None
    remembers: bool = False

    def record(self) -> Tape:
        """Run it and record it."""
        lines, trace = list[str](), list[str]()
        tape, gate = TapeWriter(lines.append), InterruptGate()
        recorder, clock = Recorder(tape, gate), self._clock()
        tape.begin(Header("", self.wall, 1_000_000, remembers=self.remembers))
        table = DriverTable([served_by(self._moody(recorder), shared=False)])
        state = self._remember() if self.remembers else None
        setup = replace(self._setup(table), sequences=MemorySequenceStore(), state=state)
        sinks = [JsonLines(trace.append, with_data=True)]
        device = recorder.device(setup, clock, sinks)
        with suppress(KeyboardInterrupt):
            device.restore()
            if state is not None:
                state.mood = random.Random(self.seed + 2)
            self._manage(device)
        end_ns = device.end_trace()
        return Tape(tuple(lines), tuple(trace), end_ns)

    def repeat(self, path: Path, lines: Sequence[str]) -> Tape:
        """Repeat it by a recording, without its drivers."""
        path.write_text("".join(lines))
        trace, tape, digest = list[str](), TapeReader(path), Digest()
        header = tape.header()
        player = Player(tape, lambda _line: None)
        clock = player.clock(None if header.wall else VirtualClock())
        table = player.drivers(DriverTable([served_by(_broken, shared=False)]))
        setup = replace(
            self._setup(table),
            sequences=player.sequences(),
            state=player.state() if header.remembers else None,
        )
        sinks: list[Sink] = [digest, JsonLines(trace.append, with_data=True)]
        device = Device(setup, clock, sinks)
        replay(device, tape, clock, digest)
        return Tape(tuple(lines), tuple(trace), device.now_ns)

    def _setup(self, table: DriverTable) -> Setup:
        programs = {str(number): self._program(number) for number in range(CONTAINERS)}
        return Setup(
            runtimes={ContainerType.NATIVE: ScriptedRuntime(programs)},
            drivers=table,
            trust=Trust(keys=trusted(), allow_unsigned=True, unsigned_mask=ALL_CALLS),
        )

    def _remember(self) -> "MoodyState":
        """What is left of a run before: two containers that run, one that cannot be restored."""
        state = MoodyState()
        table = DriverTable([served_by(Puppet, shared=False)])
        device = Device(replace(self._setup(table), state=state), VirtualClock())
        for number in range(CONTAINERS):
            self._take(device, "load", number)
            device.start(str(number))
        device.run(for_ms=30)
        device.close()
        last = state.containers()[-1]
        state.record(StateChange(stored=(replace(last, metadata=b"spoiled"),)))
        return state

    def _manage(self, device: Device) -> None:
        for after_ms, verb, number in self.steps:
            with suppress(StateFileError):
                device.run(for_ms=after_ms)
            with suppress(TinyContainerError):
                self._take(device, verb, number)
        with suppress(StateFileError):
            device.run_until(device.now_ns // NS_PER_MS + 5)

    def _take(self, device: Device, verb: str, number: int) -> None:
        uid = str(number)
        plan = blueprint(
            uid,
            priority=random.Random(self.seed + number).randrange(16),
            endpoints=(local(),),
            security=times(period=number, loop=20),
        )
        match verb:
            case "load" if self.expires is not None:
                options = TokenOptions(sequence=1, expires_s=DEFAULT_EPOCH_S + 1)
                bundle = Forger(self.expires, options=options).pack(plan, b"data")
                device.load(bundle.encode())
            case "load":
                device.load(pack_unsigned(plan, uid.encode(), b"data").encode())
            case "reconfigure":
                changed = newer(plan, security=times(period=3))
                device.reconfigure(pack_unsigned(changed, uid.encode(), b"data").metadata)
            case "replace" | "replace on trial" | "judge" | "judge a successor":
                changed = newer(plan, security=times(period=4, loop=draw_limit(self.seed, number)))
                content = pack_unsigned(changed, uid.encode(), b"more").encode()
                if verb.startswith("replace"):
                    device.replace(content, 15 if verb == "replace on trial" else None)
                else:
                    device.judge(content, replaces=verb != "judge")
            case "run due":
                device.run_due(3 * number)
            case "load sections":
                bundle = pack_unsigned(plan, uid.encode(), b"data")
                device.load_sections(bundle.metadata, bundle.code, bundle.data)
            case "answered start" | "answered delete":
                with device.answering(StoredAnswer(b"peer", bytes([number] * 8), b"answer")):
                    getattr(device, verb.removeprefix("answered "))(uid)
            case "events":
                device.events(number, 2)
            case "wind down":
                device.wind_down()
            case "account":
                device.account()
            case "nonsense":
                device.load(b"\xff" * (40_000 * number))
            case _:
                getattr(device, verb)(uid)

    def _program(self, number: int) -> Program:
        def loop(natives: Natives) -> Steps:
            draw = random.Random(self.seed * 7 + number)
            fd = natives.open(1)
            for _ in range(draw.randrange(12)):
                natives.read(fd, 3)
                natives.write(fd, b"hello")
                natives.log(b"line")
                yield draw.randrange(1, 900)
            natives.close(fd)
            return int(draw.random() < 0.1)

        return Program(loop)

    def _moody(self, recorder: Recorder) -> Callable[[], Puppet]:
        """A driver that looks at the time, charges, shows, refuses, breaks and lies."""
        draw = random.Random(self.seed)
        shown = recorder.show_line(lambda _line: None)

        def make() -> Puppet:
            puppet = Puppet()

            def act(good: object) -> Any:
                context = draw.choice(list(puppet.contexts.values()))
                for _ in range(draw.randrange(3)):
                    mood = draw.randrange(4)
                    if mood == 0:
                        context.now_us()
                    elif mood == 1:
                        with suppress(RuntimeError):
                            context.charge(draw.randrange(500))
                    elif mood == 2:
                        shown(b"\x1b[2J")
                mood = draw.randrange(12)
                if mood == 0:
                    raise DriverError(draw.randrange(1, 9), "no\x00\ud800")
                if mood == 1:
                    raise type("Odd\u202e name", (Exception,), {})
                return (object(), -5, b"x" * 400, True)[mood - 2] if mood in (2, 3, 4, 5) else good

            def opened(_peer: int, _context: CallContext) -> int:
                driver_fd: int = act(len(puppet.contexts))
                return driver_fd

            puppet.on_open = opened
            puppet.on_read = lambda _fd, size: act(draw.randbytes(size))
            puppet.on_write = lambda _fd, data: act(len(data))
            puppet.on_close = lambda _fd: act(None)
            if draw.random() < 0.2:
                raise OSError("no such device")
            return puppet

        return make

    def _clock(self) -> Clock:
        if not self.wall:
            return VirtualClock()
        draw, now_ns, readings = random.Random(self.seed + 1), [0], [0]

        def monotonic_ns() -> int:
            now_ns[0] += draw.randrange(200_000)
            return now_ns[0]

        def sleep(seconds: float) -> None:
            readings[0] += 1
            if self.interrupt_after is not None and readings[0] > self.interrupt_after:
                raise KeyboardInterrupt
            now_ns[0] += int(seconds * 1e9)

        return WallClock(monotonic_ns, sleep)


class MoodyState(MemoryState):
    """A state that fails at random.

    Attributes:
        mood: says when; None as long as it never does.
    """

    def __init__(self) -> None:
        super().__init__()
        self.mood: random.Random | None = None

    def newest(self, subject: SequenceSubject) -> Accepted | None:
        self._fail_at_random(0.05)
        return super().newest(subject)

    def record(self, change: StateChange) -> None:
        self._fail_at_random(0.2)
        super().record(change)

    def events(self, since: int, most: int) -> StoredEvents:
        self._fail_at_random(0.1)
        return super().events(since, most)

    def _fail_at_random(self, share: float) -> None:
        if self.mood is None or self.mood.random() >= share:
            return
        kind = self.mood.choice([StateFileError, StateFileBusy, StateFileOwned])
        raise kind("device.db", self.mood.choice(["is full \x1b[2J", "x" * 3000, "\ud800"]))


def draw_limit(seed: int, number: int) -> int:
    """How long a loop of a new version may take, in ms; often too short."""
    return random.Random(seed * 11 + number).choice([1, 1, 20])


def _broken() -> Puppet:
    raise AssertionError("a replay makes no driver")


def changed(lines: Sequence[str], key: str, nth: int, **values: Any) -> tuple[int, list[str]]:
    """Lines in which one that has a key has other values; and its number."""
    spoiled = list(lines)
    numbers = [number for number, line in enumerate(lines) if key in json.loads(line)]
    number = numbers[nth]
    spoiled[number] = json.dumps({**json.loads(lines[number]), **values}) + "\n"
    return number + 1, spoiled
