"""The working group's envelopes on a device of ours: each is judged, and refused by name."""

import pytest
from support.manifests import apply, refuse, running
from support.project import VECTORS
from support.updates import rules

from tinycontainer.errors import UpdateReason, UpdateRefused
from tinycontainer.suit.keys.key_files import parse_update_key
from tinycontainer.suit.keys.keys import UpdateKeyEntry
from tinycontainer.suit.rules import UpdateRules
from tinycontainer.suit.verification import examine
from tinycontainer_tokens import StepOutcome

FOLDER = VECTORS / "suit"
NAMES = sorted(path.stem for path in FOLDER.glob("*.suit"))
NO_COMPONENT = "a component is not two byte strings, of a uid and of a section"
PLACES = {
    "example0-1": ("manifest", "neither install nor uninstall is there"),
    "example1-1": ("common.components[0]", NO_COMPONENT),
    "example2-1": ("install", "the member install is severed, and the envelope does not carry it"),
    "example2-2": ("common.components[0]", NO_COMPONENT),
    "example3-1": ("common.components[0]", NO_COMPONENT),
    "example4-1": ("load", "the member load is not in the profile"),
    "example5-1": ("common.components[0]", NO_COMPONENT),
}
"""Of each signed one: what our profile has against it first, and where."""

pytestmark = [
    pytest.mark.clause("TC-UPD-02", "TC-UPD-05"),
    pytest.mark.skipif(not NAMES, reason="the working group's envelopes are not on this machine"),
]


def theirs() -> UpdateRules:
    """Rules that believe the key that the working group publishes."""
    key = parse_update_key((FOLDER / "verification-key.pub").read_bytes())
    return rules(UpdateKeyEntry(key))


@pytest.mark.parametrize("name", NAMES)
def test_every_signed_one_verifies_with_the_published_key(name: str) -> None:
    found = examine((FOLDER / f"{name}.suit").read_bytes(), theirs().keys)
    passed = [step.check for step in found.steps if step.outcome is StepOutcome.PASSED]
    if name in PLACES:
        assert passed == ["envelope", "digest", "key", "signature", "manifest"]
        assert len(found.signers) == 1
    else:
        assert passed == ["envelope", "digest"]
        assert found.envelope is not None
        assert found.envelope.signatures == ()


@pytest.mark.parametrize("name", NAMES)
def test_each_is_refused_by_its_name(name: str) -> None:
    content = (FOLDER / f"{name}.suit").read_bytes()
    world = running("a")
    if name in PLACES:
        place, problem = PLACES[name]
        refusal = refuse(world, content, UpdateReason.PROFILE, found=theirs())
        assert (refusal.place, refusal.problem) == (place, problem)
        assert refusal.offset is not None
    else:
        refuse(world, content, UpdateReason.KEY, "the envelope is not signed", found=theirs())


@pytest.mark.parametrize("name", sorted(PLACES))
def test_one_that_is_changed_does_not_verify(name: str) -> None:
    content = bytearray((FOLDER / f"{name}.suit").read_bytes())
    content[-1] ^= 1
    with pytest.raises(UpdateRefused):
        apply(running("a"), bytes(content), theirs())
    refuse(running("a"), (FOLDER / f"{name}.suit").read_bytes(), UpdateReason.SIGNATURE)
