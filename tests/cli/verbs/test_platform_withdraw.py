"""``platform withdraw``: what an owner sees, when nothing is signed, and what is remembered."""

import io
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.project import Program
from support.signing_platforms import (
    PUBLIC,
    FakePlatform,
    problem,
    served,
    withdrawal_of,
    write_keys,
)

from tinycontainer.cli.program import cli
from tinycontainer.cli.verbs.network.platform_sign import sign
from tinycontainer.cli.verbs.network.platform_withdraw import withdraw
from tinycontainer_tokens import Expectation, KeyEntry, KeyStore, Kind, Profile, Role, verify


@dataclass
class Desk:
    """An owner before a platform.

    Attributes:
        program: runs the verb.
        folder: of the key, and of the history.
        platform: that is asked.
        url: of the platform.
    """

    program: Program
    folder: Path
    platform: FakePlatform
    url: str

    def arguments(self, *more: object) -> tuple[object, ...]:
        """A command line for the container box."""
        place = ("platform-withdraw", self.url, "box", "--key", self.folder / "owner.pem")
        return (*place, "--history", self.folder / "signed", *more)

    def good(self, *more: object) -> str:
        """What a run prints that must succeed."""
        return self.program.good(*self.arguments(*more))

    def bad(self, *more: object, code: int = 1) -> str:
        """The line of a run that must be refused; it leads to no token."""
        before = len(self.platform.taken)
        line = self.program.bad(*self.arguments(*more), code=code)
        assert len(self.platform.taken) == before
        return line


@pytest.fixture
def desk(tmp_path: Path, program: Program, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """An owner before an honest platform."""
    monkeypatch.setitem(cli.commands, "platform-withdraw", withdraw)
    monkeypatch.setitem(cli.commands, "platform-sign", sign)
    write_keys(tmp_path)
    platform = FakePlatform()
    with served(platform) as url:
        yield Desk(program, tmp_path, platform, url)


@pytest.mark.clause("TC-PLAT-56")
def test_it_says_what_a_withdrawal_means_signs_it_and_sends_it(desk: Desk) -> None:
    lines = desk.good("--yes").splitlines()
    assert lines[:2] == [
        "withdrawal of the container box (hex:626f78), up to 1",
        "  every container box (hex:626f78) on devices that trust this key ends",
    ]
    assert lines[-1] == "signed, and the platform has it"
    (token,) = desk.platform.taken
    keys = KeyStore([KeyEntry(Role.OWNER, Profile.RFC9052, PUBLIC[Role.OWNER])])
    claims = verify(token, Expectation(Kind.MASK, Profile.RFC9052, b"box", 0), keys).require()
    assert (claims.mask, claims.sequence) == (b"\0", 1)


@pytest.mark.clause("TC-PLAT-56")
def test_it_is_remembered_together_with_the_masks_that_were_signed(desk: Desk) -> None:
    key = ("--key", desk.folder / "owner.pem", "--history", desk.folder / "signed", "--yes")
    desk.program.good("platform-sign", desk.url, "box", 3, "mask", *key)
    assert "it counts 1, but 3 was signed here before" in desk.bad("--yes")
    desk.platform.sequence = 4
    assert "signed here before counts 3" in desk.good("--yes")
    assert desk.platform.seen[-2][1].endswith("&above=3")
    line = desk.program.bad("platform-sign", desk.url, "box", 3, "mask", *key, code=1)
    assert "version 3 is older than version 4, signed here before" in line


def test_a_dry_run_signs_and_remembers_nothing(desk: Desk) -> None:
    assert desk.good("--dry-run").endswith("nothing was signed\n")
    assert desk.platform.taken == []
    assert not (desk.folder / "signed").exists()


def test_the_facts_are_one_object_of_json(desk: Desk) -> None:
    dry = json.loads(desk.good("--dry-run", "--json"))
    assert (dry["uid"], dry["sequence"], dry["signed"]) == ("box", 1, False)
    assert json.loads(desk.good("--yes", "--json")) == {**dry, "signed": True}
    assert "--json goes together with --yes or --dry-run" in desk.bad("--json", code=2)


def test_without_a_terminal_and_without_yes_nothing_is_signed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    assert "without a terminal; give --yes or --dry-run" in desk.bad(code=2)
    assert not (desk.folder / "signed").exists()


@pytest.mark.clause("TC-PLAT-56")
def test_a_platform_that_asks_for_something_else_gets_no_signature(desk: Desk) -> None:
    def lies(_honest: dict[str, Any]) -> dict[str, Any]:
        return withdrawal_of(1, mask=b"\x1f")

    desk.platform.lies = lies
    assert "says something else than that this container has no right" in desk.bad("--yes")
    assert not (desk.folder / "signed").exists()


def test_a_platform_that_refuses_is_remembered_nevertheless(desk: Desk) -> None:
    desk.platform.refuses = problem("not now")
    line = desk.bad("--yes")
    assert "status 409: not now; the token was signed, is kept nowhere here" in line
    assert [each.name for each in (desk.folder / "signed").iterdir()] == ["626f78.mask"]


def test_what_is_no_uid_is_refused(desk: Desk) -> None:
    arguments = [*desk.arguments("--yes")]
    arguments[2] = "hex:0"
    assert "UID: 0 has an odd number of digits" in desk.program.bad(*arguments, code=2)
    assert desk.platform.seen == []
