"""The envelopes that the working group publishes: all decode, and each is refused by name."""

import pytest
from support.envelopes import decode_both
from support.project import VECTORS

from tinycontainer.suit.envelope.profile import objections

ENVELOPES = sorted((VECTORS / "suit").glob("*.suit"))

needs_envelopes = pytest.mark.skipif(
    not ENVELOPES, reason="the working group's envelopes are not on this machine"
)

NO_COMPONENT = "a component is not two byte strings, of a uid and of a section"
NOTHING = "neither install nor uninstall is there"
NOT_CARRIED = "the member install is severed, and the envelope does not carry it"
LOADS = {
    NO_COMPONENT,
    "the member load is not in the profile",
    "the command copy is not in the profile",
    "the parameter source-component is not in the profile",
}
SLOTS = {
    NO_COMPONENT,
    "the command component-slot is not in the profile",
    "the parameter component-slot is not in the profile",
}
PROBLEMS = {
    "example0-0": {NO_COMPONENT, NOTHING},
    "example0-1": {NO_COMPONENT, NOTHING},
    "example1-0": {NO_COMPONENT},
    "example1-1": {NO_COMPONENT},
    "example2-0": {NO_COMPONENT, NOT_CARRIED},
    "example2-1": {NO_COMPONENT, NOT_CARRIED},
    "example2-2": {NO_COMPONENT},
    "example3-0": SLOTS,
    "example3-1": SLOTS,
    "example4-0": LOADS,
    "example4-1": LOADS,
    "example5-0": {NO_COMPONENT},
    "example5-1": {NO_COMPONENT},
}


@needs_envelopes
def test_there_are_as_many_as_there_are_expectations() -> None:
    assert [path.stem for path in ENVELOPES] == sorted(PROBLEMS)


@needs_envelopes
@pytest.mark.parametrize("name", sorted(PROBLEMS))
def test_each_decodes_and_is_refused_by_name(name: str) -> None:
    content = (VECTORS / "suit" / f"{name}.suit").read_bytes()
    envelope, manifest = decode_both(content)
    assert envelope.digest.is_of(envelope.manifest)
    assert manifest.sequence_number == int(name[7])
    assert len(envelope.signatures) == int(not name.endswith("-0"))
    found = list(objections(envelope, manifest))
    assert {objection.problem for objection in found} == PROBLEMS[name]
    assert all(0 < objection.offset < len(content) for objection in found)
