"""The walkthrough in docs/ and the examples of all verbs do what they say."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from support.project import ROOT, Program, every_verb

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
