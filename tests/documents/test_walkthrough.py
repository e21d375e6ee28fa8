"""The walkthrough in docs/ and the examples of all verbs do what they say."""

import re
import shlex
import sys
from pathlib import Path

import pytest
from support.pages import run_page
from support.project import ROOT, Program, every_verb

PAGES = [ROOT / "docs" / name for name in ("four-parties.md", "update-a-container.md")]
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


@each_page
def test_a_walkthrough_works_as_it_stands(page: Path, tmp_path: Path) -> None:
    python = shlex.quote(sys.executable)
    ours = (
        f'python() {{ {python} "$@"; }}\ntinycontainerctl() {{ python -m tinycontainer "$@"; }}\n'
    )
    assert run_page(page, tmp_path, ours) == ""


@each_page
def test_the_links_of_a_walkthrough_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)]*)\)", page.read_text())
    assert links
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_example_of_every_verb_works_in_the_directory_of_a_demo(
    tmp_path: Path, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = tmp_path / "box"
    program.good("demo", "--keep", box)
    monkeypatch.chdir(box)
    # What `init` and `sign` make, others use.
    verbs = sorted(
        every_verb(), key=lambda each: (each[0][-1] != "init", each[0][0] != "sign", each[0])
    )
    program.good("keygen", ".", "--evidence")
    for words, verb in verbs:
        name, *arguments = shlex.split(verb.example)
        assert (name, tuple(arguments[: len(words)])) == ("tinycontainerctl", words)
        if words == ("remote",):  # no device is served there; port 9 is never one
            uri = arguments[1]
            problem = program.bad("remote", f"{uri}:9", *arguments[2:])
            assert "cannot be reached" in problem
            continue
        if words == ("platform", "demo"):  # it has a test of its own, which takes a while
            continue
        if words in (("platform", "sign"), ("platform", "withdraw"), ("platform", "evidence")):
            problem = program.bad(*words, "http://127.0.0.1:9", *arguments[3:], code=1)
            assert "cannot be reached" in problem
            continue
        code, _, err = program(*arguments)
        assert (words, code, err) == (words, 0, "")
