"""Each rule of validity: what breaks it is refused, and the same module mended is admitted."""

from functools import cache

import pytest
from support.engines import ENGINES
from support.wasm.faults import (
    alignment_faults,
    frame_faults,
    numeric_faults,
    written_faults,
)

from tinycontainer.errors import InadmissibleCode
from tinycontainer.interfaces.runtime import RuntimeLimits

FAMILIES = {
    "written": list(written_faults()),
    "numeric": list(numeric_faults()),
    "alignment": list(alignment_faults()),
    "frame": list(frame_faults()),
}


@cache
def verdict(engine: str, code: bytes) -> str:
    """Why an engine's runtime refuses code; empty if it admits it."""
    try:
        ENGINES[engine]().admit(code, RuntimeLimits())
    except InadmissibleCode as refusal:
        return str(refusal)
    return ""


def test_there_are_more_than_300_rules_and_each_breaks_another_module() -> None:
    faults = [fault for family in FAMILIES.values() for fault in family]
    assert len(faults) > 800
    assert len({fault.bad for fault in faults}) > 800
    assert len({fault.rule for fault in faults}) == len(faults)
    assert not {fault.bad for fault in faults} & {fault.good for fault in faults}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.clause("TC-RT-01", "TC-RT-09")
def test_a_module_that_breaks_a_rule_is_refused_by_the_layer_that_knows_it(
    family: str, engine: str
) -> None:
    wrong = []
    for fault in FAMILIES[family]:
        said = verdict(engine, fault.bad)
        if not said or said.startswith("not valid: ") is fault.scanned:
            wrong.append((fault.rule, said))
    assert wrong == []


@pytest.mark.parametrize("family", FAMILIES)
def test_the_engines_give_one_reason(family: str) -> None:
    for fault in FAMILIES[family]:
        assert verdict("pywasm", fault.bad) == verdict("wasmtime", fault.bad), fault.rule


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("family", FAMILIES)
def test_the_same_module_with_its_fault_mended_is_admitted(family: str, engine: str) -> None:
    refused = {fault.rule: verdict(engine, fault.good) for fault in FAMILIES[family]}
    assert {rule: said for rule, said in refused.items() if said} == {}
