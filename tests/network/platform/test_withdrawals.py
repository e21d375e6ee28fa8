"""An owner takes back every right of a container by one token, which the platform verifies."""

import base64
from dataclasses import replace
from typing import Any

import pytest
from support.four_parties import BOX, FourParties, good
from support.platforms import Platform, problem_of
from support.renting import HOUR_S, Renting, signed
from support.worlds import FOREIGN, KEYS, trusted

from tinycontainer.network.platform.actor import PersonRight
from tinycontainer_tokens import (
    Claims,
    Expectation,
    Kind,
    MemorySequenceStore,
    Profile,
    Role,
    verify,
)
from tinycontainer_tokens.claims import encode
from tinycontainer_tokens.issue import prove
from tinycontainer_tokens.key_files import to_public_pem

SAID = Claims(mask=b"\0", uid=b"box", sequence=7, kind=Kind.MASK)
PAYLOAD = encode(SAID, Kind.MASK, Profile.RFC9052)


@pytest.fixture
def renting(platform: Platform) -> Renting:
    """Four parties with keys and an application."""
    parties = FourParties(platform)
    parties.prepare()
    return Renting(parties)


def token_of(**changes: Any) -> bytes:
    """A token of the owner that says something else."""
    return signed(encode(replace(SAID, **changes), Kind.MASK, Profile.RFC9052))


@pytest.mark.clause("TC-PLAT-54")
def test_what_is_signed_overtakes_the_rights_at_a_device_that_knows_the_owner(
    renting: Renting,
) -> None:
    renting.granted()
    renting.sign_all()
    mask = renting.parties.make_token("mask")
    asked = good(renting.ask_to_withdraw())
    expected_fields = {"uid": BOX, "number": 2, "part": "mask", "profile": "rfc9052"}
    assert {**asked, **expected_fields, "covered": None} == asked
    token = renting.withdrawing_token()
    sequences = MemorySequenceStore()
    at_device = Expectation(Kind.MASK, Profile.RFC9052, b"box", int(renting.now_s))
    for each in (mask, token):
        found = verify(each, at_device, trusted(), sequences)
        assert found.accepted is not None
        sequences.accept([(at_device.subject, found.accepted)])
    assert found.require() == replace(SAID, sequence=2)
    failure = verify(mask, at_device, trusted(), sequences).failure
    assert failure is not None
    assert failure.check == "sequence"


@pytest.mark.clause("TC-PLAT-54", "TC-PLAT-55")
def test_one_request_withdraws_all_that_was_granted(renting: Renting) -> None:
    first, second = renting.granted(1), renting.granted(2)
    over = renting.granted(3, until_s=renting.now_s + 1)
    asked = renting.asked(4)
    renting.parties.platform.clock.at_s += 1
    made = good(renting.withdraw())
    assert (made["uid"], made["sequence"], made["person"]) == (BOX, 1, "boxes-admin")
    states = {each: renting.show(each)["state"] for each in (first, second, over, asked)}
    assert [*states.values()] == ["withdrawn", "withdrawn", "ended", "asked"]
    assert renting.show(first)["decided_s"] == renting.now_s
    entry = good(renting.client(Role.OWNER).get("/api/audit"))["entries"][-1]
    assert (entry["deed"], entry["subject"]) == ("rights-withdrawn", BOX)
    detail = {"sequence": 1, "key": made["key"], "rentals": [first, second]}
    assert entry["detail"] == detail


@pytest.mark.clause("TC-PLAT-53", "TC-PLAT-55")
def test_what_was_withdrawn_is_rolled_out_only_with_a_higher_mask(renting: Renting) -> None:
    renting.parties.complete()
    assert renting.problem() is None
    good(renting.withdraw())
    assert renting.problem() == (
        "the owner has withdrawn all up to 2, and this mask counts 1;"
        " the owner can give new rights with a higher one"
    )
    good(renting.parties.add("rights", terms={"sequence": 3}))
    assert renting.problem() is None
    renting.parties.begin(2, profile="riot-2024", signs_endpoints=False)
    assert "this mask counts no versions" in (renting.problem(2) or "")


@pytest.mark.clause("TC-PLAT-51", "TC-PLAT-55")
def test_what_is_granted_after_a_withdrawal_counts_above_it(renting: Renting) -> None:
    rental = renting.granted()
    renting.sign_all()
    good(renting.withdraw())
    assert (renting.problem() or "").startswith("the owner has withdrawn all up to 2")
    assert renting.show(rental)["state"] == "withdrawn"
    assert "was granted before" in problem_of(renting.ask(1), 409)
    renting.granted(2)
    assert renting.parties.show(number=2)["terms"]["mask"]["sequence"] == 3
    renting.sign_all(2)
    assert renting.problem(2) is None


@pytest.mark.clause("TC-PLAT-54")
@pytest.mark.parametrize(
    ("token", "status"),
    [
        (b"", 422),
        (b"\xd8\x3d\xd2", 422),
        (token_of(mask=b"\1"), 409),
        (token_of(mask=b"\0\0"), 409),
        (token_of(uid=b"other"), 422),
        (token_of(audience="box-1"), 422),
        (token_of(expires_s=1 << 40), 409),
        (token_of(not_before_s=1), 422),
        (token_of(issued_s=1), 409),
        (token_of(sequence=1), 409),
        (token_of(sequence=0), 409),
        (signed(PAYLOAD, FOREIGN), 422),
        (signed(PAYLOAD, KEYS[Role.DEVELOPER]), 422),
        (signed(PAYLOAD, replace(KEYS[Role.OWNER], kid=b"x")), 409),
        (prove(encode(Claims(mask=b"\0"), Kind.MASK, Profile.RIOT_2024), KEYS[Role.OWNER],
               Profile.RIOT_2024, tagged=False).encode(), 422),
    ],
)  # fmt: skip
def test_a_token_that_is_no_withdrawal_changes_nothing(
    renting: Renting, token: bytes, status: int
) -> None:
    rental = renting.granted()
    renting.sign_all()
    problem_of(renting.withdraw(token), status)
    assert renting.show(rental)["state"] == "granted"
    assert good(renting.ask_to_withdraw())["number"] == 2


@pytest.mark.clause("TC-PLAT-54")
def test_the_mask_of_a_release_and_a_withdrawal_are_not_one_another(renting: Renting) -> None:
    renting.granted()
    renting.sign_all()
    mask = renting.parties.make_token("mask")
    problem_of(renting.withdraw(mask), 409)
    problem_of(renting.parties.give("mask", renting.withdrawing_token()), 409)


@pytest.mark.clause("TC-PLAT-54")
def test_each_withdrawal_counts_above_the_one_before_and_above_what_the_signer_knows(
    renting: Renting,
) -> None:
    renting.release()
    first = renting.withdrawing_token()
    assert good(renting.withdraw(first))["sequence"] == 1
    assert "1 was signed before; count it up" in problem_of(renting.withdraw(first), 409)
    assert good(renting.withdraw(renting.withdrawing_token(above=40)))["sequence"] == 41
    assert good(renting.ask_to_withdraw(above=3))["number"] == 42
    last = (1 << 64) - 1
    assert good(renting.withdraw(renting.withdrawing_token(above=last - 1)))["sequence"] == last
    assert "no sequence is higher" in problem_of(renting.ask_to_withdraw(), 409)
    problem_of(renting.ask_to_withdraw(above=last + 1), 400)


@pytest.mark.clause("TC-PLAT-54")
def test_only_the_owner_of_a_release_withdraws(renting: Renting) -> None:
    renting.release()
    token = renting.withdrawing_token()
    for role in (Role.DEVELOPER, Role.PROVIDER, Role.INFRASTRUCTURE):
        for answer in (renting.withdraw(token, role), renting.ask_to_withdraw(role)):
            detail = problem_of(answer, 403)
            assert detail.endswith("is not the owner of a release of this application")
    for answer in (renting.withdraw(token, uid="00"), renting.ask_to_withdraw(uid="00")):
        assert problem_of(answer, 404) == "there is no such application"


@pytest.mark.clause("TC-PLAT-54")
def test_a_key_that_was_withdrawn_withdraws_nothing(renting: Renting) -> None:
    renting.release()
    owner, token = renting.client(Role.OWNER), renting.withdrawing_token()
    body = {"role": "owner", "name": "second", "public": to_public_pem(FOREIGN).decode()}
    good(owner.post("/api/keys", json=body))
    first = good(owner.get("/api/keys"))["keys"][0]["fingerprint"]
    owner.delete(f"/api/keys/{first}")
    assert problem_of(renting.withdraw(token), 422)
    assert "no such key as owner" in problem_of(renting.ask_to_withdraw(), 409)
    payload = encode(replace(SAID, sequence=1), Kind.MASK, Profile.RFC9052)
    assert good(renting.withdraw(signed(payload, FOREIGN)))["sequence"] == 1


@pytest.mark.clause("TC-PLAT-12", "TC-PLAT-54")
@pytest.mark.parametrize("body", [{}, {"token": "?"}, {"token": "A" * 2049}, {"token": 1}])
def test_what_is_no_token_at_all_is_refused(renting: Renting, body: dict[str, Any]) -> None:
    renting.release()
    path = f"/api/applications/{BOX}/withdrawals"
    problem_of(renting.client(Role.OWNER).post(path, json=body), 400)


def test_withdrawing_needs_the_scope_of_signing(renting: Renting, platform: Platform) -> None:
    renting.release()
    viewer = platform.add_person("boxes", "viewer", PersonRight.VIEWER)
    body = {"token": base64.b64encode(renting.withdrawing_token()).decode()}
    answer = viewer.post(f"/api/applications/{BOX}/withdrawals", json=body)
    assert "scope sign" in problem_of(answer, 403)


def test_a_rental_that_is_over_stays_ended_when_rights_are_withdrawn(renting: Renting) -> None:
    rental = renting.granted()
    renting.parties.platform.clock.at_s += HOUR_S
    good(renting.withdraw())
    assert renting.show(rental)["state"] == "ended"
