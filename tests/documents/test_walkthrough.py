"""The walkthrough in docs/ and the examples of all verbs do what they say."""

import re
import shlex
import sys
from pathlib import Path

import pytest
from support.pages import run_page
from support.project import ROOT, Program, every_verb

PAGE = ROOT / "docs" / "four-parties.md"


def test_the_walkthrough_of_the_four_parties_works_as_it_stands(tmp_path: Path) -> None:
    ours = f'tinycontainerctl() {{ {shlex.quote(sys.executable)} -m tinycontainer "$@"; }}\n'
    assert run_page(PAGE, tmp_path, ours) == ""


def test_the_links_of_the_walkthrough_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)]*)\)", PAGE.read_text())
    assert links
    assert [link for link in links if not (PAGE.parent / link).exists()] == []


def test_the_example_of_every_verb_works_in_the_directory_of_a_demo(
    tmp_path: Path, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = tmp_path / "box"
    program.good("demo", "--keep", box)
    monkeypatch.chdir(box)
    verbs = sorted(every_verb(), key=lambda each: (each[0][0] != "sign", each[0]))
    for words, verb in verbs:
        name, *arguments = shlex.split(verb.example)
        assert (name, tuple(arguments[: len(words)])) == ("tinycontainerctl", words)
        if words == ("remote",):  # no device is served there; port 9 is never one
            uri = arguments[1]
            problem = program.bad("remote", f"{uri}:9", *arguments[2:])
            assert "cannot be reached" in problem
            continue
        code, _, err = program(*arguments)
        assert (words, code, err) == (words, 0, "")
