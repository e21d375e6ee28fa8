"""run, its script and its trace; the demo; the schema; and what holds for the whole program."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import wasmtime
from support.project import Program, check_answer

from tinycontainer.cli.main import main


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the demo leaves behind."""
    directory = tmp_path_factory.mktemp("demo") / "box"
    environment = dict(os.environ)
    subprocess.run(
        [sys.executable, "-m", "tinycontainer", "demo", "--keep", str(directory), "--json"],
        check=True,
        capture_output=True,
        env=environment,
    )
    return directory


def test_the_demo_holds_and_says_so_as_data(program: Program) -> None:
    found = program.json("demo")
    assert found["held"]
    assert found["surprises"] == []
    assert len(found["expectations"]) >= 20
    assert all(each["held"] for each in found["expectations"])
    assert {row["uid"] for row in found["containers"]} >= {
        "courier",
        "compliance",
        "mapper",
        "mapper-rbpf",
    }
    assert {row["reason"] for row in found["refusals"]} >= {
        "masked",
        "unknown-endpoint",
        "not-owner",
        "direction",
        "token",
    }


def test_the_demo_prints_a_log_and_tables_for_people(program: Program) -> None:
    out = program.good("demo")
    assert "REFUSED heartbeat(0): masked" in out
    assert "Who ran" in out
    assert "What was refused, and why" in out
    assert "FAILED" not in out
    assert "\x1b" not in out


def test_two_demos_with_different_keys_leave_identical_traces(
    tmp_path: Path, program: Program
) -> None:
    for name in ("one", "two"):
        program.good("demo", "--trace", tmp_path / name, "--keep", tmp_path / f"{name}.box")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    keys = [
        (tmp_path / f"{name}.box" / "keys" / "owner.pub").read_text() for name in ("one", "two")
    ]
    assert keys[0] != keys[1]


@pytest.mark.clause("TC-TOK-22", "TC-TOOL-04")
def test_a_trace_holds_neither_keys_nor_tokens_nor_payload(box: Path, program: Program) -> None:
    trace = box / "secrets.jsonl"
    program.good("run", box / "device.toml", "--script", box / "script.toml", "--trace", trace)
    text = trace.read_text()
    for path in (*box.glob("keys/*"), *box.glob("*.metadata")):
        content = path.read_bytes()
        assert content.hex()[:32] not in text
        assert content.decode("latin-1").strip()[:40] not in text
    assert "12 Example Street" not in text
    program.good(
        "run",
        box / "device.toml",
        "--script",
        box / "script.toml",
        "--trace",
        trace,
        "--force",
        "--trace-data",
    )
    assert b"12 Example Street".hex() in trace.read_text()


def test_the_demo_fails_if_an_expectation_does(box: Path, tmp_path: Path) -> None:
    package = tmp_path / "tinycontainer_examples"
    example = package / "smartdronebox"
    example.parent.mkdir()
    (package / "__init__.py").write_text('"""Another example."""\n')
    subprocess.run(["cp", "-r", str(box), str(example)], check=True)
    for made in (*example.glob("*.tcb"), *example.glob("*.metadata"), *example.glob("keys/*")):
        made.unlink()
    (example / "keys").rmdir()
    (example / "expectations.toml").write_text(
        '[[expectations]]\ntext = "the moon rises"\nevent = "log"\nwhere = { line = "moonrise" }\n'
    )
    # In a process of its own: no other test is to find these examples.
    done = subprocess.run(
        [sys.executable, "-m", "tinycontainer", "demo", "--json"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1
    found = json.loads(done.stdout)
    check_answer(["demo"], found)
    (unmet,) = found["expectations"]
    assert (unmet["text"], unmet["found"], unmet["held"]) == ("the moon rises", 0, False)
    assert unmet["place"] == "expectations.toml:1: expectations[0]"


def test_run_plays_a_script_and_counts(box: Path, program: Program) -> None:
    found = program.json("run", box / "device.toml", "--script", box / "script.toml", "--for", "9s")
    assert found["device_time_ms"] == pytest.approx(9000, abs=1)
    rows = {row["uid"]: row for row in found["containers"]}
    assert rows["compliance"]["loops"] == 9
    assert rows["intruder-7"]["ended_by"] == "trap in loop unreachable"
    [[function, offset]] = rows["intruder-7"]["frames"]
    assert rows["compliance"]["frames"] == []
    shown = program.good("run", box / "device.toml", "--script", box / "script.toml", "--for", "9s")
    place = f"at function {function}, offset {offset:#x}"
    assert f"trap in loop unreachable {place}" in " ".join(shown.split())
    assert found["surprises"] == []


def test_run_loads_and_starts_what_the_device_file_lists(box: Path, program: Program) -> None:
    file = box / "listed.toml"
    file.write_text((box / "device.toml").read_text() + '\n[[containers]]\nbundle = "mapper.tcb"\n')
    found = program.json("run", file, "--for", "1s")
    assert [row["loops"] for row in found["containers"]] == [20]


def test_run_in_wall_time_takes_its_time(box: Path, program: Program) -> None:
    file = box / "wall.toml"
    file.write_text((box / "device.toml").read_text() + '\n[[containers]]\nbundle = "mapper.tcb"\n')
    found = program.json("run", file, "--wall", "--for", "250ms")
    assert found["device_time_ms"] >= 250
    (row,) = found["containers"]
    assert 1 <= row["loops"] <= 5


def test_a_script_that_does_not_go_as_expected_exits_with_one(box: Path, program: Program) -> None:
    script = box / "surprise.toml"
    script.write_text(
        '[[steps]]\nat_ms = 5\nverb = "start"\nuid = "nobody"\n'
        '[[steps]]\nat_ms = 1\nverb = "load"\nfile = "courier.tcb"\nrefused = true\n'
    )
    code, _, err = program("run", box / "device.toml", "--script", script, "--for", "10ms")
    assert code == 1
    assert err.splitlines() == [
        "error: script: load at 1 ms: was expected to be refused",
        "error: script: start at 5 ms: no container nobody is loaded",
    ]


@pytest.mark.parametrize(
    ("device", "place"),
    [
        ("[device]\nboard = 'arduino'", "device.board"),
        ("[capacity]\nslots = 0", "capacity.slots"),
        ("[scheduling]\nslice_ms = '10'", "scheduling.slice_ms"),
        ("[caps]\nloop_share = 2", "caps.loop_share"),
        ("[caps]\nloop_share = nan", "caps.loop_share"),
        ("[caps.uids.'']\nloop_max_ms = 2", "caps.uids"),
        ("[[trust.keys]]\nrole = 'owner'\nfile = 'none.pub'", "none.pub: cannot be read"),
        ("[[trust.keys]]\nrole = 'owner'\nfile = '../x'", "trust.keys[0].file: ../x lies outside"),
        ("[[trust.keys]]\nrole = 'king'\nfile = 'x'", "trust.keys[0].role"),
        (
            "[[trust.keys]]\nrole = 'owner'\nfile = 'keys/owner.pub'\nalgorithm = 'HMAC-256'",
            "trust.keys[0].algorithm",
        ),
        (
            (
                "[trust]\nkeys = [{ role = 'owner', file = 'keys/owner.pub' },"
                " { role = 'developer', file = 'keys/owner.pub' }]"
            ),
            "trust.keys: one key has the roles developer and owner",
        ),
        ("[[trust.keys]]\nrole = 'owner'\nfile = 'device.toml'", "device.toml: neither PEM nor"),
        (
            "[runtimes]\nwasm = 'v8'",
            "runtimes.wasm: v8 is not installed; there are: bpf.rbpf, wasm.pywasm",
        ),
        ("[[drivers]]\ndriver = 'teleport'\nendpoint = 1", "drivers[0].driver: teleport"),
        ("[[drivers]]\ndriver = 'console'\nendpoint = -1", "drivers[0].endpoint"),
        (
            "[[drivers]]\ndriver = 'console'\nendpoint = 1\noptions = { prefx = 'a' }",
            "driver console: options.prefx: this key is not known here; did you mean prefix?",
        ),
        (
            "[[drivers]]\ndriver = 'sensor'\nendpoint = 1\noptions = { file = 'no.csv' }",
            "drivers[0]: driver sensor: options.file: no.csv cannot be read",
        ),
        (
            (
                "[[drivers]]\ndriver = 'console'\nendpoint = 1\n"
                "[[drivers]]\ndriver = 'buffer'\nendpoint = 1"
            ),
            "drivers: buffer: local endpoint 1 has a driver already",
        ),
        ("[[containers]]\nbundle = 'missing.tcb'", "missing.tcb: cannot be read"),
        ("x = 1", "x: "),
        ("[", "is not TOML"),
        ("x = '\ud800'", "is not UTF-8"),
    ],
)
@pytest.mark.clause("TC-TOOL-01")
def test_a_wrong_device_file_gives_one_line_with_its_place(
    box: Path, program: Program, device: str, place: str
) -> None:
    file = box / "wrong.toml"
    file.write_bytes(device.encode("utf-8", "surrogatepass"))
    line = program.bad("run", file, "--for", "1ms")
    assert line.startswith(str(file)) or "cannot be read" in line or "neither PEM" in line
    assert place in line


@pytest.mark.parametrize("bundle", ["device.toml", "courier.tcb"])
@pytest.mark.clause("TC-TOOL-01")
def test_a_listed_container_that_is_refused_is_named_and_no_bad_input(
    box: Path, program: Program, bundle: str
) -> None:
    file = box / "wrong.toml"
    file.write_text(f"[[containers]]\nbundle = '{bundle}'\n")
    line = program.bad("run", file, "--for", "1ms", code=1)
    assert line.startswith(f"{file}: containers[0].bundle: {bundle} is refused: ")


@pytest.mark.clause("TC-LOAD-14")
def test_files_that_are_too_long_are_refused_before_they_are_parsed(
    tmp_path: Path, program: Program
) -> None:
    file = tmp_path / "long.toml"
    file.write_text("#" * 70_000)
    assert "has more than 65536 bytes" in program.bad("run", file)


@pytest.mark.parametrize("text", ["10", "s", "-5s", "1.5s", "10 s", "10x", "", "٣s", "ms"])
def test_a_wrong_duration_is_refused(box: Path, program: Program, text: str) -> None:
    assert "no duration" in program.bad("run", box / "device.toml", "--for", text)


@pytest.mark.parametrize("text", ["1ms", "0s", "1m", "1h"])
def test_durations_have_units(box: Path, program: Program, text: str) -> None:
    wanted_ms = {"1ms": 1, "0s": 0, "1m": 60_000, "1h": 3_600_000}[text]
    found = program.json("run", box / "device.toml", "--for", text)
    assert found["device_time_ms"] == wanted_ms


@pytest.mark.parametrize("file", ["device", "container", "script", "expectations"])
def test_schemas_are_published_and_describe_their_fields(program: Program, file: str) -> None:
    schema = program.json("schema", file)
    assert schema["type"] == "object"
    assert schema["additionalProperties"] is False


def test_optimised_python_is_refused_in_one_line_where_pywasm_would_run(box: Path) -> None:
    for arguments, code in ((["run", str(box / "device.toml"), "--for", "1ms"], 3), (["demo"], 3)):
        done = subprocess.run(
            [sys.executable, "-O", "-m", "tinycontainer", *arguments],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stdout) == (code, "")
        assert done.stderr.startswith("error: pywasm works by assertions")
        assert done.stderr.count("\n") == 1


def test_optimised_python_still_inspects_and_verifies(box: Path) -> None:
    for arguments in (["inspect"], ["verify", "--keys", str(box / "keys")]):
        done = subprocess.run(
            [sys.executable, "-O", "-m", "tinycontainer", *arguments, str(box / "courier.tcb")],
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0


@pytest.mark.clause("TC-TOOL-03")
def test_an_existing_trace_is_not_overwritten(box: Path, program: Program) -> None:
    trace = box / "precious"
    trace.write_text("precious")
    line = program.bad("run", box / "device.toml", "--trace", trace)
    assert "exists; use --force" in line
    assert trace.read_text() == "precious"
    line = program.bad("run", box / "device.toml", "--trace", box / "no" / "where")
    assert "cannot be written" in line


def test_a_closed_output_is_no_traceback(box: Path) -> None:
    command = f"{sys.executable} -m tinycontainer demo | head -n 1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr


def test_json_is_one_object(program: Program) -> None:
    code, out, _ = program("demo", "--json")
    assert code == 0
    assert isinstance(json.loads(out), dict)


@pytest.mark.clause("TC-TOOL-01")
@pytest.mark.parametrize(
    ("options", "code"),
    [
        ([], 0),
        (["--fail-on", "fault"], 1),
        (["--fail-on", "miss", "--fail-on", "refusal"], 0),
        (["--fail-on", "miss", "--fail-on", "fault"], 1),
    ],
)
def test_a_run_fails_on_request_if_a_container_faulted(
    tmp_path: Path, program: Program, options: list[str], code: int
) -> None:
    device = listing(tmp_path, "unreachable")
    found, _, err = program("run", device, "--for", "1s", *options)
    assert found == code
    assert ("--fail-on fault: the run had at least one" in err) == bool(code)


@pytest.mark.clause("TC-TOOL-01")
def test_a_run_fails_on_request_if_something_was_refused_or_missed(
    tmp_path: Path, program: Program
) -> None:
    call = '(import "env" "heartbeat" (func $call (result i32)))'
    device = listing(tmp_path, "call $call", before=call)
    assert program("run", device, "--for", "1s", "--fail-on", "refusal")[0] == 1
    assert program("run", device, "--for", "1s", "--fail-on", "fault", "--fail-on", "miss")[0] == 0
    device = listing(tmp_path, "(loop br 0) i32.const 0", more="period_ms = 1\nperiod_max_ms = 1")
    assert program("run", device, "--for", "1s", "--fail-on", "miss")[0] == 1


def listing(tmp_path: Path, body: str, *, before: str = "", more: str = "") -> Path:
    """A device file that lists one container whose loop is this."""
    text = f'(module {before} (memory (export "memory") 1)'
    text += f' (func (export "loop") (result i32) {body}))'
    (tmp_path / "me.wasm").write_bytes(wasmtime.wat2wasm(text))
    manifest = f'[container]\nuid = "me"\ncode = "me.wasm"\n{more}\n'
    (tmp_path / "container.toml").write_text(manifest)
    bundle = tmp_path / "me.tcb"
    assert main(["pack", str(tmp_path), "--unsigned", "--force", "-o", str(bundle)]) == 0
    listed = '[trust]\nallow_unsigned = true\n[[containers]]\nbundle = "me.tcb"\n'
    (tmp_path / "device.toml").write_text(listed)
    return tmp_path / "device.toml"
