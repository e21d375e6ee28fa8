"""The glossary names types that exist, and no type name has two meanings."""

import re

from support.structure import DOCS, public_types

TYPES = public_types()
IN_CODE = re.findall(r"`([A-Z][A-Za-z0-9]+)`", (DOCS / "glossary.md").read_text())


def test_no_two_public_types_have_one_name() -> None:
    assert {name: places for name, places in TYPES.items() if len(places) > 1} == {}


def test_every_type_of_the_glossary_exists() -> None:
    assert len(IN_CODE) > 50
    assert sorted(set(IN_CODE) - set(TYPES)) == []
