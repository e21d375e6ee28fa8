"""The cases themselves, their bundles, our own device judged by them, and the pages about them."""

import re
import shutil
import sys
from pathlib import Path

import pytest
from support.conformance import CASES, SPECS, bundles
from support.project import ROOT, Program

from tinycontainer.conformance.case import GROUPS, read_cases
from tinycontainer.conformance.description import DeviceDescription
from tinycontainer.conformance.errors import CaseError
from tinycontainer.conformance.protocol import REQUESTS
from tinycontainer.conformance.recipes import bundles_of, key_file_contents, read_modules
from tinycontainer.errors import DeviceFileError, LoadReason
from tinycontainer_tokens import Profile

PAGE = ROOT / "specs" / "conformance-protocol.md"


def test_our_own_device_conforms_and_skips_nothing(program: Program) -> None:
    found = program.json("conform")
    problems = [case for case in found["cases"] if case["outcome"] != "passed"]
    assert problems == []
    assert found["conforms"]
    assert found["counts"]["passed"] == len(CASES)


def test_there_are_many_cases_of_every_group_and_both_profiles() -> None:
    assert len(CASES) >= 60
    assert {case.group for case in CASES} == set(GROUPS)
    for profile in Profile:
        assert sum(profile in case.profiles for case in CASES) >= 60
    titles = [case.title for case in CASES]
    assert len(set(titles)) == len(titles)


def test_committed_bundles_and_keys_are_what_the_recipes_make() -> None:
    modules = read_modules(SPECS)
    made: dict[str, bytes] = {}
    for case in CASES:
        made |= bundles_of(case, modules)
    assert made == bundles()
    assert {path.name for path in (SPECS / "bundles").iterdir()} == set(made)
    keys = {path.name: path.read_bytes() for path in (SPECS / "test-keys").iterdir()}
    assert keys == key_file_contents()


def test_every_clause_of_a_case_stands_in_the_specification_and_the_list_is_complete() -> None:
    prose = "".join(page.read_text() for page in (ROOT / "specs").glob("*.md"))
    used: dict[str, list[str]] = {}
    for case in sorted(CASES, key=lambda case: case.id):
        for clause in case.clauses:
            assert f"**{clause}**" in prose, case.id
            used.setdefault(clause, []).append(case.id)
    page = (SPECS / "clauses-used.md").read_text()
    listed = dict(re.findall(r"^\| (TC-[A-Z]+-\d\d) \| (.+) \|$", page, re.M))
    assert listed == {clause: ", ".join(cases) for clause, cases in used.items()}


def test_every_verb_reason_and_field_stands_on_the_page() -> None:
    text = PAGE.read_text()
    for verb in REQUESTS:
        assert f"`{verb}`" in text
    for name in DeviceDescription.model_fields:
        assert f"`{name}`" in text
    asked = {step.refused for case in CASES for step in case.steps if step.refused}
    for reason in asked:
        assert reason in set(LoadReason) | {"unknown-uid", "wrong-state"}
        assert f"`{reason}`" in text


def test_the_shim_of_the_page_works_and_conforms_where_it_applies(
    program: Program, tmp_path: Path
) -> None:
    (block,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    shim = tmp_path / "shim.py"
    shim.write_text(block)
    found = program.json(
        "conform", "--implementation", f"{sys.executable} {shim}", "--group", "life"
    )
    assert found["implementation"] == {"name": "example", "version": "1"}
    wrong = {case["id"]: case["problems"] for case in found["cases"] if case["outcome"] == "failed"}
    assert wrong == {}
    assert found["counts"]["passed"] >= 20


def test_a_case_that_cannot_be_played_is_named(tmp_path: Path) -> None:
    directory = tmp_path / "cases"
    directory.mkdir()
    source = SPECS / "cases" / "runtime-imports.toml"
    shutil.copy(source, directory / "another-name.toml")
    with pytest.raises(CaseError, match="is not the file's name"):
        read_cases(tmp_path)
    (directory / "another-name.toml").unlink()
    wrong = directory / "runtime-imports.toml"
    for old, new, words in (
        ('load = "unknown"', 'load = "nobody"', "there is no container nobody"),
        ('load = "unknown"', 'load = "unknown", start = "unknown"', "exactly one of"),
        ("TC-RT-07", "TC-RT-7", "clauses"),
        ('group = "runtime"', 'group = "else"', "group"),
    ):
        wrong.write_text(source.read_text().replace(old, new))
        with pytest.raises(DeviceFileError, match=words):
            read_cases(tmp_path)


def test_a_missing_bundle_gives_one_line(program: Program, tmp_path: Path) -> None:
    (tmp_path / "cases").mkdir()
    shutil.copy(SPECS / "cases" / "runtime-imports.toml", tmp_path / "cases")
    assert "cannot be read" in program.bad("conform", "--cases", tmp_path)
