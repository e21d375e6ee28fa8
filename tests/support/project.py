"""Paths of the project's own files, and a way to run its program in a test."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import click
import pytest

from tinycontainer.assembly import Installation
from tinycontainer.cli.answers import ANSWERS
from tinycontainer.cli.main import main
from tinycontainer.cli.program import cli
from tinycontainer.cli.verb import Verb
from tinycontainer_tokens import Role

ROOT = Path(__file__).resolve().parents[2]
VECTORS = ROOT.parent / "shared" / "vectors"
BOX = ROOT / "examples" / "smartdronebox"


KEY_LINES: Final = "\n".join(f'  {{ role = "{role}", file = "keys/{role}.pub" }},' for role in Role)
"""The keys of all roles, as a device file names what `keygen keys` makes."""


class Program:
    """Runs ``tinycontainerctl`` in this process.

    Attributes:
        installation: what is installed for it; None for what this machine has.
    """

    def __init__(self, captured: pytest.CaptureFixture[str]) -> None:
        self._captured = captured
        self.installation: Installation | None = None

    def __call__(self, *arguments: object) -> tuple[int, str, str]:
        """Exit code, standard output, standard error."""
        self._captured.readouterr()
        code = main([str(argument) for argument in arguments], self.installation)
        out, err = self._captured.readouterr()
        return code, out, err

    def good(self, *arguments: object) -> str:
        """Standard output of a run that must succeed."""
        code, out, err = self(*arguments)
        assert (code, err) == (0, "")
        return out

    def json(self, *arguments: object, code: int = 0) -> Any:
        """What a run with ``--json`` prints, which has the form that `schema` promises."""
        found, out, err = self(*arguments, "--json")
        assert (found, err) == (code, ""), err
        assert out.isascii()
        answer = json.loads(out)
        check_answer(arguments, answer)
        return answer

    def bad(self, *arguments: object, code: int = 2) -> str:
        """The one line of a run that must be refused."""
        found, _, err = self(*arguments)
        assert found == code
        assert err.startswith("error: ")
        assert err.count("\n") == 1
        assert err.isascii()
        return err.removeprefix("error: ").rstrip("\n")


def check_answer(arguments: Sequence[object], answer: object) -> None:
    """Compare what a verb prints with ``--json`` with its form in `tinycontainer.cli.answers`."""
    words = [str(each) for each in arguments[:2]]
    form = ANSWERS.get(" ".join(words)) or ANSWERS.get(words[0])
    if words[0] != "schema":
        assert form is not None, f"tinycontainer/cli/answers has no form for {words}"
        form.check(answer)


def every_verb() -> Iterator[tuple[tuple[str, ...], Verb]]:
    """The words of each verb, those of groups of verbs included, and its command."""
    return _verbs_of(cli)


def _verbs_of(group: click.Group) -> Iterator[tuple[tuple[str, ...], Verb]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from (((name, *words), verb) for words, verb in _verbs_of(command))
        else:
            assert isinstance(command, Verb)
            yield (name,), command
