"""The bytes that a signature covers: whoever signs them has the token that the command makes."""

import base64
from dataclasses import replace
from hashlib import sha256
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from support.four_parties import BOX, CONTENTS, FourParties, good, states
from support.platforms import Platform, problem_of
from support.renting import Renting
from support.worlds import FOREIGN, KEYS

from tinycontainer.network.platform.releases.parts import ReleasePart
from tinycontainer.network.platform.releases.unsigned import UnsignedToken
from tinycontainer.network.platform.signer.tokens import make_token
from tinycontainer_tokens import Algorithm, KeyMaterial, Profile, Role

PAYLOAD: Final = b"\xa1\x01\x02"
OTHERS: Final = {
    "plain": FOREIGN,
    "with a key id": replace(FOREIGN, kid=b"left pocket"),
    "of the newer number": FOREIGN.restrict_to(Algorithm.EDDSA),
}


def sign(key: KeyMaterial, content: bytes) -> bytes:
    """A signature over bytes, by somebody who knows nothing of tokens."""
    return Ed25519PrivateKey.from_private_bytes(key.secret or b"").sign(content)


def complete(key: KeyMaterial, answer: Any) -> bytes:
    """The token of what the platform has answered."""
    return base64.b64decode(answer["head"]) + sign(key, base64.b64decode(answer["signed"]))


@pytest.mark.parametrize("profile", Profile)
@pytest.mark.parametrize("name", OTHERS)
def test_head_and_signature_are_the_token_of_the_command(name: str, profile: Profile) -> None:
    key = OTHERS[name]
    unsigned = UnsignedToken.of(PAYLOAD, profile, key.public_half())
    token = unsigned.head + sign(key, unsigned.signed)
    assert token == make_token(PAYLOAD, profile, key)
    assert unsigned.token_bytes == len(token)


@pytest.mark.clause("TC-PLAT-80")
@pytest.mark.parametrize("profile", Profile)
def test_a_release_is_signed_by_whoever_only_signs_bytes(
    platform: Platform, profile: Profile
) -> None:
    parties = FourParties(platform)
    parties.prepare()
    parties.begin(profile=profile.value, signs_endpoints=profile is Profile.RFC9052)
    for content in CONTENTS:
        good(parties.add(content))
    for part in [each["name"] for each in parties.show()["parts"]]:
        role = ReleasePart.parse(part).role
        key = KEYS[role]
        path = f"/api/releases/{BOX}/1/signing/{part}/bytes"
        found = good(parties.client(role).get(path, params={"key": fingerprint(key)}))
        token = complete(key, found)
        assert token == parties.make_token(part)
        good(parties.give(part, token))
    assert set(states(parties.show()).values()) == {"signed"}


@pytest.mark.clause("TC-PLAT-80")
def test_bytes_are_told_for_an_own_key_and_what_can_be_signed_now(platform: Platform) -> None:
    parties = FourParties(platform)
    parties.prepare()
    parties.begin()
    client, path = parties.client(Role.DEVELOPER), f"/api/releases/{BOX}/1/signing"
    known = {"key": fingerprint(KEYS[Role.DEVELOPER])}
    assert "missing" in problem_of(client.get(f"{path}/code/bytes", params=known), 409)
    good(parties.add("code"))
    unknown = {"key": fingerprint(KEYS[Role.OWNER])}
    assert "no such key" in problem_of(client.get(f"{path}/code/bytes", params=unknown), 409)
    assert "is not the owner" in problem_of(client.get(f"{path}/mask/bytes", params=known), 403)
    problem_of(client.get(f"{path}/code/bytes", params={"key": "x"}), 400)
    payload = base64.b64decode(good(client.get(f"{path}/code", params=known))["payload"])
    seen = known | {"seen": sha256(payload).hexdigest()}
    good(client.get(f"{path}/code/bytes", params=seen))
    good(parties.add("code", terms={"expires": 2_000_000_000}))
    assert "has changed" in problem_of(client.get(f"{path}/code/bytes", params=seen), 409)


@pytest.mark.clause("TC-PLAT-80")
def test_rights_are_withdrawn_by_whoever_only_signs_bytes(platform: Platform) -> None:
    renting = Renting(FourParties(platform))
    renting.parties.prepare()
    rental = renting.granted()
    path = f"/api/applications/{BOX}/withdrawals/signing/bytes"
    client, key = renting.client(Role.OWNER), KEYS[Role.OWNER]
    unknown = client.get(path, params={"key": fingerprint(FOREIGN)})
    assert "no such key" in problem_of(unknown, 409)
    found = good(client.get(path, params={"key": fingerprint(key)}))
    token = complete(key, found)
    assert token == renting.withdrawing_token()
    good(renting.withdraw(token))
    assert renting.show(rental)["state"] == "withdrawn"


def test_the_public_half_of_a_key_is_shown_to_its_organisation(platform: Platform) -> None:
    parties = FourParties(platform)
    parties.prepare()
    (shown,) = good(parties.client(Role.OWNER).get("/api/keys"))["keys"]
    assert base64.b64decode(shown["public"]) == KEYS[Role.OWNER].public


def fingerprint(key: KeyMaterial) -> str:
    """By what a platform knows a key."""
    return sha256(key.public).hexdigest()
