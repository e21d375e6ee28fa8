"""Documents of CycloneDX are read, or refused in one line; nothing else comes of them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.sboms import COAP, TLS, document

from tinycontainer.network.platform.catalogue.cyclonedx import (
    MAX_LEVELS,
    MAX_SBOM_BYTES,
    MOST_COMPONENTS,
    CycloneDxError,
    SoftwareComponent,
    read_components,
)

pytestmark = pytest.mark.clause("TC-PLAT-44")


def refusal(content: bytes) -> str:
    """Why a document is refused."""
    with pytest.raises(CycloneDxError) as caught:
        read_components(content)
    return str(caught.value)


def names(content: bytes) -> list[str]:
    """The names of components that are read."""
    return [each.name for each in read_components(content)]


def nested(levels: int) -> dict[str, Any]:
    """A component in a component, and so on."""
    found: dict[str, Any] = {"name": f"level {levels}"}
    for level in range(levels - 1, 0, -1):
        found = {"name": f"level {level}", "components": [found]}
    return found


@pytest.mark.parametrize("version", ["1.4", "1.5", "1.6"])
def test_components_are_read_with_name_version_and_purl(version: str) -> None:
    assert read_components(document(TLS, COAP, specVersion=version)) == (
        SoftwareComponent("tls", "3.6.1", "pkg:generic/tls@3.6.1"),
        SoftwareComponent("coap", "4.3", ""),
    )


def test_what_is_not_said_is_empty() -> None:
    assert read_components(document({"name": "x"})) == (SoftwareComponent("x", "", ""),)
    assert read_components(b'{"bomFormat": "CycloneDX", "specVersion": "1.6"}') == ()


def test_the_subject_comes_first_and_a_component_before_those_within_it() -> None:
    inner = {"name": "b", "components": [{"name": "c"}]}
    subject = {"component": {"name": "subject", "components": [{"name": "part"}]}}
    content = document({"name": "a", "components": [inner]}, {"name": "d"}, metadata=subject)
    assert names(content) == ["subject", "part", "a", "b", "c", "d"]


def test_the_same_component_is_there_once() -> None:
    other = {**TLS, "version": "3.6.2"}
    found = read_components(document(TLS, other, {**TLS, "components": [TLS]}))
    assert [each.version for each in found] == ["3.6.1", "3.6.2"]


def test_further_fields_are_passed_over() -> None:
    more = {
        "type": "library", "hashes": [{"alg": "SHA-256", "content": "0" * 64}],
        "licenses": [{"license": {"id": "MIT"}}], "evidence": {"identity": {"confidence": 0.5}},
        "later": None,
    }  # fmt: skip
    content = document({**TLS, **more}, version=1, services=[{"name": "no component"}], later=[])
    assert names(content) == ["tls"]


def test_names_of_all_languages_are_read() -> None:
    assert names(document({"name": "m\u00fcller caf\u00e9 \u65e5"})) == [
        "m\u00fcller caf\u00e9 \u65e5"
    ]


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ({"bomFormat": "SPDX"}, "bomFormat: is not CycloneDX"),
        ({"bomFormat": ["CycloneDX"]}, "bomFormat: is not CycloneDX"),
        ({"specVersion": "1.3"}, "specVersion: is none of 1.4, 1.5, 1.6"),
        ({"specVersion": 1.6}, "specVersion: is none of 1.4, 1.5, 1.6"),
        ({"specVersion": {}}, "specVersion: is none of 1.4, 1.5, 1.6"),
        ({"components": {}}, "components: is no list"),
        ({"components": None}, "components: is no list"),
        ({"metadata": []}, "metadata: is no JSON object"),
        ({"metadata": {"component": 1}}, "metadata.component: is no JSON object"),
        ({"metadata": {"component": {}}}, "metadata.component.name: is missing or empty"),
    ],
)
def test_what_is_no_such_document_is_refused(more: dict[str, Any], problem: str) -> None:
    assert refusal(document(**more)) == problem


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ("x", "components[1]: is no JSON object"),
        ({}, "components[1].name: is missing or empty"),
        ({"name": ""}, "components[1].name: is missing or empty"),
        ({"name": None}, "components[1].name: is no text"),
        ({"name": "x" * 256}, "components[1].name: has more than 255 characters"),
        ({"name": "x\n"}, "components[1].name: has a character that cannot be printed"),
        ({"name": "x\x1b[2J"}, "components[1].name: has a character that cannot be printed"),
        ({"name": "x\u202e"}, "components[1].name: has a character that cannot be printed"),
        ({"name": "x\ud800"}, "components[1].name: has a character that cannot be printed"),
        ({"name": "x\0"}, "components[1].name: has a character that cannot be printed"),
        ({"name": "x", "version": 1}, "components[1].version: is no text"),
        ({"name": "x", "version": "1" * 256},
         "components[1].version: has more than 255 characters"),
        ({"name": "x", "purl": True}, "components[1].purl: is no text"),
        ({"name": "x", "purl": "pkg:" + "x" * 1021},
         "components[1].purl: has more than 1024 characters"),
        ({"name": "x", "purl": "http://x"},
         "components[1].purl: is no package URL, such as pkg:generic/name@1.0"),
        ({"name": "x", "purl": "pkg:a b"},
         "components[1].purl: is no package URL, such as pkg:generic/name@1.0"),
        ({"name": "x", "components": [{"name": "y"}, {"name": 1}]},
         "components[1].components[1].name: is no text"),
    ],
)  # fmt: skip
def test_a_wrong_component_is_refused_with_its_place(wrong: Any, problem: str) -> None:
    assert refusal(document(TLS, wrong)) == problem


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "document: is not JSON: line 1, column 1"),
        (b"{", "document: is not JSON: line 1, column 2"),
        (b"\xff", "document: is not UTF-8 text"),
        (b"[]", "document: is no JSON object"),
        (b'{"a": 1, "a": 2}', "document: has one key twice"),
        (b'{"a": [{"b": 1, "b": 1}]}', "document: has one key twice"),
        (b'{"a": NaN}', "document: NaN is no JSON"),
        (b'{"a": -Infinity}', "document: -Infinity is no JSON"),
        (b'{"a": 1e999}', "document: has a number that is too large"),
        (b'{"a": 9223372036854775808}', "document: has a whole number of more than 64 bits"),
        (b'{"a": 1' + b"0" * 100_000 + b"}", "document: has a whole number of more than 64 bits"),
        (b'{"a":' * 100_000, "document: is nested too deeply"),
        (b"[" * 65, "document: is nested too deeply"),
        (b"<bom/>", "document: is not JSON: line 1, column 1"),
    ],
)
def test_what_is_no_strict_json_is_refused(content: bytes, problem: str) -> None:
    assert refusal(content) == problem


def test_a_document_has_a_bounded_length() -> None:
    content = document(TLS)
    padded = content + b" " * (MAX_SBOM_BYTES - len(content))
    assert names(padded) == ["tls"]
    assert refusal(padded + b" ") == "document: is longer than 1048576 bytes"


def test_components_nest_to_a_bounded_depth() -> None:
    assert len(names(document(nested(MAX_LEVELS)))) == MAX_LEVELS
    problem = refusal(document(nested(MAX_LEVELS + 1)))
    assert problem.endswith("components[0]: is more than 16 components deep")


def test_there_are_at_most_so_many_components_repeated_ones_too() -> None:
    many = [{"name": f"lib-{number}"} for number in range(MOST_COMPONENTS)]
    assert len(names(document(*many))) == MOST_COMPONENTS
    assert refusal(document(*many, many[0])) == "components: are more than 2000"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["name", "version", "purl", "components", "component"]), inner
        )
    ),
    max_leaves=12,
)
HONEST = document(
    TLS,
    {"name": "outer", "components": [COAP]},
    metadata={"component": {"name": "subject", "version": "1"}},
)


def is_read_or_refused(content: bytes) -> bool:
    """Whether a document is read; a refusal is one line of printable ASCII."""
    problem = ""
    found: tuple[SoftwareComponent, ...] = ()
    try:
        found = read_components(content)
    except CycloneDxError as error:
        problem = str(error)
    assert problem.isascii()
    assert problem.isprintable()
    assert len(problem) <= 400
    assert all(each.name.isprintable() and each.name for each in found)
    return not problem


@given(st.lists(JSON, max_size=4), JSON, JSON)
def test_any_values_are_read_or_refused(components: list[Any], metadata: Any, more: Any) -> None:
    is_read_or_refused(document(*components, metadata=metadata))
    is_read_or_refused(document({"name": "x", "components": more}))
    is_read_or_refused(json.dumps(more).encode())


@given(st.data())
def test_a_document_that_was_changed_is_read_or_refused(data: st.DataObject) -> None:
    content = bytearray(HONEST)
    for _ in range(data.draw(st.integers(1, 4))):
        begin = data.draw(st.integers(0, len(content)))
        end = data.draw(st.integers(begin, min(len(content), begin + 8)))
        content[begin:end] = data.draw(
            st.binary(max_size=6)
            | st.sampled_from(
                [
                    b'"',
                    b"{",
                    b"}",
                    b"[",
                    b"]",
                    b",",
                    b"NaN",
                    b"1e999",
                    b"\\ud800",
                    b'"name":',
                    HONEST,
                ]
            )
        )
    is_read_or_refused(bytes(content))


def test_the_honest_document_is_read() -> None:
    assert is_read_or_refused(HONEST)
