"""The tokens of one container, judged together, in both profiles."""

from dataclasses import replace

import pytest
from support.worlds import FOREIGN, KEYS, blueprint, trusted

from tinycontainer.device.containers.verification import (
    Grant,
    TokenReport,
    Trust,
    Validity,
    grant_rights,
    profile_of,
    profile_refusal,
    verify_tokens,
)
from tinycontainer.errors import LoadError, LoadReason, TokensNotValidNow
from tinycontainer.metadata import Bundle, Direction, Endpoint, PeerType, Security, decode, encode
from tinycontainer.tools.packing.packing import (
    Blueprint,
    Signer,
    TokenOptions,
    pack,
    pack_unsigned,
    seal_metadata,
)
from tinycontainer_tokens import (
    KeyEntry,
    KeyMaterial,
    KeyStore,
    Kind,
    MemorySequenceStore,
    Profile,
    Role,
    SequenceStore,
    SequenceSubject,
    StepOutcome,
)

RFC, RIOT = Profile.RFC9052, Profile.RIOT_2024
CODE, DATA = b"some code", b"some data"
LOCAL = Endpoint(1, PeerType.LOCAL, 10, Direction.IN)
PEER = Endpoint(2, PeerType.CONTAINER, 3, Direction.BOTH, b"peer")
OF_ENDPOINTS = ["endpoints[0].endpoint-token", "endpoints[1].endpoint-token"]
PLACES = ["metadata token", "code token", "data token", "mask token", *OF_ENDPOINTS]
RIOT_KEYS = {role: KeyMaterial.from_private(bytes([n]) * 32) for n, role in enumerate(Role, 31)}
BOTH = KeyStore([*trusted(), *(KeyEntry(role, RIOT, key) for role, key in RIOT_KEYS.items())])


def plan(profile: Profile = RFC, **changes: object) -> Blueprint:
    start = blueprint("uid", mask=0b10110, endpoints=(LOCAL, PEER), profile=profile)
    signed = replace(start, sign_endpoints=profile is RFC)
    return replace(signed, **changes)  # type: ignore[arg-type]


def packed(profile: Profile = RFC, **changes: object) -> Bundle:
    return pack(plan(profile, **changes), CODE, DATA, KEYS)


def trust(profile: Profile = RFC, **changes: object) -> Trust:
    start = Trust(trusted(profile), profiles=(profile,))
    return replace(start, **changes)  # type: ignore[arg-type]


def reports(
    bundle: Bundle, believed: Trust, now_s: int = 0, sequences: SequenceStore | None = None
) -> tuple[TokenReport, ...]:
    metadata = decode(bundle.metadata)
    return verify_tokens(metadata, bundle.code, bundle.data, believed, now_s, sequences)


def granted(
    bundle: Bundle, believed: Trust, now_s: int = 0, sequences: SequenceStore | None = None
) -> Grant:
    found = reports(bundle, believed, now_s, sequences)
    return grant_rights(decode(bundle.metadata), found, believed)


def objection(
    bundle: Bundle,
    believed: Trust,
    now_s: int = 0,
    sequences: SequenceStore | None = None,
    reason: LoadReason = LoadReason.TOKEN,
) -> str:
    """Why the container is refused."""
    with pytest.raises(LoadError) as refused:
        granted(bundle, believed, now_s, sequences)
    assert refused.value.reason is reason
    return refused.value.problem


def resealed(
    bundle: Bundle, mask: bytes | None = None, endpoint: Endpoint | None = None, **tokens: bytes
) -> Bundle:
    """The infrastructure seals a container with other tokens, or with another first endpoint."""
    metadata = decode(bundle.metadata)
    container, entries = metadata.container, metadata.endpoints or ()
    if mask is not None:
        container = replace(container, syscall_mask_token=mask)
    if endpoint is not None:
        entries = (endpoint, *entries[1:])
    security = replace(security_of(bundle), **tokens)  # type: ignore[arg-type]
    signer = Signer(KEYS[Role.INFRASTRUCTURE], metadata.uid, RFC, TokenOptions())
    return replace(bundle, metadata=seal_metadata(container, entries, security, signer))


def security_of(bundle: Bundle) -> Security:
    security = decode(bundle.metadata).security
    assert security is not None
    return security


@pytest.mark.parametrize("profile", Profile)
def test_a_sound_container_is_granted_its_mask(profile: Profile) -> None:
    found = reports(packed(profile), trust(profile))
    assert [report.place for report in found] == PLACES[: 6 if profile is RFC else 4]
    assert all(report.acceptable for report in found)
    result = granted(packed(profile), trust(profile))
    assert (result.mask, result.profile, result.validity) == (0b10110, profile, Validity())


def test_what_was_accepted_is_reported_for_the_sequences() -> None:
    accepted = granted(packed(options=TokenOptions(sequence=9)), trust()).accepted
    assert [subject for subject, _ in accepted] == [
        SequenceSubject(b"uid", Kind.METADATA),
        SequenceSubject(b"uid", Kind.CODE),
        SequenceSubject(b"uid", Kind.DATA),
        SequenceSubject(b"uid", Kind.MASK),
        SequenceSubject(b"uid", Kind.ENDPOINT, 1),
        SequenceSubject(b"uid", Kind.ENDPOINT, 2),
    ]
    assert all(token.sequence == 9 for _, token in accepted)
    assert len({token.token_sha256 for _, token in accepted}) == 6
    assert granted(packed(RIOT), trust(RIOT)).accepted == ()


@pytest.mark.parametrize("profile", Profile)
@pytest.mark.parametrize("role", Role)
def test_the_key_of_another_party_is_refused_in_its_place(profile: Profile, role: Role) -> None:
    place = {
        Role.DEVELOPER: "code token",
        Role.PROVIDER: "data token",
        Role.INFRASTRUCTURE: "metadata token",
        Role.OWNER: "mask token",
    }[role]
    expected = f"{place}: step 6 (signature): not made with a key of the role {role}"
    for other in (FOREIGN, *(key for name, key in KEYS.items() if name is not role)):
        bundle = pack(plan(profile, endpoints=()), CODE, DATA, {**KEYS, role: other})
        assert objection(bundle, trust(profile)).startswith(expected)


@pytest.mark.parametrize("profile", Profile)
@pytest.mark.parametrize("role", Role)
def test_a_role_without_a_key_is_refused_even_where_tokens_may_be_absent(
    profile: Profile, role: Role
) -> None:
    keys = KeyStore(entry for entry in trusted(profile) if entry.role is not role)
    for allow_unsigned in (False, True):
        believed = trust(profile, keys=keys, allow_unsigned=allow_unsigned)
        said = objection(packed(profile), believed)
        assert f"step 5 (key): no key of the role {role}" in said


@pytest.mark.parametrize("profile", Profile)
@pytest.mark.parametrize(("section", "place"), [("code", "code token"), ("data", "data token")])
@pytest.mark.clause("TC-TOK-15")
def test_a_changed_section_is_refused(profile: Profile, section: str, place: str) -> None:
    for content in (b"", b"some cod", b"some code and more", b"some date"):
        bundle = replace(packed(profile), **{section: content})
        assert objection(bundle, trust(profile)).startswith(f"{place}: step 13 (content): ")


def test_sections_that_are_not_at_hand_are_not_compared() -> None:
    found = verify_tokens(decode(packed().metadata), None, None, trust(), now_s=0)
    assert all(report.acceptable for report in found)
    last = {report.place: report.verification.steps[-1] for report in found if report.verification}
    skipped = [place for place, step in last.items() if step.outcome is StepOutcome.SKIPPED]
    assert skipped == ["code token", "data token", "mask token"]


def test_tokens_do_not_stand_in_for_each_other() -> None:
    bundle = packed()
    security, mask = security_of(bundle), decode(bundle.metadata).container.syscall_mask_token
    for changed, said in [
        (resealed(bundle, code_token=security.data_token), "code token: step 6 (signature)"),
        (resealed(bundle, data_token=security.code_token), "data token: step 6 (signature)"),
        (resealed(bundle, code_token=security.metadata_token), "code token: step 6 (signature)"),
        (resealed(bundle, mask=security.code_token), "mask token: step 6 (signature)"),
        (resealed(bundle, endpoint=replace(LOCAL, token=mask)), f"{PLACES[4]}: step 7 (claims)"),
    ]:
        assert objection(changed, trust()).startswith(said)


def test_one_key_does_not_make_one_kind_into_another() -> None:
    signer = Signer(KEYS[Role.PROVIDER], b"uid", RFC, TokenOptions())
    said = objection(resealed(packed(), data_token=signer.sign_content(Kind.CODE, DATA)), trust())
    assert said.startswith("data token: step 8 (kind): a code token is in the place")


@pytest.mark.parametrize(
    "changes",
    [
        {"direction": Direction.BOTH},
        {"endpoint_id": 3},
        {"peer_endpoint_id": 11},
        {"peer_type": PeerType.REMOTE},
        {"peer_type": PeerType.CONTAINER, "peer_uid": b"peer"},
    ],
)
@pytest.mark.clause("TC-TOK-17")
def test_an_endpoint_token_is_for_one_entry(changes: dict[str, object]) -> None:
    signed = (decode(packed().metadata).endpoints or ())[0]
    changed = replace(signed, **changes)  # type: ignore[arg-type]
    said = objection(resealed(packed(), endpoint=changed), trust())
    assert said.startswith(f"{PLACES[4]}: step 13 (content): ")


def test_tokens_of_another_container_are_refused() -> None:
    theirs = packed(container=replace(plan().container, uid=b"other"))
    mask = decode(theirs.metadata).container.syscall_mask_token
    said = objection(resealed(packed(), mask=mask), trust())
    assert said == "mask token: step 9 (uid): the token was made for another container"
    said = objection(resealed(packed(), code_token=security_of(theirs).code_token), trust())
    assert said == "code token: step 9 (uid): the token was made for another container"


@pytest.mark.clause("TC-TOK-08")
def test_all_tokens_of_one_container_have_one_profile() -> None:
    firmware = pack(plan(RIOT, endpoints=()), CODE, DATA, RIOT_KEYS)
    believed = trust(keys=BOTH, profiles=(RFC, RIOT))
    mixed = resealed(packed(), code_token=security_of(firmware).code_token)
    said = objection(mixed, believed)
    assert said == "code token: step 3 (profile): wrong profile: expected rfc9052, found riot-2024"
    assert granted(firmware, believed).profile is RIOT
    assert granted(packed(), believed).profile is RFC


@pytest.mark.clause("TC-TOK-08")
def test_a_profile_must_be_accepted_by_the_device() -> None:
    firmware = pack(plan(RIOT, endpoints=()), CODE, DATA, RIOT_KEYS)
    said = objection(firmware, trust(keys=BOTH), reason=LoadReason.PROFILE)
    assert said == "this device does not accept riot-2024 tokens"
    believed = trust(RIOT, keys=BOTH)
    said = objection(packed(), believed, reason=LoadReason.PROFILE)
    assert said == "this device does not accept rfc9052 tokens"


def test_the_profile_is_that_of_the_tokens() -> None:
    for profile in Profile:
        assert profile_of(decode(packed(profile).metadata)) is profile
    assert profile_of(decode(pack_unsigned(plan(), CODE, DATA).metadata)) is None
    garbled = resealed(packed(), code_token=b"garbled")
    assert profile_of(decode(garbled.metadata)) is RFC


def test_a_caller_may_demand_a_profile() -> None:
    bundle = packed(endpoints=())
    metadata = decode(bundle.metadata)
    found = verify_tokens(metadata, CODE, DATA, trust(keys=BOTH), now_s=0, profile=RIOT)
    steps = [report.verification.failure for report in found if report.verification]
    assert [step.check for step in steps if step] == ["profile"] * 4


def with_token(place: str, token: bytes) -> Bundle:
    """A container that is sound but for one token."""
    if place == "metadata token":
        metadata = decode(packed().metadata)
        security = replace(security_of(packed()), metadata_token=token)
        return replace(packed(), metadata=encode(metadata.container, metadata.endpoints, security))
    if place == "mask token":
        return resealed(packed(), mask=token)
    if place == PLACES[4]:
        return resealed(packed(), endpoint=replace(LOCAL, token=token))
    return resealed(packed(), None, None, **{place.replace(" ", "_"): token})


@pytest.mark.parametrize("place", PLACES[:5])
def test_an_absent_token_is_refused(place: str) -> None:
    assert objection(with_token(place, b""), trust()).startswith(f"{place}: step 1 (present): ")


@pytest.mark.parametrize("place", PLACES[:5])
def test_an_absent_token_is_forgiven_where_the_device_allows_it(place: str) -> None:
    result = granted(with_token(place, b""), trust(allow_unsigned=True, unsigned_mask=0b1))
    assert result.mask == (0b1 if place == "mask token" else 0b10110)
    assert len(result.accepted) == 5


@pytest.mark.parametrize("place", PLACES[:5])
def test_a_wrong_token_is_never_forgiven(place: str) -> None:
    foreign = Signer(FOREIGN, b"uid", RFC, TokenOptions()).sign_mask(0)
    for token, step in ((b"garbled", "2 (structure)"), (foreign, "6 (signature)")):
        said = objection(with_token(place, token), trust(allow_unsigned=True))
        assert said.startswith(f"{place}: step {step}: ")


@pytest.mark.parametrize("security", [Security(), None])
def test_a_container_without_any_token_needs_a_device_that_allows_it(
    security: Security | None,
) -> None:
    bundle = Bundle(encode(plan().container, (LOCAL,), security), DATA, CODE)
    said = objection(bundle, trust())
    assert said == "metadata token: step 1 (present): the metadata token is missing"
    places = ("metadata token", "code token", "data token", "mask token")
    assert granted(bundle, Trust(allow_unsigned=True)) == Grant(0, None, Validity(), (), places)
    assert granted(bundle, Trust(allow_unsigned=True, unsigned_mask=0b11)).mask == 0b11


def test_a_device_may_demand_a_token_for_each_endpoint() -> None:
    unsigned, strict = packed(sign_endpoints=False), trust(require_endpoint_tokens=True)
    assert granted(unsigned, trust()).mask == granted(packed(), strict).mask
    assert objection(unsigned, strict).startswith(f"{PLACES[4]}: step 1 (present): ")
    assert granted(unsigned, replace(strict, allow_unsigned=True)).mask == 0b10110


def test_tokens_are_valid_together_where_each_of_them_is() -> None:
    code = Signer(KEYS[Role.DEVELOPER], b"uid", RFC, TokenOptions(not_before_s=10, expires_s=40))
    data = Signer(KEYS[Role.PROVIDER], b"uid", RFC, TokenOptions(not_before_s=20, expires_s=50))
    bundle = resealed(
        packed(),
        code_token=code.sign_content(Kind.CODE, CODE),
        data_token=data.sign_content(Kind.DATA, DATA),
    )
    validity = granted(bundle, trust(), now_s=30).validity
    assert validity == Validity(20, 40)
    for now_s, problem in ((19, "a token is valid from 20"), (40, "a token expired at 40")):
        with pytest.raises(LoadError, match=f"token: {problem}; it is {now_s}"):
            validity.check(now_s)
        assert "step 11 (time)" in objection(bundle, trust(), now_s)
    for now_s in (20, 39):
        validity.check(now_s)
        assert granted(bundle, trust(), now_s).validity == validity
    Validity().check(0)


def test_an_older_container_does_not_come_back() -> None:
    old, new = (packed(options=TokenOptions(sequence=number)) for number in (1, 2))
    sequences = MemorySequenceStore()
    for bundle in (old, old, new, new):
        sequences.accept(granted(bundle, trust(), sequences=sequences).accepted)
    problem = "metadata token: step 12 (sequence): sequence"
    said = objection(old, trust(), sequences=sequences)
    assert said == f"{problem} 1 is older than 2, accepted before"
    twin = packed(options=TokenOptions(sequence=2, issued_s=1))
    said = objection(twin, trust(), sequences=sequences)
    assert said == f"{problem} 2 was accepted before with other bytes"


def test_refusals_carry_what_was_found_and_what_is_allowed() -> None:
    firmware = decode(pack(plan(RIOT, endpoints=()), CODE, DATA, RIOT_KEYS).metadata)
    profile = profile_refusal(profile_of(firmware), trust())
    assert profile is not None
    assert (profile.found, profile.allowed) == (RIOT, (RFC,))
    (refusal,) = (
        report.refusal
        for report in reports(replace(packed(), code=b"other"), trust())
        if report.refusal
    )
    assert (refusal.place, refusal.step_number, refusal.check) == ("code token", 13, "content")
    with pytest.raises(TokensNotValidNow) as late:
        Validity(20, 40).check(40)
    assert (late.value.now_s, late.value.not_before_s, late.value.expires_s) == (40, 20, 40)
