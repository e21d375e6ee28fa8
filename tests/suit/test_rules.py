"""Who a device is to updates, and where it fetches from."""

import uuid

import pytest

from tinycontainer.interfaces.updating import IDENTIFIER_BYTES
from tinycontainer.suit.keys.keys import UpdateKeys
from tinycontainer.suit.rules import UpdateRules, derive_identity, is_uuid


@pytest.mark.clause("TC-UPD-10")
def test_identifiers_are_derived_as_the_draft_derives_them() -> None:
    # The identifiers of the draft's own examples: vendor arm.com, class "test".
    identity = derive_identity("arm.com", "test")
    assert uuid.UUID(bytes=identity.vendor_id) == uuid.UUID("fa6b4a53-d5ad-5fdf-be9d-e663e4d41ffe")
    assert identity.device_id is None


@pytest.mark.clause("TC-UPD-10")
def test_class_and_device_are_named_within_their_vendor() -> None:
    one = derive_identity("example.com", "desk", "box-1")
    two = derive_identity("example.org", "desk", "box-1")
    vendor = uuid.UUID(bytes=one.vendor_id)
    assert vendor == uuid.uuid5(uuid.NAMESPACE_DNS, "example.com")
    assert one.class_id == uuid.uuid5(vendor, "desk").bytes
    assert one.device_id == uuid.uuid5(vendor, "box-1").bytes
    found = {one.vendor_id, one.class_id, one.device_id, two.vendor_id, two.class_id, two.device_id}
    assert len(found) == 6
    assert {len(each or b"") for each in found} == {IDENTIFIER_BYTES}


@pytest.mark.clause("TC-UPD-10")
def test_a_uuid_of_a_vendor_or_class_is_taken_as_it_is_and_one_of_a_device_is_a_name() -> None:
    text = "FA6B4A53-d5ad-5fdf-be9d-e663e4d41ffe"
    identity = derive_identity(text, text, text)
    assert identity.vendor_id == identity.class_id == uuid.UUID(text).bytes
    assert identity.device_id == uuid.uuid5(uuid.UUID(text), text).bytes


@pytest.mark.parametrize(
    "text",
    [
        "",
        "desk",
        "fa6b4a53d5ad5fdfbe9de663e4d41ffe",
        "{fa6b4a53-d5ad-5fdf-be9d-e663e4d41ffe}",
        "urn:uuid:fa6b4a53-d5ad-5fdf-be9d-e663e4d41ffe",
        "fa6b4a53-d5ad-5fdf-be9d-e663e4d41ff",
        "fa6b4a53-d5ad-5fdf-be9d-e663e4d41ffe\n",
        "ga6b4a53-d5ad-5fdf-be9d-e663e4d41ffe",
    ],
)
def test_only_the_usual_form_is_a_uuid(text: str) -> None:
    assert not is_uuid(text)


RULES = UpdateRules(
    derive_identity("example.com", "desk"), UpdateKeys(), ("coap://[2001:db8::7]:5683",)
)


@pytest.mark.clause("TC-UPD-14")
@pytest.mark.parametrize(
    "uri", ["coap://[2001:db8::7]/a", "coap://[2001:db8:0::7]:5683/b/c", "coap://[2001:DB8::7]"]
)
def test_a_payload_is_fetched_from_a_listed_server_in_any_form_of_its_name(uri: str) -> None:
    assert RULES.allow_fetch(uri)


@pytest.mark.clause("TC-UPD-14")
@pytest.mark.parametrize(
    "uri",
    [
        "",
        "#code",
        "coap://[2001:db8::7]:5684/a",
        "coap://[2001:db8::8]/a",
        "coaps://[2001:db8::7]/a",
        "http://[2001:db8::7]:5683/a",
        "coap://[2001:db8::7]@[2001:db8::8]/a",
        "coap://[2001:db8::7].example.org/a",
        "coap://example.org/coap://[2001:db8::7]:5683",
        " coap://[2001:db8::7]/a",
        "coap://[2001:db8::7]/a\n",
    ],
)
def test_a_payload_is_fetched_from_nowhere_else(uri: str) -> None:
    assert not RULES.allow_fetch(uri)


@pytest.mark.clause("TC-UPD-14")
def test_without_a_listed_server_nothing_is_fetched() -> None:
    nowhere = UpdateRules(RULES.identity, RULES.keys)
    assert not nowhere.allow_fetch("coap://[2001:db8::7]/a")
