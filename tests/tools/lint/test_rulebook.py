"""The rules as data: ids, texts, and the table of the specification."""

import re

from support.project import ROOT

from tinycontainer.tools.lint import RULES, Severity


def test_ids_are_unique_ordered_and_of_one_form() -> None:
    found = [rule.id for rule in RULES]
    assert found == sorted(set(found))
    assert all(re.fullmatch(r"TCL[1-6][0-9][0-9]", each) for each in found)


def test_every_rule_says_in_sentences_what_is_found_and_what_to_do() -> None:
    for rule in RULES:
        for text in (rule.what, rule.advice):
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
            rule.what,
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
