"""The walkthrough in docs/ and the examples of all verbs do what they say."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from support.project import ROOT, Program, every_verb

from tinycontainer.cli.main import cli
from tinycontainer.cli.verb import Verb

PAGE = ROOT / "docs" / "four-parties.md"


def test_the_walkthrough_of_the_four_parties_works_as_it_stands(tmp_path: Path) -> None:
    blocks = re.findall(r"```(sh|text)\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(blocks) > 12
    ours = f'tinycontainerctl() {{ {shlex.quote(sys.executable)} -m tinycontainer "$@"; }}\n'
    marker = "--- end of a block ---\n"
    script = "".join(
        f"{text}\nprintf '%s' {shlex.quote(marker)}\n" for kind, text in blocks if kind == "sh"
    )
    done = subprocess.run(
        ["bash", "-euc", ours + script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    printed = iter(done.stdout.split(marker))
    said = ""
    for kind, text in blocks:
        if kind == "sh":
            said = next(printed)
        else:
            assert said.endswith(text)


def test_the_links_of_the_walkthrough_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)]*)\)", PAGE.read_text())
    assert links
    assert [link for link in links if not (PAGE.parent / link).exists()] == []


def example(words: tuple[str, ...]) -> list[str]:
    command: click.Command = cli
    for word in words:
        assert isinstance(command, click.Group)
        command = command.commands[word]
    assert isinstance(command, Verb)
    return shlex.split(command.example)


def test_the_example_of_every_verb_works_in_the_directory_of_a_demo(
    tmp_path: Path, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = tmp_path / "box"
    program.good("demo", "--keep", box)
    monkeypatch.chdir(box)
    verbs = sorted(every_verb(cli), key=lambda words: (words[0] != "sign", words))
    for words in verbs:
        name, *arguments = example(words)
        assert (name, tuple(arguments[: len(words)])) == ("tinycontainerctl", words)
        code, _, err = program(*arguments)
        assert (words, code, err) == (words, 0, "")
