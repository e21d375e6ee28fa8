"""inspect's output for people: a tree in columns, within the terminal, inert; keys are kept."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from support.project import VECTORS, Program
from support.worlds import KEYS, blueprint, local

from tinycontainer.metadata import ContainerMap, ContainerType, Security, encode
from tinycontainer.tools.firmware.c_layout import make_layout_files
from tinycontainer.tools.packing.packing import TokenOptions, pack
from tinycontainer_tokens import Algorithm, Claims, KeyMaterial, Kind, Profile, cbor, issue

BUNDLE = pack(blueprint("box", endpoints=(local(),)), b"\0asm", b"data", KEYS)
SECRET = b"correct horse battery staple 123"
HOSTILE = "\x1b[2J\u202e[red]\n\u0430"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    path = tmp_path / "box.tcb"
    path.write_bytes(BUNDLE.encode())
    return path


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Output counts as a terminal's, whose width a test sets."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    return monkeypatch


def inert(text: str) -> bool:
    return text.isascii() and all(each.isprintable() or each == "\n" for each in text)


def test_a_line_has_offset_bytes_notation_and_meaning(bundle: Path, program: Program) -> None:
    lines = program.good("inspect", bundle).splitlines()
    assert lines[0].split() == ["offset", "hex", "diagnostic", "notation", "meaning"]
    assert lines[1].split() == ["0", "83", "[", "bundle"]
    assert lines[3].split()[:3] == ["4", "db54696e7950415254", "6082514239057121876("]
    uid = next(line for line in lines if "uid: box" in line)
    assert uid.split() == ["18", "01", "43", "626f78", "1:", "h'626f78',", "uid:", "box"]
    assert lines[-1].split()[:4] == [
        str(len(BUNDLE.encode()) - 5),
        "44",
        "0061736d",
        "h'0061736d']",
    ]


def test_the_lines_notations_add_up_to_that_of_the_whole(bundle: Path, program: Program) -> None:
    bundle.write_bytes(encode(ContainerMap(b"box", ContainerType.WASM), (local(),), None))
    out = program.good("inspect", bundle)
    start = out.index("diagnostic notation")
    end = out.index("meaning")
    column = "".join(line[start:end].strip() for line in out.splitlines()[1:])
    whole = program.json("inspect", bundle)["tree"]["diagnostic"]
    assert column == whole.replace(", ", ",")


@pytest.mark.parametrize("columns", [1, 20, 40, 80, 119, 120, 200, 500])
def test_a_tree_fits_the_terminal(
    bundle: Path, program: Program, terminal: pytest.MonkeyPatch, columns: int
) -> None:
    terminal.setenv("COLUMNS", str(columns))
    lines = program.good("inspect", bundle).splitlines()
    narrowest = len("offset") + 6
    assert max(map(len, lines)) <= max(columns, narrowest)
    assert len(lines) == len(set(lines))
    if columns >= 80:
        assert any("uid: box" in line for line in lines)
        assert any("..." in line for line in lines)
    if columns >= 200:
        assert any("code token: EdDSA, rfc9052, signed by developer" in line for line in lines)


def test_piped_meanings_are_never_cut(bundle: Path, program: Program) -> None:
    plan = replace(blueprint("box"), options=TokenOptions(audience="a" * 64))
    bundle.write_bytes(pack(plan, b"", b"", KEYS).metadata)
    assert "aud: " + "a" * 64 in program.good("inspect", bundle)


def test_hostile_strings_stay_inert_in_terminal_and_json(
    bundle: Path, program: Program, terminal: pytest.MonkeyPatch
) -> None:
    key = KeyMaterial(Algorithm.HMAC_256, b"", SECRET, HOSTILE.encode())
    claims = Claims(mask=b"\1", uid=HOSTILE.encode(), kind=Kind.MASK, sequence=1, audience=HOSTILE)
    token = issue(claims, Kind.MASK, key, Profile.RFC9052)
    container = ContainerMap(HOSTILE.encode(), ContainerType.WASM, token)
    strange = encode(container, (), Security(code_token=cbor.encode([HOSTILE, {}, HOSTILE, b""])))
    for content in (token, strange):
        bundle.write_bytes(content)
        for columns in ("80", "300"):
            terminal.setenv("COLUMNS", columns)
            assert inert(program.good("inspect", bundle))
        found = json.dumps(program.json("inspect", bundle)["tree"], ensure_ascii=False)
        assert inert(found)
        assert r"uid: \\x1b[2J\\xe2\\x80\\xae[red]\\x0a\\xd0\\xb0" in found


@pytest.mark.parametrize("part", [5, 6])
def test_an_unreadable_token_does_not_hide_the_rest(
    bundle: Path, program: Program, part: int
) -> None:
    name = {5: "data", 6: "code"}[part]
    security = Security(1, 2, 3, 4, 5, **{f"{name}_token": b"\xff\x1b["})
    bundle.write_bytes(encode(ContainerMap(b"box", ContainerType.WASM), (), security))
    out = program.good("inspect", bundle)
    assert f"{name} token that cannot be read: byte 0: indefinite length" in out
    assert "h'ff1b5b'" in out
    assert "metadata token: absent" in out


def test_refused_metadata_is_shown_and_then_refused(bundle: Path, program: Program) -> None:
    bundle.write_bytes(b"\xdbTinyPART" + cbor.encode({1: cbor.encode({1: b"box", 2: 77})}))
    code, out, err = program("inspect", bundle)
    assert code == 2
    assert "uid: box" in out
    assert err == f"error: {bundle}: container: key 3 (syscall-mask) is missing\n"
    code, out, _ = program("inspect", bundle, "--json")
    assert code == 2
    assert json.loads(out)["problem"] == "container: key 3 (syscall-mask) is missing"
    assert json.loads(out)["tree"]["length"] == bundle.stat().st_size


def test_a_directory_of_the_c_layout_is_inspected(tmp_path: Path, program: Program) -> None:
    directory = tmp_path / "box"
    directory.mkdir()
    for path, content in make_layout_files(directory, BUNDLE, ContainerType.WASM).items():
        path.write_bytes(content)
    out = program.good("inspect", directory)
    for name in ("box.metadata: metadata", "box.data: data section", "box.wasm: code section"):
        assert f"  {name}: " in out
    found = program.json("inspect", directory)
    assert (found["kind"], found["runtime"]) == ("directory", "wamr")
    assert found["metadata"]["container"]["uid"] == "box"


@pytest.mark.parametrize("kind", [(), ("--mac", "--kid", "name")])
def test_key_files_are_refused_and_not_shown(
    tmp_path: Path, program: Program, kind: tuple[str, ...]
) -> None:
    program.good("keygen", tmp_path, *kind)
    files = sorted(path for path in tmp_path.iterdir() if path.is_file())
    assert files
    for path in files:
        for extra in ((), ("--json",)):
            code, out, err = program("inspect", path, *extra)
            assert (code, out) == (2, "")
            assert err == (
                f"error: {path}: content: this is a key file, of which nothing is shown\n"
            )


@pytest.mark.parametrize("before", [b"", b"\x84", b"\xd8\x3d", b"\x83", b"\x84\x40"])
@pytest.mark.parametrize("between", [b"", b"\x58\x20"])
def test_the_bytes_of_what_may_be_a_key_are_not_shown(
    bundle: Path, program: Program, before: bytes, between: bytes
) -> None:
    bundle.write_bytes(before + between + SECRET)
    for extra in ((), ("--json",)):
        _, out, err = program("inspect", bundle, *extra)
        assert SECRET.hex()[:16] not in out + err
        assert SECRET.decode()[:8] not in out + err


@pytest.mark.skipif(not VECTORS.is_dir(), reason="the firmware's files are not on this machine")
def test_the_firmwares_metadata_is_shown_in_full(program: Program) -> None:
    out = program.good("inspect", VECTORS / "simple_container.metadata")
    for words in (
        "metadata: 482 bytes, riot-2024",
        "uid: simple_container",
        "direction: both (the container reads and writes)",
        "loop-period: 1000 ms",
        "loop-max-lifetime: 1000 loops",
        "code token: EdDSA, riot-2024, signed by developer",
    ):
        assert words in out
    assert len(out.splitlines()) == 1 + 52  # a title, and one line per item
