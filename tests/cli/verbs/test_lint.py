"""lint: what it reads, prints and returns, and that it stays inert."""

import json
import re
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
import wasmtime
from support.hostile import HOSTILE, inert, shown
from support.project import BOX, VECTORS, Program

from tinycontainer.cli.main import main
from tinycontainer.tools.lint import RULES
from tinycontainer.tools.packing.manifest import read_manifest
from tinycontainer.tools.packing.packing import pack_unsigned

NOW = ("--at", 1_800_000_000)
MANIFEST = """
[container]
uid = "hex:{uid}"
code = "code.wasm"
syscalls = ["open", "write"]
[[endpoints]]
id = 1
peer = "container"
peer_uid = "hex:{peer}"
peer_endpoint = 1
direction = "in"
"""
CODE = """(module (memory (export "memory") 1)
  (func (export "loop") (result i32) i32.const 0))"""


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The box with its keys, device file and four packed containers."""
    box = tmp_path_factory.mktemp("lint") / "box"
    shutil.copytree(BOX, box)
    assert main(["keygen", str(box / "keys")]) == 0
    text = (box / "courier" / "container.toml").read_text()
    wide = text.replace('"open", ', '"open", "close", ')
    (box / "courier" / "wide.toml").write_text(wide)
    for name, manifest in (
        ("courier", "courier"),
        ("wide", "courier/wide.toml"),
        ("compliance", "compliance"),
        ("mapper", "mapper"),
        ("intruder-1", "intruder/attack-1.toml"),
    ):
        out = str(box / f"{name}.tcb")
        assert main(["pack", str(box / manifest), "--keys", str(box / "keys"), "-o", out]) == 0
    return box


def by_container(found: Any) -> dict[str | None, list[str]]:
    listed: dict[str | None, list[str]] = {}
    for each in found["findings"]:
        listed.setdefault(each["uid"], []).append(each["id"])
    return listed


def test_the_box_is_found_as_good_as_it_is(packed: Path, program: Program) -> None:
    files = [packed / f"{name}.tcb" for name in ("courier", "compliance", "mapper")]
    found = program.json("lint", *files, "--device", packed / "device.toml", *NOW)
    assert by_container(found) == {
        "courier": ["TCL107"],
        "compliance": ["TCL107", "TCL203"],  # it opens its sensors in a loop
        "mapper": ["TCL411"],  # 80 ms against 50
    }
    assert found["counts"] == {"error": 0, "warning": 1, "note": 3}


def test_the_intruder_is_seen_through(packed: Path, program: Program) -> None:
    found = program.json("lint", packed / "intruder-1.tcb", *NOW, code=1)
    assert by_container(found) == {"intruder-1": ["TCL101", "TCL105", "TCL107", "TCL202"]}
    assert found["findings"][3]["message"] == "opens endpoints 1, 99, not declared in the metadata"


def test_people_get_two_lines_for_each_finding_by_container(packed: Path, program: Program) -> None:
    out = program.good("lint", packed / "wide.tcb", packed / "compliance.tcb", *NOW)
    lines = out.splitlines()
    assert lines[0] == f"courier ({packed}/wide.tcb)"
    assert lines[1] == "  warning TCL102 syscall-mask: allows close, which the code never calls"
    assert lines[2] == "    Leave them out of the mask."
    assert lines[-1] == "2 containers: 0 errors, 1 warning, 3 notes"
    assert len(lines) == 2 + 2 * 4 + 1


@pytest.mark.parametrize(("threshold", "code"), [("error", 0), ("warning", 1), ("note", 1)])
def test_the_exit_code_goes_by_severity(
    packed: Path, program: Program, threshold: str, code: int
) -> None:
    found, _, err = program("lint", packed / "wide.tcb", "--fail-on", threshold, *NOW)
    assert (found, err) == (code, "")
    assert program("lint", packed / "intruder-1.tcb", "--fail-on", threshold, *NOW)[0] == 1


def test_a_device_file_brings_its_containers_along(packed: Path, program: Program) -> None:
    device = packed / "with-containers.toml"
    listed = '[[containers]]\nbundle = "courier.tcb"\n[[containers]]\nbundle = "none.tcb"\n'
    device.write_text((packed / "device.toml").read_text() + listed)
    found = program.json("lint", packed / "compliance.tcb", "--device", device, *NOW)
    assert [each["uid"] for each in found["containers"]] == ["compliance", "courier"]
    assert by_container(found)[None] == ["TCL610"]
    assert "TCL213" not in {each["id"] for each in found["findings"]}
    alone = program.json("lint", "--device", device, *NOW)
    assert [each["uid"] for each in alone["containers"]] == ["courier"]
    assert "TCL213" in by_container(alone)["courier"]
    newer = program.json("lint", packed / "courier.tcb", "--device", device, *NOW)
    assert [each["uid"] for each in newer["containers"]] == ["courier"]


def test_drivers_and_caps_of_the_device_count(packed: Path, program: Program) -> None:
    device = packed / "strict.toml"
    device.write_text("[caps]\nbest_priority = 9\n[trust]\nallow_unsigned = true\n")
    found = program.json("lint", packed / "courier.tcb", "--device", device, *NOW, code=1)
    assert {"TCL210", "TCL401"} <= set(by_container(found)["courier"])
    assert by_container(found)[None] == ["TCL511"]


def test_the_firmwares_profile_brings_its_board(packed: Path, program: Program) -> None:
    found = program.json("lint", packed / "courier.tcb", "--profile", "riot-2024", *NOW, code=1)
    assert {"TCL107", "TCL209", "TCL509", "TCL601"} <= set(by_container(found)["courier"])
    large = packed / "compliance.tcb"
    found = program.json("lint", large, "--profile", "riot-2024", *NOW, code=1)
    assert any("board riot-2024" in each["message"] for each in found["findings"])


@pytest.mark.skipif(not VECTORS.is_dir(), reason="the firmware's files are not on this machine")
def test_the_firmwares_own_files_are_audited(program: Program) -> None:
    found = program.json("lint", VECTORS / "simple_container.metadata", *NOW)
    assert by_container(found)["simple_container"] == ["TCL103", "TCL104", "TCL508", "TCL605"]


def pack_unjudged(source: Path, out: Path) -> None:
    """Pack what the verb refuses: code that no runtime admits."""
    manifest = read_manifest(source)
    bundle = pack_unsigned(manifest.blueprint, manifest.code, manifest.data)
    out.write_bytes(bundle.encode())
    out.with_suffix(".metadata").write_bytes(bundle.metadata)


def test_a_directory_of_the_firmwares_layout_is_audited(tmp_path: Path, program: Program) -> None:
    box = tmp_path / "box"
    box.mkdir()
    (box / "container.toml").write_text('[container]\nuid = "box"\ncode = "box.wasm"\n')
    (box / "box.wasm").write_bytes(wasmtime.wat2wasm("(module)"))
    pack_unjudged(box, box / "box.tcb")
    (box / "RUNTIME").write_text("rbpf\n")
    (box / "box.wasm").rename(box / "box.bin")
    found = by_container(program.json("lint", box, *NOW, code=1))["box"]
    assert {"TCL603", "TCL604"} <= set(found)


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("none.tcb",),
        ("{box}/courier.tcb", "--json", "--sarif"),
        ("{box}/courier.tcb", "--profile", "rfc8392"),
        ("{box}/courier.tcb", "--device", "none.toml"),
        ("{box}/device.toml",),
        ("{box}",),
    ],
)
def test_bad_input_is_one_line(packed: Path, program: Program, arguments: tuple[str, ...]) -> None:
    line = program.bad("lint", *(each.format(box=packed) for each in arguments))
    assert inert(line)


# SARIF.


def sarif(program: Program, *arguments: object) -> Any:
    """The log, checked for what SARIF 2.1.0 demands of one."""
    _, out, err = program("lint", *arguments, "--sarif", *NOW)
    assert err == ""
    assert out.isascii()
    log = json.loads(out)
    assert set(log) == {"$schema", "version", "runs"}
    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("sarif-2.1.0.json")
    (run,) = log["runs"]
    check_rules(run["tool"]["driver"])
    for result in run["results"]:
        check_result(result, run["tool"]["driver"]["rules"])
    return run


def check_rules(driver: Any) -> None:
    assert set(driver) == {"name", "version", "rules"}
    assert [rule["id"] for rule in driver["rules"]] == [rule.id for rule in RULES]
    for rule in driver["rules"]:
        assert rule["defaultConfiguration"]["level"] in ("error", "warning", "note")
        for name in ("shortDescription", "fullDescription", "help"):
            assert set(rule[name]) == {"text"}
            assert rule[name]["text"]


def check_result(result: Any, rules: Any) -> None:
    assert set(result) == {"ruleId", "ruleIndex", "level", "message", "locations"}
    assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    assert result["level"] in ("error", "warning", "note")
    assert set(result["message"]) == {"text"}
    assert not set(result["message"]["text"]) & set("[]{}<>\n\x1b")
    (location,) = result["locations"]
    (logical,) = location["logicalLocations"]
    assert logical["fullyQualifiedName"].endswith(logical["name"])
    if "physicalLocation" in location:
        uri = location["physicalLocation"]["artifactLocation"]["uri"]
        assert re.fullmatch(
            r"[A-Za-z0-9._~/-]([A-Za-z0-9._~/-]|%[0-9A-F]{2})*|(%[0-9A-F]{2}.*)", uri
        )
        assert not uri.startswith("/")


def test_the_log_holds_what_was_found(
    packed: Path, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(packed.parent)
    files = ("courier", "compliance", "mapper")
    named = [f"box/{name}.tcb" for name in files]
    run = sarif(program, packed / "courier.tcb", *named[1:], "--device", "box/device.toml")
    found = program.json("lint", *named, "--device", "box/device.toml", *NOW)
    assert [each["ruleId"] for each in run["results"]] == [each["id"] for each in found["findings"]]
    uris = {
        each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        for each in run["results"]
    }
    assert uris == set(named)


@pytest.mark.parametrize("name", ["a b%20", "#x?y", "c:d", "\x1b[31m", "ä\udcff", "[l](http:x)"])
def test_locations_are_percent_encoded(
    packed: Path, tmp_path: Path, program: Program, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    raw = name.encode("utf-8", "surrogateescape")
    shutil.copy(packed / "courier.tcb", tmp_path / name)
    run = sarif(program, Path(name))
    uri = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert unquote_to_bytes(uri) == raw
    assert ":" not in uri
    assert inert(program.good("lint", Path(name), *NOW))


LINKS = {"link": b"[x](http://example.org)", "placeholder": b"{0}{1}", "tag": b"<img src=x>"}


@pytest.mark.parametrize("hostile", [*HOSTILE.values(), *LINKS.values()], ids=[*HOSTILE, *LINKS])
def test_hostile_uids_leave_terminal_json_and_sarif_inert(
    tmp_path: Path, program: Program, hostile: bytes
) -> None:
    (tmp_path / "code.wasm").write_bytes(wasmtime.wat2wasm(CODE))
    text = MANIFEST.format(uid=hostile.hex(), peer=(hostile + b"2").hex())
    (tmp_path / "hostile.toml").write_text(text)
    bundle = tmp_path / "hostile.tcb"
    program.good("pack", tmp_path / "hostile.toml", "--unsigned", "-o", bundle)
    out = program.good("lint", bundle, *NOW)
    assert inert(out)
    assert f"endpoint 1 of {shown(hostile)}2, which is not given" in out
    found = program.json("lint", bundle, *NOW)
    assert {each["uid"] for each in found["findings"]} == {shown(hostile)}
    assert found["containers"][0]["uid_hex"] == hostile.hex()
    assert len(sarif(program, bundle)["results"]) == len(found["findings"])


def test_hostile_code_and_types_leave_the_output_inert(tmp_path: Path, program: Program) -> None:
    module = '(module (import "env" "\\1b[31m\\0a" (func)))'
    (tmp_path / "code.wasm").write_bytes(wasmtime.wat2wasm(module))
    (tmp_path / "hostile.toml").write_text('[container]\nuid = "x"\ncode = "code.wasm"\n')
    pack_unjudged(tmp_path / "hostile.toml", tmp_path / "x.tcb")
    code, out, err = program("lint", tmp_path / "x.tcb", *NOW)
    assert (code, err) == (1, "")
    assert inert(out)
    assert "is not offered by this device" in out
    sarif(program, tmp_path / "x.tcb")
