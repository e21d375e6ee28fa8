"""No verb ends with a traceback, or with "interrupted" where nobody interrupted."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest
from support.damaging import damage
from support.project import BOX, ROOT, Program, every_verb

from tinycontainer.metadata import Bundle
from tinycontainer.state import Ownership, SqliteState, StateChange, StoredContainer
from tinycontainer_tokens import Role, key_files

SHORT, LONG = 500, 20_000
SHARE_OF_JUDGING = 0.01
KEY_FORMS = {"Ed25519": (), "HMAC": ("--mac",)}
CODES = {0, 1, 2, 3}
WITHOUT_FILES = {
    ("runtimes",), ("schema",), ("completion",), ("demo",), ("remote",), ("new",),
    ("platform", "sign"), ("platform", "withdraw"), ("platform", "demo"),
    ("platform", "evidence"),
}  # fmt: skip
"""Verbs that read no file, or only for a device or a platform that they ask."""

CASE = "tokens-hmac"
"""The case of the suite whose file is damaged."""

DEVICE = """
[trust]
keys = [
    { role = "developer", file = "keys/developer.SUFFIX", algorithm = "NAME" },
    { role = "provider", file = "keys/provider.SUFFIX", algorithm = "NAME" },
    { role = "infrastructure", file = "keys/infrastructure.SUFFIX", algorithm = "NAME" },
    { role = "owner", file = "keys/owner.SUFFIX", algorithm = "NAME" },
]
[[drivers]]
driver = "console"
endpoint = 1
[[containers]]
bundle = "given.tcb"
[update]
vendor = "example.com"
keys = [{ file = "updates.pub" }]
[agent]
insecure = true
"""
PROTECTED = """
[agent]
identity = "desk.edhoc"
[[agent.peers]]
name = "alice"
context = "alice/device"
rights = ["read"]
uids = ["mapper"]
[[agent.peers]]
name = "bob"
credential = "bob.ccs"
rights = ["load", "delete"]
[evidence]
key = "evidence.pem"
"""
PLATFORM = """
[http]
bind = "127.0.0.1:8080"
[database]
url = "sqlite:///platform.db"
[limits]
sessions = 8
"""
GATEWAY = """
[[devices]]
name = "box"
context = "alice/operator"
[[tokens]]
name = "carol"
sha256 = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
verbs = ["read"]
"""
SCRIPT = '[[steps]]\nat_ms = 1\nverb = "stop"\nuid = "mapper"\n'

SIGNED = ("--key", "{keys}/developer.{private}")
TOKENS = (
    *("--code-token", "{token}", "--data-token", "{token}", "--mask-token", "{token}"),
    *("--key", "{keys}/infrastructure.{private}", "--trust-keys", "{keys}"),
)
FILES = ("--manifest", "{mapper}/container.toml")
USES = (
    ("inspect", "{bundle}"),
    ("inspect", "{metadata}"),
    ("inspect", "{token}"),
    ("verify", "{bundle}", "--keys", "{keys}"),
    ("verify", "{bundle}", "--keys", "{keys}", "--profile", "riot-2024"),
    ("verify", "{metadata}", "--keys", "{keys}", "--code", "{code}"),
    ("verify", "{token}", "--keys", "{keys}"),
    ("verify", "{bundle}", "--key", "developer={public}"),
    ("explain", "{bundle}", "--device", "{device}"),
    ("explain", "{metadata}", "--device", "{device}", "--code", "{code}"),
    ("lint", "{bundle}", "--device", "{device}"),
    ("diff", "{bundle}", "{whole}"),
    ("diff", "{whole}", "{bundle}"),
    ("convert", "{bundle}", "-o", "{out}"),
    ("convert", "{metadata}", "--code", "{code}", "-o", "{out}"),
    ("pack", "{mapper}", "--keys", "{keys}", "-o", "{out}"),
    ("sign", "code", "{code}", *SIGNED, *FILES, "-o", "{out}"),
    ("sign", "data", "{code}", "--key", "{key}", "--uid", "box", "-o", "{out}"),
    ("sign", "endpoint", "--id", "1", *SIGNED, *FILES, "-o", "{out}"),
    ("assemble", "{mapper}/container.toml", *TOKENS, "-o", "{out}"),
    ("build", "{object}", "-o", "{out}"),
    ("model", "{model}"),
    ("run", "{device}", "--for", "5ms"),
    ("serve", "{device}", "--check"),
    ("serve", "{protected}", "--check"),
    ("gateway", "{gateway}", "--check"),
    ("platform", "serve", "{platform}", "--check"),
    ("platform", "init", "{platform}", "--organisation", "b", "--roles", "owner", "--admin", "bob"),
    ("platform", "backup", "{platform}", "{out}"),
    ("platform", "restore", "{platform}", "{database}", "--check"),
    ("platform", "verify-audit", "{platform}"),
    ("run", "{device}", "--for", "5ms", "--script", "{script}"),
    ("run", "{device}", "--for", "5ms", "--replay", "{recording}"),
    ("compare", "{bundle}", "--device", "{device}", "--for", "2ms"),
    ("report", "{trace}"),
    ("state", "{state}", "--check"),
    ("state", "{state}", "--set-time", "1769860800"),
    ("sign", "mask", "--calls", "open", *FILES, "--key", "{key}", "-o", "{out}"),
    ("keygen", "{out}", "--passphrase-file", "{script}"),
    ("suit", "create", "{bundle}", "--device", "{device}", "--sequence", "1", "-o", "{out}"),
    ("suit", "create", "{mapper}", "--device", "{device}", "--sequence", "1", "-o", "{out}"),
    ("suit", "sign", "{update}", "--key", "{update_key}", "-o", "{out}"),
    ("suit", "verify", "{update}", "--device", "{device}"),
    ("suit", "verify", "{update}", "--key", "{update_public}"),
    ("suit", "inspect", "{update}"),
    ("inspect", "{update}"),
    ("suit", "extract", "{update}", "-o", "{out}"),
    ("suit", "extract", "{update}", "-o", "{out}", "--payloads"),
)
PROOFS = {
    "settings": "alice/device/settings.json",
    "secret": "alice/device/secret.json",
    "identity": "desk.edhoc",
    "credential": "bob.ccs",
    "evidence": "evidence.pem",
}
"""What a protected device knows its peers by, and what it signs with; `serve` reads them."""
CONTEXT = {
    "operators_settings": "alice/operator/settings.json",
    "operators_secret": "alice/operator/secret.json",
}
"""What a gateway knows its device by."""

JUDGING = ("conform", "--cases", "{suite}", "--timeout", "2")

"""Each verb with the files that it can read; one of those in braces is damaged. `JUDGING` starts a
process each time, so it has a smaller share."""


@dataclass
class Workshop:
    """Whole files of one kind of keys, and a directory where copies of them are damaged."""

    root: Path
    private: str
    public: str

    @property
    def files(self) -> dict[str, Path]:
        root = self.root
        return {
            "bundle": root / "given.tcb",
            "metadata": root / "given.metadata",
            "token": root / "code.cwt",
            "code": root / "mapper" / "mapper.wasm",
            "manifest": root / "mapper" / "container.toml",
            "key": root / "keys" / f"developer.{self.private}",
            "public": root / "keys" / f"developer.{self.public}",
            "device": root / "device.toml",
            "object": BOX / "mapper" / "mapper.o",
            "model": BOX / "compliance" / "autoencoder.tflite",
            "script": root / "script.toml",
            "case": root / "suite" / "cases" / f"{CASE}.toml",
            "recording": root / "recording.jsonl",
            "trace": root / "trace.jsonl",
            "state": root / "state.db",
            "protected": root / "protected.toml",
            "gateway": root / "gateway.toml",
            "platform": root / "platform.toml",
            "database": root / "platform.db",
            "update": root / "given.suit",
            "update_key": root / "updates.pem",
            "update_public": root / "updates.pub",
            **{name: root / place for name, place in (PROOFS | CONTEXT).items()},
        }


def workshop(root: Path, program: Program, form: str) -> Workshop:
    hmac = form == "HMAC"
    made = Workshop(root, "cose" if hmac else "pem", "cose" if hmac else "pub")
    shutil.copytree(BOX / "mapper", root / "mapper")
    shutil.copytree(ROOT / "specs" / "conformance" / "bundles", root / "suite" / "bundles")
    (root / "suite" / "cases").mkdir()
    shutil.copy(ROOT / "specs" / "conformance" / "cases" / f"{CASE}.toml", made.files["case"])
    (root / "script.toml").write_text(SCRIPT)
    algorithm = "HMAC-256" if hmac else "EdDSA"
    text = DEVICE.replace("SUFFIX", made.public).replace("NAME", algorithm)
    (root / "device.toml").write_text(text)
    (root / "protected.toml").write_text(PROTECTED)
    (root / "gateway.toml").write_text(GATEWAY)
    (root / "platform.toml").write_text(PLATFORM)
    platform = ("platform", "init", root / "platform.toml")
    program.good(*platform, "--organisation", "a", "--roles", "owner", "--admin", "ada")
    program.good("keygen", "--oscore", root / "alice")
    for name in ("desk", "bob"):
        program.good("keygen", "--edhoc", root / name)
    program.good("keygen", root, "--evidence")
    program.good("keygen", root / "keys", *KEY_FORMS[form])
    program.good("pack", root / "mapper", "--keys", root / "keys", "-o", root / "given.tcb")
    program.good(
        *("sign", "code", made.files["code"], "--uid", "mapper", "--key", made.files["key"]),
        *("-o", made.files["token"]),
    )
    program.good("keygen", "--update", "P-256", root / "updates.pem")
    (root / "mapper.tcb").write_bytes(made.files["bundle"].read_bytes())
    program.good(
        *("suit", "create", made.files["bundle"], "--device", made.files["device"]),
        *("--sequence", "1", "-o", root / "unsigned.suit", "--severed-install"),
    )
    program.good(
        *("suit", "sign", root / "unsigned.suit", "--key", root / "updates.pem"),
        *("-o", made.files["update"]),
    )
    remember(made.files["state"], made.files["bundle"].read_bytes())
    run = ("run", root / "device.toml", "--for", "5ms")
    program.good(*run, "--trace", made.files["trace"], "--record", made.files["recording"])
    return made


def remember(path: Path, bundle: bytes) -> None:
    parts = Bundle.decode(bundle, len(bundle))
    box = StoredContainer(0, b"mapper", parts.metadata, parts.code, parts.data)
    state = SqliteState(path, Ownership.SOLE)
    state.record(StateChange(stored=(box,), events=(b"e",), now_s=1))
    state.close()


def uses(made: Workshop, random: Random) -> Iterator[tuple[list[str], str]]:
    """Without end: the words of a verb over files of which one was damaged, and which."""
    whole = {name: path.read_bytes() for name, path in made.files.items()}
    kept = made.root / "whole.tcb"
    kept.write_bytes(whole["bundle"])
    fixed = {
        "keys": made.root / "keys",
        "mapper": made.root / "mapper",
        "private": made.private,
        "whole": kept,
        "out": made.root / "out",
        "suite": made.root / "suite",
    }
    for path in ("object", "model"):
        (made.root / path).write_bytes(whole[path])
    keys = [
        key_files.parse((made.root / "keys" / f"{role}.{made.private}").read_bytes())
        for role in Role
    ]
    paths = made.files | {name: made.root / name for name in ("object", "model")}
    while True:
        use = JUDGING if random.random() < SHARE_OF_JUDGING else random.choice(USES)
        text = " ".join(use)
        readable = [name for name in whole if "{" + name + "}" in text]
        readable += ["manifest", "code"] * ("{mapper}" in text)
        readable += ["case"] * ("{suite}" in text)
        readable += [*PROOFS] * ("{protected}" in text) + [*CONTEXT] * ("{gateway}" in text)
        readable += ["database"] * ("{platform}" in text)
        readable += ["key"] * ("{keys}" in text) + ["bundle", "public"] * ("{device}" in text)
        name = random.choice(readable)
        paths[name].write_bytes(damage(whole[name], list(whole.values()), keys, random))
        yield (
            [word.format(**fixed, **paths) for word in use] + ["--json"] * random.randrange(2),
            name,
        )
        paths[name].write_bytes(whole[name])
        for made_file in made.root.glob("out*"):
            shutil.rmtree(made_file) if made_file.is_dir() else made_file.unlink()


def check(root: Path, program: Program, form: str, count: int, seed: int) -> None:
    made = workshop(root, program, form)
    following = uses(made, Random(seed))
    for number in range(count):
        words, name = next(following)
        where = f"input {number}: {words}, {name} damaged"
        try:
            code, _, err = program(*words)
        except Exception as error:
            raise AssertionError(where) from error
        assert code in CODES, f"{where}: {code} {err}"
        assert "Traceback" not in err, where


@pytest.mark.clause("TC-TOOL-11")
@pytest.mark.parametrize("form", KEY_FORMS)
def test_no_verb_ends_with_a_traceback_or_takes_damage_for_an_interrupt(
    tmp_path: Path, program: Program, form: str
) -> None:
    check(tmp_path, program, form, SHORT // len(KEY_FORMS), seed=13)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("form", KEY_FORMS)
def test_no_verb_ends_with_a_traceback_in_20000_inputs(
    tmp_path: Path, program: Program, form: str, seed: int
) -> None:
    check(tmp_path, program, form, LONG // (10 * len(KEY_FORMS)), seed)


def test_every_verb_that_takes_files_is_among_them() -> None:
    used = {
        use[:2] if use[0] in ("sign", "suit", "platform") else use[:1] for use in (*USES, JUDGING)
    }
    assert {words for words, _ in every_verb()} == used | WITHOUT_FILES
