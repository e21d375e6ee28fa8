"""verify tells causes: on the firmware's files, on contradictions, on any changed byte."""

import random
from pathlib import Path

import pytest
from support.project import BOX, VECTORS, Program
from support.worlds import KEYS, blueprint, local

from tinycontainer.metadata import Bundle, ContainerType, decode
from tinycontainer.tools.firmware.c_layout import make_layout_files
from tinycontainer.tools.packing.packing import Blueprint, pack, pack_unsigned
from tinycontainer_tokens import Kind, Profile, key_files

FIRMWARE_KEY = "112ff4c9cddecbe153d72dcd7c5ffaf2bfc77603fd8478e300bafe8dd1946078"
DATA = b"not yet implemented"
WASM, RBPF = b"\0asm\1\0\0\0", b"rBPF\0\0\0\0"
SEED = 20241
PLACES = {"metadata token", "code token", "data token", "mask token"}

needs_vectors = pytest.mark.skipif(
    not VECTORS.is_dir(), reason="the firmware's published metadata files are not on this machine"
)


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """The test keys' public halves as files."""
    directory = tmp_path / "keys"
    directory.mkdir()
    for role, key in KEYS.items():
        (directory / f"{role}.pub").write_bytes(key_files.to_public_pem(key))
    return directory


def plan(kind: ContainerType = ContainerType.WASM, profile: Profile = Profile.RFC9052) -> Blueprint:
    return blueprint("box", kind=kind, endpoints=(local(),), profile=profile)


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def firmware(program: Program, name: str, *arguments: object, code: int = 0) -> dict[str, object]:
    found = program.json(
        "verify",
        VECTORS / f"{name}.metadata",
        "--profile",
        "riot-2024",
        "--key",
        FIRMWARE_KEY,
        *arguments,
        code=code,
    )
    return {
        "valid": found["valid"],
        "problems": [(each["check"], each["problem"]) for each in found["problems"]],
        "causes": {
            token["place"]: token["cause"] for token in found["tokens"] if token["failed_check"]
        },
    }


@needs_vectors
def test_the_hash_of_the_firmwares_example_app_fits_no_truncation(program: Program) -> None:
    found = firmware(program, "example_app", code=1)
    assert found == {
        "valid": False,
        "problems": [],
        "causes": {
            "metadata token": "fits no truncation of this file: the hash is that of the file with"
            " zero bytes in place of its metadata token"
        },
    }


@needs_vectors
def test_the_type_of_the_firmwares_example_app_contradicts_an_rbpf_payload(
    tmp_path: Path, program: Program
) -> None:
    code = written(tmp_path / "code", RBPF)
    found = firmware(program, "example_app", "--code", code, code=1)
    assert found["problems"] == [
        (
            "type",
            "type 4 (wasm) contradicts the first bytes of the code, which is that of type 3 (bpf)",
        )
    ]


@needs_vectors
def test_a_line_break_after_the_firmwares_data_is_found(tmp_path: Path, program: Program) -> None:
    data = written(tmp_path / "data", DATA + b"\n")
    found = firmware(program, "simple_container", "--data", data, code=1)
    assert found["causes"] == {
        "data token": "the hash is that of this data without its last line break"
    }


@needs_vectors
def test_under_the_other_profile_the_firmwares_tokens_name_theirs(program: Program) -> None:
    file = VECTORS / "simple_container.metadata"
    found = program.json("verify", file, "--key", FIRMWARE_KEY, code=1)
    causes = {token["cause"] for token in found["tokens"]}
    assert len(causes) == 1
    assert causes.pop().startswith("the token verifies under riot-2024: verify with --profile")


@pytest.mark.clause("TC-TOOL-05")
def test_rbpf_code_that_its_developer_signed_contradicts_type_wasm(
    tmp_path: Path, keys: Path, program: Program
) -> None:
    path = written(tmp_path / "box.tcb", pack(plan(), RBPF, DATA, KEYS).encode())
    found = program.json("verify", path, "--keys", keys, code=1)
    (problem,) = found["problems"]
    assert (found["valid"], problem["check"]) == (False, "type")
    assert {token["status"] for token in found["tokens"]} == {"valid"}
    assert problem["expected"] == "type 3 (bpf), by the first bytes of the code"
    assert problem["found"] == "type 4 (wasm) in the metadata"
    assert problem["cause"] == (
        "the code token vouches for this code, so the type in the manifest is wrong"
    )
    out = program("verify", path, "--keys", keys)[1]
    assert out.startswith("type: type 4 (wasm) contradicts the first bytes of the code")


def test_code_of_another_container_contradicts_the_type_and_its_token(
    tmp_path: Path, keys: Path, program: Program
) -> None:
    path = written(tmp_path / "box.tcb", pack(plan(), WASM, DATA, KEYS).encode())
    code = written(tmp_path / "code", RBPF)
    found = program.json("verify", path, "--keys", keys, "--code", code, code=1)
    assert found["problems"][0]["cause"] == (
        "the code token does not vouch for this code, so it is another container's"
    )


@pytest.mark.clause("TC-TOOL-05")
def test_a_directory_for_rbpf_contradicts_type_wasm(
    tmp_path: Path, keys: Path, program: Program
) -> None:
    directory = tmp_path / "box"
    directory.mkdir()
    bundle = pack(plan(), b"whatever", DATA, KEYS)
    for path, content in make_layout_files(directory, bundle, ContainerType.BPF).items():
        path.write_bytes(content)
    (problem,) = program.json("verify", directory, "--keys", keys, code=1)["problems"]
    assert problem["expected"] == "type 3 (bpf), by RUNTIME (rbpf)"
    assert "another container's directory" in problem["cause"]


def test_a_form_that_the_firmware_does_not_take_is_a_problem(
    tmp_path: Path, keys: Path, program: Program
) -> None:
    bundle = pack(blueprint("box", kind=ContainerType.WASM, priority=3), WASM, DATA, KEYS)
    path = written(tmp_path / "box.tcb", bundle.encode())
    found = program.json("verify", path, "--keys", keys, "--profile", "riot-2024", code=1)
    (problem,) = found["problems"]
    assert problem["check"] == "form"
    assert problem["problem"] == found["form_objection"]
    assert "container.priority (key 8)" in problem["problem"]
    assert problem["cause"] == "its tokens are made for rfc9052"


def test_the_failed_step_is_followed_by_its_explanation(
    tmp_path: Path, keys: Path, program: Program
) -> None:
    bundle = pack(plan(), WASM, b"a\nb", KEYS)
    path = written(tmp_path / "box.tcb", Bundle(bundle.metadata, b"a\nb\n", WASM).encode())
    code, out, _ = program("verify", path, "--keys", keys)
    lines = out.splitlines()
    failed = next(number for number, line in enumerate(lines) if " failed: " in line)
    assert code == 1
    assert [line.split(":")[0] for line in lines[failed : failed + 4]] == [
        "  13. content    failed",
        "      expected",
        "      found",
        "      likely cause",
    ]
    found = program.json("verify", path, "--keys", keys, code=1)
    token = next(each for each in found["tokens"] if each["place"] == "data token")
    step = token["steps"][-1]
    names = ("expected", "found", "cause")
    assert [token[name] for name in names] == [step[name] for name in names]
    assert all(step[name] is None for step in token["steps"][:-1] for name in names)


@pytest.mark.parametrize(
    ("spoil", "check", "words"),
    [
        (lambda raw: raw + b"\n", "bundle", "a line break was added"),
        (lambda raw: raw.hex().encode(), "metadata", "hexadecimal text"),
        (lambda raw: raw + b"xyz", "bundle", "follows at the file's end, 3 bytes"),
        (lambda raw: raw[:-3], "bundle", "cut short: at least 3 bytes are missing"),
        (lambda raw: raw[:100], "bundle", "cut short: at least"),
        (lambda _raw: b"", "metadata", "the file is empty"),
        (lambda _raw: b"hello", "metadata", None),
    ],
)
def test_what_is_no_container_says_what_became_of_it(
    tmp_path: Path, keys: Path, program: Program, spoil: object, check: str, words: str | None
) -> None:
    assert callable(spoil)
    raw = spoil(pack(plan(), WASM, DATA, KEYS).encode())
    path = written(tmp_path / "box.tcb", raw)
    found = program.json("verify", path, "--keys", keys, code=1)
    (problem,) = found["problems"]
    assert (found["valid"], found["tokens"], problem["check"]) == (False, [], check)
    if words is None:
        assert problem["cause"] is None
        assert "likely cause: none was found" in program("verify", path, "--keys", keys)[1]
    else:
        assert words in problem["cause"]


# Single tokens.


def token_of(bundle: Bundle, kind: Kind) -> bytes:
    metadata = decode(bundle.metadata)
    assert metadata.security is not None
    return {
        Kind.CODE: metadata.security.code_token,
        Kind.DATA: metadata.security.data_token,
        Kind.METADATA: metadata.security.metadata_token,
        Kind.MASK: metadata.container.syscall_mask_token,
    }[kind]


@pytest.mark.parametrize("profile", Profile)
@pytest.mark.parametrize("kind", [Kind.CODE, Kind.DATA, Kind.METADATA, Kind.MASK])
@pytest.mark.clause("TC-TOOL-06")
def test_a_single_token_is_verified_too(
    tmp_path: Path, keys: Path, program: Program, kind: Kind, profile: Profile
) -> None:
    bundle = pack(plan(profile=profile), WASM, DATA, KEYS)
    path = written(tmp_path / "token", token_of(bundle, kind))
    arguments = ("verify", path, "--keys", keys, "--profile", profile)
    (token,) = program.json(*arguments)["tokens"]
    assert token["place"] == f"{kind.name.lower()} token"
    assert token["status"] == ("valid" if kind is Kind.MASK else "signature-valid")


@pytest.mark.parametrize("profile", Profile)
def test_a_single_token_is_compared_with_its_file(
    tmp_path: Path, keys: Path, program: Program, profile: Profile
) -> None:
    bundle = pack(plan(profile=profile), WASM, DATA, KEYS)
    path = written(tmp_path / "token", token_of(bundle, Kind.DATA))
    data = written(tmp_path / "data", DATA)
    arguments = ("verify", path, "--keys", keys, "--profile", profile, "--data", data)
    assert program.json(*arguments)["tokens"][0]["status"] == "valid"
    data.write_bytes(DATA + b"\n")
    (token,) = program.json(*arguments, code=1)["tokens"]
    assert token["cause"] == "the hash is that of this data without its last line break"


# Any changed byte.


def files(profile: Profile) -> dict[str, bytes]:
    bundle = pack(plan(profile=profile), WASM, DATA, KEYS)
    return {
        "bundle": bundle.encode(),
        "metadata": bundle.metadata,
        "code token": token_of(bundle, Kind.CODE),
        "mask token": token_of(bundle, Kind.MASK),
    }


def verify_every_change(
    directory: Path, keys: Path, program: Program, profile: Profile, changes: int
) -> None:
    """Change single bytes; each change must make verify fail and name a check."""
    dice = random.Random(f"{SEED} {profile}")
    for name, content in files(profile).items():
        path = written(directory / "file", content)
        arguments = ("verify", path, "--keys", keys, "--profile", profile)
        program.good(*arguments)
        for _ in range(changes):
            place, added = dice.randrange(len(content)), dice.randrange(1, 256)
            changed = bytearray(content)
            changed[place] = (changed[place] + added) % 256
            path.write_bytes(changed)
            found = program.json(*arguments, code=1)
            named = [each["check"] for each in found["problems"]]
            named += [each["failed_check"] for each in found["tokens"] if each["failed_check"]]
            assert named, f"{name}: byte {place} + {added}"
            assert not found["valid"]


@pytest.mark.parametrize("profile", Profile)
def test_any_changed_byte_fails_a_check_with_a_name(
    tmp_path: Path, keys: Path, program: Program, profile: Profile
) -> None:
    verify_every_change(tmp_path, keys, program, profile, 40)


@pytest.mark.long
@pytest.mark.parametrize("profile", Profile)
def test_any_of_many_changed_bytes_fails_a_check_with_a_name(
    tmp_path: Path, keys: Path, program: Program, profile: Profile
) -> None:
    verify_every_change(tmp_path, keys, program, profile, 1000)


def test_the_example_containers_and_an_unsigned_one_keep_their_verdicts(
    tmp_path: Path, program: Program
) -> None:
    program.good("keygen", tmp_path / "keys")
    out = tmp_path / "c.tcb"
    program.good("pack", BOX / "courier", "--keys", tmp_path / "keys", "-o", out)
    found = program.json("verify", out, "--keys", tmp_path / "keys")
    assert (found["valid"], found["problems"]) == (True, [])
    written(out, pack_unsigned(plan(), WASM, DATA).encode())
    found = program.json("verify", out, "--keys", tmp_path / "keys", code=1)
    assert {token["place"] for token in found["tokens"]} == PLACES
    assert {token["cause"] for token in found["tokens"]} == {
        "no token is there at all: the container was packed without signing"
    }
