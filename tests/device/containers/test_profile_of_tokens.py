"""Which profile a container has, and what the sequences of its tokens count versions of."""

from dataclasses import replace

import pytest
from support.worlds import World, blueprint, local

from tinycontainer.device.containers.verification import (
    Trust,
    profile_of,
    profile_refusal,
    verify_tokens,
)
from tinycontainer.metadata import decode
from tinycontainer_tokens import Kind, Profile


@pytest.mark.parametrize("kept", [Kind.METADATA, Kind.CODE, Kind.DATA])
@pytest.mark.parametrize("profile", Profile)
def test_the_profile_is_that_of_any_token_where_no_mask_token_is_there(
    kept: Kind, profile: Profile
) -> None:
    plan = blueprint("box", profile=profile)
    found = decode(World().pack(plan).metadata)
    assert found.security is not None
    lone = replace(
        found,
        container=replace(found.container, syscall_mask_token=b""),
        security=replace(
            found.security,
            metadata_token=found.security.metadata_token if kept is Kind.METADATA else b"",
            code_token=found.security.code_token if kept is Kind.CODE else b"",
            data_token=found.security.data_token if kept is Kind.DATA else b"",
        ),
    )
    assert profile_of(lone) is profile
    for other in Profile:
        refusal = profile_refusal(profile_of(lone), Trust(profiles=(other,)))
        assert (refusal is None) is (other is profile)
    assert profile_of(replace(lone, security=None)) is None


def test_only_the_sequence_of_an_endpoint_token_belongs_to_an_endpoint() -> None:
    world = World()
    plan = replace(blueprint("box", endpoints=(local(7), local(9))), sign_endpoints=True)
    metadata = decode(world.pack(plan).metadata)
    reports = verify_tokens(metadata, b"", b"", world.trust, 0)
    subjects = {
        (subject.kind, subject.endpoint_id)
        for subject in (report.expected.subject for report in reports)
    }
    others = {(kind, 0) for kind in Kind if kind is not Kind.ENDPOINT}
    assert subjects == others | {(Kind.ENDPOINT, 7), (Kind.ENDPOINT, 9)}
