"""A bundle: three byte strings in one array, and nothing else."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.errors import catch_error

from tinycontainer.errors import MetadataError
from tinycontainer.metadata import Bundle
from tinycontainer.metadata.codec import BUNDLE_OVERHEAD_BYTES
from tinycontainer_tokens import cbor

SECTIONS = st.binary(max_size=400)


def bundle_error(content: bytes, limit_bytes: int = 4096) -> str:
    """Why these bytes are no bundle."""
    return str(catch_error(MetadataError, Bundle.decode, content, limit_bytes))


@given(SECTIONS, SECTIONS, SECTIONS)
def test_the_round_trip_is_exact(metadata: bytes, data: bytes, code: bytes) -> None:
    bundle = Bundle(metadata, data, code)
    encoded = bundle.encode()
    assert Bundle.decode(encoded, len(encoded)) == bundle
    assert Bundle.decode(encoded, len(encoded)).encode() == encoded


@pytest.mark.clause("TC-META-19")
def test_the_sections_stand_as_metadata_data_code() -> None:
    encoded = Bundle(metadata=b"m", data=b"d", code=b"c").encode()
    assert encoded == bytes.fromhex("83 416d 4164 4163")


@given(SECTIONS, SECTIONS, SECTIONS)
def test_the_overhead_leaves_room_for_any_sections(
    metadata: bytes, data: bytes, code: bytes
) -> None:
    size = len(metadata) + len(data) + len(code)
    assert len(Bundle(metadata, data, code).encode()) <= size + BUNDLE_OVERHEAD_BYTES


def test_the_overhead_leaves_room_for_the_largest_sections() -> None:
    sections = [bytes(2048), bytes(64 << 10), bytes(64 << 10)]
    bundle = Bundle(*sections)
    limit_bytes = sum(map(len, sections)) + BUNDLE_OVERHEAD_BYTES
    assert Bundle.decode(bundle.encode(), limit_bytes) == bundle


def test_a_bundle_up_to_the_limit_is_decoded_and_no_longer_one() -> None:
    encoded = Bundle(b"metadata", b"data", b"code").encode()
    size = len(encoded)
    assert Bundle.decode(encoded, size).data == b"data"
    problem = f"{size} bytes where at most {size - 1} are allowed"
    assert bundle_error(encoded, size - 1) == f"bundle: byte {size - 1}: {problem}"


@pytest.mark.parametrize(
    "value",
    [b"", "bundle", 3, {}, {0: b"m", 1: b"d", 2: b"c"}, [], [b"m", b"d"], [b"m", b"d", b"c", b""]],
)
@pytest.mark.clause("TC-META-19")
def test_anything_but_an_array_of_three_is_refused(value: cbor.Value) -> None:
    assert bundle_error(cbor.encode(value)) == "bundle: not an array of metadata, data and code"


@pytest.mark.parametrize("section", ["metadata", "data", "code"])
@pytest.mark.parametrize("value", ["path/to/file", 0, [], {}, [b"bytes"]])
def test_a_section_that_is_no_byte_string_is_named(section: str, value: cbor.Value) -> None:
    sections: dict[str, cbor.Value] = {"metadata": b"m", "data": b"d", "code": b"c"}
    content = cbor.encode(list((sections | {section: value}).values()))
    assert bundle_error(content) == f"bundle.{section}: not a byte string"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "byte 0: ends where an item should begin"),
        ("83 416d 4164", "byte 5: ends where an item should begin"),
        ("83 416d 4164 41", "byte 5: string of 1 bytes is cut short"),
        ("83 416d 4164 4163 00", "byte 7: bytes follow the value"),
        ("9f 416d 4164 4163 ff", "byte 0: indefinite length"),
        ("83 5f416dff 4164 4163", "byte 1: indefinite length"),
        ("83 58016d 4164 4163", "byte 1: argument is not in its shortest form"),
        ("9803 416d 4164 4163", "byte 0: argument is not in its shortest form"),
        ("83 416d 4164 f6", "byte 5: a float or simple value"),
        ("d9d9f7 83 416d 4164 4163", "byte 0: tag 55799 is not expected here"),
        ("83 416d 4164 d818 4163", "byte 5: tag 24 is not expected here"),
        ("83 818181818180 40 40", "byte 5: nested deeper than 5"),
    ],
)
@pytest.mark.clause("TC-META-19")
def test_cbor_that_is_not_strict_is_refused(content: str, problem: str) -> None:
    assert bundle_error(bytes.fromhex(content)).startswith(f"bundle: {problem}")


@pytest.mark.parametrize("count", [300, pytest.param(50_000, marks=pytest.mark.long)])
@pytest.mark.clause("TC-META-19")
def test_of_any_bytes_only_exact_bundles_are_decoded(count: int) -> None:
    rng = Random(6)
    original = Bundle(b"metadata", b"", b"some code").encode()
    decoded = 0
    for _ in range(count):
        start = rng.randrange(len(original))
        end = start + rng.randrange(3)
        candidate = original[:start] + rng.randbytes(rng.randrange(3)) + original[end:]
        if rng.random() < 0.2:
            candidate = rng.randbytes(rng.randrange(60))
        try:
            bundle = Bundle.decode(candidate, 60)
        except MetadataError:
            continue
        decoded += 1
        assert bundle.encode() == candidate
    assert 0 < decoded < count
