"""Whether an update is for this device: conditions on vendor, class and device."""

from dataclasses import replace

import pytest
from support.manifests import (
    ALL,
    CLASS,
    DATA,
    DEVICE,
    TIMES,
    VENDOR,
    Written,
    apply,
    at,
    newer_of,
    refuse,
    running,
    set_,
    try_each,
)
from support.updates import CLASS as CLASS_IDENTITY
from support.updates import IDENTITY, draft, plan_version, rules
from support.worlds import blueprint

from tinycontainer.errors import UpdateReason
from tinycontainer.interfaces.updating import UpdateIdentity
from tinycontainer.suit.envelope.labels import ManifestMember, Parameter
from tinycontainer.suit.envelope.model import UpdateCommand
from tinycontainer.suit.rules import derive_identity

NEXT = newer_of("a")
VENDOR_ID = set_(Parameter.VENDOR_IDENTIFIER, IDENTITY.vendor_id)
CLASS_ID = set_(Parameter.CLASS_IDENTIFIER, IDENTITY.class_id)
IMAGES = tuple(each for each in NEXT.shared[1:] if each.label not in (VENDOR.label, CLASS.label))
"""The shared sequence without the conditions of the tool."""


def update_for(identity: UpdateIdentity) -> bytes:
    plan = blueprint("a", security=TIMES, sequence=2)
    return Written.of_draft(draft(plan_version(plan), identity=identity)).signed()


@pytest.mark.clause("TC-UPD-10", "TC-UPD-11")
@pytest.mark.parametrize(
    ("identity", "reason"),
    [
        (derive_identity("example.org", "box"), UpdateReason.VENDOR),
        (replace(CLASS_IDENTITY, vendor_id=bytes(16)), UpdateReason.VENDOR),
        (derive_identity("example.com", "boxes"), UpdateReason.CLASS),
        (derive_identity("example.com", "box", "box2"), UpdateReason.DEVICE),
        (derive_identity("example.com", "Box", "box1"), UpdateReason.CLASS),
    ],
    ids=["vendor", "vendor alone", "class", "device", "letter of the class"],
)
def test_an_update_for_somebody_else_is_refused(
    identity: UpdateIdentity, reason: UpdateReason
) -> None:
    refusal = refuse(running("a"), update_for(identity), reason, "it is for ")
    assert refusal.place.startswith("shared-sequence[")
    assert refusal.uid == b"a"


@pytest.mark.clause("TC-UPD-11")
def test_an_update_for_this_one_device_is_accepted() -> None:
    assert apply(running("a"), update_for(IDENTITY)).uids == (b"a",)


@pytest.mark.clause("TC-UPD-11")
def test_a_device_without_an_id_takes_no_update_for_one_device() -> None:
    nameless = replace(rules(), identity=CLASS_IDENTITY)
    world = running("a")
    words = "no identifier of its own"
    refuse(world, update_for(IDENTITY), UpdateReason.DEVICE, words, found=nameless)
    assert apply(world, update_for(CLASS_IDENTITY), nameless).uids == (b"a",)


@pytest.mark.clause("TC-UPD-11")
@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        (VENDOR, UpdateReason.VENDOR),
        (CLASS, UpdateReason.CLASS),
        (DEVICE, UpdateReason.DEVICE),
    ],
)
def test_a_condition_without_an_identifier_fails(
    condition: UpdateCommand, reason: UpdateReason
) -> None:
    content = NEXT.sharing(ALL, condition, *IMAGES).signed()
    refuse(running("a"), content, reason, "no identifier is set")


@pytest.mark.clause("TC-UPD-11")
def test_a_manifest_without_a_condition_on_vendor_or_class_is_refused() -> None:
    world = running("a")
    content = NEXT.sharing(ALL, VENDOR_ID, CLASS_ID, CLASS, *IMAGES).signed()
    refusal = refuse(world, content, UpdateReason.VENDOR, "for this vendor")
    assert (refusal.place, refusal.uid) == ("a meta", b"a")
    content = NEXT.sharing(ALL, VENDOR_ID, VENDOR, CLASS_ID, *IMAGES).signed()
    refuse(world, content, UpdateReason.CLASS, "for this class")


@pytest.mark.clause("TC-UPD-11")
def test_every_component_needs_its_own_conditions() -> None:
    world = running("a")
    conditions = (VENDOR_ID, VENDOR, CLASS_ID, CLASS)
    content = NEXT.sharing(at(0, 2), *conditions, ALL, *IMAGES).signed()
    assert refuse(world, content, UpdateReason.VENDOR).place == "a data"
    each = (at(0), *conditions, at(1), *conditions, at(2), *conditions)
    assert apply(world, NEXT.sharing(*each, *IMAGES).signed()).uids == (b"a",)


@pytest.mark.clause("TC-UPD-11", "TC-UPD-13")
def test_a_condition_within_a_sequence_that_failed_does_not_count() -> None:
    foreign = set_(Parameter.CLASS_IDENTIFIER, bytes(16))
    tried = try_each((VENDOR_ID, VENDOR, foreign, CLASS), (CLASS_ID, CLASS))
    content = NEXT.sharing(ALL, tried, *IMAGES).signed()
    refuse(running("a"), content, UpdateReason.VENDOR, "for this vendor")
    good = try_each((foreign, CLASS), (VENDOR_ID, VENDOR, CLASS_ID, CLASS))
    assert apply(running("a"), NEXT.sharing(ALL, good, *IMAGES).signed()).uids == (b"a",)


@pytest.mark.clause("TC-UPD-11")
def test_a_condition_that_held_once_does_not_save_one_that_fails_later() -> None:
    other = set_(Parameter.VENDOR_IDENTIFIER, bytes(16))
    content = NEXT.having(ManifestMember.VALIDATE, at(DATA), other, VENDOR).signed()
    assert refuse(running("a"), content, UpdateReason.VENDOR).place == "validate[2]"


@pytest.mark.clause("TC-UPD-11")
def test_a_deletion_needs_conditions_too() -> None:
    removal = Written.of_draft(draft(removed=(b"a",)))
    unguarded = removal.sharing(ALL, VENDOR_ID, VENDOR).signed()
    refuse(running("a"), unguarded, UpdateReason.CLASS)
    elsewhere = draft(removed=(b"a",), identity=derive_identity("example.com", "other"))
    refuse(running("a"), Written.of_draft(elsewhere).signed(), UpdateReason.CLASS)
