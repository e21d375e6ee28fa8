"""`run --state`: a device that goes on where its last run ended."""

from pathlib import Path

import pytest
from support.project import KEY_LINES, Program
from support.wasm.modules import loop

from tinycontainer.assembly import Device
from tinycontainer.errors import DeviceFileError
from tinycontainer.state import SqliteState
from tinycontainer_tokens import Role

DEVICE = f"""
[state]
file = "device.db"
[trust]
keys = [
{KEY_LINES}
]
[[containers]]
bundle = "box.tcb"
"""
MANIFEST = """
[container]
uid = "box"
code = "box.wasm"
period_ms = 100
lifetime_loops = 25
"""


@pytest.fixture
def desk(tmp_path: Path, program: Program) -> Path:
    """A directory with keys, a device file and the container that it lists."""
    source = tmp_path / "box"
    source.mkdir()
    (source / "box.wasm").write_bytes(loop("i32.const 0"))
    (source / "container.toml").write_text(MANIFEST)
    program.good("keygen", tmp_path / "keys")
    program.good("pack", source, "--keys", tmp_path / "keys", "-o", tmp_path / "box.tcb")
    (tmp_path / "device.toml").write_text(DEVICE)
    return tmp_path


def run(desk: Path, program: Program, for_ms: int = 1_000) -> dict[str, object]:
    found = program.json("run", desk / "device.toml", "--state", "--for", f"{for_ms}ms")
    containers: list[dict[str, object]] = found["containers"]
    return {str(row["uid"]): row["loops"] for row in containers}


@pytest.mark.clause("TC-STATE-14", "TC-STATE-15", "TC-STATE-17")
def test_a_device_goes_on_where_its_last_run_ended(desk: Path, program: Program) -> None:
    assert run(desk, program) == {"box": 10}
    assert run(desk, program) == {"box": 10}
    (desk / "box.tcb").unlink()  # only the first boot loads what is listed
    assert run(desk, program) == {"box": 5}
    assert run(desk, program) == {"box": 0}
    state = SqliteState(desk / "device.db", is_reader=True)
    assert state.remembered().count == 4
    state.close()


@pytest.mark.clause("TC-STATE-12", "TC-STATE-14")
def test_how_a_container_ended_is_shown_as_a_run_shows_it(desk: Path, program: Program) -> None:
    assert run(desk, program, 5_000) == {"box": 25}
    (box,) = program.json("state", desk / "device.db")["containers"]
    assert (box["wants_to_run"], box["last_exit"]) == (False, "lifetime in loop")


def test_a_device_that_restores_what_its_file_lists_no_more_needs_no_advice(
    desk: Path, program: Program
) -> None:
    run(desk, program)
    (desk / "device.toml").write_text(DEVICE.partition("[[containers]]")[0])
    command = ("run", desk / "device.toml", "--state", "--for", "1ms")
    assert "lists no containers" not in program.good(*command)


@pytest.mark.clause("TC-STATE-17")
def test_a_first_boot_that_fails_goes_on_with_the_next(desk: Path, program: Program) -> None:
    device = desk / "device.toml"
    device.write_text(DEVICE + '[[containers]]\nbundle = "later.tcb"\n')
    line = program.bad("run", device, "--state", "--for", "1s")
    assert "later.tcb" in line
    source = desk / "box"
    (source / "container.toml").write_text(MANIFEST.replace('"box"', '"later"'))
    program.good("pack", source, "--keys", desk / "keys", "-o", desk / "later.tcb")
    assert run(desk, program) == {"box": 10, "later": 10}


@pytest.mark.clause("TC-STATE-17")
def test_a_first_boot_that_is_cut_short_before_a_start_starts_with_the_next(
    desk: Path, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(_device: Device, _uid: bytes) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Device, "start", cut)
        with pytest.raises(KeyboardInterrupt):
            Device.from_file(desk / "device.toml", remembers=True)
    assert run(desk, program) == {"box": 10}


@pytest.mark.clause("TC-STATE-09")
def test_a_device_that_cannot_be_made_does_not_keep_its_state(desk: Path) -> None:
    key = desk / "keys" / f"{Role.OWNER}.pub"
    content = key.read_bytes()
    key.unlink()
    with pytest.raises(DeviceFileError, match="cannot be read") as kept:
        Device.from_file(desk / "device.toml", remembers=True)
    key.write_bytes(content)
    Device.from_file(desk / "device.toml", remembers=True).close()
    assert kept.value is not None


@pytest.mark.clause("TC-STATE-08")
def test_what_cannot_be_restored_is_told_and_the_rest_runs(desk: Path, program: Program) -> None:
    run(desk, program)
    device = desk / "device.toml"
    device.write_text(DEVICE + "[capacity]\ncode_bytes = 8\n")
    out = program.good("run", device, "--state", "--for", "1s")
    assert "REFUSED to restore: capacity" in out
    device.write_text(DEVICE)
    assert run(desk, program) == {}


def test_what_does_not_go_with_a_state_is_refused(desk: Path, program: Program) -> None:
    device = desk / "device.toml"
    program.good("run", device, "--record", desk / "tape", "--for", "1ms")
    line = program.bad("run", device, "--state", "--replay", desk / "tape")
    assert "leave --for, --virtual, --wall, --engine, --script, --state, " in line
    device.write_text(DEVICE.replace('file = "device.db"', ""))
    line = program.bad("run", device, "--state")
    assert 'state.file: is missing: name the file, as in file = "device.db"' in line


@pytest.mark.clause("TC-TOOL-10", "TC-TOOL-18")
@pytest.mark.parametrize("wall", [False, True])
def test_a_recorded_run_goes_on_from_a_state_and_its_replay_needs_no_state(
    desk: Path, program: Program, wall: bool
) -> None:
    run(desk, program, 500)
    device, state = desk / "device.toml", desk / "device.db"
    tape, whole, again = desk / "tape", desk / "whole", desk / "again"
    command = ("run", device, "--state", "--for", "600ms", "--wall" if wall else "--virtual")
    program.good(*command, "--record", tape, "--trace", whole)
    assert '"do":"restore"' in tape.read_text()
    before = state.read_bytes()
    program.good("run", device, "--replay", tape, "--trace", again)
    assert again.read_bytes() == whole.read_bytes()
    assert state.read_bytes() == before
    state.unlink()
    program.good("run", device, "--replay", tape, "--trace", again, "--force")
    assert again.read_bytes() == whole.read_bytes()
    assert not state.exists()


@pytest.mark.clause("TC-STATE-03")
def test_a_damaged_state_is_refused_in_one_line_and_stays_as_it_is(
    desk: Path, program: Program
) -> None:
    run(desk, program)
    state = desk / "device.db"
    damaged = state.read_bytes()[:5000]
    state.write_bytes(damaged)
    assert "is damaged" in program.bad("run", desk / "device.toml", "--state")
    assert state.read_bytes() == damaged
