"""The device file names the state file; what was accepted in one run holds in the next."""

import gc
from pathlib import Path

import pytest
from support.project import BOX, KEY_LINES, Program

DEVICE = f"""
[state]
file = "device.db"
[trust]
keys = [
{KEY_LINES}
]
[[containers]]
bundle = "courier.tcb"
start = false
"""


def pack(desk: Path, program: Program, sequence: int) -> None:
    """Pack the courier again, as a version of its own."""
    source = desk / "courier"
    source.mkdir(exist_ok=True)
    for path in (BOX / "courier").iterdir():
        (source / path.name).write_bytes(path.read_bytes())
    with (source / "container.toml").open("a") as manifest:
        manifest.write(f"\n[tokens]\nsequence = {sequence}\n")
    program.good("pack", source, "--keys", desk / "keys", "-o", desk / "courier.tcb", "--force")


@pytest.fixture
def desk(tmp_path: Path, program: Program) -> Path:
    """A directory with keys, a device file and the container that it lists."""
    program.good("keygen", tmp_path / "keys")
    (tmp_path / "device.toml").write_text(DEVICE)
    pack(tmp_path, program, 5)
    return tmp_path


@pytest.mark.clause("TC-STATE-01")
def test_what_one_run_accepted_binds_the_next(desk: Path, program: Program) -> None:
    device, state = desk / "device.toml", desk / "device.db"
    program.good("run", device, "--for", "1ms")
    assert state.stat().st_mode & 0o777 == 0o600
    program.good("run", device, "--for", "1ms")
    pack(desk, program, 6)
    program.good("run", device, "--for", "1ms")
    pack(desk, program, 5)
    line = program.bad("run", device, "--for", "1ms", code=1)
    assert "sequence 5 is older than 6" in line
    gc.collect()  # as at a process's end, nobody has the file open any more
    state.unlink()
    program.good("run", device, "--for", "1ms")


@pytest.mark.clause("TC-STATE-01")
def test_without_a_name_nothing_is_written(desk: Path, program: Program) -> None:
    (desk / "device.toml").write_text(DEVICE.replace('file = "device.db"', ""))
    before = sorted(desk.iterdir())
    program.good("run", desk / "device.toml", "--for", "1ms")
    assert sorted(desk.iterdir()) == before


@pytest.mark.clause("TC-STATE-02")
def test_the_old_option_is_refused_with_what_to_write(desk: Path, program: Program) -> None:
    old = DEVICE.replace("[state]\n", "").replace('file = "device.db"\n', "", 1)
    old = old.replace("[trust]", '[trust]\nsequence_file = "accepted.json"')
    (desk / "device.toml").write_text(old)
    line = program.bad("run", desk / "device.toml")
    assert "device.toml: trust: sequence_file is no longer known" in line
    assert '[state] file = "device.db"' in line


@pytest.mark.parametrize("verb", [("run",), ("explain", "courier.tcb", "--device")])
@pytest.mark.clause("TC-STATE-03")
def test_a_foreign_file_is_one_line_and_stays(
    desk: Path, program: Program, verb: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(desk)
    Path("device.db").write_text('{"accepted": []}')
    line = program.bad(*verb, "device.toml")
    assert line.startswith("device.toml: state.file: device.db is no state file of this program")
    assert Path("device.db").read_text() == '{"accepted": []}'


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("../device.db", "lies outside of the file's directory"),
        ("", "state.file"),
        ("missing/device.db", "No such file or directory"),
        ("keys", "is a directory, pipe or device, not a file"),
        ("device.toml", "is no state file of this program"),
        ("blocked.db", "blocked.db-wal is a directory, pipe or device, not a file"),
    ],
)
@pytest.mark.clause("TC-STATE-03")
def test_a_name_that_cannot_be_a_state_file_is_refused(
    desk: Path, program: Program, name: str, words: str
) -> None:
    device = desk / "device.toml"
    device.write_text(DEVICE.replace("device.db", name))
    (desk / "blocked.db-wal").mkdir()
    code, _, err = program("run", device, "--for", "1ms")
    assert code in (1, 2)
    assert err.count("\n") == 1
    assert words in err
