"""Scripts replace and judge: on devices of real containers, with what is expected of it."""

import json
import shutil
from pathlib import Path

import pytest
from support.errors import catch_error
from support.project import ROOT, Program

from tinycontainer.errors import DeviceFileError
from tinycontainer.scenario.script import read_script

CONFORMANCE = ROOT / "specs" / "conformance"
ROLES = ("developer", "provider", "infrastructure", "owner")
VERSIONS = {
    "old": "replacing-trial-faults.old",
    "faulty": "replacing-trial-faults.loop",
    "good": "replacing-running.new",
    "late": "replacing-trial-in-time.new",
}
"""Containers of the conformance suite: one uid, four versions."""


def step(at_ms: int, verb: str, **values: object) -> str:
    lines = [f"at_ms = {at_ms}", f'verb = "{verb}"']
    lines += [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    return "\n".join(["[[steps]]", *lines, ""])


BEGIN = step(0, "load", file="old.tcb") + step(0, "start", uid="a")


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A device file, and versions of one container."""
    for name, bundle in VERSIONS.items():
        source = CONFORMANCE / "bundles" / f"{bundle}.rfc9052.tcb"
        shutil.copy(source, tmp_path / f"{name}.tcb")
    keys = [
        f'{{ role = "{role}", file = "{role}.pem" }}'
        for role in ROLES
        if shutil.copy(
            CONFORMANCE / "test-keys" / f"TEST-ONLY-{role}.pem", tmp_path / f"{role}.pem"
        )
    ]
    (tmp_path / "device.toml").write_text(f"[trust]\nkeys = [{', '.join(keys)}]\n")
    return tmp_path


def run(program: Program, desk: Path, script: str, *options: object, code: int = 0) -> list[str]:
    """The events of a run, without times."""
    (desk / "script.toml").write_text(script)
    trace = desk / "trace"
    arguments = ("run", desk / "device.toml", "--script", desk / "script.toml", "--for", "3s")
    program.json(*arguments, "--trace", trace, "--force", *map(str, options), code=code)
    return [json.loads(line)["event"] for line in trace.read_text().splitlines()]


def test_a_script_replaces_a_container_for_good(program: Program, desk: Path) -> None:
    names = run(program, desk, BEGIN + step(500, "replace", file="good.tcb"))
    assert names.count("replacing") == 1
    assert names.count("loaded") == 2
    assert not {"replacement-confirmed", "replacement-undone"} & set(names)


@pytest.mark.parametrize(
    ("file", "event"),
    [
        ("good.tcb", "replacement-confirmed"),
        ("faulty.tcb", "replacement-undone"),
        ("late.tcb", "replacement-undone"),
    ],
)
def test_a_script_replaces_a_container_on_trial(
    program: Program, desk: Path, file: str, event: str
) -> None:
    names = run(program, desk, BEGIN + step(500, "replace", file=file, confirm_ms=300))
    assert [name for name in names if name.startswith("repl")] == ["replacing", event]


def test_a_script_judges_and_nothing_changes(program: Program, desk: Path) -> None:
    judging = "".join(
        [
            step(500, "judge", file="good.tcb", replaces=True),
            step(500, "judge", file="good.tcb", refused=True),
            step(500, "judge", file="good.tcb", replaces=False, refused=True),
        ]
    )
    assert run(program, desk, BEGIN + judging) == run(program, desk, BEGIN)


def test_a_refused_replacement_and_a_judgement_are_surprises_where_they_are_not_expected(
    program: Program, desk: Path
) -> None:
    script = "".join(
        [
            step(0, "replace", file="old.tcb"),
            step(0, "replace", file="old.tcb", confirm_ms=9, refused=True),
            BEGIN,
            step(2, "judge", file="good.tcb"),
            step(3, "judge", file="good.tcb", replaces=True, refused=True),
        ]
    )
    (desk / "script.toml").write_text(script)
    code, _, err = program(
        *("run", desk / "device.toml", "--script", desk / "script.toml", "--for", "10ms")
    )
    assert code == 1
    duplicate = "a container with this uid is loaded; delete it first"
    assert err.splitlines() == [
        "error: script: replace at 0 ms: unknown-uid: no container a is loaded",
        f"error: script: judge at 2 ms: duplicate-uid: {duplicate}",
        "error: script: judge at 3 ms: was expected to be refused",
    ]


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (step(0, "replace", uid="a"), "replace takes a file and no uid"),
        (step(0, "judge", uid="a"), "judge takes a file and no uid"),
        (step(0, "judge", file="old.tcb", uid="a"), "judge takes a file and no uid"),
        (step(0, "load", file="old.tcb", confirm_ms=5), "confirm_ms: is for replace only"),
        (step(0, "judge", file="old.tcb", confirm_ms=5), "confirm_ms: is for replace only"),
        (step(0, "replace", file="old.tcb", replaces=True), "replaces: is for judge only"),
        (step(0, "start", uid="a", replaces=False), "replaces: is for judge only"),
        (step(0, "replace", file="old.tcb", confirm_ms=0), "steps[0].confirm_ms: "),
        (step(0, "replace", file="old.tcb", confirm_ms=1 << 40), "steps[0].confirm_ms: "),
        (step(0, "replace", file="old.tcb", confirm_ms="500ms"), "steps[0].confirm_ms: "),
        (step(0, "judge", file="old.tcb", replaces="yes"), "steps[0].replaces: "),
        (step(0, "replace", file="../old.tcb"), "steps[0].file: "),
    ],
)
def test_a_step_with_what_its_verb_does_not_have_is_refused(
    desk: Path, wrong: str, problem: str
) -> None:
    (desk / "script.toml").write_text(wrong)
    error = catch_error(DeviceFileError, read_script, desk / "script.toml")
    assert problem in str(error)


@pytest.mark.parametrize("wall", ["--virtual", "--wall"])
@pytest.mark.clause("TC-TOOL-10")
def test_a_recorded_run_whose_script_replaces_is_repeated_event_for_event(
    program: Program, desk: Path, wall: str
) -> None:
    script = "".join(
        [
            BEGIN,
            step(100, "judge", file="good.tcb", replaces=True),
            step(150, "judge", file="good.tcb", refused=True),
            step(200, "replace", file="faulty.tcb", confirm_ms=300),
            step(500, "replace", file="good.tcb", confirm_ms=300),
            step(800, "replace", file="old.tcb", refused=True),
            step(850, "judge", file="old.tcb", replaces=True, refused=True),
        ]
    )
    (desk / "script.toml").write_text(script)
    record, traces = desk / "record", (desk / "one", desk / "two")
    command = ("run", desk / "device.toml")
    recorded = program.json(
        *(*command, wall, "--script", desk / "script.toml", "--for", "1s"),
        *("--record", record, "--trace", traces[0]),
    )
    assert recorded["surprises"] == []
    for file in desk.glob("*.tcb"):
        file.unlink()
    repeated = program.json(*command, "--replay", record, "--trace", traces[1])
    assert traces[0].read_bytes() == traces[1].read_bytes()
    assert repeated["containers"] == recorded["containers"]
    names = [json.loads(line)["event"] for line in traces[0].read_text().splitlines()]
    assert names.count("replacing") == 2
    assert names.count("replacement-undone") == names.count("replacement-confirmed") == 1
    assert names.count("load-refused") == 1
