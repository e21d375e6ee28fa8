"""Recipes of updates: what cannot be made is named, and what is made says what its recipe does."""

import pytest
from support.conformance.cases import SPECS, bundles

from tinycontainer.conformance.cases.case import Case
from tinycontainer.conformance.errors import CaseError
from tinycontainer.conformance.recipes.envelopes import make_envelopes
from tinycontainer.conformance.recipes.keys import update_key_for_tests
from tinycontainer.conformance.recipes.workshop import read_modules
from tinycontainer.errors import DeviceFileError
from tinycontainer.files.toml_file import parse_toml
from tinycontainer.suit.envelope.labels import Label, ManifestMember
from tinycontainer.suit.keys.keys import UpdateKeyEntry, UpdateKeys
from tinycontainer.suit.verification import examine

CASE = """
id = "update-some"
title = "Some update"
clauses = ["TC-UPD-05"]
group = "update"
needs = ["suit"]
profiles = ["rfc9052"]
steps = [{ update = "first" }]

[[containers]]
name = "a"
code = "minimal.wasm"

[[updates]]
name = "first"
containers = ["a"]
"""
KEYS = UpdateKeys([UpdateKeyEntry(update_key_for_tests("update").public_half())])


def read(text: str) -> Case:
    return parse_toml(text.encode(), Case, "case.toml")


def make(text: str) -> bytes:
    ((_, content),) = make_envelopes(read(text), read_modules(SPECS)).items()
    return content


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("sequences = { install = ['nothing'] }", "there is no command nothing"),
        ("sequences = { install = ['fetch 1'] }", "only set-component-index names components"),
        ("sequences = { install = ['set-component-index x'] }", "components are numbers, or all"),
        ("sequences = { other = [] }", "there is no other"),
        ("sequences = { install = [{ outside = { size = 1 } }] }", "there is no parameter size"),
        ("sequences = { install = [{ image = 'a' }] }", "NAME.meta, NAME.data or NAME.code"),
        ("sequences = { install = [1] }", "install[0]: a command is text or a table"),
        ("lacks = ['nothing']", "there is no member nothing"),
        ("signatures = [{ key = 'owner' }]", "signatures"),
        ("number = -1", "number"),
        ("[[updates]]\nname = 'first'", "one name is used twice"),
    ],
)
def test_a_recipe_of_an_update_that_says_nothing_sensible_is_refused(more: str, words: str) -> None:
    with pytest.raises(DeviceFileError, match=r"case\.toml") as caught:
        read(CASE + more)
    assert words in str(caught.value)


def test_a_step_names_an_update_of_its_case() -> None:
    with pytest.raises(DeviceFileError, match=r"steps\[0\].update: there is no update second"):
        read(CASE.replace('update = "first"', 'update = "second"'))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('containers = ["a"]', 'containers = ["b"]', "there is no container b"),
        ('containers = ["a"]', 'damage = "odd"', "no damage 'odd'"),
        ('containers = ["a"]', 'payloads = { "#0" = "b.code" }', "there is no container b"),
    ],
)
def test_an_envelope_that_cannot_be_made_is_named(old: str, new: str, words: str) -> None:
    with pytest.raises(CaseError, match=words):
        make(CASE.replace(old, new))


def test_an_envelope_is_that_of_the_tools_except_where_its_recipe_says_more() -> None:
    plain = examine(make(CASE), KEYS)
    assert plain.refusal is None
    assert plain.uids == (b"a",)
    other = make(CASE + "sequences = { install = ['set-component-index 0 2', 'fetch'] }")
    changed = examine(other, KEYS)
    assert plain.manifest is not None
    assert changed.manifest is not None
    assert changed.manifest.shared == plain.manifest.shared
    install = changed.manifest.sequences[ManifestMember.INSTALL]
    assert [(each.label, each.argument) for each in install] == [
        (Label.SET_COMPONENT_INDEX, (0, 2)),
        (Label.FETCH, 2),
    ]


def test_containers_that_only_updates_bring_have_no_bundle() -> None:
    case = read(CASE)
    assert case.bundled() == []
    loaded = read(CASE.replace("[{ update", '[{ load = "a" }, { update'))
    assert [each.name for each in loaded.bundled()] == ["a"]
    assert "update-installs.a.rfc9052.tcb" not in bundles()
