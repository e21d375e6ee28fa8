"""The tables of the specification and of the C header are those of the code."""

import re

import pytest
from support.project import ROOT
from support.specification import tables

from tinycontainer_endpoints.tinyml.model.enumerations import (
    Activation,
    Builtin,
    Padding,
    TensorType,
)
from tinycontainer_endpoints.tinyml.model.rules.table import RULES
from tinycontainer_endpoints.tinyml.model.schema import NEWEST_VERSIONS
from tinycontainer_endpoints.tinyml.protocol.codes import (
    PROTOCOL_VERSION,
    ElementType,
    ErrorCode,
    Op,
    What,
)
from tinycontainer_endpoints.tinyml.protocol.states import TRANSITIONS, ContextState
from tinycontainer_endpoints.tinyml.quotas import BOARD_QUOTAS, Quotas


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
    assert table["operators"] == sorted(each.name for each in RULES)
    assert set(RULES) == set(NEWEST_VERSIONS)
    assert table["quotas"] == Quotas().model_dump()
    assert table["quotas_of_desk_ml"] == BOARD_QUOTAS["desk-ml"].model_dump(exclude_unset=True)
    assert table["version"] == PROTOCOL_VERSION


@pytest.mark.clause("TC-TML-15")
def test_the_list_of_the_specification_has_the_versions_of_the_code() -> None:
    chapter = (ROOT / "specs" / "tinyml.md").read_text()
    listed: dict[str, int] = {}
    for names, versions in re.findall(r"^\| ([A-Z][A-Z0-9_, ]+) \| ([0-9, ]+) \|", chapter, re.M):
        operators = names.split(", ")
        numbers = [int(each) for each in versions.split(", ")]
        listed |= dict(zip(operators, numbers * (len(operators) // len(numbers)), strict=True))
    assert listed == {code.name: version for code, version in NEWEST_VERSIONS.items()}


def test_the_errors_of_the_c_header_are_those_of_the_code() -> None:
    header = (ROOT / "examples" / "include" / "tinycontainer.h").read_text()
    found = {name: int(code) for name, code in re.findall(r"TINYML_([A-Z_]+) = -(\d+),", header)}
    assert found == {code.name: code.value for code in ErrorCode}


@pytest.mark.clause("TC-TML-15")
def test_the_numbers_of_operators_and_types_are_those_of_the_published_schema() -> None:
    """Otherwise a refusal would name another operator than the model has."""
    schema = pytest.importorskip("ai_edge_litert.schema_py_generated")
    long_names = {"F": "FLOAT", "I": "INT", "U": "UINT", "C": "COMPLEX", "BF": "BFLOAT"}
    for kind, published in (
        (Builtin, schema.BuiltinOperator),
        (TensorType, schema.TensorType),
        (Activation, schema.ActivationFunctionType),
        (Padding, schema.Padding),
    ):
        for name, member in kind.__members__.items():  # also one that has another's number
            short = re.fullmatch(r"([A-Z]+)(\d+)(_\w+)?", name)
            long_name = name
            if kind is TensorType and short is not None:
                long_name = f"{long_names[short[1]]}{short[2]}{short[3] or ''}"
            if name != "UNKNOWN":
                assert getattr(published, long_name) == member.value, name
