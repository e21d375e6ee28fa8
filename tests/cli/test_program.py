"""The program as a whole: its help, its table of verbs, and what is wrong with a command line."""

import re

import pytest
from support.project import ROOT, Program, every_verb

from tinycontainer.cli.verbs import VERBS

FOLDERS = ROOT / "tinycontainer" / "cli" / "verbs"


def first_line(place: str) -> str:
    return (FOLDERS / f"{place.replace('.', '/')}.py").read_text().partition("\n")[0]


def docstring(folder: str) -> str:
    return (FOLDERS / folder / "__init__.py").read_text().strip().strip('"')


def test_the_table_of_verbs_names_exactly_the_files_of_verbs() -> None:
    files = (path.relative_to(FOLDERS) for path in FOLDERS.glob("*/*.py"))
    places = {".".join(path.with_suffix("").parts) for path in files}
    assert {each for each in places if re.match(r'"""``\w+``: ', first_line(each))} == set(VERBS)


@pytest.mark.parametrize("place", VERBS)
def test_the_first_line_of_a_verbs_file_is_its_entry_in_the_help(
    program: Program, place: str
) -> None:
    name = place.partition(".")[2]
    prefix = f'"""``{name}``: '
    assert first_line(place).startswith(prefix)
    sentence = first_line(place).removeprefix(prefix).removesuffix('"""')
    (entry,) = [line for line in program.good("--help").splitlines() if f"  {name} " in line]
    assert entry.split(maxsplit=1)[1] == sentence[0].upper() + sentence[1:]


def test_the_help_shows_verbs_by_folder_after_the_introduction(program: Program) -> None:
    lines = program.good("--help").splitlines()
    assert "Begin with `tinycontainerctl demo`." in "\n".join(lines[:6])
    headings = [docstring(folder).rstrip(".") + ":" for folder in dict.fromkeys(folders())]
    assert [line for line in lines if line.startswith("Verbs ")] == headings
    assert len(headings) == 6


def folders() -> list[str]:
    return [place.partition(".")[0] for place in VERBS]


def test_the_verbs_of_a_folder_are_together_in_the_table() -> None:
    assert folders() == sorted(folders(), key=folders().index)


def test_the_help_fits_a_terminal_of_80_columns(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert max(map(len, program.good("--help").splitlines())) <= 80
    assert len(program.good("--help").splitlines()) < 55


def test_every_verb_teaches_itself(program: Program) -> None:
    for words, _ in every_verb():
        out = program.good(*words, "--help")
        for part in ("Usage: ", "Options:", "Example", "Exit codes:"):
            assert part in out
        assert "--json" in out


def test_unknown_verbs_and_options_give_one_line(program: Program) -> None:
    assert "fly" in program.bad("fly")
    assert "--fly" in program.bad("demo", "--fly")
    assert "--help" in program.bad("inspect")


def test_no_verb_prints_the_help(program: Program) -> None:
    code, out, err = program()
    assert (code, out) == (2, "")
    assert "tinycontainerctl demo" in err
