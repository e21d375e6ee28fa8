"""The README's examples and commands are run as they are printed there."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from support.project import ROOT, Program


def test_the_library_examples_do_what_the_readme_says(
    tmp_path: Path,
    program: Program,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = (ROOT / "README.md").read_text()
    examples = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (promised,) = re.findall(r"prints `(.*?)`", text)
    box = tmp_path / "box"
    program.good("demo", "--keep", box)
    monkeypatch.chdir(box)
    assert len(examples) == 2
    for example in examples:
        exec(compile(example, "README.md", "exec"), {})
    assert capsys.readouterr().out.strip() == promised


def test_every_verb_of_the_readme_exists(program: Program) -> None:
    text = (ROOT / "README.md").read_text()
    verbs = set(re.findall(r"tinycontainerctl (\w+)", text))
    assert verbs >= {"demo", "pack", "inspect", "verify", "explain", "lint", "diff", "run"}
    for verb in verbs:
        program.good(verb, "--help")


def test_the_commands_of_the_readme_work_in_the_box(
    tmp_path: Path, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (ROOT / "README.md").read_text()
    (block,) = re.findall(r"In the directory `box`:\n\n```sh\n(.*?)```", text, re.DOTALL)
    program.good("demo", "--keep", tmp_path / "box")
    monkeypatch.chdir(tmp_path / "box")
    commands = [shlex.split(line, comments=True) for line in block.splitlines()]
    assert len(commands) == 14
    for name, *arguments in commands:
        assert name == "tinycontainerctl"
        program.good(*arguments)


def test_links_of_the_readme_lead_somewhere() -> None:
    text = (ROOT / "README.md").read_text()
    links = [link for link in re.findall(r"\]\((.*?)\)", text) if "://" not in link]
    assert links
    missing = [link for link in links if not (ROOT / Path(link)).exists()]
    assert missing == []


def test_the_box_is_made_as_the_readme_says(tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text()
    (block,) = re.findall(r"directory `box`:\n\n```sh\n(\. .*?)```", text, re.DOTALL)
    activate = tmp_path / ".venv" / "bin" / "activate"
    activate.parent.mkdir(parents=True)
    activate.write_text(f'PATH="{Path(sys.executable).parent}:$PATH"\n')
    subprocess.run(["sh", "-ec", block], cwd=tmp_path, check=True, capture_output=True)
    assert (tmp_path / "box" / "device.toml").is_file()
