"""The cases themselves, their bundles, our own device judged by them, and the pages about them."""

import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
from support.conformance.cases import CASES, SPECS, bundles, clauses_used
from support.project import ROOT, Program
from support.specification import clauses
from support.tinyml.client import BACKENDS

from tinycontainer.conformance.cases.case import GROUPS, read_cases
from tinycontainer.conformance.cases.steps import VerbStep
from tinycontainer.conformance.description import (
    DeviceDescription,
    UpdateDescription,
    UpdateKeyDescription,
)
from tinycontainer.conformance.errors import CaseError
from tinycontainer.conformance.judging.suite import CaseOutcome, Suite, choose_variants
from tinycontainer.conformance.protocol import PROTOCOL_VERSION, REQUESTS, Ability, HelloReply
from tinycontainer.conformance.recipes.envelopes import make_envelopes
from tinycontainer.conformance.recipes.keys import key_file_contents
from tinycontainer.conformance.recipes.workshop import make_bundles, read_modules
from tinycontainer.device.containers.limits import Policy
from tinycontainer.errors import DeviceFileError, EnvelopeError, LoadReason, UpdateReason
from tinycontainer.suit.envelope.decoder import decode_envelope
from tinycontainer.suit.envelope.model import UpdateEnvelope
from tinycontainer.suit.keys import p256
from tinycontainer.suit.keys.keys import UpdateAlgorithm
from tinycontainer_tokens import Profile

PAGE = ROOT / "specs" / "conformance-protocol.md"
EVERYTHING = HelloReply(
    protocol=PROTOCOL_VERSION,
    name="everything",
    version="1",
    profiles=list(Profile),
    policies=list(Policy),
    events=["log", "state"],
    reasons=True,
    abilities=list(get_args(Ability)),
)

SIGNS_ALIKE = p256.sign(b"\x01" * 32, b"") == p256.sign(b"\x01" * 32, b"")
"""Whether the library makes one signature for one key and content (RFC 6979)."""


def without_proofs(content: bytes) -> UpdateEnvelope | bytes:
    """What an envelope says, and with which headers it is signed; one of another form as it is."""
    try:
        envelope = decode_envelope(content)
    except EnvelopeError:
        return content
    return replace(envelope, signatures=tuple(replace(s, proof=b"") for s in envelope.signatures))


class Polite:
    """Greets, and can do nothing else."""

    def __init__(self, hello: HelloReply) -> None:
        self._hello = hello

    def ask(self, values: dict[str, Any], within_s: float) -> bytes:
        if values["verb"] != "hello":
            return b'{"error": "I only greet"}'
        return self._hello.model_dump_json().encode()

    def end(self) -> None:
        pass


@pytest.mark.parametrize("engine", ["pywasm", "wasmtime"])
def test_our_own_device_conforms_and_skips_only_what_it_has_no_interpreter_for(
    program: Program, engine: str
) -> None:
    command = f"{sys.executable} -m tinycontainer.conformance.shim --runtime wasm={engine}"
    found = program.json("conform", "--implementation", command)
    assert found["conforms"]
    skipped = [case for case in found["cases"] if case["outcome"] == "skipped"]
    assert found["counts"]["passed"] + len(skipped) == len(CASES)
    if BACKENDS:
        assert skipped == []
    for case in skipped:
        assert case["group"] == "tinyml"
        assert case["problems"] == ["the implementation does not offer tinyml"]


def test_every_case_is_played_under_each_profile_and_policy_that_it_names() -> None:
    for case in CASES:
        played = choose_variants(case, EVERYTHING)
        assert {variant.profile for variant in played} == set(case.profiles), case.id
        assert {variant.policy for variant in played} == set(case.policies), case.id
        if case.group in ("scheduling", "timing"):
            assert len(played) == len(case.profiles) * len(case.policies)


@pytest.mark.parametrize("ability", get_args(Ability))
def test_without_an_ability_its_cases_are_skipped_and_the_reason_is_told(ability: str) -> None:
    (case, *_) = [case for case in CASES if ability in case.needs]
    offered = [each for each in get_args(Ability) if each != ability]
    hello = EVERYTHING.model_copy(update={"abilities": offered})
    (result,) = Suite(lambda: Polite(hello), bundles(), 5).judge([case], lambda _result: None)
    assert result.outcome is CaseOutcome.SKIPPED
    assert result.problems == (f"the implementation does not offer {ability}",)
    (result,) = Suite(lambda: Polite(EVERYTHING), bundles(), 5).judge([case], lambda _r: None)
    assert result.outcome is CaseOutcome.FAILED


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
        made |= make_bundles(case, modules)
    assert made == {name: each for name, each in bundles().items() if name.endswith(".tcb")}
    assert {path.name for path in (SPECS / "bundles").iterdir()} == set(made)
    keys = {path.name: path.read_bytes() for path in (SPECS / "test-keys").iterdir()}
    assert keys == key_file_contents()


def test_committed_envelopes_are_what_the_recipes_make() -> None:
    modules = read_modules(SPECS)
    made: dict[str, bytes] = {}
    for case in CASES:
        made |= make_envelopes(case, modules)
    committed = {path.name: path.read_bytes() for path in (SPECS / "envelopes").iterdir()}
    assert set(made) == set(committed)
    for name, content in made.items():
        if SIGNS_ALIKE:
            assert content == committed[name], name
        else:  # before OpenSSL 3.2 each signature on P-256 is another one
            assert without_proofs(content) == without_proofs(committed[name]), name


def test_every_clause_of_a_case_exists_and_the_list_is_the_committed_one() -> None:
    known = {clause.identity for clause in clauses()}
    for case in CASES:
        assert set(case.clauses) <= known, case.id
    assert (SPECS / "clauses-used.md").read_text() == clauses_used()


def test_every_verb_reason_and_field_stands_on_the_page() -> None:
    text = PAGE.read_text()
    for verb in REQUESTS:
        assert f"`{verb}`" in text
    for model in (DeviceDescription, UpdateDescription, UpdateKeyDescription):
        for name, each in model.model_fields.items():
            assert f"`{each.alias or name}`" in text
    for algorithm in UpdateAlgorithm:
        assert f"`{algorithm}`" in text
    steps = [step for case in CASES for step in case.steps if isinstance(step, VerbStep)]
    asked = {step.refused for step in steps if step.refused is not None}
    assert len(asked) > 10
    for reason in asked:
        assert reason in {*LoadReason, *UpdateReason, "unknown-uid", "wrong-state"}
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
        ("TC-RT-07", "TC-RT-7", "clauses"),
        ('group = "runtime"', 'group = "else"', "group"),
    ):
        text = source.read_text()
        assert old in text
        wrong.write_text(text.replace(old, new))
        with pytest.raises(DeviceFileError, match=words):
            read_cases(tmp_path)


def test_a_missing_bundle_gives_one_line(program: Program, tmp_path: Path) -> None:
    (tmp_path / "cases").mkdir()
    shutil.copy(SPECS / "cases" / "runtime-imports.toml", tmp_path / "cases")
    assert "cannot be read" in program.bad("conform", "--cases", tmp_path)
