"""A container with every part, to be packed, and what a device says to its bundle."""

from dataclasses import replace

from support.worlds import blueprint, times
from tinycontainer.device.containers.verification import (
    Grant,
    Trust,
    grant_rights,
    verify_tokens,
)
from tinycontainer.metadata import (
    Bundle,
    ContainerType,
    Direction,
    Endpoint,
    PeerType,
    decode,
)
from tinycontainer.tools.packing.packing import (
    Blueprint,
)
from tinycontainer_tokens import (
    Algorithm,
    Claims,
    KeyMaterial,
    Profile,
    Role,
)

RFC, RIOT = Profile.RFC9052, Profile.RIOT_2024
CODE, DATA = b"some code", b"some data"
LOCAL = Endpoint(1, PeerType.LOCAL, 10, Direction.BOTH)
PEER = Endpoint(2, PeerType.CONTAINER, 3, Direction.OUT, b"peer")
HMAC_KEYS = {
    role: KeyMaterial(Algorithm.HMAC_256, b"", bytes([number]) * 32)
    for number, role in enumerate(Role, 11)
}


def full_plan(profile: Profile = RFC, **changes: object) -> Blueprint:
    security = times(start=10, period=20, loop=30, lifetime=40, stop=50)
    start = blueprint(
        "uid",
        kind=ContainerType.WASM,
        mask=0b10110,
        endpoints=(LOCAL, PEER),
        security=security,
        profile=profile,
    )
    return replace(start, **changes)  # type: ignore[arg-type]


def verified_claims(bundle: Bundle, believed: Trust) -> dict[str, Claims]:
    """The claims of each token, all of which verify."""
    metadata = decode(bundle.metadata)
    reports = verify_tokens(metadata, bundle.code, bundle.data, believed, now_s=0)
    claims = {
        report.place: report.verification.require() for report in reports if report.verification
    }
    assert len(claims) == len(reports)
    return claims


def grant_of(content: bytes, believed: Trust) -> Grant:
    """What a device does with a bundle."""
    bundle = Bundle.decode(content, len(content))
    metadata = decode(bundle.metadata)
    reports = verify_tokens(metadata, bundle.code, bundle.data, believed, now_s=0)
    return grant_rights(metadata, reports, believed)
