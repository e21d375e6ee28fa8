"""Our profile: everything that is outside of it is refused by its name and place."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.envelopes import (
    around,
    components,
    decode_both,
    envelope_members,
    installing,
    manifest_members,
    sequence,
    tagged,
)

from tinycontainer.interfaces.updating import UpdateSection
from tinycontainer.suit.envelope.components import component_id, parse_component
from tinycontainer.suit.envelope.labels import Label, ManifestMember, Parameter
from tinycontainer.suit.envelope.model import SuitDigest
from tinycontainer.suit.envelope.profile import ALLOWED, Objection, objections
from tinycontainer_tokens import cbor
from tinycontainer_tokens.cbor import Encodable

INSTALL = sequence(12, 0)
VALUES: dict[int, Encodable] = {
    Label.SET_COMPONENT_INDEX: 0,
    Label.OVERRIDE_PARAMETERS: {14: 0},
    Label.TRY_EACH: [INSTALL],
    Label.RUN_SEQUENCE: b"\x80",
}
"""Arguments of commands that are no reporting policy."""


def found(content: bytes) -> list[Objection]:
    return list(objections(*decode_both(content)))


def said(content: bytes) -> list[tuple[str, str]]:
    """Place and problem of every objection."""
    return [(each.place, each.problem) for each in found(content)]


def test_an_objection_names_the_offset_of_what_it_is_about() -> None:
    content = installing(12, 0, Label.COPY, 2)
    (objection,) = found(content)
    assert (objection.place, objection.offset) == ("install[1]", len(content) - 2)
    assert content[objection.offset] == Label.COPY
    whole = components(b"courier")
    content = around(manifest_members(INSTALL) | {3: cbor.encode({2: [*whole, [b"\x40"]]})})
    (objection,) = found(content)
    assert content[objection.offset :].startswith(cbor.encode([b"\x40"]))


# Members


def test_members_of_the_envelope_that_we_do_not_have_are_named() -> None:
    members = envelope_members(cbor.encode(manifest_members(INSTALL)))
    assert said(tagged(members | {1: b"", 9: b""})) == [
        ("envelope", "the member delegation is not in the profile"),
        ("envelope", "the member 9 is not in the profile"),
    ]


@pytest.mark.parametrize("member", ManifestMember)
def test_members_of_the_manifest_that_we_do_not_have_are_named(member: ManifestMember) -> None:
    name = member.name.lower().replace("_", "-")
    value: Encodable = b"\x80"
    if member in (ManifestMember.COMPONENT_ID, ManifestMember.REFERENCE_URI):
        value = [b""] if member == ManifestMember.COMPONENT_ID else "uri"
    members: dict[int, Encodable] = {int(member): value} | manifest_members(INSTALL)
    problems = [problem for _, problem in said(around(members))]
    is_ours = name in ALLOWED or member in {
        ManifestMember.VERSION,
        ManifestMember.SEQUENCE_NUMBER,
        ManifestMember.COMMON,
        ManifestMember.REFERENCE_URI,
        ManifestMember.TEXT,
    }
    assert problems.count(f"the member {name} is not in the profile") == (not is_ours)


def test_dependencies_are_refused_by_their_name() -> None:
    common = cbor.encode({1: {0: {}}, 2: components(b"courier")})
    members = manifest_members(sequence(12, True)) | {3: common}
    assert said(around(members)) == [("common", "the member dependencies is not in the profile")]


def test_a_digest_by_another_algorithm_is_refused() -> None:
    envelope, manifest = decode_both(around(manifest_members(INSTALL)))
    for digest in (SuitDigest(-44, bytes(64)), SuitDigest(-16, bytes(31))):
        (objection,) = objections(replace(envelope, digest=digest), manifest)
        assert objection.place == "authentication-wrapper"
        assert objection.offset == envelope.digest_offset > 0


@pytest.mark.parametrize(
    ("present", "problems"),
    [
        ({20}, []),
        ({16, 20, 7, 9}, []),
        ({24}, []),
        (set(), ["neither install nor uninstall is there"]),
        ({7, 9, 16}, ["neither install nor uninstall is there"]),
        ({20, 24}, ["the member install cannot be there beside uninstall"]),
        ({16, 24}, ["the member payload-fetch cannot be there beside uninstall"]),
        ({7, 24}, ["the member validate cannot be there beside uninstall"]),
        ({9, 24}, ["the member invoke cannot be there beside uninstall"]),
    ],
)
def test_an_update_installs_or_deletes(present: set[int], problems: list[str]) -> None:
    members = manifest_members() | dict.fromkeys(present, INSTALL)
    assert [problem for _, problem in said(around(members))] == problems


@pytest.mark.parametrize("label", [16, 20])
def test_a_severed_sequence_has_to_be_carried(label: int) -> None:
    members = manifest_members(INSTALL) | {label: [-16, bytes(32)]}
    name = ManifestMember(label).name.lower().replace("_", "-")
    problem = f"the member {name} is severed, and the envelope does not carry it"
    assert said(around(members)) == [(name, problem)]


def test_a_severed_member_that_we_do_not_have_is_named_once() -> None:
    for label, name in ((14, "coswid"), (15, "dependency-resolution")):
        members = manifest_members(INSTALL) | {label: [-16, bytes(32)]}
        assert [problem for _, problem in said(around(members))] == [
            f"the member {name} is not in the profile"
        ]


def test_severed_text_may_be_missing_and_text_is_passed_over() -> None:
    assert said(around(manifest_members(INSTALL) | {23: [-16, bytes(32)]})) == []
    assert said(around(manifest_members(INSTALL) | {23: b"anything", 4: "https://there"})) == []


# Components


@given(st.binary(min_size=1, max_size=63), st.sampled_from(UpdateSection))
def test_an_identifier_names_its_uid_and_section(uid: bytes, section: UpdateSection) -> None:
    assert parse_component(component_id(uid, section)) == (uid, section)


IDENTIFIERS = {
    "one part": [b"\x41u"],
    "three parts": [b"\x41u", b"\x64meta", b""],
    "a bare uid": [b"courier", b"\x64meta"],
    "uid as text": [b"\x61u", b"\x64meta"],
    "no uid": [b"\x40", b"\x64meta"],
    "a uid of 64 bytes": [b"\x58\x40" + bytes(64), b"\x64meta"],
    "a vast uid": [b"\x59\xff\xff" + bytes(65535), b"\x64meta"],
    "a long head": [b"\x58\x01u", b"\x64meta"],
    "section as bytes": [b"\x41u", b"\x44meta"],
    "another section": [b"\x41u", b"\x65stack"],
    "section in capitals": [b"\x41u", b"\x64Meta"],
    "bytes after it": [b"\x41u\x00", b"\x64meta"],
}


@pytest.mark.parametrize("identifier", IDENTIFIERS.values(), ids=IDENTIFIERS.keys())
def test_other_identifiers_are_refused_at_their_index(identifier: list[bytes]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_component(tuple(identifier))
    common = cbor.encode({2: [*components(b"courier"), identifier]})
    (place, _), *_ = said(around(manifest_members(sequence(12, True)) | {3: common}))
    assert place == "common.components[3]"


def test_a_container_has_each_of_its_sections_once() -> None:
    whole = components(b"courier")
    for listed, problem in (
        (whole[:2], "code of courier is missing"),
        (whole[1:], "meta of courier is missing"),
        ([*whole, whole[1]], "data of courier is there twice"),
        ([], "no component is there"),
    ):
        common = cbor.encode({2: listed})
        problems = said(around(manifest_members(sequence(12, True)) | {3: common}))
        assert [each for _, each in problems] == [problem]


def test_sixteen_containers_are_accepted_and_no_more() -> None:
    uids = [bytes([65 + number]) for number in range(17)]
    assert said(around(manifest_members(INSTALL, uids=uids[:16]))) == []
    assert said(around(manifest_members(INSTALL, uids=uids))) == [
        ("common.components", "17 containers; at most 16 are allowed")
    ]


# Commands


def with_command(name: str, label: int) -> bytes:
    """An envelope with one command of a label in a sequence."""
    commands = sequence(12, 0, int(label), VALUES.get(label, 15))
    if name == "shared-sequence":
        return around(manifest_members(INSTALL, commands))
    member = ManifestMember[name.upper().replace("-", "_")]
    members = manifest_members(None if name == "uninstall" else INSTALL)
    return around(members | {int(member): commands})


WHERE = {
    Label.VENDOR_IDENTIFIER: set(ALLOWED),
    Label.CLASS_IDENTIFIER: set(ALLOWED),
    Label.DEVICE_IDENTIFIER: set(ALLOWED),
    Label.SET_COMPONENT_INDEX: set(ALLOWED),
    Label.OVERRIDE_PARAMETERS: set(ALLOWED),
    Label.TRY_EACH: set(ALLOWED),
    Label.IMAGE_MATCH: set(ALLOWED) - {"shared-sequence"},
    Label.ABORT: set(ALLOWED) - {"shared-sequence"},
    Label.FETCH: {"payload-fetch", "install"},
    Label.WRITE: {"payload-fetch", "install"},
    Label.INVOKE: {"invoke"},
    Label.UNLINK: {"uninstall"},
}
"""The sequences that a command may be in."""


@pytest.mark.parametrize("name", sorted(ALLOWED))
@pytest.mark.parametrize("label", Label)
def test_each_command_is_where_it_may_be(name: str, label: Label) -> None:
    command = label.name.lower().replace("_", "-")
    where = f"cannot be in {name}" if label in WHERE else "is not in the profile"
    expected = [(f"{name}[1]", f"the command {command} {where}")]
    assert said(with_command(name, label)) == ([] if name in WHERE.get(label, ()) else expected)


def test_commands_within_a_try_each_are_judged_too() -> None:
    inner = sequence(15, [sequence(14, 15), sequence(31, 15)])
    assert said(installing(12, 0, 15, [inner, None])) == [
        ("install[1].try-each[0][0].try-each[1][0]", "the command swap is not in the profile")
    ]


def test_a_command_without_a_name_is_refused_by_its_number() -> None:
    assert said(installing(12, 0, -5, None)) == [
        ("install[1]", "the command -5 is not in the profile")
    ]


def test_every_sequence_begins_with_a_component_but_those_in_a_try_each() -> None:
    shared = sequence(1, 15)
    (objection,) = said(installing(12, 0, 15, [sequence(3, 15)], shared=shared))
    assert objection[0] == "shared-sequence[0]"
    assert "begins with set-component-index" in objection[1]
    assert said(installing(3, 15))[0][0] == "install[0]"


def test_indices_are_those_of_components() -> None:
    assert said(installing(12, True, 12, [0, 2], 12, 2)) == []
    problem = "component 3 is not there; there are 3"
    assert said(installing(12, 3)) == [("install[0]", problem)]
    assert said(installing(12, [0, 3])) == [("install[0]", problem)]
    assert said(installing(12, [1, 1])) == [("install[0]", "a component is named twice")]


GOOD: dict[Parameter, Encodable] = {
    Parameter.VENDOR_IDENTIFIER: bytes(16),
    Parameter.CLASS_IDENTIFIER: bytes(16),
    Parameter.DEVICE_IDENTIFIER: bytes(16),
    Parameter.IMAGE_DIGEST: cbor.encode([-16, bytes(32)]),
    Parameter.IMAGE_SIZE: (1 << 64) - 1,
    Parameter.CONTENT: b"",
    Parameter.URI: "u" * 255,
}


@pytest.mark.parametrize("parameter", Parameter)
def test_each_parameter_is_ours_or_refused_by_its_name(parameter: Parameter) -> None:
    name = parameter.name.lower().replace("_", "-")
    problem = f"the parameter {name} is not in the profile"
    expected = [] if parameter in GOOD else [("install[1]", problem)]
    assert said(installing(12, 0, 20, {int(parameter): GOOD.get(parameter, 0)})) == expected


@pytest.mark.parametrize(
    ("parameter", "value", "problem"),
    [
        (Parameter.VENDOR_IDENTIFIER, bytes(15), "vendor-identifier is not 16 bytes"),
        (Parameter.CLASS_IDENTIFIER, bytes(17), "class-identifier is not 16 bytes"),
        (Parameter.DEVICE_IDENTIFIER, b"", "device-identifier is not 16 bytes"),
        (Parameter.IMAGE_DIGEST, cbor.encode([-16, bytes(31)]), "image-digest is not 32 bytes"),
        (
            Parameter.IMAGE_DIGEST,
            cbor.encode([-43, bytes(48)]),
            "image-digest is not a digest by SHA-256 (-16)",
        ),
        (Parameter.URI, "", "uri is not text of 1 to 255 bytes"),
        (Parameter.URI, "\u00fc" * 128, "uri is not text of 1 to 255 bytes"),
        (99, 0, "99 is not in the profile"),
        (-1, 0, "-1 is not in the profile"),
    ],
)
def test_a_value_out_of_its_range_is_refused(
    parameter: int, value: Encodable, problem: str
) -> None:
    content = installing(12, 0, 20, {int(parameter): value})
    assert said(content) == [("install[1]", f"the parameter {problem}")]


@pytest.mark.clause("TC-UPD-02")
def test_a_sequence_has_a_command_and_a_try_each_a_sequence() -> None:
    empty = cbor.encode([])
    assert said(installing()) == [("install", "a sequence without a command")]
    tried = (12, 0, Label.TRY_EACH)
    assert said(installing(*tried, [INSTALL, empty, None])) == [
        ("install[1]", "a sequence without a command")
    ]
    assert said(installing(*tried, [None])) == [
        ("install[1]", "there is no sequence to try, only null")
    ]
    assert said(installing(12, 0, shared=empty)) == [
        ("shared-sequence", "a sequence without a command")
    ]


@pytest.mark.clause("TC-UPD-02")
def test_a_reporting_policy_is_four_bits() -> None:
    assert said(installing(12, 0, Label.FETCH, 15)) == []
    assert said(installing(12, 0, Label.FETCH, 16)) == [
        ("install[1]", "the reporting policy 16 is beyond 15")
    ]
