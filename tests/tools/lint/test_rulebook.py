"""The rules as data: ids, texts, and the table of the specification."""

import re
import sys
import tomllib

import pytest
from support.project import ROOT

from tinycontainer.tools.lint import RULES, Severity, rulebook, timing
from tinycontainer.tools.lint.rule import Chapter, Rule


def test_ids_are_unique_ordered_and_of_one_form() -> None:
    found = [rule.id for rule in RULES]
    assert found == sorted(set(found))
    assert all(re.fullmatch(r"TCL[1-7][0-9][0-9]", each) for each in found)


@pytest.mark.parametrize(
    "chapter", rulebook.CHAPTERS, ids=lambda each: each.check_subject.__module__.split(".")[-1]
)
def test_a_chapter_lists_every_rule_of_its_module(chapter: Chapter) -> None:
    module = sys.modules[chapter.check_subject.__module__]
    written = [value for value in vars(module).values() if isinstance(value, Rule)]
    assert list(chapter.rules) == written


def test_the_longest_line_of_code_is_that_of_the_specification() -> None:
    tables = tomllib.loads((ROOT / "specs" / "tables.toml").read_text())
    assert tables["runtime"]["unit_instructions"] == timing.LONGEST_LINE_INSTRUCTIONS


def test_every_rule_says_in_sentences_what_is_found_and_what_to_do() -> None:
    for rule in RULES:
        for text in (rule.description, rule.advice):
            assert text.isascii()
            assert text[0].isupper()
            assert text.endswith(".")
            assert len(text) < 120
            assert not set(text) & set("|<>[]{}")


def test_the_table_of_the_specification_is_that_of_the_code() -> None:
    text = (ROOT / "specs" / "lint.md").read_text()
    rows = [
        tuple(cell.strip() for cell in line.strip("|").split("|"))
        for line in text.splitlines()
        if line.startswith("| TCL")
    ]
    assert rows == [
        (
            rule.id,
            rule.severity
            + (f" ({rule.riot_severity} under riot-2024)" if rule.riot_severity else ""),
            rule.description,
            rule.advice,
        )
        for rule in RULES
    ]


def test_severities_are_ordered() -> None:
    error, warning, note = Severity
    assert error.reaches(note)
    assert warning.reaches(warning)
    assert not note.reaches(warning)
    assert not warning.reaches(error)
