"""What pack, keygen and lint do for the C firmware, and a container that its authors made."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.project import BOX, VECTORS, Program
from support.wasm import modules as wasm

from tinycontainer.metadata import Bundle
from tinycontainer_runtimes.wasm.analysis import analyse
from tinycontainer_tokens import Algorithm, KeyMaterial, Role, key_files

BOUNDS = {"__heap_base", "__data_end"}
AUTHORS_KEY = "112ff4c9cddecbe153d72dcd7c5ffaf2bfc77603fd8478e300bafe8dd1946078"
GLOBALS = '(global (export "__heap_base") i32 (i32.const 256)) '
GLOBALS += '(global (export "__data_end") i32 (i32.const 64)) '
HOOKS = '(func (export "start")) (func (export "stop")) '


def manifest(directory: Path, code: bytes, uid: str = "me") -> Path:
    directory.mkdir()
    (directory / "me.wasm").write_bytes(code)
    (directory / "container.toml").write_text(
        f'[container]\nuid = "{uid}"\ncode = "me.wasm"\n[tokens]\nprofile = "riot-2024"\n'
    )
    return directory


GOOD = wasm.loop("i32.const 0", HOOKS + GLOBALS)


def firmware_ids(program: Program, *arguments: object) -> list[str]:
    return [each["id"] for each in program.json("pack", *arguments)["firmware"]]


def test_keygen_makes_one_key_for_all_roles_and_the_firmware_can_verify_what_it_signs(
    tmp_path: Path, program: Program
) -> None:
    program.good("keygen", tmp_path / "one", "--one-key")
    for suffix in ("pem", "pub"):
        files = {(tmp_path / "one" / f"{role}.{suffix}").read_bytes() for role in Role}
        assert len(files) == 1
    source, out = manifest(tmp_path / "m", GOOD), tmp_path / "me.tcb"
    assert firmware_ids(program, source, "--keys", tmp_path / "one", "-o", out) == []
    verify = ("verify", out, "--profile", "riot-2024", "--keys", tmp_path / "one")
    assert program.json(*verify)["valid"]
    assert "--mac" in program.bad("keygen", tmp_path / "mac", "--one-key", "--mac")


def test_one_key_in_all_roles_is_refused_where_tokens_are_not_the_firmwares(
    tmp_path: Path, program: Program
) -> None:
    program.good("keygen", tmp_path / "one", "--one-key")
    options = ("--keys", tmp_path / "one", "-o", tmp_path / "c.tcb")
    assert "one key has the roles" in program.bad("pack", BOX / "courier", *options)


def test_pack_says_that_the_firmware_verifies_with_one_ed25519_key(
    tmp_path: Path, keys: Path, program: Program
) -> None:
    source, out = manifest(tmp_path / "m", GOOD), tmp_path / "me.tcb"
    found = program.json("pack", source, "--keys", keys, "-o", out)["firmware"]
    assert [(each["id"], each["place"]) for each in found] == [("TCL702", "tokens")]
    assert found[0]["message"].startswith("made with 4 keys: metadata token by ")
    (keys / "owner.pem").unlink()
    program.good("keygen", keys, "--mac", "--role", "owner")
    said = program.good("pack", source, "--keys", keys, "-o", out, "--force")
    assert "the firmware: mask token: the mask token is made with HMAC (TCL702)" in said
    assert "made with 3 keys" in said


def test_lint_says_it_too_from_the_keys_of_the_device(
    tmp_path: Path, keys: Path, program: Program
) -> None:
    source, out = manifest(tmp_path / "m", GOOD), tmp_path / "me.tcb"
    program.good("pack", source, "--keys", keys, "-o", out)
    entries = "".join(
        f'[[trust.keys]]\nrole = "{role}"\nfile = "keys/{role}.pub"\nprofile = "riot-2024"\n'
        for role in Role
    )
    device = tmp_path / "device.toml"
    device.write_text(
        f'[device]\nboard = "riot-2024"\n[trust]\nprofiles = ["riot-2024"]\n{entries}'
    )
    found = program.json("lint", out, "--device", device, code=1)["findings"]
    assert [each["place"] for each in found if each["id"] == "TCL702"] == ["tokens"]


@pytest.mark.parametrize(
    ("hooks", "extra", "expected"),
    [
        (HOOKS, GLOBALS, []),
        (HOOKS, "", ["TCL701"]),
        (HOOKS, GLOBALS.replace("__data_end", "__data"), ["TCL701"]),
        (HOOKS, GLOBALS + "(func i32.const 1 memory.grow drop) ", ["TCL701"]),
        ('(func (export "start")) ', GLOBALS, ["TCL606"]),
        ("", GLOBALS, ["TCL606", "TCL606"]),
    ],
    ids=["good", "no bounds", "one bound", "grows", "no stop", "no hooks"],
)
def test_pack_and_lint_say_what_wamr_does_with_the_code(
    tmp_path: Path, program: Program, hooks: str, extra: str, expected: list[str]
) -> None:
    program.good("keygen", tmp_path / "one", "--one-key")
    source = manifest(tmp_path / "m", wasm.loop("i32.const 0", hooks + extra))
    out = tmp_path / "me.tcb"
    assert firmware_ids(program, source, "--keys", tmp_path / "one", "-o", out) == expected
    code, said, _ = program("lint", out, "--json")
    assert code == ("TCL606" in expected)
    for rule in ("TCL606", "TCL701"):
        assert said.count(rule) == expected.count(rule)


def test_every_committed_build_exports_what_wamr_needs_and_every_hook() -> None:
    built = sorted(BOX.parent.rglob("*.wasm"))
    assert len(built) == 10
    for path in built:
        facts = analyse(path.read_bytes())
        assert facts.exported_globals >= BOUNDS, path.name
        assert facts.grows_memory is (path.stem == "intruder"), path.name  # one of its attacks
    script = (BOX.parent / "build.sh").read_text()
    assert all(f"-Wl,--export={name}" in script for name in BOUNDS)


def has_compiler() -> bool:
    """Whether the compiler is here that makes the very same bytes."""
    if not all(map(shutil.which, ("clang", "wasm-ld"))):
        return False
    shown = subprocess.run(["clang", "--version"], capture_output=True, text=True, check=False)
    return shown.stdout.startswith("Debian clang version 14.")


@pytest.mark.skipif(not has_compiler(), reason="needs clang 14 of Debian 12, and lld")
def test_the_committed_builds_are_what_the_sources_give(tmp_path: Path) -> None:
    examples = tmp_path / "examples"
    shutil.copytree(BOX.parent, examples)
    committed = sorted(
        path
        for pattern in ("*.wasm", "*.rbf", "*.o")
        for path in BOX.parent.glob(f"*/*/{pattern}")
        if path.parents[1].name != "new"
    )
    for path in committed:
        (examples / path.relative_to(BOX.parent)).unlink()
    paths = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    command = ["sh", str(examples / "build.sh")]
    subprocess.run(command, env={**os.environ, "PATH": paths}, check=True, capture_output=True)
    for path in committed:
        again = (examples / path.relative_to(BOX.parent)).read_bytes()
        assert again == path.read_bytes(), path.name


@pytest.mark.skipif(not has_compiler(), reason="needs clang 14 of Debian 12, and lld")
@pytest.mark.parametrize("language", ["c", "rbpf-c"])
def test_the_committed_code_of_a_new_container_is_what_its_source_gives(
    tmp_path: Path, program: Program, language: str
) -> None:
    program.good("new", tmp_path / "hello", "--lang", language)
    (code,) = [each for each in (tmp_path / "hello").iterdir() if each.suffix in (".wasm", ".rbf")]
    committed = {path: path.read_bytes() for path in (code, code.with_suffix(".debug"))}
    assert program("build", tmp_path / "hello")[0] == 0
    assert {path: path.read_bytes() for path in committed} == committed


@pytest.mark.parametrize(
    ("name", "uid", "problem"),
    [
        ("my-app", "me", "my-app is none; my_app would be one"),
        ("2me", "me", "2me is none; _2me would be one"),
        ("m e", "me", r"is none; m_e would be one"),
        ("other", "me", "takes the directory's name, other, for the uid; name it me"),
        ("Me", "me", "takes the directory's name, Me, for the uid; name it me"),
        ("me", "me", None),
        ("a_b", "a-b", None),
    ],
)
def test_the_name_of_a_layout_is_a_c_name_and_the_uid(
    tmp_path: Path, program: Program, name: str, uid: str, problem: str | None
) -> None:
    program.good("keygen", tmp_path / "one", "--one-key")
    source, out = manifest(tmp_path / "m", GOOD, uid), tmp_path / "me.tcb"
    layout = tmp_path / "fw" / name
    pack = ("pack", source, "--keys", tmp_path / "one", "-o", out, "--layout", layout)
    if problem is None:
        program.good(*pack)
        found = program.json("lint", layout)["findings"]
        warned = [each["message"] for each in found if each["id"].startswith("TCL70")]
        assert warned == ([] if name == uid else [f"{name}; the uid is {uid}"])
    else:
        assert problem in program.bad(*pack)
        assert not out.exists()
        assert not layout.exists()


def test_lint_names_a_directory_that_the_firmware_cannot_build(
    tmp_path: Path, program: Program
) -> None:
    program.good("keygen", tmp_path / "one", "--one-key")
    source, layout = manifest(tmp_path / "m", GOOD), tmp_path / "me"
    out = ("-o", tmp_path / "me.tcb", "--layout", layout)
    program.good("pack", source, "--keys", tmp_path / "one", *out)
    renamed = layout.rename(tmp_path / "my-app")
    for path in renamed.glob("me.*"):
        path.rename(renamed / f"my-app{path.suffix}")
    found = program.json("lint", renamed, code=1)["findings"]
    assert [each["message"] for each in found if each["id"] == "TCL703"] == [
        "my-app is no C identifier"
    ]
    assert any(each["id"] == "TCL704" for each in found)


@pytest.mark.skipif(not VECTORS.is_dir(), reason="the firmware's own files are not on this machine")
@pytest.mark.parametrize("engine", ["pywasm", "wasmtime"])
def test_the_authors_container_of_november_2024_verifies_whole_and_runs(
    tmp_path: Path, program: Program, engine: str
) -> None:
    part = {
        name: (VECTORS / f"authors-2024-11.{name}").read_bytes()
        for name in ("metadata", "data", "wasm")
    }
    bundle = tmp_path / "authors.tcb"
    bundle.write_bytes(Bundle(part["metadata"], part["data"], part["wasm"]).encode())
    profile = ("--profile", "riot-2024")
    assert program.json("verify", bundle, *profile, "--key", AUTHORS_KEY)["valid"]
    key = KeyMaterial(Algorithm.EDDSA, bytes.fromhex(AUTHORS_KEY))
    (tmp_path / "key.pub").write_bytes(key_files.to_public_pem(key))
    entries = "".join(
        f'[[trust.keys]]\nrole = "{role}"\nfile = "key.pub"\nprofile = "riot-2024"\n'
        for role in Role
    )
    (tmp_path / "device.toml").write_text(
        f'[device]\nboard = "riot-2024"\n[runtimes]\nwasm = "{engine}"\n'
        f'[trust]\nprofiles = ["riot-2024"]\n{entries}'
        '[[drivers]]\ndriver = "buffer"\nendpoint = 10\n'
        '[[containers]]\nbundle = "authors.tcb"\n'
    )
    (ran,) = program.json("run", tmp_path / "device.toml", "--for", "120s")["containers"]
    assert (ran["uid"], ran["starts"], ran["ended_by"]) == ("container--id--01", 1, "returned 1")
    # It counts to 100 and stops in the loop after that.
    assert (ran["loops"], ran["calls"], ran["refusals"]) == (101, 204, 0)
    found = program.json("lint", bundle, "--device", tmp_path / "device.toml")
    assert not {each["id"] for each in found["findings"]} & {"TCL606", "TCL701", "TCL702"}
