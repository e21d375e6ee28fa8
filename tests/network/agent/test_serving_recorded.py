"""A served device is recorded, and its run repeated without a network and without its state."""

import json
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from support.project import Program
from support.serving import Served, make_desk, serving

pytest.importorskip("aiocoap")

FULL_DISK = """
import errno, os, sys
from tinycontainer.cli.main import main
from tinycontainer.cli.output_files import LinesFile
written, write = [0], LinesFile.write
def write_until_full(self, text):
    written[0] += len(text)
    if written[0] > 40_000:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    write(self, text)
LinesFile.write = write_until_full
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def port(tmp_path: Path, program: Program) -> int:
    return make_desk(tmp_path, program)


def remote(program: Program, served: Served, *words: object) -> None:
    code, _, err = program("remote", served.uri, *words)
    assert (code, err) == (0, "")


def settle(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What was printed but for what only a served device says."""
    return [each for each in events if each["event"] not in ("serving", "asked")]


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.clause("TC-TOOL-10", "TC-TOOL-18")
def test_a_replay_of_a_served_device_gives_the_same_events(
    tmp_path: Path, port: int, program: Program
) -> None:
    tape, trace, device = tmp_path / "tape", tmp_path / "trace", tmp_path / "device.toml"
    for boot in range(2):
        with serving(tmp_path, port, "--record", tape, *(["--force"] if boot else [])) as served:
            if not boot:
                remote(program, served, "load", tmp_path / "box.tcb")
                remote(program, served, "start", "box")
            time.sleep(0.3)
            remote(program, served, "ls")
            remote(program, served, "events")
            remote(program, served, "stop", "box")
            time.sleep(0.3)
            remote(program, served, "start", "box")
            time.sleep(0.3)
            code, events, err = served.end()
        assert (code, err.count("\n")) == (0, 1)
        assert tape.stat().st_mode & 0o777 == 0o600
        state = (tmp_path / "device.db").read_bytes()
        program.good("run", device, "--replay", tape, "--trace", trace, "--force")
        assert read(trace) == settle(events)
        assert (tmp_path / "device.db").read_bytes() == state
        lines = read(tape)
        kinds = {str(each.get("do")) for each in lines}
        assert {"restore", "run-due", "wind-down", "start", "stop", "look", "events"} <= kinds
        assert [each["contains"] for each in lines if "contains" in each] == [boot]
        asked = [each for each in lines if "asked" in each]
        assert {each["asked"] for each in asked} == {"everybody"}
        wanted = {("POST", "2.04"), ("GET", "2.05")} | (set() if boot else {("PUT", "2.01")})
        assert {(each["method"], each["code"]) for each in asked} == wanted
        assert any(each["path"].startswith("/tc/c/626f78?stop&id=") for each in asked)
    (tmp_path / "device.db").unlink()
    program.good("run", device, "--replay", tape)
    assert not (tmp_path / "device.db").exists()


@pytest.mark.clause("TC-TOOL-10", "TC-TOOL-18")
def test_a_device_without_a_state_file_is_recorded_too_and_ends_with_its_grace(
    tmp_path: Path, port: int, program: Program
) -> None:
    device = tmp_path / "device.toml"
    device.write_text(device.read_text().replace('[state]\nfile = "device.db"\n', ""))
    with serving(tmp_path, port, "--record", tmp_path / "tape") as served:
        remote(program, served, "load", tmp_path / "box.tcb")
        remote(program, served, "start", "box")
        time.sleep(0.3)
        code, events, _ = served.end(signal.SIGINT)
    assert code == 0
    program.good("run", device, "--replay", tmp_path / "tape", "--trace", tmp_path / "trace")
    repeated = read(tmp_path / "trace")
    assert repeated == settle(events)
    whole, damaged = (tmp_path / "tape").read_text(), tmp_path / "damaged"
    damaged.write_text(whole.replace('"method":"PUT"', '"method":"PAT"'))
    line = program.bad("run", device, "--replay", damaged)
    assert line.endswith(": is no request: who asked what, and the code of the answer")
    ends = [each["trigger"] for each in repeated if each["event"] == "transition"]
    assert ends == ["loaded", "start", "stop", "finalized"]


@pytest.mark.clause("TC-TOOL-10")
def test_what_a_kill_leaves_is_repeated_up_to_there(
    tmp_path: Path, port: int, program: Program
) -> None:
    with serving(tmp_path, port, "--record", tmp_path / "tape") as served:
        remote(program, served, "load", tmp_path / "box.tcb")
        remote(program, served, "start", "box")
        left, device = tmp_path / ".tape.new", tmp_path / "device.toml"
        while left.stat().st_size == 0:
            time.sleep(0.1)
        time.sleep(0.5)
        _, events, _ = served.end(signal.SIGKILL)
    assert not (tmp_path / "tape").exists()
    code, _, err = program("run", device, "--replay", left, "--trace", tmp_path / "trace")
    number = left.read_bytes().count(b"\n") + 1
    why = {
        1: "the recording ends here, but the replay goes on",
        2: "is cut off: its end is missing",
    }
    assert err == f"error: {left}: line {number}: {why[code]}\n"
    repeated = read(tmp_path / "trace")
    assert len(repeated) > 5
    assert repeated == settle(events)[: len(repeated)]


@pytest.mark.clause("TC-TOOL-13")
def test_a_served_device_goes_on_without_a_recording_that_is_full(
    tmp_path: Path, port: int, program: Program
) -> None:
    tape, device = tmp_path / "tape", tmp_path / "device.toml"
    with serving(tmp_path, port, "--record", tape, "--file-limit", "8KiB") as served:
        remote(program, served, "load", tmp_path / "box.tcb")
        remote(program, served, "start", "box")
        time.sleep(1)
        remote(program, served, "stop", "box")
        code, events, err = served.end()
    assert code == 0
    assert err.endswith(f"warning: {tape}: is full at 8192 bytes; a replay ends there\n")
    assert tape.stat().st_size <= 8192
    code, _, err = program("run", device, "--replay", tape, "--trace", tmp_path / "trace")
    assert (code, err.count("\n")) == (1, 1)
    assert "the recording is full here; the run went on without it" in err
    repeated = read(tmp_path / "trace")
    assert repeated[:-1] == settle(events)[: len(repeated) - 1]


@pytest.mark.clause("TC-TOOL-03")
def test_a_recording_that_cannot_be_written_ends_the_serving_in_one_line(
    tmp_path: Path, port: int, program: Program
) -> None:
    with serving(
        tmp_path, port, "--record", tmp_path / "tape", program=("-c", FULL_DISK)
    ) as served:
        remote(program, served, "load", tmp_path / "box.tcb")
        remote(program, served, "start", "box")
        code = served.process.wait(timeout=60)
        _, events, err = served.end()
    assert code == 2
    assert err.splitlines()[1:] == [
        f"error: {tmp_path / 'tape'}: cannot be written: No space left on device"
    ]
    assert {each["code"] for each in events if each["event"] == "asked"} <= {"2.01", "2.04", "2.05"}
    assert [each.name for each in tmp_path.glob("*tape*")] == []
    with serving(tmp_path, port) as served:  # the state is as it was, and is not owned
        remote(program, served, "stop", "box")
