"""``platform sign``: what a signer sees, when nothing is signed, and what is remembered."""

import io
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from support.certificates import make_certificate
from support.project import Program
from support.signing_platforms import (
    FakePlatform,
    Raw,
    answer_of,
    problem,
    ready_release,
    served,
    small_release,
    write_keys,
)
from support.worlds import KEYS

from tinycontainer.cli.program import cli
from tinycontainer.cli.verbs.network.platform_sign import sign
from tinycontainer.network.platform.releases.parts import CODE, MASK, METADATA
from tinycontainer.tools.packing.packing import TokenOptions
from tinycontainer_tokens import Algorithm, KeyMaterial, Kind, Profile, Role, key_files


class Terminal(io.StringIO):
    """Somebody at a terminal, who has typed something."""

    def isatty(self) -> bool:
        return True


@dataclass
class Desk:
    """A signer before a platform.

    Attributes:
        program: runs the verb.
        folder: of keys, and of the history.
        platform: that is asked.
        url: of the platform.
    """

    program: Program
    folder: Path
    platform: FakePlatform
    url: str
    keys: dict[Role, Path] = field(default_factory=dict)

    @property
    def history(self) -> Path:
        """What was signed here."""
        return self.folder / "signed"

    def arguments(self, part: str, *more: object, role: Role = Role.OWNER) -> tuple[object, ...]:
        """A command line for release 3 of the container box."""
        place = ("platform-sign", self.url, "box", 3, part)
        return (*place, "--key", self.keys[role], "--history", self.history, *more)

    def good(self, part: str, *more: object, role: Role = Role.OWNER) -> str:
        """What a run prints that must succeed."""
        return self.program.good(*self.arguments(part, *more, role=role))

    def bad(self, part: str, *more: object, role: Role = Role.OWNER, code: int = 1) -> str:
        """The line of a run that must be refused; it leads to no signature and no memory."""
        before = len(self.platform.taken)
        line = self.program.bad(*self.arguments(part, *more, role=role), code=code)
        assert len(self.platform.taken) == before
        return line


@pytest.fixture
def desk(tmp_path: Path, program: Program, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A signer before an honest platform."""
    monkeypatch.setitem(cli.commands, "platform-sign", sign)
    platform = FakePlatform()
    with served(platform) as url:
        yield Desk(program, tmp_path, platform, url, dict(write_keys(tmp_path)))


def lying(change: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def lies(honest: dict[str, Any]) -> dict[str, Any]:
        told = dict(honest)
        change(told)
        return told

    return lies


def test_a_mask_is_shown_signed_sent_and_remembered(desk: Desk) -> None:
    out = desk.good("mask", "--yes")
    assert out.splitlines()[0] == "mask of the container box (hex:626f78), version 3"
    assert "this is the first version that you sign here" in out
    assert out.endswith("signed, and the platform has it\n")
    assert MASK in desk.platform.release.tokens
    assert [each.name for each in desk.history.iterdir()] == ["626f78.mask"]
    assert desk.history.stat().st_mode & 0o777 == 0o700


def test_the_next_version_is_compared_with_the_one_before(desk: Desk) -> None:
    desk.good("mask", "--yes")
    desk.platform.release = small_release(mask=1, terms={Kind.MASK: TokenOptions(4)})
    out = desk.good("mask", "--yes")
    assert "since version 3, which you signed at " in out
    assert "  rights: may no longer call open, close, read, write" in out
    assert "warning: the token counts version 4, but the release is number 3" in out


def test_an_older_version_is_refused_unless_it_is_allowed(desk: Desk) -> None:
    desk.platform.release = small_release(terms={Kind.MASK: TokenOptions(4)})
    desk.good("mask", "--yes")
    desk.platform.release = small_release()
    assert "older than version 4, signed here before" in desk.bad("mask", "--yes")
    out = desk.good("mask", "--yes", "--older")
    assert "warning: this is older than version 4, which was signed here before" in out


def test_a_dry_run_signs_and_remembers_nothing(desk: Desk) -> None:
    assert desk.good("mask", "--dry-run").endswith("nothing was signed\n")
    assert desk.platform.taken == []
    assert not desk.history.exists()
    assert [method for method, _ in desk.platform.seen] == ["GET"]


def test_without_a_terminal_and_without_yes_nothing_is_signed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    assert "without a terminal; give --yes or --dry-run" in desk.bad("mask", code=2)
    assert not desk.history.exists()


@pytest.mark.parametrize("typed", ["n\n", "\n", "no\n"])
def test_who_does_not_agree_signs_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, typed: str
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    code, out, err = desk.program(*desk.arguments("mask"))
    assert code == 1
    assert "allows heartbeat, open, close, read, write (mask 1f)" in out
    assert "Sign mask of the container box (hex:626f78), version 3?" in err
    assert err.endswith("error: nothing was signed\n")
    assert desk.platform.taken == []


def test_who_ends_the_dialogue_signs_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(""))
    code, _, _ = desk.program(*desk.arguments("mask"))
    assert code == 130
    assert desk.platform.taken == []


def test_who_agrees_signs(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    code, out, _ = desk.program(*desk.arguments("mask"))
    assert code == 0
    assert out.endswith("signed, and the platform has it\n")
    assert len(desk.platform.taken) == 1


def test_all_four_parties_sign_a_release(desk: Desk) -> None:
    for part in desk.platform.release.parts:
        desk.good(part.name, "--yes", role=part.role)
    assert desk.platform.release.is_complete
    assert desk.platform.release.bundle().code == b"box"


def test_the_facts_are_one_object_of_json(desk: Desk) -> None:
    dry = json.loads(desk.good("mask", "--dry-run", "--json"))
    assert dry["signed"] is False
    signed = json.loads(desk.good("mask", "--yes", "--json"))
    assert signed == {**dry, "signed": True}
    assert signed["claims"]["calls"] == ["heartbeat", "open", "close", "read", "write"]
    assert signed["warnings"] == []
    assert signed["heading"] == "mask of the container box (hex:626f78), version 3"


def test_json_belongs_to_yes_or_a_dry_run(desk: Desk) -> None:
    assert "--json goes together with --yes or --dry-run" in desk.bad("mask", "--json", code=2)
    assert desk.platform.seen == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda told: told.update(uid="1b"), "answers for the container \\x1b, not for box"),
        (lambda told: told.update(number=4), "answers for the release 4, not for 3"),
        (lambda told: told.update(part="code"), "answers for the part code, not for mask"),
        (lambda told: told.update(profile="riot-2024"), "--profile allows rfc9052"),
        (lambda told: told.update(covered=""), "a mask covers no bytes"),
        (lambda told: told.update(payload="oA=="), "is no token of this part"),
        (lambda told: told.update(payload=None), "payload is not a text"),
        (lambda told: told.update(more=1), "unknown field more"),
        (lambda told: told.pop("uid"), "lacks uid"),
    ],
)
def test_a_platform_that_lies_gets_no_signature(
    desk: Desk, change: Callable[[dict[str, Any]], None], problem: str
) -> None:
    desk.platform.lies = lying(change)
    assert problem in desk.bad("mask", "--yes")
    assert not desk.history.exists()


def test_the_payload_of_another_part_gets_no_signature(desk: Desk) -> None:
    code = answer_of(small_release(), CODE)
    desk.platform.lies = lying(lambda told: told.update(payload=code["payload"]))
    assert "is no token of this part" in desk.bad("mask", "--yes")


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (Raw(b"\x1b[2J"), "is not one flat object of JSON"),
        (Raw(b"{}", "text/html"), "is text/html, not application/json"),
        (Raw(b"", None, 302, {"Location": "/"}), "leads elsewhere, which is not followed"),
        (Raw(b" " * 65536, repeats=1 << 20), "answer is too long"),
        (problem("\x1b]0;owned\x07"), "status 409: \\x1b]0;owned\\x07"),
    ],
)
def test_what_is_no_answer_gets_no_signature(desk: Desk, raw: Raw, text: str) -> None:
    desk.platform.lies = lambda _honest: raw
    assert text in desk.bad("mask", "--yes")


def test_a_container_whose_name_drives_terminals_is_shown_escaped(desk: Desk) -> None:
    uid = b"b\x1b[2Jx"
    terms = {Kind.MASK: TokenOptions(3, "d\x1bv\u202e")}
    desk.platform.release = small_release(uid=uid, terms=terms)
    arguments = [*desk.arguments("mask", "--dry-run")]
    arguments[2] = f"hex:{uid.hex()}"
    out = desk.program.good(*arguments)
    assert out.startswith("mask of the container b\\x1b[2Jx (hex:")
    assert "for the device d\\x1bv\\xe2\\x80\\xae only" in out
    assert out.isascii()
    assert out.replace("\n", "").isprintable()


def test_a_token_that_is_not_taken_is_remembered_and_kept_nowhere(desk: Desk) -> None:
    desk.platform.refuses = problem("not\x1b now")
    line = desk.bad("mask", "--yes")
    assert "status 409: not\\x1b now; the token was signed, is kept nowhere here" in line
    assert b"\x01" in (desk.history / "626f78.mask").read_bytes()
    desk.platform.refuses = None
    assert "since version" in desk.good("mask", "--yes").replace("Since", "since")


def test_a_history_that_cannot_be_used_hinders_a_signature(desk: Desk) -> None:
    desk.good("mask", "--yes")
    (desk.history / "626f78.mask").write_bytes(b"\x1b")
    assert "is damaged" in desk.bad("mask", "--yes")
    desk.history.chmod(0o755)
    assert "has the mode 0755" in desk.bad("mask", "--yes")


def test_what_cannot_be_remembered_is_said(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.history.mkdir(0o700)

    def taken(honest: dict[str, Any]) -> dict[str, Any]:
        desk.history.chmod(0o777)  # after the history was read
        return honest

    desk.platform.lies = taken
    line = desk.program.bad(*desk.arguments("mask", "--yes"), code=1)
    assert "has the mode 0777" in line
    assert desk.platform.taken == []


def test_a_token_file_is_sent_and_has_to_be_private(desk: Desk) -> None:
    desk.platform.token = "secret.token"
    file = desk.folder / "token"
    file.write_text("secret.token\n")
    file.chmod(0o600)
    assert "secret" not in desk.good("mask", "--yes", "--token", file)
    assert "status 401" in desk.bad("mask", "--yes")
    file.chmod(0o644)
    assert "others can use it" in desk.bad("mask", "--yes", "--token", file, code=2)


@pytest.mark.parametrize(
    "url",
    [
        "http://platform.example",
        "http://localhost",
        "ftp://127.0.0.1",
        "https://user@platform",
        "https://platform?x",
        "platform",
        "\x1b",
    ],
)
def test_a_uri_over_which_nothing_may_be_sent_is_refused(desk: Desk, url: str) -> None:
    arguments = [*desk.arguments("mask", "--yes")]
    arguments[1] = url
    assert "is n" in desk.program.bad(*arguments)
    assert desk.platform.seen == []


def test_a_platform_with_a_certificate_of_its_own_is_trusted_by_ca(
    desk: Desk, tmp_path: Path
) -> None:
    certificate = tmp_path / "platform.pem"
    make_certificate(certificate, "127.0.0.1")
    assert "--ca belongs to https" in desk.bad("mask", "--yes", "--ca", certificate, code=2)
    with served(desk.platform, certificate) as url:
        desk.url = url
        assert "certificate does not hold" in desk.bad("mask", "--yes")
        desk.good("mask", "--yes", "--ca", certificate)


@pytest.mark.parametrize(
    ("place", "value", "text"),
    [
        (2, "", "UID: a uid has 1 to 63 bytes"),
        (2, "hex:0", "UID: 0 has an odd number of digits"),
        (3, "-1", "NUMBER"),
        (3, str(1 << 64), "NUMBER"),
        (4, "endpoint-01", "PART: endpoint-01 is no part"),
        (4, "\x1b", "PART: \\x1b is no part"),
    ],
)
def test_an_order_that_means_nothing_is_refused(
    desk: Desk, place: int, value: str, text: str
) -> None:
    arguments = [*desk.arguments("mask", "--yes")]
    arguments[place] = value
    if value == "-1":
        arguments.insert(1, "--")
        arguments[1:] = [*arguments[6:], *arguments[1:6]]
    assert text in desk.program.bad(*arguments)
    assert desk.platform.seen == []


def test_a_key_that_others_would_have_to_know_cannot_sign(desk: Desk, tmp_path: Path) -> None:
    shared = tmp_path / "shared.cose"
    secret = KeyMaterial(Algorithm.HMAC_256, b"", bytes(range(32)))
    shared.write_bytes(key_files.to_cose_key(secret))
    desk.keys[Role.OWNER] = shared
    assert "the platform would have to know the secret" in desk.bad("mask", "--yes")
    assert desk.platform.seen == []


def test_a_key_that_the_platform_does_not_know_gets_its_problem(desk: Desk) -> None:
    desk.platform.keys = ()
    assert "status 404: this key is not known" in desk.bad("mask", "--yes")


def test_an_encrypted_key_is_opened_by_its_passphrase(desk: Desk, tmp_path: Path) -> None:
    key = tmp_path / "encrypted.pem"
    key.write_bytes(key_files.to_pem(KEYS[Role.OWNER], b"open"))
    (tmp_path / "words").write_text("open\n")
    desk.keys[Role.OWNER] = key
    desk.good("mask", "--yes", "--passphrase-file", tmp_path / "words")


def test_a_token_of_the_firmware_is_signed_only_if_its_profile_is_allowed(desk: Desk) -> None:
    desk.platform.release = small_release(profile=Profile.RIOT_2024)
    assert "--profile allows rfc9052" in desk.bad("mask", "--yes")
    out = desk.good("mask", "--yes", "--profile", "riot-2024")
    assert "warning: a riot-2024 token is bound to no container: it is valid in every one" in out


def test_the_history_lies_where_the_system_keeps_such_files(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for data, place in (("relative", "home/.local/share"), (str(tmp_path / "data"), "data")):
        monkeypatch.setenv("XDG_DATA_HOME", data)
        arguments = [each for each in desk.arguments("mask", "--yes") if each != "--history"]
        desk.program.good(*(each for each in arguments if each != desk.history))
        assert (tmp_path / place / "tinycontainer" / "signed" / "626f78.mask").is_file()


def test_metadata_with_room_for_another_token_get_no_signature(desk: Desk) -> None:
    desk.platform.release = ready_release(METADATA)
    named = replace(KEYS[Role.INFRASTRUCTURE], kid=b"infra")
    desk.platform.keys = (named.public_half(),)
    line = desk.bad("metadata", "--yes", role=Role.INFRASTRUCTURE)
    assert "perhaps the platform knows the key under another key id" in line


BASE_ONLY = """
import importlib, sys
for name in ("fastapi", "sqlalchemy", "starlette", "uvicorn", "aiocoap", "alembic", "argon2"):
    sys.modules[name] = None
importlib.import_module("tinycontainer.cli.verbs.network.platform_sign")
"""


def test_it_needs_no_optional_part() -> None:
    subprocess.run([sys.executable, "-c", BASE_ONLY], check=True, timeout=60)
