"""inspect and verify, on the firmware's own files and on ours."""

from pathlib import Path

import pytest
from support.project import BOX, VECTORS, Program

FIRMWARE_KEY = "112ff4c9cddecbe153d72dcd7c5ffaf2bfc77603fd8478e300bafe8dd1946078"
DATA = b"not yet implemented"

needs_vectors = pytest.mark.skipif(
    not VECTORS.is_dir(), reason="the firmware's published metadata files are not on this machine"
)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "data"
    path.write_bytes(DATA)
    return path


@pytest.fixture
def bundle(tmp_path: Path, program: Program) -> Path:
    program.good("keygen", tmp_path / "keys")
    program.good("pack", BOX / "compliance", "--keys", tmp_path / "keys", "-o", tmp_path / "c.tcb")
    return tmp_path / "c.tcb"


@needs_vectors
def test_the_firmwares_simple_container_verifies(data: Path, program: Program) -> None:
    found = program.json(
        "verify",
        VECTORS / "simple_container.metadata",
        "--profile",
        "riot-2024",
        "--key",
        FIRMWARE_KEY,
        "--data",
        data,
    )
    assert {token["place"]: token["status"] for token in found["tokens"]} == {
        "metadata token": "valid",
        "code token": "signature-valid",
        "data token": "valid",
        "mask token": "valid",
    }


@needs_vectors
def test_the_firmwares_example_app_fails_at_its_metadata_hash(data: Path, program: Program) -> None:
    found = program.json(
        "verify",
        VECTORS / "example_app.metadata",
        "--profile",
        "riot-2024",
        "--key",
        FIRMWARE_KEY,
        "--data",
        data,
        code=1,
    )
    failed = [token for token in found["tokens"] if token["status"] == "invalid"]
    assert [(token["place"], token["failed_check"]) for token in failed] == [
        ("metadata token", "content")
    ]


@needs_vectors
@pytest.mark.parametrize("name", ["simple_container", "example_app"])
def test_under_our_own_profile_the_firmwares_files_are_of_the_wrong_profile(
    data: Path, program: Program, name: str
) -> None:
    file = VECTORS / f"{name}.metadata"
    found = program.json("verify", file, "--key", FIRMWARE_KEY, "--data", data, code=1)
    assert {token["failed_check"] for token in found["tokens"]} == {"profile"}
    assert all("wrong profile" in token["problem"] for token in found["tokens"])


@needs_vectors
def test_inspect_shows_all_fields_of_the_firmwares_files(program: Program) -> None:
    found = program.json("inspect", VECTORS / "simple_container.metadata")
    assert (found["bytes"], found["profile"], found["riot_2024_objection"]) == (
        482,
        "riot-2024",
        None,
    )
    container, security = found["container"], found["security"]
    assert (container["uid"], container["type"], container["type_name"]) == (
        "simple_container",
        4,
        "wasm",
    )
    assert container["syscall_mask_token"]["claims"]["mask"] == "ff"
    assert found["endpoints"] == [
        {
            "id": 123,
            "peer": "local",
            "peer_uid": None,
            "peer_endpoint": 10,
            "direction": "both",
            "token": None,
        }
    ]
    assert [
        security[name]
        for name in (
            "start_max_duration_ms",
            "loop_period_ms",
            "loop_max_duration_ms",
            "loop_max_lifetime",
            "stop_max_duration_ms",
        )
    ] == [100, 1000, 100, 1000, 100]
    signed = found["security"]["metadata_token"]["claims"]["sha256"]
    assert signed == found["signed_prefix"]["sha256"]
    other = program.json("inspect", VECTORS / "example_app.metadata")
    assert (other["bytes"], other["endpoints"], other["container"]["uid"]) == (
        467,
        [],
        "example_app",
    )
    assert other["container"]["syscall_mask_token"] == container["syscall_mask_token"]
    assert other["security"]["data_token"] == security["data_token"]


def test_inspect_tells_metadata_bundles_and_tokens_apart(
    bundle: Path, tmp_path: Path, program: Program
) -> None:
    found = program.json("inspect", bundle)
    assert found["kind"] == "bundle"
    assert found["code"]["bytes"] == (BOX / "compliance" / "compliance.wasm").stat().st_size
    metadata = program.json("inspect", bundle.with_suffix(".metadata"))
    assert metadata.pop("tree")["length"] == found["metadata"]["bytes"]
    assert metadata == found["metadata"]
    token = tmp_path / "token"
    token.write_bytes(bundle.with_suffix(".metadata").read_bytes()[-metadata_token_bytes(found) :])
    assert program.json("inspect", token)["claims"]["kind"] == "metadata"


def metadata_token_bytes(found: dict[str, dict[str, dict[str, dict[str, int]]]]) -> int:
    return found["metadata"]["security"]["metadata_token"]["bytes"]


@pytest.mark.parametrize("content", [b"", b"hello", b"\x83\x40\x40", b"\xff" * 100, b"\x84\x40"])
def test_what_is_none_of_them_is_refused_with_the_files_name(
    tmp_path: Path, program: Program, content: bytes
) -> None:
    path = tmp_path / "thing"
    path.write_bytes(content)
    code, _, err = program("inspect", path)
    if code == 0:
        assert content[:1] == b"\x84"  # the beginning of a token is shown with its problem
    else:
        assert str(path) in err


def test_verify_says_which_check_failed_and_why(bundle: Path, program: Program) -> None:
    changed = bytearray(bundle.read_bytes())
    changed[-1] ^= 1
    bundle.write_bytes(changed)
    code, out, _ = program("verify", bundle, "--keys", bundle.parent / "keys")
    assert code == 1
    assert "code token: invalid" in out
    assert "13. content    failed: the token vouches for sha256" in out


def test_verify_wants_the_keys_of_the_right_roles(bundle: Path, program: Program) -> None:
    keys = bundle.parent / "keys"
    pairs = {"developer": "owner", "owner": "developer"}
    given = [
        f"--key={role}={keys / pairs.get(role, role)}.pub"
        for role in ("developer", "owner", "provider", "infrastructure")
    ]
    found = program.json("verify", bundle, *given, code=1)
    assert {token["place"]: token["failed_check"] for token in found["tokens"]} == {
        "metadata token": None,
        "code token": "signature",
        "data token": None,
        "mask token": "signature",
    }


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--key", "nobody=x"], "nobody is none of developer"),
        (["--key", "missing.pub"], "missing.pub: cannot be read"),
        (["--key", "zz" * 32], "neither a file nor hexadecimal"),
        (["--keys", "."], "holds neither ROLE.pub nor ROLE.cose"),
        (["--profile", "rot13"], "rot13"),
        (["--at", "-1"], "-1"),
    ],
)
def test_bad_arguments_of_verify_give_one_line(
    bundle: Path, program: Program, arguments: list[str], problem: str
) -> None:
    assert problem in program.bad("verify", bundle, *arguments)
