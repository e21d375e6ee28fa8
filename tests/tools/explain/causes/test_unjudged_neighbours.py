"""A token that nobody has judged yet is tried as a witness: its header can hold anything."""

from dataclasses import replace
from pathlib import Path

import pytest
from support.project import BOX, Program

from tinycontainer.metadata import Bundle, decode, encode
from tinycontainer_tokens import Profile, Role, cbor, key_files
from tinycontainer_tokens.envelope import parse
from tinycontainer_tokens.issue import prove

HEADERS = ("a0", "a13903e6", "80", "a101", "a1013903e6", "ff", "a10126", "a0a0", "c100", "f6")
VERBS = (
    ("verify", "{bundle}", "--keys", "{keys}"),
    ("explain", "{bundle}", "--device", "{device}"),
)


@pytest.fixture
def files(tmp_path: Path, program: Program) -> dict[str, Path]:
    """A container whose parties have HMAC keys, their keys and their device."""
    program.good("keygen", tmp_path / "keys", "--mac")
    files = {name: tmp_path / name for name in ("bundle", "keys", "device")}
    program.good("pack", BOX / "mapper", "--keys", files["keys"], "-o", files["bundle"])
    rows = ", ".join(
        f'{{ role = "{role}", algorithm = "HMAC-256", file = "keys/{role}.cose" }}' for role in Role
    )
    files["device"].write_text(f"[trust]\nkeys = [{rows}]\n")
    return files


def spoil(files: dict[str, Path], header: bytes) -> None:
    """Let the developer MAC the data token, and put a code token with such a header beside it."""
    bundle = Bundle.decode(files["bundle"].read_bytes(), 1 << 20)
    metadata = decode(bundle.metadata)
    assert metadata.security is not None
    developer = key_files.parse((files["keys"] / "developer.cose").read_bytes())
    claims = parse(metadata.security.data_token).payload
    security = replace(
        metadata.security,
        data_token=prove(claims, developer, Profile.RFC9052).encode(),
        code_token=cbor.with_tags((61, 17), cbor.encode([header, {}, b"\xa0", bytes(32)])),
    )
    changed = encode(metadata.container, metadata.endpoints, security)
    files["bundle"].write_bytes(replace(bundle, metadata=changed).encode())


@pytest.mark.clause("TC-TOOL-11")
@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb[0])
@pytest.mark.parametrize("header", HEADERS)
def test_a_witness_with_any_header_gives_step_and_cause(
    files: dict[str, Path], program: Program, header: str, verb: tuple[str, ...]
) -> None:
    spoil(files, bytes.fromhex(header))
    code, out, err = program(*(word.format(**files) for word in verb))
    assert (code, err) == (1, "")
    assert "signed with the key of the role developer; the role provider has to sign" in out
    assert "header" in out
