"""The tables of the specification and of the C header are those of the code."""

import re

import pytest
from support.project import ROOT
from support.specification import tables

from tinycontainer_endpoints.tinyml.model.enumerations import Builtin
from tinycontainer_endpoints.tinyml.model.rules.table import RULES
from tinycontainer_endpoints.tinyml.protocol.codes import (
    PROTOCOL_VERSION,
    ElementType,
    ErrorCode,
    Op,
    What,
)
from tinycontainer_endpoints.tinyml.protocol.states import TRANSITIONS, ContextState
from tinycontainer_endpoints.tinyml.quotas import Quotas


@pytest.mark.clause("TC-TML-06", "TC-TML-10", "TC-TML-11", "TC-TML-15")
def test_the_tables_of_the_specification_are_those_of_the_code() -> None:
    table = tables()["tinyml"]
    for name, kind in (
        ("operations", Op),
        ("selections", What),
        ("types", ElementType),
        ("errors", ErrorCode),
        ("states", ContextState),
    ):
        assert table[name] == {each.name: each.value for each in kind}, name
    rows = [[before.name, event.name, to.name] for (before, event), to in TRANSITIONS.items()]
    assert table["transitions"] == rows
    assert table["operators"] == sorted(each.name for each in Builtin)
    assert set(RULES) == set(Builtin)
    assert table["quotas"] == Quotas().model_dump()
    assert table["version"] == PROTOCOL_VERSION


def test_the_errors_of_the_c_header_are_those_of_the_code() -> None:
    header = (ROOT / "examples" / "include" / "tinycontainer.h").read_text()
    found = {name: int(code) for name, code in re.findall(r"TINYML_([A-Z_]+) = -(\d+),", header)}
    assert found == {code.name: code.value for code in ErrorCode}
