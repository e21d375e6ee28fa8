"""Tokens of the default profile verify with a COSE library that ours is not built on."""

from collections.abc import Mapping
from dataclasses import replace

import cwt
import pytest
from cwt import COSEKey
from cwt.cose_key_interface import COSEKeyInterface
from support.worlds import FOREIGN, KEYS, blueprint, local

from tinycontainer.metadata import decode
from tinycontainer.tools.packing.packing import TokenOptions, pack
from tinycontainer_tokens import Algorithm, KeyMaterial, Role, claims, key_files
from tinycontainer_tokens.kinds import SIGNING_ROLE, Kind, Profile

NAMED_KEYS = {role: replace(key, kid=b"key") for role, key in KEYS.items()}
"""The other library looks for a key by its id."""
HMAC_KEYS = {
    role: KeyMaterial(Algorithm.HMAC_256, b"", bytes([number]) * 32, b"key")
    for number, role in enumerate(Role, 1)
}
PLAN = replace(
    blueprint("box", endpoints=(local(),)),
    sign_endpoints=True,
    options=TokenOptions(3, "device", not_before_s=1, expires_s=4_000_000_000, issued_s=2),
)


def tokens(keys: Mapping[Role, KeyMaterial]) -> dict[Kind, bytes]:
    metadata = decode(pack(PLAN, b"code", b"data", keys).metadata)
    security, (endpoint,) = metadata.security, metadata.endpoints or ()
    assert security is not None
    assert endpoint.token is not None
    return {
        Kind.MASK: metadata.container.syscall_mask_token,
        Kind.ENDPOINT: endpoint.token,
        Kind.DATA: security.data_token,
        Kind.CODE: security.code_token,
        Kind.METADATA: security.metadata_token,
    }


def foreign_form(key: KeyMaterial) -> COSEKeyInterface:
    """A key as the other library takes it, from the file that we would write."""
    if key.is_symmetric:
        return COSEKey.new({1: 4, 2: b"key", 3: 5, -1: key.hmac_key})
    return COSEKey.from_pem(key_files.to_public_pem(key).decode(), kid=b"key")


@pytest.mark.parametrize("keys", [NAMED_KEYS, HMAC_KEYS], ids=["EdDSA", "HMAC"])
@pytest.mark.parametrize("kind", Kind)
def test_a_token_verifies_and_says_the_same(kind: Kind, keys: Mapping[Role, KeyMaterial]) -> None:
    token = tokens(keys)[kind]
    found = cwt.decode(token, foreign_form(keys[SIGNING_ROLE[kind]]))
    assert isinstance(found, dict)
    assert found[-65539] == b"box"
    assert found[-65541] == kind
    assert found[-65540] == 3
    assert (found[3], found[4], found[5], found[6]) == ("device", 4_000_000_000, 1, 2)
    payload = claims.encode(
        claims.Claims(
            mask=found.get(-65536),
            sha256=found.get(-65537),
            uid=b"box",
            sequence=3,
            kind=kind,
            audience="device",
            expires_s=4_000_000_000,
            not_before_s=1,
            issued_s=2,
        ),
        kind,
        Profile.RFC9052,
    )
    assert payload in token


@pytest.mark.parametrize("kind", Kind)
def test_the_other_library_refuses_it_under_another_key(kind: Kind) -> None:
    with pytest.raises(cwt.VerifyError):
        cwt.decode(tokens(NAMED_KEYS)[kind], foreign_form(FOREIGN))
