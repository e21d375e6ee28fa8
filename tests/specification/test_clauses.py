"""Every clause has its tests, every mark its clause, and every table the code's numbers."""

import re
from collections.abc import Mapping
from pathlib import Path

from support.project import ROOT
from support.specification import SPECS, clauses, diagram, exceptions, marks, matrix, tables

from tinycontainer import SPECIFICATION_VERSION
from tinycontainer.device.containers import riot_2024
from tinycontainer.device.containers.lifecycle import TRANSITIONS, State
from tinycontainer.device.containers.limits import BOARDS, Scheduling
from tinycontainer.device.running.turn import CALLS_PER_STEP
from tinycontainer.interfaces.clock import DEFAULT_INSTRUCTION_NS, NS_PER_MS, NS_PER_US, WallClock
from tinycontainer.interfaces.meter import DEFAULT_STEP_INSTRUCTIONS
from tinycontainer.interfaces.runtime import RuntimeLimits
from tinycontainer.interfaces.syscalls import Syscall
from tinycontainer.metadata import ContainerType, Direction, PeerType
from tinycontainer.metadata.codec import CONTAINER_FIELDS, ENDPOINT_FIELDS, SECURITY_FIELDS
from tinycontainer.metadata.model import DEFAULT_PRIORITY, METADATA_TAG, PRIORITIES, UID_BYTES
from tinycontainer_runtimes.rbpf.codes import RbpfCode
from tinycontainer_runtimes.rbpf.decoding import MAX_SLOTS
from tinycontainer_runtimes.rbpf.helpers import HELPERS
from tinycontainer_runtimes.rbpf.image import MAX_NAME_BYTES
from tinycontainer_runtimes.rbpf.machine import BRANCH_LIMIT
from tinycontainer_runtimes.rbpf.memory import STACK_BYTES, Region
from tinycontainer_runtimes.wasm import scan
from tinycontainer_runtimes.wasm.metering import lines
from tinycontainer_tokens import (
    KeyStore,
    Kind,
    Profile,
    cbor,
    claims,
    envelope,
    keys,
    verify,
)
from tinycontainer_tokens.kinds import SIGNING_ROLE
from tinycontainer_tokens.verify import Expectation

CITING = (".md", ".py", ".toml", ".c", ".h", ".cddl")


def text_of(folder: str) -> list[Path]:
    """Files of a folder that may cite clauses."""
    return [path for path in (ROOT / folder).rglob("*") if path.suffix in CITING]


def test_clauses_have_ids_of_their_own_without_gaps() -> None:
    found = [clause.identity for clause in clauses()]
    assert len(found) == len(set(found)) >= 120
    for area in {identity.rpartition("-")[0] for identity in found}:
        numbers = [int(each.rpartition("-")[2]) for each in found if each.startswith(f"{area}-")]
        assert sorted(numbers) == list(range(1, len(numbers) + 1))


def test_every_mark_names_a_clause() -> None:
    known = {clause.identity for clause in clauses()}
    assert set(marks()) - known == set()
    assert set(exceptions()) - known == set()


def test_every_must_has_a_test_or_a_reason() -> None:
    named, reasons = marks(), exceptions()
    musts = [clause.identity for clause in clauses() if clause.level == "MUST"]
    assert [each for each in musts if each not in named and each not in reasons] == []
    assert poor_reasons(reasons, named) == []


def poor_reasons(reasons: dict[str, str], named: Mapping[str, object]) -> list[str]:
    """The exceptions that are no longer needed, or whose reason says too little."""
    return [each for each, reason in reasons.items() if each in named or len(reason) <= 20]


def test_an_exception_needs_a_reason_and_goes_when_there_is_a_test() -> None:
    good, short = "the hardware is not at hand anywhere", "no time"
    reasons = {"clause 1": good, "clause 2": short, "clause 3": good}
    assert poor_reasons(reasons, {"clause 3": ["a test"]}) == ["clause 2", "clause 3"]


def test_the_matrix_is_the_committed_one() -> None:
    assert (SPECS / "coverage.md").read_text() == matrix()


def test_the_diagram_is_made_of_the_table() -> None:
    assert diagram() in (SPECS / "lifecycle.md").read_text()


def test_whoever_names_a_clause_names_one_that_exists() -> None:
    known = {clause.identity for clause in clauses()}
    folders = ("docs", "endpoints", "examples", "runtime_adapters", "specs", "tests")
    files = [path for folder in (*folders, "tinycontainer", "tokens") for path in text_of(folder)]
    citing = 0
    for path in (*files, *ROOT.glob("*.md")):
        named = set(re.findall(r"TC-[A-Z]+-\d\d", path.read_text()))
        assert named - known == set(), path.name
        citing += bool(named)
    assert citing > 150


def test_the_version_stands_once_in_code_and_once_in_the_specification() -> None:
    version = tables()["version"]["specification"]
    assert version == SPECIFICATION_VERSION
    assert f"Version {version}" in (SPECS / "README.md").read_text()


def test_the_table_of_transitions_is_that_of_the_code() -> None:
    table = tables()["lifecycle"]
    assert table["states"] == [state.value for state in State]
    rows = [[row.source.value, row.event.value, row.target.value] for row in TRANSITIONS]
    assert table["transitions"] == rows


def test_numbers_of_metadata_are_those_of_the_code() -> None:
    table = tables()["metadata"]
    assert table["tag"] == METADATA_TAG
    assert table["uid_bytes"] == [UID_BYTES[0], UID_BYTES[-1]]
    assert table["priorities"] == [PRIORITIES[0], PRIORITIES[-1]]
    assert table["default_priority"] == DEFAULT_PRIORITY
    assert table["levels"] == cbor.MAX_DEPTH
    keys = table["keys"]
    assert keys["container"] == {name: key for key, (_, name, _) in CONTAINER_FIELDS.items()}
    assert keys["endpoint"] == {name: key for key, (_, name, _) in ENDPOINT_FIELDS.items()}
    assert keys["security"] == [name for _, name, _ in SECURITY_FIELDS]
    for name, enum in (
        ("container-type", ContainerType),
        ("peer-type", PeerType),
        ("direction", Direction),
    ):
        assert table["numbers"][name] == {each.name.lower(): each.value for each in enum}


def test_numbers_of_tokens_are_those_of_the_code() -> None:
    table = tables()["tokens"]
    assert table["kinds"] == {kind.name.lower(): kind.value for kind in Kind}
    assert table["claims"] == {name: label for label, (_, name, _) in claims.CLAIMS.items()}
    signers = {kind.name.lower(): SIGNING_ROLE[kind].value for kind in Kind}
    assert table["signers"] == signers
    expected = Expectation(Kind.CODE, Profile.RFC9052, b"uid", 0, None)
    first = verify(b"", expected, KeyStore()).steps[0]
    assert first.check == table["steps"][0]
    assert table["bytes"] == envelope.MAX_TOKEN_BYTES
    assert table["payload_bytes"] == claims.MAX_CLAIMS_BYTES
    assert table["mask_bytes"] == [1, claims.MAX_MASK_BYTES]
    assert table["key_id_bytes"] == [1, keys.MAX_KID_BYTES]
    assert table["audience_bytes"] == [1, claims.MAX_AUDIENCE_BYTES]
    assert table["riot_metadata_token_bytes"] == riot_2024.RIOT_METADATA_TOKEN_BYTES
    assert table["riot_endpoint_ids"] == [0, riot_2024.RIOT_MAX_ENDPOINT_ID]


def test_system_calls_are_those_of_the_code() -> None:
    numbers = tables()["syscalls"]["numbers"]
    assert numbers == {call.name.lower(): call.value for call in Syscall}


def test_limits_are_those_of_the_code() -> None:
    for board, values in tables()["limits"].items():
        for name, value in values.items():
            assert getattr(BOARDS[board], name) == value, (board, name)
    runtime, found = tables()["runtime"], RuntimeLimits()
    for name in ("memory_pages", "table_elements", "call_depth", "locals_per_function"):
        assert getattr(found, name) == runtime[name]
    assert (found.stack_values, found.block_depth) == (
        runtime["stack_values"],
        runtime["block_depth"],
    )
    assert runtime["unit_instructions"] == lines.MAX_LINE
    assert runtime["free_row"] == lines.FREE_ROW
    assert runtime["sections"] == scan.MAX_SECTIONS
    assert (runtime["parameters"], runtime["results"]) == (scan.MAX_PARAMETERS, scan.MAX_RESULTS)
    assert (runtime["segments"], runtime["globals"]) == (scan.MAX_SEGMENTS, scan.MAX_GLOBALS)


def test_rbpf_is_that_of_the_code() -> None:
    table = tables()["rbpf"]
    assert table["codes"] == {code.word: code.value for code in RbpfCode}
    assert table["helpers"] == {name: number for number, name in HELPERS.items()}
    assert table["regions"] == {
        region.name.lower(): region.value for region in Region if region is not Region.EXTRA
    }
    assert table["stack_bytes"] == STACK_BYTES
    assert table["branch_limit"] == BRANCH_LIMIT
    assert table["text_slots"] == MAX_SLOTS
    assert table["name_bytes"] == MAX_NAME_BYTES
    page = (SPECS / "rbpf.md").read_text()
    for code in RbpfCode:
        assert f"| {code.value} | {code.word} |" in page
    for number, name in HELPERS.items():
        assert f"| 0x{number:x} | {name} | " in page


def test_scheduling_is_that_of_the_code() -> None:
    table, found = tables()["scheduling"], Scheduling()
    assert found.slice_ns == table["slice_ms"] * NS_PER_MS
    assert found.grace_ns == table["grace_ms"] * NS_PER_MS
    assert found.call_instructions == table["call_instructions"]
    assert table["instruction_ns"] == DEFAULT_INSTRUCTION_NS
    assert table["wall_turn_us"] * NS_PER_US == WallClock.TURN_NS
    assert table["wall_step_instructions"] == DEFAULT_STEP_INSTRUCTIONS
    assert table["wall_step_calls"] == CALLS_PER_STEP
