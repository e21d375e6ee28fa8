"""Our own validator beside wasmtime's: the same verdict on whatever either is given."""

import random
import time

import pytest
from support.wasm.corpus import SAMPLES
from support.wasm.faults import alignment_faults, frame_faults, numeric_faults, written_faults
from support.wasm.modules import CODE, FUNCTION, TYPE, body, build, function_type, leb, vector

from tinycontainer.errors import InadmissibleCode
from tinycontainer_runtimes.wasm.validation.module import validate_module
from tinycontainer_runtimes.wasm.validator import WasmtimeValidator

FAULTS = [
    each
    for family in (written_faults, numeric_faults, alignment_faults, frame_faults)
    for each in family()
]
CODES = [*(sample.code for sample in SAMPLES.values()), *(each.good for each in FAULTS)]
LIKELY_BYTES = (0x00, 0x01, 0x02, 0x04, 0x05, 0x0B, 0x40, 0x41, 0x42, 0x6F, 0x70, 0x7E, 0x7F, 0x80)
MOST_CODE = 65_536


def verdict(code: bytes) -> str:
    """Why our own validator refuses code; empty if it takes it."""
    try:
        validate_module(code)
    except InadmissibleCode as refusal:
        return str(refusal)
    return ""


def is_valid(validator: WasmtimeValidator, code: bytes) -> bool:
    """Whether wasmtime takes code."""
    try:
        validator.validate(code)
    except InadmissibleCode:
        return False
    return True


def mutate(code: bytes, numbers: random.Random) -> bytes:
    """A module with one to three bytes changed, left out or put in."""
    found = bytearray(code)
    for _ in range(numbers.choice((1, 1, 1, 2, 3))):
        place = numbers.randrange(8, len(found))
        new = numbers.choice((numbers.randrange(256), numbers.choice(LIKELY_BYTES)))
        match numbers.randrange(5):
            case 0:
                del found[place]
            case 1:
                found.insert(place, new)
            case _:
                found[place] = new
    return bytes(found)


def test_a_module_that_breaks_one_rule_is_refused_and_the_mended_one_is_not() -> None:
    for fault in FAULTS:
        assert fault.scanned or verdict(fault.bad), fault.rule
        assert verdict(fault.good) == "", fault.rule


@pytest.mark.parametrize("count", [3_000, pytest.param(100_000, marks=pytest.mark.long)])
def test_both_validators_judge_mutated_modules_alike(count: int) -> None:
    validator, numbers = WasmtimeValidator(), random.Random(count)
    verdicts = set()
    for _ in range(count):
        code = mutate(numbers.choice(CODES), numbers)
        said = verdict(code)
        verdicts.add(not said)
        assert (not said) is is_valid(validator, code), (code.hex(), said)
    assert verdicts == {True, False}


def one_function(results: bytes, code: bytes) -> bytes:
    """A module of a function whose type is the only one."""
    return build(
        {
            TYPE: vector(function_type(results=results)),
            FUNCTION: vector(leb(0)),
            CODE: vector(body(code)),
        }
    )


@pytest.mark.parametrize(
    "code",
    [
        one_function(b"\x7f", b"\x41\0" + b"\x41\x01\x6a" * (MOST_CODE // 3)),
        one_function(b"", b"\x02\x40" * (MOST_CODE // 3) + b"\x0b" * (MOST_CODE // 3)),
        one_function(b"\x7f" * 16, b"\0" + (b"\x0e" + leb(200) + b"\0" * 201) * 300),
        one_function(b"\x7f" * 16, b"\x02\0\0\x0b" * (MOST_CODE // 4)),
        one_function(b"\x7f" * 16, b"\0" + b"\x0c\0" * (MOST_CODE // 2)),
    ],
    ids=["sums", "blocks", "tables of labels", "blocks with many results", "branches"],
)
def test_hostile_code_costs_time_that_grows_with_its_length(code: bytes) -> None:
    began_s = time.process_time()
    verdict(code)
    assert time.process_time() - began_s < 10
