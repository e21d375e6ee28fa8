"""Makes containers with a refused token, and asks why the token is refused."""

from dataclasses import replace

from support.tokens.forging import Forger
from support.worlds import KEYS, blueprint, local, trusted
from tinycontainer.device.containers.verification import TokenReport, Trust, verify_tokens
from tinycontainer.metadata import Bundle, Direction, decode
from tinycontainer.tools.artefact.artefact import Artefact
from tinycontainer.tools.explain.causes.token import explain_token
from tinycontainer.tools.explain.explanation import Explanation
from tinycontainer.tools.packing.packing import Blueprint, Signer, TokenOptions, pack
from tinycontainer_tokens import (
    Algorithm,
    KeyEntry,
    KeyMaterial,
    KeyStore,
    Kind,
    Profile,
    Role,
    SequenceStore,
    envelope,
)

RFC, RIOT = Profile.RFC9052, Profile.RIOT_2024
CODE, DATA = b"box", b"some data"
PLAN = blueprint("box", endpoints=(local(1, direction=Direction.OUT), local(2)))
DAY_S = 86_400
HMAC = KeyMaterial(Algorithm.HMAC_256, b"", b"\x55" * 32)


def examined(
    artefact: Artefact,
    trust: Trust | None = None,
    now_s: int = 0,
    sequences: SequenceStore | None = None,
    profile: Profile = RFC,
) -> tuple[TokenReport, ...]:
    trust = trust or Trust(keys=trusted(profile))
    return verify_tokens(
        artefact.metadata, artefact.code, artefact.data, trust, now_s, sequences, profile
    )


def explained(
    bundle: Bundle,
    place: Kind,
    check: str,
    trust: Trust | None = None,
    now_s: int = 0,
    sequences: SequenceStore | None = None,
    profile: Profile = RFC,
) -> Explanation:
    """Why the token of a place fails at a check."""
    artefact = Artefact("box", decode(bundle.metadata), bundle.code, bundle.data)
    trust = trust or Trust(keys=trusted(profile))
    reports = examined(artefact, trust, now_s, sequences, profile)
    report = next(each for each in reports if each.expected.kind is place)
    assert report.verification is not None
    assert report.verification.failure is not None
    assert report.verification.failure.check == check
    found = explain_token(report, artefact, reports, trust.keys, sequences)
    assert found is not None
    return found


def cause(*arguments: object, **options: object) -> str:
    found = explained(*arguments, **options).cause  # type: ignore[arg-type]
    assert found is not None
    return found


def packed(plan: Blueprint = PLAN, code: bytes = CODE, data: bytes = DATA) -> Bundle:
    return pack(plan, code, data, KEYS)


def with_code_token(token: bytes, profile: Profile = RFC) -> Bundle:
    """A container sealed around some bytes in the code token's place."""
    return Forger(Kind.CODE, change=lambda _token: token).pack(replace(PLAN, profile=profile), DATA)


def code_token(profile: Profile = RFC, key: KeyMaterial | None = None) -> bytes:
    signer = Signer(key or KEYS[Role.DEVELOPER], b"box", profile, TokenOptions())
    return signer.sign_content(Kind.CODE, CODE)


def payload_of(token: bytes) -> bytes:
    return envelope.parse(token).payload


def trust_with(entry: KeyEntry | None) -> Trust:
    entries = [each for each in trusted() if each.role is not Role.DEVELOPER]
    return Trust(keys=KeyStore([*entries, *([entry] if entry else [])]))


DEVELOPER = KEYS[Role.DEVELOPER].public_half()
