"""Command sequences: arguments of exact types, bounded in number and nesting."""

import pytest
from support.envelopes import around, decode_both, installing, manifest_members, sequence
from support.errors import catch_error

from tinycontainer.errors import EnvelopeError
from tinycontainer.suit.envelope.commands import MAX_COMMANDS
from tinycontainer.suit.envelope.labels import Label, ManifestMember, Parameter
from tinycontainer.suit.envelope.model import Unknown, UpdateCommand
from tinycontainer_tokens import cbor
from tinycontainer_tokens.cbor import Encodable


def refused(content: bytes) -> EnvelopeError:
    """Why the manifest of an envelope cannot be decoded."""
    return catch_error(EnvelopeError, decode_both, content)


def test_true_is_not_taken_for_an_index_of_one() -> None:
    _, manifest = decode_both(installing(12, True, 12, 1, 12, [0, 1]))
    arguments = [command.argument for command in manifest.sequences[ManifestMember.INSTALL]]
    assert arguments[0] is True
    assert type(arguments[1]) is int
    assert arguments[2] == (0, 1)


def test_unknown_commands_and_parameters_are_kept_as_they_are_encoded() -> None:
    unread = {25: {"a": 1}, -1: None}
    _, manifest = decode_both(installing(-7, [None, "x"], 32, b"\x80", 20, unread))
    assert manifest.sequences[ManifestMember.INSTALL] == (
        UpdateCommand(-7, Unknown(cbor.encode([None, "x"]))),
        UpdateCommand(Label.RUN_SEQUENCE, Unknown(b"\x41\x80")),
        UpdateCommand(20, {25: Unknown(cbor.encode({"a": 1})), -1: Unknown(b"\xf6")}),
    )


@pytest.mark.parametrize("policy", [True, None, b"", "15", -1, [15]])
@pytest.mark.parametrize("label", [1, 3, 14, 18, 21, 23, 33])
def test_a_reporting_policy_is_a_number(label: int, policy: Encodable) -> None:
    assert refused(installing(12, 0, label, policy)).place.startswith("install[1].")


@pytest.mark.parametrize("index", [False, None, -1, b"", [], [True], [[0]], ["0"]])
def test_an_index_is_a_number_or_several_or_true(index: Encodable) -> None:
    assert refused(installing(12, index)).place.startswith("install[0].set-component-index")


@pytest.mark.parametrize(
    ("number", "value"),
    [
        (Parameter.VENDOR_IDENTIFIER, "vendor"),
        (Parameter.CLASS_IDENTIFIER, 1),
        (Parameter.DEVICE_IDENTIFIER, None),
        (Parameter.IMAGE_DIGEST, [-16, b""]),
        (Parameter.IMAGE_DIGEST, b""),
        (Parameter.IMAGE_SIZE, True),
        (Parameter.IMAGE_SIZE, -1),
        (Parameter.CONTENT, "content"),
        (Parameter.URI, b"#0"),
        (Parameter.URI, ["#0"]),
    ],
)
def test_a_parameter_of_another_type_is_refused(number: Parameter, value: Encodable) -> None:
    name = number.name.lower().replace("_", "-")
    error = refused(installing(20, {int(number): value}))
    assert error.place == f"install[0].override-parameters.{name}"


def nested(levels: int) -> tuple[Encodable, ...]:
    """A try-each with so many levels."""
    commands: tuple[Encodable, ...] = (14, 15)
    for _ in range(levels):
        commands = (15, [sequence(*commands), None])
    return commands


def test_four_try_each_may_lie_in_each_other_and_no_five() -> None:
    _, manifest = decode_both(installing(*nested(4)))
    (command,) = manifest.sequences[ManifestMember.INSTALL]
    for level in range(4):
        assert command.place == "install[0]" + ".try-each[0][0]" * level
        assert isinstance(command.argument, tuple)
        inner, other = command.argument
        assert isinstance(inner, tuple)
        assert other is None
        (command,) = inner
    assert command.label == Label.ABORT
    assert refused(installing(*nested(5))).problem == "nested deeper than 4"


@pytest.mark.parametrize("alternatives", [[], None, [None, b"\x80"], [[]], b""])
def test_alternatives_are_wrapped_and_only_the_last_is_null(alternatives: Encodable) -> None:
    assert refused(installing(15, alternatives)).place.startswith("install[0].try-each")


def test_a_thousand_commands_are_accepted_and_no_more() -> None:
    half = [14, 15] * (MAX_COMMANDS // 2)
    members = manifest_members(sequence(*half)) | {7: sequence(*half)}
    assert decode_both(around(members))
    error = refused(around(members | {9: sequence(14, 15)}))
    assert error.problem == "more than 1000 commands"
    alternatives: list[Encodable] = [b"\x80"] * MAX_COMMANDS
    assert "1000 commands" in refused(installing(15, alternatives)).problem
