"""The tree of an envelope: it covers every byte, and says what each item means, of ours or not."""

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from support.project import VECTORS
from support.trees import read_file_of, require_cover, walk
from support.updates import draft, plan_version, sign, signed
from support.worlds import blueprint

from tinycontainer.errors import DeviceFileError, MetadataError
from tinycontainer.suit.drafts import make_envelope
from tinycontainer.suit.envelope.encoder import encode_sequence
from tinycontainer.suit.envelope.model import UpdateCommand
from tinycontainer.tools.inspect.contents import Contents, read_envelope_contents
from tinycontainer.tools.inspect.envelope_shape import SHOWN_FORM, EnvelopeFacts, envelope_shape
from tinycontainer.tools.inspect.tree import build_tree
from tinycontainer_tokens import cbor

EXAMPLES = sorted((VECTORS / "suit").glob("*.suit"))
needs_examples = pytest.mark.skipif(not EXAMPLES, reason="the draft's examples are not here")


def ours() -> bytes:
    containers = plan_version(blueprint("a"), starts=True), plan_version(blueprint("b"))
    made = draft(*containers, number=7)
    return sign(
        make_envelope(
            replace(made, severed_install=True, description="new", reference_uri="https://a/m")
        )
    )


def said(found: Contents) -> list[str]:
    return [node.meaning for node in walk(found.tree)]


@pytest.mark.clause("TC-UPD-29")
def test_every_byte_of_an_envelope_has_its_place(tmp_path: Path) -> None:
    content = ours()
    found = read_file_of(tmp_path, content)
    assert (found.tree.offset, found.tree.length, found.problem) == (0, len(content), None)
    require_cover(found.tree)
    for node in walk(found.tree):
        if node.parts and not node.cut:
            own = b"".join(node.parts)
            assert content[node.offset :][: len(own)] == own


@pytest.mark.clause("TC-UPD-29")
def test_members_commands_parameters_and_payloads_are_named(tmp_path: Path) -> None:
    meanings = said(read_file_of(tmp_path, ours()))
    for meaning in (
        "tag of a SUIT envelope",
        "COSE_Sign1",
        "alg: ESP256",
        "payload: detached",
        "signature of 64 bytes",
        "sequence-number: 7",
        "reference-uri: https://a/m",
        "component 4 (b data)",
        "uid",
        "section",
        "command override-parameters",
        "vendor-identifier: cfbff0d1-9375-5685-968c-48ce8b15ae17",
        "command image-match",
        "reporting policy: records and system information, always",
        "reporting policy: a record on failure",
        "all components",
        "uri: #5",
        "install, severed: its digest",
        "text in the language en",
        "update description",
        "command invoke",
        "tag TinyPART",
        "uid: b",
    ):
        assert meaning in meanings, meaning
    assert any(each.startswith("payload #0 (a meta): ") for each in meanings)
    assert any(each.startswith("install: ") and "its digest is in" in each for each in meanings)
    assert any("which is signed (it matches)" in each for each in meanings)


@pytest.mark.clause("TC-UPD-29")
def test_the_values_say_what_an_envelope_is_about(tmp_path: Path) -> None:
    values = read_file_of(tmp_path, ours()).values
    assert values["digest"]["matches"] is True
    assert values["signatures"] == [{"verifiable": True, "algorithm": "ESP256", "kid": None}]
    manifest = values["manifest"]
    assert manifest["sequence_number"] == 7
    assert [each["name"] for each in manifest["components"][:2]] == ["a meta", "a data"]
    assert {"name": "install", "severed": True, "carried": True} in manifest["members"]
    assert manifest["fetches"] == []
    assert values["payloads"][4]["components"] == ["b data"]
    assert values["outside_profile"] == []


@needs_examples
@pytest.mark.clause("TC-UPD-29")
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_envelopes_of_others_are_shown_and_what_is_outside_of_our_profile_is_marked(
    path: Path,
) -> None:
    found = read_envelope_contents(path)
    require_cover(found.tree)
    assert found.problem is None
    assert found.values["outside_profile"]
    marked = {node.offset for node in walk(found.tree) if "outside our profile" in node.meaning}
    assert marked == {each["offset"] for each in found.values["outside_profile"]} or marked == {0}
    assert all(each.isascii() and each.isprintable() for each in said(found))


@pytest.mark.clause("TC-UPD-29")
def test_an_envelope_of_another_protocol_has_no_tag_and_is_shown(tmp_path: Path) -> None:
    content = signed(plan_version(blueprint("a")))[2:]
    path = tmp_path / "untagged.suit"
    path.write_bytes(content)
    found = read_envelope_contents(path)
    require_cover(found.tree)
    assert found.tree.length == len(content)
    assert [each["problem"] for each in found.values["outside_profile"]] == [
        "the tag 107 before it is missing"
    ]


@needs_examples
def test_texts_name_the_component_that_they_are_about() -> None:
    found = read_envelope_contents(VECTORS / "suit" / "example2-2.suit")
    assert "about the component h'00'" in said(found)
    assert "vendor domain" in said(found)
    assert "[h'00']: {" in {node.opening for node in walk(found.tree)}


def test_an_envelope_that_is_refused_is_shown_with_the_reason_at_its_place(tmp_path: Path) -> None:
    whole = ours()
    offset = whole.index(bytes((0x02, 0x07, 0x03))) + 1  # the sequence number
    found = read_file_of(tmp_path, whole[:offset] + b"\x20" + whole[offset + 1 :])
    assert found.problem is not None
    assert found.values["manifest"] is None
    (refused,) = [each for each in said(found) if "refused: " in each]
    assert refused.startswith("sequence-number: -1")


def test_commands_lie_as_deep_as_a_device_decodes_them() -> None:
    inner = encode_sequence((UpdateCommand(3, 15),))
    for _ in range(2000):
        inner = cbor.encode([15, [inner]])
    tree = build_tree(
        cbor.with_tags((107,), cbor.encode({20: inner})),
        envelope_shape(EnvelopeFacts()),
        1 << 20,
        SHOWN_FORM,
    )
    assert sum(node.meaning == "command try-each" for node in walk(tree)) == 6
    require_cover(tree)


@pytest.mark.parametrize("whole", [ours(), signed(plan_version(blueprint("a")))])
def test_damaged_envelopes_are_shown_or_refused(tmp_path: Path, whole: bytes) -> None:
    random = Random(3)
    for number in range(400):
        damaged = bytearray(whole)
        for _ in range(1 + number % 3):
            damaged[random.randrange(2, len(damaged))] = random.randrange(256)
        content = bytes(damaged[: random.randrange(3, len(damaged)) if number % 5 == 0 else None])
        try:
            found = read_file_of(tmp_path, content)
        except MetadataError:
            continue
        require_cover(found.tree)
        assert all(each.isascii() and each.isprintable() for each in said(found))


def test_what_is_no_envelope_is_refused_and_nothing_of_a_key_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n")
    with pytest.raises(MetadataError, match="key file") as caught:
        read_envelope_contents(path)
    assert "c2VjcmV0" not in str(caught.value)
    path.write_bytes(b"\x83\x40\x40\x40")
    with pytest.raises(MetadataError, match="no SUIT envelope"):
        read_envelope_contents(path)
    path.write_bytes(b"\xd8\x6b" + bytes(1 << 20))
    with pytest.raises(DeviceFileError):
        read_envelope_contents(path)
    with pytest.raises(MetadataError, match="at most"):
        read_file_of(tmp_path, path.read_bytes())
