"""What we emit fits specs/metadata.cddl, judged by a CDDL tool that knows nothing of us."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.project import ROOT
from support.random_metadata import blueprints
from support.worlds import KEYS, blueprint, local, piped, times

from tinycontainer.metadata import ContainerType, Direction
from tinycontainer.tools.packing.packing import Blueprint, TokenOptions, pack
from tinycontainer_tokens import Algorithm, KeyMaterial, Profile, Role

pycddl = pytest.importorskip("pycddl", reason="pycddl has no wheel for this Python")

CDDL = (ROOT / "specs" / "metadata.cddl").read_text()
HMAC_KEYS = {
    role: KeyMaterial(Algorithm.HMAC_256, b"", bytes([number]) * 32, b"key")
    for number, role in enumerate(Role, 1)
}
PLAN = blueprint(
    "box",
    kind=ContainerType.WASM,
    endpoints=(local(), local(2, 7, Direction.IN), piped(3, "two", 1)),
    security=times(start=1, period=2, loop=3, lifetime=4, stop=5),
)
FULL = replace(
    PLAN,
    container=replace(
        PLAN.container, exec_time_ms=0, period_ms=1, period_max_ms=2, lifetime_loops=3, priority=4
    ),
    sign_endpoints=True,
    options=TokenOptions(7, "device", not_before_s=1, expires_s=99, issued_s=5),
)
RIOT = replace(PLAN, endpoints=(local(),), profile=Profile.RIOT_2024)


class Judge:
    """Validates each level of a file by the rule of its own."""

    def __init__(self) -> None:
        self._schemas: dict[str, Any] = {}

    def __call__(self, rule: str, encoded: bytes) -> None:
        if rule not in self._schemas:
            # The tool begins with the first rule, and cannot look into an array's byte strings.
            flat = CDDL.replace("bstr .cbor protected", "bstr ; .cbor protected")
            flat = flat.replace("bstr ; .cbor protected-eddsa", "bytes")
            flat = flat.replace("bstr ; .cbor protected-hmac", "bytes")
            self._schemas[rule] = pycddl.Schema(f"root = {rule}\n{flat}")
        self._schemas[rule].validate_cbor(encoded)


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge()


def levels(metadata: bytes, profile: Profile) -> Iterator[tuple[str, bytes]]:
    """Every level of metadata with the rule that it has to fit."""
    yield "metadata", metadata
    outer = cbor2.loads(metadata).value
    yield "container", outer[1]
    yield "endpoints", outer[2]
    yield "security", outer[3]
    container, endpoints, security = (cbor2.loads(outer[key]) for key in (1, 2, 3))
    yield from token_levels("mask", container[3], profile)
    for entry in endpoints:
        yield "endpoint", cbor2.dumps(entry, canonical=True)
        if 6 in entry:
            yield from token_levels("endpoint", entry[6], profile)
    for kind, token in zip(("data", "code", "metadata"), security[5:], strict=True):
        yield from token_levels(kind, token, profile)


def token_levels(kind: str, token: bytes, profile: Profile) -> Iterator[tuple[str, bytes]]:
    yield f"token-{profile}", token
    value = cbor2.loads(token)
    while isinstance(value, cbor2.CBORTag):
        value = value.value
    parts = value if isinstance(value, list) else [value.phdr, {}, value.payload, b""]
    claims = "mask" if kind == "mask" else "sha256"
    if profile is Profile.RFC9052:
        algorithm = "hmac" if cbor2.loads(parts[0])[1] == 5 else "eddsa"
        yield f"protected-{algorithm}", parts[0]
        yield f"{kind}-claims", parts[2]
    else:
        yield f"{claims}-claims-riot-2024", parts[2]


def fits(judge: Judge, plan: Blueprint, keys: Mapping[Role, KeyMaterial]) -> None:
    bundle = pack(plan, b"code", b"data", keys)
    judge("bundle", bundle.encode())
    for rule, encoded in levels(bundle.metadata, plan.profile):
        judge(rule, encoded)


@pytest.mark.parametrize("plan", [PLAN, FULL, RIOT], ids=["plain", "full", "riot-2024"])
@pytest.mark.parametrize("keys", [KEYS, HMAC_KEYS], ids=["EdDSA", "HMAC"])
def test_what_is_packed_fits_on_every_level(
    judge: Judge, plan: Blueprint, keys: Mapping[Role, KeyMaterial]
) -> None:
    fits(judge, plan, keys)


@given(blueprints(), st.sampled_from([KEYS, HMAC_KEYS]))
def test_whatever_is_packed_fits_on_every_level(
    plan: Blueprint, keys: Mapping[Role, KeyMaterial]
) -> None:
    fits(Judge(), plan, keys)


MISFITS: dict[str, tuple[str, object]] = {
    "a container without type": ("container", {1: b"box", 3: b""}),
    "a uid without bytes": ("container", {1: b"", 2: 4, 3: b""}),
    "a uid of 64 bytes": ("container", {1: bytes(64), 2: 4, 3: b""}),
    "a type that there is not": ("container", {1: b"box", 2: 8, 3: b""}),
    "a priority of 16": ("container", {1: b"box", 2: 4, 3: b"", 8: 16}),
    "an unknown key": ("container", {1: b"box", 2: 4, 3: b"", 9: 0}),
    "a direction of 3": ("endpoint", {1: 1, 2: 1, 4: 1, 5: 3}),
    "an id of 33 bits": ("endpoint", {1: 1 << 32, 2: 1, 4: 1, 5: 0}),
    "a short security array": ("security", [0, 0, 0, 0, 0, b"", b""]),
    "a mask of 5 bytes": ("mask-claims-riot-2024", {-65536: bytes(5)}),
    "a hash of 31 bytes": ("sha256-claims-riot-2024", {-65537: bytes(31)}),
    "a kind in the wrong place": ("code-claims", {-65537: bytes(32), -65541: 3, -65539: b"box"}),
    "a signature of 63 bytes": ("token-riot-2024", [b"", {}, b"", bytes(63)]),
    "a header in riot-2024": ("token-riot-2024", [b"\xa0", {}, b"", bytes(64)]),
}


@pytest.mark.parametrize(("rule", "value"), MISFITS.values(), ids=MISFITS.keys())
def test_what_the_codec_refuses_does_not_fit_either(judge: Judge, rule: str, value: object) -> None:
    with pytest.raises(pycddl.ValidationError):
        judge(rule, cbor2.dumps(value, canonical=True))
