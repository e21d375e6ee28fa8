"""A token file on its own is named for what it is, and judged as the kind that it names."""

import base64
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from support.project import Program
from support.worlds import KEYS

from tinycontainer_tokens import Claims, Kind, Profile, cbor, issue, key_files
from tinycontainer_tokens.envelope import parse
from tinycontainer_tokens.issue import prove
from tinycontainer_tokens.kinds import SIGNING_ROLE

MASK_LABEL = -65536
DISGUISES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "without 61": (lambda token: token[2:], "the tag 61 (CWT) before it is missing"),
    "hexadecimal": (lambda token: token.hex().encode(), "hexadecimal text"),
    "capitals and lines": (lambda token: token.hex("\n", 30).upper().encode(), "hexadecimal text"),
    "base64": (base64.encodebytes, "base64 text"),
    "base64url": (lambda token: base64.urlsafe_b64encode(token).rstrip(b"="), "base64 text"),
    "in a string": (cbor.encode, "wrapped in a byte string once too often"),
    "line break": (lambda token: token + b"\n", "a line break was added"),
    "CR LF": (lambda token: token + b"\r\n", "a line break was added"),
}


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    directory = tmp_path / "keys"
    directory.mkdir()
    for role, key in KEYS.items():
        (directory / f"{role}.pub").write_bytes(key_files.to_public_pem(key))
    return directory


def token_of(kind: Kind) -> bytes:
    content = Claims(mask=b"\1") if kind is Kind.MASK else Claims(sha256=bytes(32))
    claims = replace(content, uid=b"box", kind=kind, sequence=1)
    return issue(claims, kind, KEYS[SIGNING_ROLE[kind]], Profile.RFC9052)


@pytest.mark.clause("TC-TOOL-06")
@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("disguise", DISGUISES)
def test_a_token_in_disguise_is_a_token_of_its_kind(
    tmp_path: Path, keys: Path, program: Program, disguise: str, kind: Kind
) -> None:
    change, words = DISGUISES[disguise]
    (tmp_path / "token").write_bytes(change(token_of(kind)))
    found = program.json("verify", tmp_path / "token", "--keys", keys, code=1)
    assert found["problems"] == []
    (token,) = found["tokens"]
    assert (token["place"], token["failed_check"]) == (f"{kind.name.lower()} token", "structure")
    assert words in token["cause"]
    inspected = program.json("inspect", tmp_path / "token")
    assert inspected["kind"] == "token"


@pytest.mark.clause("TC-TOOL-06")
@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("surplus", [{1: "issuer"}, {2: "subject"}, {7: b"id"}, {-70000: 1}])
def test_a_token_with_a_claim_too_many_is_judged_as_the_kind_that_it_names(
    tmp_path: Path, keys: Path, program: Program, kind: Kind, surplus: dict[int, cbor.Value]
) -> None:
    claims = cbor.decode(parse(token_of(kind)).payload, 512)
    assert isinstance(claims, dict)
    signer = KEYS[SIGNING_ROLE[kind]]
    token = prove(cbor.encode(claims | surplus), signer, Profile.RFC9052).encode()
    (tmp_path / "token").write_bytes(token)
    (judged,) = program.json("verify", tmp_path / "token", "--keys", keys, code=1)["tokens"]
    assert (judged["place"], judged["failed_check"]) == (f"{kind.name.lower()} token", "claims")
    assert f"unknown claim {next(iter(surplus))}" in judged["problem"]


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_a_token_of_json_is_called_by_its_name(
    tmp_path: Path, keys: Path, program: Program, end: bytes
) -> None:
    (tmp_path / "token").write_bytes(b"eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln" + end)
    (token,) = program.json("verify", tmp_path / "token", "--keys", keys, code=1)["tokens"]
    assert token["cause"] == "this is a JSON Web Token; a token here is a CWT, in CBOR"


def test_a_token_in_place_of_a_container_says_so_in_disguise_too(
    tmp_path: Path, program: Program
) -> None:
    (tmp_path / "device.toml").write_text("")
    for change, _ in DISGUISES.values():
        (tmp_path / "token").write_bytes(change(token_of(Kind.CODE)))
        _, out, _ = program("explain", tmp_path / "token", "--device", tmp_path / "device.toml")
        assert "this is a single token, not a container" in out


def test_bytes_that_are_nothing_known_are_no_token(tmp_path: Path, program: Program) -> None:
    for content in (b"", b"hello world", b"\x01", bytes(40), b"deadbeef", b"#!/bin/sh"):
        (tmp_path / "file").write_bytes(content)
        assert "neither metadata, nor a bundle" in program.bad("inspect", tmp_path / "file")


@pytest.mark.clause("TC-TOOL-06")
@pytest.mark.parametrize(
    ("claims", "place"), [({MASK_LABEL: "all"}, "mask token"), ({3: 5}, "code token")]
)
def test_a_token_that_names_no_kind_is_a_mask_token_if_it_has_a_mask_in_whatever_form(
    tmp_path: Path, keys: Path, program: Program, claims: dict[int, cbor.Value], place: str
) -> None:
    signer = KEYS[SIGNING_ROLE[Kind.MASK]]
    token = prove(cbor.encode(claims), signer, Profile.RFC9052).encode()
    (tmp_path / "token").write_bytes(token)
    (judged,) = program.json("verify", tmp_path / "token", "--keys", keys, code=1)["tokens"]
    assert judged["place"] == place
