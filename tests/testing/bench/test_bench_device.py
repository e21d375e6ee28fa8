"""A test drives the demo's containers: sensors, consoles, pipes, refusals, ends, what hooks use."""

import re
import shutil
from pathlib import Path

import pytest
from support.benches import DEVICE
from support.engines import ENGINES
from support.project import BOX, Program
from support.worlds import KEYS

from tinycontainer import Device, ExitReason
from tinycontainer.testing import BenchFactory, BenchMisused, StepNotMet
from tinycontainer.tools.packing.manifest import read_manifest
from tinycontainer.tools.packing.packing import pack
from tinycontainer.trace.events import HookEnded, TraceEvent

COURIER = BOX / "courier"
ADDRESS = "12 Example Street, 3rd floor"


@pytest.fixture(params=ENGINES)
def tinycontainer_engine(request: pytest.FixtureRequest) -> str:
    """Each test runs on both engines."""
    return str(request.param)


def test_a_container_is_packed_loaded_and_started(tinycontainer_device: BenchFactory) -> None:
    device = tinycontainer_device(COURIER)
    assert device.state == "ready"
    device.start()
    assert device.expect_console("12 Example", within_ms=100) == ADDRESS
    assert device.log == ["address shown"]
    assert device.now_ms < 2


def test_a_sensor_gives_what_the_test_sets_when_it_sets_it(
    tinycontainer_device: BenchFactory,
) -> None:
    device = tinycontainer_device(COURIER)
    device.sensor("signature").set([1], at_ms=500).set([0])
    device.start()
    device.run(for_ms=500)
    assert device.now_ms == 500
    assert device.log == ["address shown"]
    device.expect_log(re.compile("signature .*"), within_ms=250)
    assert 600 <= device.now_ms < 602  # the next loop after 500 ms, and no more
    assert device.console(1) == device.console("console") == [ADDRESS, "Thank you"]


def test_a_sensor_can_be_set_anew_while_the_container_runs(
    tinycontainer_device: BenchFactory,
) -> None:
    device = tinycontainer_device(COURIER)
    pad = device.sensor(2).set(b"\0\0\0\0")
    device.start().run(for_ms=700)
    pad.set([1])
    device.expect_log("signature taken", within_ms=200)


def test_bytes_that_the_test_sends_through_a_pipe_are_read_by_the_container(
    tinycontainer_device: BenchFactory,
) -> None:
    device = tinycontainer_device(COURIER)
    alarms = device.pipe(3)
    device.start().run(for_ms=250)
    alarms.send(b"ALARM: heat")
    device.expect_log("alarm shown", within_ms=200)
    assert device.console()[-1] == "ALARM: heat"
    assert device.pipe(3) is alarms


def test_bytes_that_the_container_sends_are_there_for_the_test(
    tinycontainer_device: BenchFactory,
) -> None:
    device = tinycontainer_device(BOX / "compliance")
    device.sensor("temperature").set([277_150]).set([350_000], at_ms=2000)
    courier = device.pipe(4)
    device.start()
    device.run_until(lambda _: bool(courier.received), within_ms=4000)
    assert courier.received == b"ALARM: temperature"
    assert 2000 <= device.now_ms < 4000


def test_the_other_end_can_close_and_open_as_a_container_can(
    tinycontainer_device: BenchFactory,
) -> None:
    device = tinycontainer_device(COURIER)
    alarms = device.pipe(3)
    alarms.close()
    with pytest.raises(StepNotMet, match="compliance:4: send is refused: bad-descriptor"):
        alarms.send(b"x")
    alarms.open()
    alarms.send(b"x")


def test_a_pipe_that_is_full_is_no_success(tinycontainer_device: BenchFactory) -> None:
    alarms = tinycontainer_device(COURIER).pipe(3)
    alarms.send(b"x" * 500)
    with pytest.raises(StepNotMet, match="has room for 12 of 13 bytes; let the device run"):
        alarms.send(b"x" * 13)


def test_two_containers_on_one_device_talk_to_each_other(
    tinycontainer_device: BenchFactory,
) -> None:
    device = tinycontainer_device(COURIER)
    compliance = device.load(BOX / "compliance")
    device.sensor("temperature").set([277_150]).set([350_000], at_ms=2000)
    device.start(compliance)
    device.start()
    device.expect_log("alarm shown", within_ms=5000)
    assert "ALARM: temperature" in device.seen("compliance").lines
    with pytest.raises(BenchMisused, match="compliance is loaded"):
        device.pipe(3)


def test_a_refusal_is_waited_for_and_named(tinycontainer_device: BenchFactory) -> None:
    device = tinycontainer_device(COURIER).start()
    first = device.expect_refused(call="open", reason="peer-missing", within_ms=100)
    second = device.expect_refused(call="open", within_ms=300)
    assert (first.subject, second.subject) == (3, 3)
    assert second.at_ns > first.at_ns
    assert device.refusals[:2] == [first, second]


def test_an_end_is_waited_for_and_named(tinycontainer_device: BenchFactory) -> None:
    device = tinycontainer_device(COURIER).start()
    device.run(for_ms=100)
    device.stop()
    assert device.expect_exit("stopped").reason is ExitReason.STOPPED
    assert device.last_exit is not None
    assert device.expect_console("Out of", within_ms=0) == "Out of service"
    device.start().run(for_ms=10)
    assert device.state == "running"


@pytest.mark.parametrize(
    ("attack", "reason", "hook"), [(5, "overrun", "loop"), (6, "trap", "loop"), (7, "trap", "loop")]
)
def test_a_fault_that_the_test_wants_is_no_failure(
    tinycontainer_device: BenchFactory, attack: int, reason: str, hook: str
) -> None:
    device = tinycontainer_device(BOX / "intruder" / f"attack-{attack}.toml").start()
    assert device.expect_exit(reason, within_ms=500).hook == hook
    device.run(for_ms=10)
    with pytest.raises(StepNotMet, match="it ended otherwise: "):
        device.expect_exit("returned")


def test_each_hook_says_what_it_has_used(tinycontainer_device: BenchFactory) -> None:
    device = tinycontainer_device(COURIER).start()
    device.run(for_ms=450)
    hooks = [(hook.hook, hook.number, hook.how) for hook in device.hooks]
    assert hooks[:3] == [
        ("start", 0, "completed"),
        ("loop", 1, "completed"),
        ("loop", 2, "completed"),
    ]
    assert {hook.memory_bytes for hook in device.hooks} == {65536}
    assert all(100 < hook.instructions < 5000 for hook in device.hooks)
    assert [hook.used_us for hook in device.hooks] == [hook.instructions for hook in device.hooks]


def test_a_device_on_the_bench_does_what_any_device_does(
    tinycontainer_device: BenchFactory, tmp_path: Path, program: Program, tinycontainer_engine: str
) -> None:
    program.good("demo", "--keep", tmp_path / "box")
    file = tmp_path / "box" / "listed.toml"
    text = (tmp_path / "box" / "device.toml").read_text()
    file.write_text(
        f'{text}\n[[containers]]\nbundle = "courier.tcb"\n'
        f'[runtimes]\nwasm = "{tinycontainer_engine}"\n'
    )
    events: list[TraceEvent] = []
    other = Device.from_file(file, sinks=[events.append])
    other.run(for_ms=3000)
    ended = [event for event in events if isinstance(event, HookEnded)]
    for path in (COURIER, file):
        device = tinycontainer_device(path)
        if path is COURIER:
            device.start()
        for _ in range(3):
            device.run(for_ms=1000)
        found = [(hook.instructions, hook.ended_ms) for hook in device.hooks]
        assert found == [(hook.instructions, hook.at_ns / 1e6) for hook in ended]


def test_a_bundle_is_judged_by_the_keys_of_the_device(
    tinycontainer_device: BenchFactory, tmp_path: Path, program: Program
) -> None:
    box = tmp_path / "box"
    program.good("demo", "--keep", box)
    tinycontainer_device(box / "courier.tcb").start().expect_log("address shown")
    manifest = read_manifest(box / "courier")
    (box / "foreign.tcb").write_bytes(
        pack(manifest.blueprint, manifest.code, manifest.data, KEYS).encode()
    )
    with pytest.raises(StepNotMet, match=r"foreign\.tcb is refused: .*metadata token"):
        tinycontainer_device(box / "foreign.tcb")


def test_a_test_does_not_touch_what_the_device_remembers(
    tinycontainer_device: BenchFactory, tmp_path: Path
) -> None:
    kept = '[device]\nkey = "secret.pem"\n[state]\nfile = "kept.db"\n'
    (tmp_path / "device.toml").write_text(kept + DEVICE)
    shutil.copytree(COURIER, tmp_path / "courier")
    tinycontainer_device(tmp_path / "courier").start().expect_log("address shown")
    assert not (tmp_path / "kept.db").exists()


# What does not hold is a failure that says what there is instead.


def test_a_line_that_does_not_come_names_those_that_did(
    tinycontainer_device: BenchFactory,
) -> None:
    device = tinycontainer_device(COURIER).start()
    with pytest.raises(StepNotMet) as failed:
        device.expect_log("fire", within_ms=500)
    assert str(failed.value) == (
        "expect_log('fire', within_ms=500): the log has 1 entries, the last: 'address shown';"
        " at 500.000 ms courier is running"
    )
    device.expect_log("address", within_ms=0)
    with pytest.raises(StepNotMet):
        device.expect_log("address", within_ms=0)


def test_a_container_that_nobody_has_started_is_the_reason(
    tinycontainer_device: BenchFactory,
) -> None:
    with pytest.raises(StepNotMet, match=r"nobody has started it: call start\(\)"):
        tinycontainer_device(COURIER).expect_log("address", within_ms=50)


def test_other_steps_that_are_not_met_say_so(tinycontainer_device: BenchFactory) -> None:
    device = tinycontainer_device(COURIER).start()
    with pytest.raises(
        StepNotMet, match=r"the condition does not hold; at 50\.000 ms courier is ru"
    ):
        device.run_until(lambda _: False, within_ms=50)
    with pytest.raises(StepNotMet, match="the console has 1 entries, the last: '12 Exam"):
        device.expect_console("fire", within_ms=50)
    with pytest.raises(StepNotMet, match=r"list of refusals has \d entries, the last: 'open\(3\)"):
        device.expect_refused(call="write", within_ms=50)
    with pytest.raises(StepNotMet, match=r"it has not ended; at 200\.000 ms courier is running"):
        device.expect_exit(within_ms=50)


def test_a_fault_that_nobody_expects_fails_the_step_in_which_it_comes(
    tinycontainer_device: BenchFactory,
) -> None:
    device = tinycontainer_device(BOX / "intruder" / "attack-7.toml").start()
    with pytest.raises(StepNotMet, match=r"ended by a fault at 0\.\d+ ms: trap in loop unreacha"):
        device.expect_log("never", within_ms=500)
    assert device.now_ms < 2


@pytest.mark.parametrize(
    ("which", "problem"),
    [
        ("signatur", r'"signatur" is no driver here; endpoints with a driver: 1 \("console"\), 2'),
        (3, "3 is no driver here"),
        ("sensor", '"sensor" are 5 drivers here'),
    ],
)
def test_a_sensor_that_is_not_there_is_refused_with_what_there_is(
    tinycontainer_device: BenchFactory, which: int | str, problem: str
) -> None:
    with pytest.raises(BenchMisused, match=problem):
        tinycontainer_device(COURIER).sensor(which)


def test_a_sensor_that_is_open_already_cannot_be_replaced(
    tinycontainer_device: BenchFactory,
) -> None:
    device = tinycontainer_device(COURIER).start()
    device.run(for_ms=10)
    with pytest.raises(BenchMisused, match=r"2: was opened already; script it before start\(\)"):
        device.sensor(2)


@pytest.mark.parametrize("values", [[1 << 31], [0] * 64, [-(1 << 31) - 1]])
def test_values_that_no_read_can_give_are_refused(
    tinycontainer_device: BenchFactory, values: list[int]
) -> None:
    with pytest.raises(ValueError, match=r"more than 32 bits|a read has room for 63"):
        tinycontainer_device(COURIER).sensor(2).set(values)


def test_words_that_do_not_exist_are_refused_before_the_device_runs(
    tinycontainer_device: BenchFactory,
) -> None:
    device = tinycontainer_device(COURIER).start()
    with pytest.raises(BenchMisused, match="call 'opne' is none of heartbeat, open, close, re"):
        device.expect_refused(call="opne")
    with pytest.raises(BenchMisused, match="reason 'unknown' is none of masked, size"):
        device.expect_refused(reason="unknown")
    with pytest.raises(BenchMisused, match="reason 'crash' is none of returned"):
        device.expect_exit("crash")
    with pytest.raises(BenchMisused, match="endpoint 1 is no pipe; endpoints that are: 3"):
        device.pipe(1)
    with pytest.raises(BenchMisused, match='"tinyml" is no driver that it can reach'):
        device.console("tinyml")
    with pytest.raises(ValueError, match="cannot run for -1 ms"):
        device.run(for_ms=-1)
    assert device.now_ms == 0
