"""What a token says of itself can be read without a key, and never raises."""

from hypothesis import given
from hypothesis import strategies as st

from tinycontainer_tokens import Claims, KeyMaterial, Kind, Profile, cbor, issue
from tinycontainer_tokens.envelope import CWT_TAG
from tinycontainer_tokens.unverified import read_unverified

KEY = KeyMaterial.from_private(bytes(range(32)), kid=b"anna")
CLAIMS = Claims(sha256=bytes(32), uid=b"probe", kind=Kind.CODE)
TOKEN = issue(CLAIMS, Kind.CODE, KEY, Profile.RFC9052)


def token_of(protected: bytes, payload: bytes) -> bytes:
    return cbor.with_tags((CWT_TAG, 18), cbor.encode([protected, {}, payload, bytes(64)]))


def test_a_sound_token_shows_form_key_id_and_claims() -> None:
    said = read_unverified(TOKEN, Kind.CODE)
    assert said.is_well_formed
    assert (said.profile, said.kid, said.claims) == (Profile.RFC9052, b"anna", CLAIMS)
    assert said.claims_error is None


def test_without_a_place_the_claims_are_read_as_the_first_kind_that_fits() -> None:
    assert read_unverified(TOKEN, None).claims == CLAIMS


def test_claims_of_another_kind_are_an_error_on_the_side() -> None:
    said = read_unverified(TOKEN, Kind.MASK)
    assert said.is_well_formed
    assert said.claims is None
    assert "mask token" in str(said.claims_error)


def test_a_wrong_header_does_not_hide_the_claims() -> None:
    payload = cbor.encode({-65537: bytes(32), -65539: b"probe", -65541: 4})
    said = read_unverified(token_of(cbor.encode({1: 5}), payload), Kind.CODE)
    assert not said.is_well_formed
    assert said.header_error is not None
    assert said.claims == CLAIMS


@given(st.binary(max_size=80), st.sampled_from([None, *Kind]))
def test_no_bytes_raise(token: bytes, kind: Kind | None) -> None:
    said = read_unverified(token, kind)
    assert (said.envelope is None) == (said.structure_error is not None)
