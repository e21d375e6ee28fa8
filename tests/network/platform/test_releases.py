"""Four parties make a release over HTTP; each does what is its own, and nothing else."""

import base64
import itertools
from hashlib import sha256
from typing import Any

import pytest
from support.four_parties import BOX, CODE, CONTENTS, FourParties, good, states
from support.platforms import PASSWORD, Platform, problem_of
from support.worlds import FOREIGN, KEYS, trusted

from tinycontainer.device.containers.judgement import Sections
from tinycontainer.device.containers.limits import MAX_BUNDLE_BYTES
from tinycontainer.device.containers.verification import Trust, verify_tokens
from tinycontainer.metadata import Bundle, decode
from tinycontainer.network.platform.actor import PersonRight
from tinycontainer.network.platform.people.identifying import find_by_session
from tinycontainer.network.platform.people.organisation import (
    NewPerson,
    add_organisation,
    add_person,
)
from tinycontainer.network.platform.refusing import PlatformRefused
from tinycontainer_tokens import KeyMaterial, Profile, Role
from tinycontainer_tokens.issue import prove
from tinycontainer_tokens.key_files import to_pem, to_public_pem

OCTETS = {"Content-Type": "application/octet-stream"}


@pytest.fixture
def parties(platform: Platform) -> FourParties:
    """Four parties with keys and an application."""
    found = FourParties(platform)
    found.prepare()
    return found


@pytest.mark.clause("TC-PLAT-23")
def test_a_release_that_all_have_signed_is_a_container_that_a_device_accepts(
    parties: FourParties,
) -> None:
    shown = parties.complete()
    assert shown["completed_s"] is not None
    content = parties.client(Role.INFRASTRUCTURE).get(f"/api/releases/{BOX}/1/bundle").content
    bundle = Bundle.decode(content, MAX_BUNDLE_BYTES)
    assert (bundle.code, bundle.data) == (CODE, b"settings")
    sections = Sections.of(bundle)
    metadata = decode(sections.metadata or b"")
    reports = verify_tokens(metadata, bundle.code, bundle.data, Trust(trusted()), 0)
    assert len(reports) == 5
    assert all(report.acceptable for report in reports)


@pytest.mark.clause("TC-PLAT-19")
@pytest.mark.parametrize("order", [*itertools.permutations(CONTENTS)][::5])
def test_contents_come_in_any_order(parties: FourParties, order: tuple[str, ...]) -> None:
    parties.begin()
    assert states(parties.show()) == dict.fromkeys(("code", "data", "mask", "metadata"), "missing")
    for content in order:
        good(parties.add(content))
    assert states(parties.show()) == {
        "code": "unsigned", "data": "unsigned", "mask": "unsigned", "endpoint-1": "unsigned",
        "metadata": "waiting",
    }  # fmt: skip


@pytest.mark.clause("TC-PLAT-19", "TC-PLAT-23")
def test_it_is_plain_what_is_missing_from_whom(parties: FourParties) -> None:
    parties.begin()
    good(parties.add("plan"))
    good(parties.add("rights"))
    parties.sign("mask")
    shown = parties.show(Role.DEVELOPER)
    of = {each["name"]: each for each in shown["parts"]}
    assert of["metadata"]["state"] == "waiting"
    assert of["metadata"]["organisation"] == "infra"
    assert of["metadata"]["waits_for"] == ["code", "data", "endpoint-1"]
    assert of["mask"]["signed_by"] == "boxes-admin"
    assert (of["code"]["state"], of["code"]["organisation"]) == ("missing", "dev")


@pytest.mark.clause("TC-PLAT-17", "TC-PLAT-22", "TC-PLAT-23")
def test_other_code_drops_its_token_and_what_covers_it(parties: FourParties) -> None:
    parties.complete()
    digest = parties.keep(Role.DEVELOPER, "code", CODE + b"")
    assert states(good(parties.add("code", sha256=digest)))["metadata"] == "signed"  # the same
    other = parties.keep(Role.DEVELOPER, "code", b"\0asm other")
    shown = good(parties.add("code", sha256=other))
    assert states(shown) == {
        "code": "unsigned", "data": "signed", "mask": "signed", "endpoint-1": "signed",
        "metadata": "waiting",
    }  # fmt: skip
    assert shown["completed_s"] is None
    answer = parties.client(Role.OWNER).get(f"/api/releases/{BOX}/1/bundle")
    assert problem_of(answer, 409) == "not signed yet: code, metadata"


@pytest.mark.clause("TC-PLAT-10")
@pytest.mark.parametrize("content", CONTENTS)
@pytest.mark.parametrize("role", Role)
def test_a_content_is_added_by_its_party_only(
    parties: FourParties, content: str, role: Role
) -> None:
    parties.begin()
    own = {
        "code": Role.DEVELOPER, "data": Role.PROVIDER, "plan": Role.INFRASTRUCTURE,
        "rights": Role.OWNER,
    }[content]  # fmt: skip
    body: dict[str, Any] = {"rights": {"syscalls": []}, "plan": {}}.get(content, {})
    if content in ("code", "data"):
        body = {"sha256": parties.keep(role, content, b"bytes")}
    answer = parties.client(role).put(f"/api/releases/{BOX}/1/{content}", json=body)
    if role is own:
        good(answer)
        return
    assert "is not the" in problem_of(answer, 403)
    assert set(states(parties.show()).values()) == {"missing"}


@pytest.mark.clause("TC-PLAT-10")
@pytest.mark.parametrize("part", ["code", "data", "mask", "endpoint-1", "metadata"])
def test_a_part_is_signed_by_its_party_only(parties: FourParties, part: str) -> None:
    parties.complete()
    token = parties.make_token(part)
    for role in Role:
        answer = parties.give(part, token, role=role)
        asked = parties.ask_to_sign(part, role=role)
        if answer.status_code == 200:
            assert asked.status_code == 200
        else:
            assert "is not the" in problem_of(answer, 403)
            assert "is not the" in problem_of(asked, 403)


@pytest.mark.clause("TC-PLAT-09")
def test_a_release_does_not_exist_for_others(parties: FourParties, platform: Platform) -> None:
    parties.begin(provider="data", infrastructure="infra", owner="boxes")
    with platform.database.transaction() as session:
        others = add_organisation(session, "others", [*Role], 0.0)
        hashed = platform.parts.passwords.hash(PASSWORD)
        add_person(session, others, NewPerson("others-admin", hashed, PersonRight.ADMIN), 9, 0.0)
    stranger = platform.client("others")
    there, nowhere = f"/api/releases/{BOX}/1", f"/api/releases/{BOX}/2"
    asked: list[tuple[str, str, Any]] = [
        ("GET", "", None),
        ("GET", "/bundle", None),
        ("GET", f"/signing/mask?key={'0' * 64}", None),
        ("PUT", "/rights", {"syscalls": []}),
        ("PUT", "/tokens/mask", {"token": ""}),
    ]
    for method, rest, body in asked:
        found = [stranger.request(method, base + rest, json=body) for base in (there, nowhere)]
        assert [each.status_code for each in found] == [404, 404]
        assert found[0].json() == found[1].json()
    assert good(stranger.get("/api/releases"))["releases"] == []
    assert good(stranger.get("/api/applications"))["applications"] == []
    assert stranger.get(f"/api/applications/{BOX}").status_code == 404
    digest = sha256(CODE).hexdigest()
    parties.add("code")
    assert stranger.get(f"/api/artefacts/{digest}").status_code == 404
    assert parties.client(Role.OWNER).get(f"/api/artefacts/{digest}").content == CODE


@pytest.mark.clause("TC-PLAT-09", "TC-PLAT-17")
def test_who_is_no_party_learns_no_artefact_by_its_hash(parties: FourParties) -> None:
    digest = parties.keep(Role.PROVIDER, "data", b"secret")
    assert parties.client(Role.OWNER).get(f"/api/artefacts/{digest}").status_code == 404
    answer = parties.client(Role.OWNER).put(
        f"/api/artefacts/{digest}?kind=data", content=b"other", headers=OCTETS
    )
    assert "SHA-256" in problem_of(answer, 400)


@pytest.mark.clause("TC-PLAT-15", "TC-PLAT-21")
@pytest.mark.parametrize("role", [Role.DEVELOPER, Role.OWNER])
def test_a_token_of_a_key_that_is_not_known_is_refused(parties: FourParties, role: Role) -> None:
    parties.begin()
    good(parties.add("code"))
    strange = FourParties(parties.platform, {**KEYS, Role.DEVELOPER: FOREIGN})
    assert "no such key" in problem_of(strange.ask_to_sign("code"), 409)
    token = FourParties(parties.platform, KEYS).make_token("code")
    good(parties.client(Role.DEVELOPER).delete(f"/api/keys/{fingerprint(Role.DEVELOPER)}"))
    assert "step 5 (key)" in problem_of(parties.give("code", token), 422)
    assert "no such key" in problem_of(parties.ask_to_sign("code"), 409)


def fingerprint(role: Role) -> str:
    return sha256(KEYS[role].public).hexdigest()


@pytest.mark.clause("TC-PLAT-21")
def test_a_token_that_names_another_key_is_refused(parties: FourParties) -> None:
    parties.begin()
    good(parties.add("code"))
    asked = good(parties.ask_to_sign("code"))
    key = KEYS[Role.DEVELOPER]
    named = KeyMaterial.from_private(key.secret or b"", b"another")
    token = prove(base64.b64decode(asked["payload"]), named, Profile.RFC9052).encode()
    answer = parties.give("code", token)
    assert "says something else" in problem_of(answer, 409)
    assert states(parties.show())["code"] == "unsigned"


def test_who_was_disabled_meanwhile_does_nothing_more(
    parties: FourParties, platform: Platform
) -> None:
    client = platform.add_person("boxes", "bob", PersonRight.MEMBER)
    assert client.get("/api/me").status_code == 200
    with platform.database.reading() as session:
        found = find_by_session(session, client.cookies["tinycontainer_session"], platform.clock())
    assert found is not None
    platform.client("boxes").patch("/api/people/bob", json={"is_disabled": True})
    with pytest.raises(PlatformRefused) as refused, platform.parts.changing(found.actor):
        pytest.fail("the deed was begun")
    assert refused.value.status == 401


def test_bytes_are_an_artefact_whatever_they_were_before(parties: FourParties) -> None:
    parties.begin()
    parties.keep(Role.PROVIDER, "sbom", b"settings")
    good(parties.add("data"))
    digest = sha256(b'"abc"').hexdigest()
    path = f"/api/artefacts/{digest}?kind=data"
    json = {"Content-Type": "application/json"}
    good(parties.client(Role.PROVIDER).put(path, content=b'"abc"', headers=json))
    assert parties.client(Role.PROVIDER).get(path).content == b'"abc"'


@pytest.mark.parametrize("place", [0, 5, 40, 80, -1])
def test_a_token_that_was_changed_is_refused_and_nothing_is_kept(
    parties: FourParties, place: int
) -> None:
    parties.begin()
    good(parties.add("code"))
    token = bytearray(parties.make_token("code"))
    token[place] ^= 1
    answer = parties.give("code", bytes(token))
    assert answer.status_code in (409, 422)
    assert states(parties.show())["code"] == "unsigned"


@pytest.mark.clause("TC-PLAT-21")
@pytest.mark.parametrize("text", ["", "====", "not base64!", "AAAA", "\u00e9"])
def test_what_is_no_token_is_refused(parties: FourParties, text: str) -> None:
    parties.begin()
    good(parties.add("code"))
    path = f"/api/releases/{BOX}/1/tokens/code"
    answer = parties.client(Role.DEVELOPER).put(path, json={"token": text})
    problem_of(answer, 422 if text in ("", "AAAA") else 400)


@pytest.mark.clause("TC-PLAT-20")
def test_the_terms_of_a_party_are_in_its_tokens(parties: FourParties) -> None:
    parties.begin()
    for content in CONTENTS:
        good(parties.add(content, terms={"sequence": 9, "expires": 2_000_000_000}))
    shown = parties.show()
    assert shown["terms"]["mask"]["expires"] == 2_000_000_000
    parties.sign("mask")
    answer = parties.add("rights", terms={"not_before": 5, "expires": 5})
    assert problem_of(answer, 400) == "terms: expires is not after not_before, or is over already"


@pytest.mark.clause("TC-PLAT-18")
def test_a_number_rises_and_is_used_once(parties: FourParties) -> None:
    parties.begin(3)
    body = {"uid": BOX, "provider": "data", "infrastructure": "infra", "owner": "boxes"}
    developer = parties.client(Role.DEVELOPER)
    for number in (2, 3):
        answer = developer.post("/api/releases", json={**body, "number": number})
        assert "the next one has a higher number" in problem_of(answer, 409)
    parties.begin(4)
    found = good(developer.get("/api/releases"))
    assert [each["number"] for each in found["releases"]] == [4, 3]
    assert found["next"] is None


@pytest.mark.clause("TC-PLAT-18")
@pytest.mark.parametrize(
    ("role", "name"), [("provider", "dev"), ("owner", "nobody"), ("infrastructure", "boxes")]
)
def test_a_party_is_an_organisation_with_that_role(
    parties: FourParties, role: str, name: str
) -> None:
    body = {
        "uid": BOX,
        "number": 1,
        "provider": "data",
        "infrastructure": "infra",
        "owner": "boxes",
    }
    answer = parties.client(Role.DEVELOPER).post("/api/releases", json={**body, role: name})
    detail = f"{role}: there is no organisation of this name with this role"
    assert problem_of(answer, 400) == detail


@pytest.mark.clause("TC-PLAT-18")
def test_a_uid_belongs_to_one_developer(parties: FourParties) -> None:
    answer = parties.client(Role.DEVELOPER).post(
        "/api/applications", json={"uid": BOX, "name": "again"}
    )
    assert "is taken" in problem_of(answer, 409)
    answer = parties.client(Role.OWNER).post("/api/applications", json={"uid": "66", "name": "x"})
    assert problem_of(answer, 403) == "boxes is no developer"


@pytest.mark.clause("TC-PLAT-16")
def test_a_private_key_is_refused_and_kept_nowhere(
    parties: FourParties, platform: Platform
) -> None:
    secret = to_pem(FOREIGN)
    owner = parties.client(Role.OWNER)
    body = {"role": "owner", "name": "mine", "public": secret.decode()}
    assert "private key" in problem_of(owner.post("/api/keys", json=body), 400)
    digest = sha256(secret).hexdigest()
    answer = owner.put(f"/api/artefacts/{digest}?kind=data", content=secret, headers=OCTETS)
    assert "key file" in problem_of(answer, 400)
    assert len(good(owner.get("/api/keys"))["keys"]) == 1


@pytest.mark.clause("TC-PLAT-15")
@pytest.mark.parametrize(
    "public", ["", "x", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"]
)
def test_what_is_no_key_is_refused(parties: FourParties, public: str) -> None:
    body = {"role": "owner", "name": "mine", "public": public}
    assert problem_of(parties.client(Role.OWNER).post("/api/keys", json=body), 400)


@pytest.mark.clause("TC-PLAT-15")
def test_nobody_can_take_the_key_of_another_party(parties: FourParties) -> None:
    body = {"role": "owner", "name": "x", "public": to_public_pem(KEYS[Role.DEVELOPER]).decode()}
    owner = parties.client(Role.OWNER)
    good(owner.post("/api/keys", json=body))  # who names it does not have it, and hinders nobody
    good(owner.delete(f"/api/keys/{fingerprint(Role.DEVELOPER)}"))
    assert "known already" in problem_of(owner.post("/api/keys", json=body), 409)
    assert "no developer" in problem_of(
        owner.post("/api/keys", json={**body, "role": "developer"}), 403
    )
    parties.complete()


@pytest.mark.clause("TC-PLAT-12")
@pytest.mark.parametrize(
    ("content", "changes"),
    [
        ("code", {"type": "cobol"}),
        ("code", {"sha256": "ABC"}),
        ("plan", {"timing": {"period_ms": -1}}),
        ("plan", {"endpoints": [{"id": 1, "peer": "local", "peer_endpoint": 7}]}),
        (
            "plan",
            {"endpoints": [{"id": 1, "peer": "local", "peer_endpoint": 7, "direction": "in"}] * 2},
        ),
        (
            "plan",
            {"endpoints": [{"id": 1, "peer": "container", "peer_endpoint": 7, "direction": "in"}]},
        ),
        ("plan", {"timing": {"priority": 16}}),
        ("rights", {"syscalls": ["fork"]}),
        ("rights", {"terms": {"audience": "x" * 65}}),
        ("rights", {"more": 1}),
    ],
)
def test_a_content_that_metadata_cannot_hold_is_refused(
    parties: FourParties, content: str, changes: dict[str, Any]
) -> None:
    parties.begin()
    problem_of(parties.add(content, **changes), 400)
    assert set(states(parties.show()).values()) == {"missing"}


@pytest.mark.clause("TC-PLAT-19")
def test_riot_2024_knows_no_tokens_of_endpoints(parties: FourParties) -> None:
    body = {
        "uid": BOX, "number": 1, "provider": "data", "infrastructure": "infra", "owner": "boxes",
        "profile": "riot-2024",
    }  # fmt: skip
    developer = parties.client(Role.DEVELOPER)
    assert "riot-2024" in problem_of(developer.post("/api/releases", json=body), 400)
    good(developer.post("/api/releases", json={**body, "signs_endpoints": False}))
    good(parties.add("plan", timing={}))
    answer = parties.add("rights", terms={"sequence": 2})
    assert problem_of(answer, 400) == "terms: riot-2024 tokens cannot carry sequence"
    for content in ("code", "data", "rights"):
        good(parties.add(content))
    for part in ("mask", "data", "code", "metadata"):
        shown = parties.sign(part)
    assert shown["completed_s"] is not None


@pytest.mark.clause("TC-PLAT-13")
def test_each_deed_is_in_the_audit_of_who_did_it(parties: FourParties) -> None:
    parties.complete()
    deeds = [each["deed"] for each in good(parties.client(Role.OWNER).get("/api/audit"))["entries"]]
    assert deeds[-3:] == ["rights-added", "mask-signed", "endpoint-1-signed"]
