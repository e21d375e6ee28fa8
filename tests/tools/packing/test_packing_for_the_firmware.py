"""Packing for riot-2024: what the firmware cannot read is refused with its place."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from support.tokens.packing import (
    CODE,
    DATA,
    HMAC_KEYS,
    LOCAL,
    PEER,
    RIOT,
    full_plan,
    grant_of,
    verified_claims,
)
from support.worlds import KEYS, times

from tinycontainer.device.containers.riot_2024 import find_riot_objection
from tinycontainer.device.containers.verification import (
    Trust,
)
from tinycontainer.errors import LoadError, LoadReason, MetadataError
from tinycontainer.metadata import (
    Endpoint,
    Security,
    decode,
    encode,
)
from tinycontainer.tools.packing.packing import (
    Blueprint,
    TokenOptions,
    pack,
)
from tinycontainer_tokens import (
    KeyEntry,
    KeyMaterial,
    KeyStore,
    Role,
)


@pytest.mark.parametrize(
    "changes",
    [
        {"sequence": 7},
        {"audience": "device"},
        {"not_before_s": 0},
        {"expires_s": 99},
        {"issued_s": 5},
    ],
)
@pytest.mark.clause("TC-TOK-24")
def test_options_that_firmware_tokens_cannot_carry_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(MetadataError, match=f"cannot carry {next(iter(changes))}"):
        pack(full_plan(RIOT, options=TokenOptions(**changes)), CODE, DATA, KEYS)


def test_a_firmware_container_has_the_form_that_the_firmware_takes() -> None:
    metadata = decode(pack(full_plan(RIOT, endpoints=()), CODE, DATA, KEYS).metadata)
    assert find_riot_objection(metadata) is None
    assert metadata.endpoints == ()
    assert metadata.security is not None
    assert len(metadata.security.metadata_token) == 111


BEYOND_THE_FIRMWARE: list[tuple[dict[str, object], str]] = [
    ({"exec_time_ms": 0}, "container.exec-time (key 4) is unknown to riot-2024"),
    ({"period_ms": 0}, "container.period (key 5) is unknown to riot-2024"),
    ({"period_max_ms": 0}, "container.period-max (key 6) is unknown to riot-2024"),
    ({"lifetime_loops": 0}, "container.lifetime (key 7) is unknown to riot-2024"),
    ({"priority": 0}, "container.priority (key 8) is unknown to riot-2024"),
]


def profile_objection(whole: Blueprint, keys: Mapping[Role, KeyMaterial] = KEYS) -> str:
    """What a device says to a firmware container whose tokens are all right."""
    entries = [KeyEntry(role, RIOT, key) for role, key in keys.items()]
    believed = Trust(KeyStore(entries), profiles=(RIOT,))
    bundle = pack(whole, CODE, DATA, keys)
    verified_claims(bundle, believed)
    with pytest.raises(LoadError) as refused:
        grant_of(bundle.encode(), believed)
    assert refused.value.reason is LoadReason.PROFILE
    assert find_riot_objection(decode(bundle.metadata)) == refused.value.problem
    return refused.value.problem


@pytest.mark.parametrize(("changes", "problem"), BEYOND_THE_FIRMWARE)
@pytest.mark.clause("TC-META-18")
def test_a_key_that_the_firmware_does_not_know_is_refused_by_name(
    changes: dict[str, object], problem: str
) -> None:
    container = replace(full_plan().container, **changes)  # type: ignore[arg-type]
    assert profile_objection(full_plan(RIOT, container=container)) == problem


@pytest.mark.clause("TC-META-18")
def test_an_endpoint_token_is_unknown_to_the_firmware() -> None:
    problem = profile_objection(full_plan(RIOT, sign_endpoints=True))
    assert problem == "endpoints[0].endpoint-token (key 6) is unknown to riot-2024"


@pytest.mark.parametrize("endpoint_id", [128, 256, (1 << 32) - 1])
@pytest.mark.clause("TC-META-18")
def test_an_endpoint_id_that_the_firmware_would_cut_is_refused(endpoint_id: int) -> None:
    endpoints = (LOCAL, replace(PEER, endpoint_id=endpoint_id))
    problem = profile_objection(full_plan(RIOT, endpoints=endpoints))
    assert problem == f"endpoints[1].endpoint-id {endpoint_id} is above 127"


@pytest.mark.clause("TC-TOK-23")
def test_a_metadata_token_of_another_length_is_refused_for_the_firmware() -> None:
    hmac_keys = {**KEYS, Role.INFRASTRUCTURE: HMAC_KEYS[Role.INFRASTRUCTURE]}
    problem = profile_objection(full_plan(RIOT), hmac_keys)
    assert problem.startswith("security.metadata-token has 82 bytes; riot-2024 hashes all but")


@pytest.mark.parametrize(
    ("endpoints", "security", "missing"),
    [((), None, "security (key 3)"), (None, times(), "endpoints (key 2)")],
)
@pytest.mark.clause("TC-META-18")
def test_a_part_that_the_firmware_always_reads_must_be_there(
    endpoints: tuple[Endpoint, ...] | None, security: Security | None, missing: str
) -> None:
    metadata = decode(encode(full_plan().container, endpoints, security))
    assert find_riot_objection(metadata) == f"{missing} is missing; riot-2024 always has it"
