"""Hostile uids, log lines and file names: the terminal and the JSON output stay inert."""

from pathlib import Path

import pytest
import wasmtime
from support.hostile import HOSTILE, inert, shown
from support.project import Program

DEVICE = """
[trust]
keys = [
    { role = "developer", file = "keys/developer.pub" },
    { role = "provider", file = "keys/provider.pub" },
    { role = "infrastructure", file = "keys/infrastructure.pub" },
    { role = "owner", file = "keys/owner.pub" },
]
[[drivers]]
driver = "console"
endpoint = 1
[[containers]]
bundle = "hostile.tcb"
"""
MANIFEST = """
[container]
uid = "hex:{uid}"
code = "code.wasm"
syscalls = ["open", "write"]
[[endpoints]]
id = 1
peer = "local"
peer_endpoint = 1
direction = "in"
"""
CODE = """(module
  (import "env" "logger" (func $log (param i32)))
  (import "env" "open" (func $open (param i32) (result i32)))
  (import "env" "write" (func $write (param i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "{text}\\00")
  (func (export "loop") (result i32)
    (call $log (i32.const 16))
    (drop (call $write (call $open (i32.const 1)) (i32.const 16) (i32.const {size})))
    (i32.const 1)))"""


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_container_is_shown_escaped_everywhere(
    tmp_path: Path, program: Program, hostile: bytes
) -> None:
    text = "".join(f"\\{byte:02x}" for byte in hostile)
    code = wasmtime.wat2wasm(CODE.replace("{text}", text).replace("{size}", str(len(hostile))))
    (tmp_path / "code.wasm").write_bytes(code)
    (tmp_path / "hostile.toml").write_text(MANIFEST.format(uid=hostile.hex()))
    (tmp_path / "device.toml").write_text(DEVICE)
    bundle, trace = tmp_path / "hostile.tcb", tmp_path / "trace.jsonl"
    program.good("keygen", tmp_path / "keys")
    program.good("pack", tmp_path / "hostile.toml", "--keys", tmp_path / "keys", "-o", bundle)
    outputs = [
        program.good("inspect", bundle),
        program.good("verify", bundle, "--keys", tmp_path / "keys"),
        program.good("run", tmp_path / "device.toml", "--for", "10ms", "--trace", trace),
        trace.read_text(),
    ]
    assert all(map(inert, outputs))
    assert f'log "{shown(hostile)}"' in outputs[2]
    assert f"{shown(hostile)}: {shown(hostile)}" in outputs[2]
    found = program.json("run", tmp_path / "device.toml", "--for", "10ms")
    assert [row["uid"] for row in found["containers"]] == [shown(hostile)]
    inspected = program.json("inspect", bundle)["metadata"]["container"]
    assert (inspected["uid"], inspected["uid_hex"]) == (shown(hostile), hostile.hex())


@pytest.mark.parametrize(
    "name", ["a\x1b[31mb", "a\nb", "\u202egnp", "[red]x", "a\udcffb", "x" * 300]
)
@pytest.mark.parametrize("verb", ["inspect", "verify", "run", "pack"])
def test_a_hostile_file_name_gives_one_inert_line(
    tmp_path: Path, program: Program, verb: str, name: str
) -> None:
    extra = ["--keys", tmp_path] if verb == "pack" else []
    line = program.bad(verb, f"{tmp_path}/{name}", *extra)
    assert inert(line)


@pytest.mark.parametrize("uid", ["\x1b[31m", "a\nb"])
def test_a_hostile_uid_in_a_script_gives_one_inert_line(
    tmp_path: Path, program: Program, uid: str
) -> None:
    (tmp_path / "device.toml").write_text("")
    escaped = uid.encode().hex()
    (tmp_path / "script.toml").write_text(
        f'[[steps]]\nat_ms = 0\nverb = "start"\nuid = "hex:{escaped}"\n'
    )
    line = program.bad(
        "run",
        tmp_path / "device.toml",
        "--script",
        tmp_path / "script.toml",
        "--for",
        "1ms",
        code=1,
    )
    assert inert(line)
    assert "is loaded" in line


@pytest.mark.parametrize("key", ['"\\u001b[31m"', '"\\u202e"', '"a\\nb"'])
def test_a_hostile_key_in_a_file_gives_one_inert_line(
    tmp_path: Path, program: Program, key: str
) -> None:
    (tmp_path / "device.toml").write_text(f"{key} = 1\n")
    assert inert(program.bad("run", tmp_path / "device.toml"))
    (tmp_path / "device.toml").write_text(f"[[drivers]]\ndriver = {key}\nendpoint = 1\n")
    assert inert(program.bad("run", tmp_path / "device.toml"))
    (tmp_path / "device.toml").write_text(
        f"[[drivers]]\ndriver = 'buffer'\nendpoint = 1\noptions = {{ {key} = 1 }}\n"
    )
    assert inert(program.bad("run", tmp_path / "device.toml"))
    (tmp_path / "device.toml").write_text(f"[runtimes]\n{key} = {key}\n")
    assert inert(program.bad("run", tmp_path / "device.toml"))
    (tmp_path / "device.toml").write_text(f"x = {key[:-1]}\x01\n")
    assert inert(program.bad("run", tmp_path / "device.toml"))
