"""No private key and no passphrase in any output, no token's payload in any trace or error."""

import base64
import shlex
from pathlib import Path

import pytest
from support.project import Program, every_verb

from tinycontainer.metadata import decode
from tinycontainer.suit.keys.key_files import parse_update_key
from tinycontainer_tokens import envelope

PASSPHRASE = "correct horse battery staple"


def forms(secret: bytes) -> list[str]:
    """The ways in which bytes could slip into text."""
    plain = base64.b64encode(secret).decode().rstrip("=")
    return [secret.hex(), secret.hex().upper(), plain, str(list(secret))[1:-1]]


def private_keys(box: Path) -> set[str]:
    found: set[str] = set()
    for path in (box / "keys").glob("*.pem"):
        key = parse_update_key(path.read_bytes())  # it reads those of roles too
        found |= {*forms(key.secret or b""), *path.read_text().splitlines()[1:-1]}
    return found


def payloads(box: Path) -> set[str]:
    metadata = decode((box / "courier.metadata").read_bytes())
    security = metadata.security
    assert security is not None
    tokens = (security.code_token, security.data_token, security.metadata_token)
    taken = [envelope.parse(token) for token in (*tokens, metadata.container.syscall_mask_token)]
    return {form for each in taken for form in (*forms(each.payload), *forms(each.proof))}


def examples() -> list[list[str]]:
    found = [shlex.split(verb.example)[1:] for _, verb in every_verb()]
    return sorted(found, key=lambda each: each[0] != "sign")


@pytest.mark.clause("TC-TOK-22")
def test_no_verb_tells_a_secret_whether_it_succeeds_or_fails(
    tmp_path: Path, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = tmp_path / "box"
    program.good("demo", "--keep", box)
    monkeypatch.chdir(box)
    outputs, errors = [], []
    for example in examples():
        if "demo" in example[:2] or example[0] in ("compare", "conform"):
            continue  # they make keys of their own, or none, and take long
        for arguments in (
            example,
            [*example, "--json"],
            [*example, "--json", "--force"],
            [argument.replace("owner.pem", "developer.pem") for argument in example],
            [argument.replace("courier.wasm", "courier.c") for argument in example],
            [argument.replace("courier.tcb", "keys/owner.pem") for argument in example],
            [argument.replace("update.suit", "keys/operator.pem") for argument in example],
            [argument.replace("signed.suit", "keys/operator.pem") for argument in example],
            [argument.replace("device.toml", "keys/owner.pem") for argument in example],
        ):
            _, out, err = program(*arguments)
            outputs.append(out + err)
            errors.append(err)
    told = "".join(outputs)
    assert not [secret for secret in private_keys(box) if secret in told]
    quiet = "".join(errors) + (box / "trace.jsonl").read_text()
    assert not [payload for payload in payloads(box) if payload in quiet]


def test_a_passphrase_is_in_no_output_and_in_no_file(
    tmp_path: Path, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("right").write_text(PASSPHRASE)
    Path("wrong").write_text(PASSPHRASE[::-1])
    told = []
    sign = ("sign", "data", "/dev/null", "--uid", "box", "--key", "keys/owner.pem")
    for arguments in (
        ("keygen", "keys", "--passphrase-file", "right"),
        (*sign, "--passphrase-file", "right"),
        (*sign, "--passphrase-file", "wrong", "--force"),
        (*sign, "--force"),
        ("inspect", "right"),
        ("verify", "right", "--keys", "keys"),
        ("schema", "container", "--passphrase-file", "right"),
    ):
        _, out, err = program(*arguments)
        told.append(out + err)
    text = "".join(told)
    assert "made the keys" in text
    for secret in (PASSPHRASE, PASSPHRASE[::-1], "battery", PASSPHRASE.encode().hex()):
        assert secret not in text
    written = [path for path in Path().rglob("*") if path.is_file() and path.name != "right"]
    assert not [path for path in written if PASSPHRASE.encode() in path.read_bytes()]
