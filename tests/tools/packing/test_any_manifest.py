"""Whatever a manifest can ask for packs, verifies, and decodes to itself."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.random_metadata import blueprints
from support.worlds import KEYS, trusted

from tinycontainer.device.containers.verification import (
    Trust,
    grant_rights,
    profile_of,
    verify_tokens,
)
from tinycontainer.interfaces.syscalls import mask_from_bytes
from tinycontainer.metadata import decode
from tinycontainer.tools.packing.packing import Blueprint, pack


def holds(plan: Blueprint, code: bytes, data: bytes) -> None:
    bundle = pack(plan, code, data, KEYS)
    metadata = decode(bundle.metadata, len(bundle.metadata))
    assert (bundle.code, bundle.data, profile_of(metadata)) == (code, data, plan.profile)
    assert replace(metadata.container, syscall_mask_token=b"") == plan.container
    unsigned = [replace(endpoint, token=None) for endpoint in metadata.endpoints or ()]
    assert tuple(unsigned) == plan.endpoints
    security = metadata.security
    assert security is not None
    assert replace(security, data_token=b"", code_token=b"", metadata_token=b"") == plan.security
    now_s = plan.options.not_before_s or 0
    trust = Trust(trusted(plan.profile), (plan.profile,), device_id=plan.options.audience)
    reports = verify_tokens(metadata, code, data, trust, now_s)
    expired = plan.options.expires_s is not None and plan.options.expires_s <= now_s
    assert all(report.acceptable for report in reports) is not expired
    if not expired:
        assert grant_rights(metadata, reports, trust).mask == plan.mask
        mask = reports[3].verification
        assert mask is not None
        assert mask_from_bytes(mask.require().mask or b"") == plan.mask


@pytest.mark.parametrize(
    "examples",
    [pytest.param(60, id="some"), pytest.param(2_000, id="many", marks=pytest.mark.long)],
)
def test_any_manifest_packs_verifies_and_decodes_to_itself(examples: int) -> None:
    @settings(max_examples=examples)
    @given(blueprints(), st.binary(max_size=60), st.binary(max_size=60))
    def check(plan: Blueprint, code: bytes, data: bytes) -> None:
        holds(plan, code, data)

    check()
