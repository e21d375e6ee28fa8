"""What goes wrong outside of us: interrupts, closed outputs, files that cannot be used."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.project import BOX, Program

from tinycontainer.cli.output_files import write_file

PROGRAM = [sys.executable, "-m", "tinycontainer"]
MANIFEST = '[container]\nuid = "me"\ncode = "me.wasm"\n'


def manifest(tmp_path: Path, text: str = MANIFEST) -> Path:
    directory = tmp_path / "me"
    directory.mkdir(exist_ok=True)
    (directory / "container.toml").write_text(text)
    (directory / "me.wasm").write_bytes((BOX / "mapper" / "mapper.wasm").read_bytes())
    return directory


def test_an_interrupt_is_one_word_and_its_own_exit_code(tmp_path: Path, program: Program) -> None:
    program.good("pack", BOX / "mapper", "--unsigned", "-o", tmp_path / "mapper.tcb")
    listed = '[trust]\nallow_unsigned = true\n[[containers]]\nbundle = "mapper.tcb"\n'
    (tmp_path / "device.toml").write_text(listed)
    command = [*PROGRAM, "run", str(tmp_path / "device.toml"), "--wall", "--for", "1h"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        try:
            assert running.stdout is not None
            assert b"loaded into slot" in running.stdout.readline()
            running.send_signal(signal.SIGINT)
            _, err = running.communicate(timeout=60)
        finally:
            running.kill()
    assert running.returncode == 130
    assert b"Traceback" not in err


def test_an_interrupt_before_the_run_is_one_too(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tinycontainer.cli.verbs.running.demo._make_keys", interrupted)
    code, out, err = program("demo")
    assert (code, out) == (130, "")
    assert err.strip() == "interrupted"


def test_an_interrupt_while_the_program_is_imported_is_one_word(tmp_path: Path) -> None:
    (tmp_path / "click.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    command = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import runpy;"
    command += "runpy.run_module('tinycontainer', run_name='__main__')"
    arguments = [sys.executable, "-c", command]
    done = subprocess.run(arguments, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted\n")


@pytest.mark.parametrize("closed", ["2>&-", "2>/dev/full"])
@pytest.mark.parametrize(("verb", "code"), [("demo", 0), ("inspect /nowhere", 2), ("fly", 2)])
def test_standard_error_that_takes_nothing_changes_no_exit_code(
    verb: str, code: int, closed: str
) -> None:
    command = f"{' '.join(PROGRAM)} {verb} >/dev/null {closed}"
    assert subprocess.run(command, shell=True, check=False).returncode == code


@pytest.mark.parametrize("closed", ["<&-", ">&-", "<&- >&- 2>&-"])
def test_a_program_without_streams_does_its_work(closed: str) -> None:
    command = f"{' '.join(PROGRAM)} demo >/dev/null {closed}"
    assert subprocess.run(command, shell=True, check=False).returncode == 0


def test_the_end_of_something_that_a_library_reads_is_no_interrupt(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut_short(*_: object) -> None:
        raise EOFError("premature end of stream")

    monkeypatch.setattr("tinycontainer.cli.verbs.running.demo._make_keys", cut_short)
    with pytest.raises(EOFError, match="premature"):  # a defect, and shown as one
        program("demo")


def test_a_reader_that_goes_away_is_told_from_a_refusal() -> None:
    command = f"{' '.join(PROGRAM)} demo; echo $? >&2"
    script = f"({command}) | head -n 1 > /dev/null"
    done = subprocess.run(script, shell=True, capture_output=True, text=True, check=True)
    assert done.stderr == "141\n"


@pytest.mark.parametrize("out", [".", "", "/"])
def test_an_output_without_a_name_is_refused(
    tmp_path: Path, keys: Path, program: Program, out: str
) -> None:
    line = program.bad("pack", manifest(tmp_path), "--keys", keys, "-o", out)
    assert "is no file name" in line


def test_an_output_that_is_a_directory_is_refused_before_anything_is_written(
    tmp_path: Path, keys: Path, program: Program
) -> None:
    (tmp_path / "me.metadata").mkdir()
    arguments = ("pack", manifest(tmp_path), "--keys", keys, "-o", tmp_path / "me.tcb", "--force")
    assert "me.metadata: is not a file" in program.bad(*arguments)
    assert not (tmp_path / "me.tcb").exists()


def test_a_file_that_cannot_be_written_leaves_no_draft(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(Exception, match="No space left"):
        write_file(tmp_path / "owner.pem", b"secret", private=True)
    assert list(tmp_path.iterdir()) == []


HOSTILE_TOML = {
    "a decimal number without end": f"priority = {'9' * 5000}",
    "a hexadecimal number without end": f"priority = 0x{'f' * 5000}",
    "keys without end": f"[{'.'.join('a' * 2000)}]",
    "a date": "syscalls = 2020-01-01",
    "a time": "data = 07:32:00",
}


@pytest.mark.parametrize("line", HOSTILE_TOML.values(), ids=HOSTILE_TOML.keys())
def test_hostile_toml_gives_one_line(
    tmp_path: Path, keys: Path, program: Program, line: str
) -> None:
    source = manifest(tmp_path, MANIFEST + line + "\n")
    said = program.bad("pack", source, "--keys", keys, "-o", tmp_path / "me.tcb")
    assert "container.toml" in said
    assert len(said) < 1000


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (MANIFEST + "surprise = 1\n", "container.surprise: this key is not known here"),
        (MANIFEST + "perod_ms = 1\n", "known here; did you mean period_ms?"),
        (
            MANIFEST + "priority = 99\n",
            "Input should be less than or equal to 15; it is 99",
        ),
        (MANIFEST + "syscalls = 'open'\n", 'it is "open"'),
        (MANIFEST + "[security]\nloop_perod_ms = 1\n", "did you mean loop_period_ms?"),
        (
            MANIFEST + "[tokens]\nexpire = 1\n",
            "this key is not known here; did you mean expires?",
        ),
        (MANIFEST + "data_hex = 'f'\n", "container.data_hex: f has an odd number of digits"),
        ('[container]\nuid = "me"\n', "container.code: is missing"),
        (MANIFEST.replace('"me"', '""'), "container.uid: a uid has 1 to 63 bytes, not 0"),
        (MANIFEST.replace('"me"', '"hex:61 62"'), "container.uid: 61 62 is not hexadecimal"),
    ],
)
def test_problems_of_a_manifest_are_told_in_words(
    tmp_path: Path, keys: Path, program: Program, text: str, problem: str
) -> None:
    source = manifest(tmp_path, text)
    assert problem in program.bad("pack", source, "--keys", keys, "-o", tmp_path / "me.tcb")


def test_links_in_a_circle_are_no_file(tmp_path: Path, keys: Path, program: Program) -> None:
    source = manifest(tmp_path, MANIFEST.replace("me.wasm", "circle"))
    (source / "circle").symlink_to("circle")
    line = program.bad("pack", source, "--keys", keys, "-o", tmp_path / "me.tcb")
    assert "circle" in line


def test_a_pipe_is_not_waited_for(tmp_path: Path, program: Program) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "it is a pipe" in program.bad("inspect", tmp_path / "pipe")


def test_a_duration_without_end_is_refused(tmp_path: Path, program: Program) -> None:
    (tmp_path / "device.toml").write_text("")
    assert "duration" in program.bad("run", tmp_path / "device.toml", "--for", f"{'9' * 5000}s")


@pytest.mark.parametrize("kid", ["", "k" * 65])
def test_a_key_id_that_cannot_be_is_refused_and_leaves_nothing(
    tmp_path: Path, program: Program, kid: str
) -> None:
    line = program.bad("keygen", tmp_path / "keys", "--mac", "--kid", kid)
    assert "1 to 64 bytes" in line
    assert not (tmp_path / "keys").exists()


def test_a_key_id_is_not_dropped_in_silence(tmp_path: Path, program: Program) -> None:
    assert "use --mac" in program.bad("keygen", tmp_path / "keys", "--kid", "one")


def test_keys_beside_the_example_are_no_part_of_it(
    tmp_path: Path, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = BOX / "keys"
    monkeypatch.setattr("os.urandom", os.urandom)
    made.mkdir()
    try:
        (made / "owner.pem").write_text("not to be shipped")
        program.good("demo", "--keep", tmp_path / "box")
        assert "BEGIN" in (tmp_path / "box" / "keys" / "owner.pem").read_text()
    finally:
        (made / "owner.pem").unlink()
        made.rmdir()


def test_a_demo_that_cannot_begin_leaves_nothing_behind(tmp_path: Path, program: Program) -> None:
    trace = tmp_path / "trace"
    trace.write_text("")
    line = program.bad("demo", "--keep", tmp_path / "box", "--trace", trace)
    assert "exists" in line
    assert not (tmp_path / "box").exists()


def test_a_device_without_containers_says_so(tmp_path: Path, program: Program) -> None:
    (tmp_path / "device.toml").write_text("")
    out = program.good("run", tmp_path / "device.toml", "--for", "1ms")
    assert "lists no containers" in out


def test_one_key_in_two_roles_is_refused_when_packing(
    tmp_path: Path, keys: Path, program: Program
) -> None:
    (keys / "developer.pem").write_bytes((keys / "owner.pem").read_bytes())
    line = program.bad("pack", manifest(tmp_path), "--keys", keys, "-o", tmp_path / "me.tcb")
    assert "one key has the roles" in line


def test_a_large_container_that_was_packed_can_be_inspected_and_verified(
    tmp_path: Path, keys: Path, program: Program
) -> None:
    entry = '\n[[endpoints]]\nid = {}\npeer = "local"\npeer_endpoint = 1\ndirection = "in"\n'
    text = MANIFEST + "\n[tokens]\nsign_endpoints = true\n" + "".join(map(entry.format, range(14)))
    out = tmp_path / "me.tcb"
    arguments = ("pack", manifest(tmp_path, text), "--keys", keys, "-o", out)
    line = program.bad(*arguments, code=1)
    assert "metadata of 2644 bytes; 2048 fit" in line
    (tmp_path / "device.toml").write_text("[capacity]\nmetadata_bytes = 4096\n")
    program.good(*arguments, "--device", tmp_path / "device.toml")
    assert program.json("inspect", out)["metadata"]["bytes"] == 2644
    assert program.json("verify", out, "--keys", keys)["valid"]
