"""Four parties on four machines: each signs its part, the infrastructure assembles or refuses."""

from pathlib import Path
from typing import NamedTuple

import pytest
from support.project import BOX, VECTORS, Program

from tinycontainer.metadata import Bundle, decode

COURIER = BOX / "courier"


class Parties(NamedTuple):
    """Where the keys and the tokens of a courier are."""

    keys: Path
    tokens: Path
    program: Program

    def sign(self, what: str, *arguments: object, role: str, out: str | None = None) -> Path:
        path = self.tokens / f"{out or what}.cwt"
        key = self.keys / f"{role}.pem"
        self.program.good("sign", what, *arguments, "--key", key, "-o", path, "--force")
        return path

    def options(self, **others: object) -> list[object]:
        """The tokens as options of assemble, some in the place of the right ones."""
        paths = {name: self.tokens / f"{name}.cwt" for name in ("code", "data", "mask")} | others
        named = [(f"--{name}-token", path) for name, path in paths.items() if path is not None]
        return [part for pair in named for part in pair]

    def assemble(self, *arguments: object, **others: object) -> list[object]:
        given: dict[str, object] = {
            "--key": self.keys / "infrastructure.pem",
            "--trust-keys": self.keys,
            "-o": self.tokens / "courier.tcb",
        }
        extra = [part for pair in given.items() for part in pair if pair[0] not in arguments]
        return ["assemble", COURIER, *self.options(**others), *extra, *arguments]

    @property
    def bundle(self) -> Path:
        return self.tokens / "courier.tcb"


@pytest.fixture
def parties(tmp_path: Path, program: Program) -> Parties:
    program.good("keygen", tmp_path / "keys")
    (tmp_path / "tokens").mkdir()
    made = Parties(tmp_path / "keys", tmp_path / "tokens", program)
    made.sign("code", COURIER / "courier.wasm", "--uid", "courier", role="developer")
    made.sign("data", COURIER / "courier.data", "--uid", "courier", role="provider")
    made.sign("mask", "--manifest", COURIER, role="owner")
    return made


def refuse_to_assemble(
    parties: Parties, *arguments: object, code: int = 1, instead: dict[str, object] | None = None
) -> str:
    """What assemble says, which has written nothing."""
    line = parties.program.bad(*parties.assemble(*arguments, **(instead or {})), code=code)
    assert not parties.bundle.exists()
    return line


def test_what_the_parties_signed_makes_a_bundle_that_verifies(parties: Parties) -> None:
    parties.program.good(*parties.assemble())
    found = parties.program.json("verify", parties.bundle, "--keys", parties.keys)
    assert found["valid"]
    assert {token["status"] for token in found["tokens"]} == {"valid"}
    metadata = decode(Bundle.decode(parties.bundle.read_bytes(), 1 << 20).metadata)
    assert metadata.container.syscall_mask_token == (parties.tokens / "mask.cwt").read_bytes()


def test_it_is_what_one_person_would_have_packed(parties: Parties, program: Program) -> None:
    program.good(*parties.assemble())
    packed = parties.tokens / "packed.tcb"
    program.good("pack", COURIER, "--keys", parties.keys, "-o", packed)
    assert packed.read_bytes() == parties.bundle.read_bytes()


def test_endpoints_are_signed_one_by_one(parties: Parties, program: Program) -> None:
    one = parties.sign("endpoint", "--id", "1", "--manifest", COURIER, role="owner", out="one")
    two = parties.sign("endpoint", "--id", "2", "--manifest", COURIER, role="owner", out="two")
    tokens = ("--endpoint-token", f"1={one}", "--endpoint-token", f"2={two}")
    exchanged = ("--endpoint-token", f"1={two}", "--endpoint-token", f"2={one}")
    assert "endpoints[0].endpoint-token: step 13" in refuse_to_assemble(parties, *exchanged)
    assert "7, which is not declared" in refuse_to_assemble(
        parties, "--endpoint-token", f"7={one}", code=2
    )
    assert "is not ID=FILE" in refuse_to_assemble(parties, "--endpoint-token", str(one), code=2)
    twice = ("--endpoint-token", f"1={one}", "--endpoint-token", f"1={two}")
    assert "endpoint 1 is given twice" in refuse_to_assemble(parties, *twice, code=2)
    program.good(*parties.assemble(*tokens))
    found = program.json("verify", parties.bundle, "--keys", parties.keys)
    assert [token["status"] for token in found["tokens"]] == ["valid"] * 6


WRONG = {
    "another hash": (["--sha256", "00" * 32, "--uid", "courier"], "developer", "13 (content)"),
    "another container": ([COURIER / "courier.wasm", "--uid", "mapper"], "developer", "9 (uid)"),
    "another role": ([COURIER / "courier.wasm", "--uid", "courier"], "owner", "6 (signature)"),
    "another profile": (
        [COURIER / "courier.wasm", "--profile", "riot-2024"],
        "developer",
        "3 (profile)",
    ),
    "expired": (
        [COURIER / "courier.wasm", "--uid", "courier", "--expires", "2020-02-02"],
        "developer",
        "11 (time)",
    ),
    "not yet valid": (
        [COURIER / "courier.wasm", "--uid", "courier", "--not-before", "2120-02-02T12:00+02:00"],
        "developer",
        "11 (time)",
    ),
    "another device": (
        [COURIER / "courier.wasm", "--uid", "courier", "--audience", "other"],
        "developer",
        "10 (audience)",
    ),
}


@pytest.mark.parametrize(("arguments", "role", "step"), WRONG.values(), ids=WRONG.keys())
def test_a_token_that_does_not_fit_is_refused_with_the_reason(
    parties: Parties, arguments: list[object], role: str, step: str
) -> None:
    other = parties.sign("code", *arguments, role=role, out="other")
    assert f"code token: step {step}" in refuse_to_assemble(parties, instead={"code": other})


def test_tokens_in_each_others_places_are_refused(parties: Parties) -> None:
    mask = parties.tokens / "mask.cwt"
    assert "code token: step 6" in refuse_to_assemble(parties, instead={"code": mask})


def test_a_token_of_a_party_without_a_known_key_is_refused(parties: Parties) -> None:
    (parties.keys / "developer.pub").unlink()
    line = refuse_to_assemble(parties)
    assert "step 5 (key): no key of the role developer" in line


def test_a_public_key_cannot_seal(parties: Parties) -> None:
    line = refuse_to_assemble(parties, "--key", parties.keys / "owner.pub", code=2)
    assert "owner.pub: is a public key" in line


def test_the_time_of_judgement_can_be_given(parties: Parties, program: Program) -> None:
    arguments = (COURIER / "courier.wasm", "--uid", "courier", "--expires", "1000")
    parties.sign("code", *arguments, role="developer")
    assert "expired at 1000" in refuse_to_assemble(parties)
    program.good(*parties.assemble("--at", "999"))


def test_an_encrypted_key_opens_with_its_passphrase_only(tmp_path: Path, program: Program) -> None:
    secret = tmp_path / "passphrase"
    secret.write_text("open sesame\nanother line\n")
    program.good("keygen", tmp_path / "keys", "--passphrase-file", secret)
    key = tmp_path / "keys" / "developer.pem"
    assert "ENCRYPTED" in key.read_text()
    assert key.stat().st_mode & 0o777 == 0o600
    sign = ("sign", "code", COURIER / "courier.wasm", "--uid", "courier", "--key", key)
    out = ("-o", tmp_path / "code.cwt")
    assert "is encrypted; give its --passphrase-file" in program.bad(*sign, *out)
    wrong = tmp_path / "wrong"
    wrong.write_text("close sesame")
    line = program.bad(*sign, *out, "--passphrase-file", wrong)
    assert "cannot be read with this passphrase" in line
    assert "sesame" not in line
    wrong.write_text("\n")
    assert "is empty" in program.bad(*sign, *out, "--passphrase-file", wrong)
    program.good(*sign, *out, "--passphrase-file", secret)
    bundle = tmp_path / "c.tcb"
    keys = ("--keys", tmp_path / "keys", "--passphrase-file", secret)
    program.good("pack", COURIER, *keys, "-o", bundle)
    assert program.json("verify", bundle, "--keys", tmp_path / "keys")["valid"]


def test_symmetric_keys_go_the_same_way(tmp_path: Path, program: Program) -> None:
    keys = tmp_path / "keys"
    program.good("keygen", keys, "--mac", "--kid", "one")
    named = {
        "code": ("developer", COURIER / "courier.wasm"),
        "data": ("provider", COURIER / "courier.data"),
    }
    options: list[object] = []
    for what, (role, file) in named.items():
        token = tmp_path / f"{what}.cwt"
        key = ("--key", keys / f"{role}.cose", "-o", token)
        program.good("sign", what, file, "--uid", "courier", *key)
        options += [f"--{what}-token", token]
    mask = tmp_path / "mask.cwt"
    program.good("sign", "mask", "--manifest", COURIER, "--key", keys / "owner.cose", "-o", mask)
    seal = ("--key", keys / "infrastructure.cose", "--trust-keys", keys)
    out = ("-o", tmp_path / "c.tcb")
    program.good("assemble", COURIER, *options, "--mask-token", mask, *seal, *out)
    assert program.json("verify", tmp_path / "c.tcb", "--keys", keys)["valid"]


BAD_ARGUMENTS: dict[str, tuple[list[object], str]] = {
    "nothing to sign": (["code", "--uid", "x"], "either the FILE or its --sha256"),
    "two things to sign": (["code", "f", "--sha256", "00", "--uid", "x"], "either the FILE or"),
    "a short hash": (["code", "--sha256", "00", "--uid", "x"], "sha256: 1 bytes where 32"),
    "no hash": (["code", "--sha256", "zz", "--uid", "x"], "zz is not hexadecimal"),
    "no uid": (["code", COURIER / "courier.wasm"], "--uid, or its --manifest"),
    "an empty uid": (["code", COURIER / "courier.wasm", "--uid", ""], "1 to 63 bytes"),
    "no date": (["mask", "--calls", "none", "--uid", "x", "--expires", "soon"], "soon is neither"),
    "no call": (["mask", "--calls", "fork", "--uid", "x"], "fork is none of heartbeat"),
    "no mask": (["mask", "--uid", "x"], "--manifest"),
    "two masks": (["mask", "--calls", "open", "--mask", "1f", "--uid", "x"], "either --calls or"),
    "a long mask": (["mask", "--mask", "00" * 5, "--uid", "x"], "5 bytes where 1 to 4"),
    "no endpoint": (["endpoint", "--id", "99", "--manifest", COURIER], "no endpoint 99; there are"),
    "no manifest": (["endpoint", "--id", "1", "--uid", "x"], "--manifest that declares it"),
    "no such file": (["code", "missing", "--uid", "x"], "missing: cannot be read"),
    "claims of the other profile": (
        ["code", COURIER / "courier.wasm", "--profile", "riot-2024", "--expires", "9"],
        "riot-2024 tokens cannot carry expires_s",
    ),
    "an endpoint of the other profile": (
        ["endpoint", "--id", "1", "--manifest", COURIER, "--profile", "riot-2024"],
        "riot-2024 knows none (endpoint key 6)",
    ),
}


@pytest.mark.parametrize(("arguments", "problem"), BAD_ARGUMENTS.values(), ids=BAD_ARGUMENTS.keys())
def test_bad_arguments_of_sign_give_one_line(
    parties: Parties, arguments: list[object], problem: str
) -> None:
    out = parties.tokens / "new.cwt"
    line = parties.program.bad(
        "sign", *arguments, "--key", parties.keys / "developer.pem", "-o", out
    )
    assert problem in line
    assert not out.exists()


# The C firmware's form.

FIRMWARE_MANIFEST = """
[container]
uid = "simple_container"
code = "code"
data = "data"

[security]
start_max_duration_ms = 100
loop_period_ms = 1000
loop_max_duration_ms = 100
loop_max_lifetime = 1000
stop_max_duration_ms = 100

[[endpoints]]
id = 123
peer = "local"
peer_endpoint = 10
direction = "both"

[tokens]
profile = "riot-2024"
"""
CODE_HASH = "19a859d01c9965436f58e30f974d2f00dc018b67904775fdadbfcb82d7a5fa5f"
DATA_HASH = "1c18b9681e7f34e979dc4c9973f1e9d723aa5166a39a45e9a5e2da6d968c2281"


@pytest.fixture
def one_key(tmp_path: Path, program: Program) -> Path:
    """The firmware has one key for everything."""
    program.good("keygen", tmp_path / "keys", "--role", "owner")
    return tmp_path / "keys" / "owner.pem"


def firmware_metadata(directory: Path, key: Path, program: Program) -> Path:
    """Metadata with the values and hashes of the firmware's published example."""
    source, out = directory / "simple_container", directory / "ours.metadata"
    source.mkdir()
    (source / "container.toml").write_text(FIRMWARE_MANIFEST)
    named = {
        "code": ["--sha256", CODE_HASH],
        "data": ["--sha256", DATA_HASH],
        "mask": ["--mask", "ff"],
    }
    tokens: list[object] = []
    for what, arguments in named.items():
        token = directory / f"{what}.cwt"
        profile = ("--profile", "riot-2024", "--key", key, "-o", token)
        program.good("sign", what, *arguments, *profile)
        tokens += [f"--{what}-token", token]
    seal = ("--key", key, "--trust", key.with_suffix(".pub"), "--metadata-only", "-o", out)
    program.good("assemble", source, *tokens, *seal)
    return out


@pytest.mark.skipif(
    not VECTORS.is_dir(), reason="the firmware's published metadata files are not on this machine"
)
def test_the_firmwares_example_is_made_again_but_for_signatures_and_one_hash(
    tmp_path: Path, one_key: Path, program: Program
) -> None:
    ours = firmware_metadata(tmp_path, one_key, program).read_bytes()
    theirs = (VECTORS / "simple_container.metadata").read_bytes()
    assert len(ours) == len(theirs) == 482
    differing = {i for i, (a, b) in enumerate(zip(ours, theirs, strict=True)) if a != b}
    allowed: set[int] = set()
    decoded = decode(theirs)
    security = decoded.security
    assert security is not None
    tokens = [decoded.container.syscall_mask_token, security.data_token]
    tokens += [security.code_token, security.metadata_token]
    for token in tokens:
        end = theirs.index(token) + len(token)
        allowed |= set(range(end - 64, end))
    metadata_hash = program.json("inspect", VECTORS / "simple_container.metadata")["security"][
        "metadata_token"
    ]["claims"]["sha256"]
    start = theirs.index(bytes.fromhex(metadata_hash))
    allowed |= set(range(start, start + 32))
    assert differing
    assert differing <= allowed


def test_what_is_wrong_with_digits_is_named(keys: Path, program: Program, tmp_path: Path) -> None:
    for option in (("mask", "--mask"), ("code", "--sha256")):
        line = program.bad("sign", *option, "f", "--uid", "x", "--key", keys / "owner.pem")
        assert "f has an odd number of digits" in line
        line = program.bad("sign", *option, "1 f", "--uid", "x", "--key", keys / "owner.pem")
        assert "1 f is not hexadecimal" in line
    out = tmp_path / "courier.tcb"
    program.good("pack", COURIER, "--keys", keys, "-o", out)
    line = program.bad("verify", out, "--key", "owner=deadbeef")
    assert "deadbeef is no file, and a raw key has 64 digits, not 8" in line
