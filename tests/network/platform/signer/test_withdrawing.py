"""A signer withdraws rights by one token only: each lie of a platform about it is refused."""

import base64
import json
from dataclasses import replace
from typing import Any

import pytest
from support.signing_platforms import (
    NOW_S,
    UID,
    FakePlatform,
    header_for,
    key_of,
    served,
    withdrawal_of,
)

from tinycontainer.interfaces.network.http_uri import parse_http_uri
from tinycontainer.network.platform.exchange import Server
from tinycontainer.network.platform.releases.parts import CODE, MASK
from tinycontainer.network.platform.signer.client import PlatformClient
from tinycontainer.network.platform.signer.refusal import RefusalReason, SigningRefused
from tinycontainer.network.platform.signer.request import SigningRequest, read_request
from tinycontainer.network.platform.signer.signed import Signed
from tinycontainer.network.platform.signer.signed_codec import decode_signed, encode_signed
from tinycontainer.network.platform.signer.tokens import key_sha256
from tinycontainer.network.platform.signer.withdrawing import examine_withdrawal
from tinycontainer_tokens import Profile

FINGERPRINT = key_sha256(key_of(MASK))
LAST = (1 << 64) - 1


def request_of(sequence: int = 7, **said: Any) -> SigningRequest:
    return read_request(json.dumps(withdrawal_of(sequence, **said)).encode())


def signed_before(sequence: int) -> Signed:
    found = examine_withdrawal(request_of(sequence), UID, None)
    return found.as_signed(header_for(MASK), NOW_S, FINGERPRINT)


def refused(request: SigningRequest, last: Signed | None = None) -> tuple[RefusalReason, str]:
    with pytest.raises(SigningRefused) as caught:
        examine_withdrawal(request, UID, last)
    assert caught.value.text.isascii()
    assert caught.value.text.isprintable()
    return caught.value.reason, caught.value.text


@pytest.mark.clause("TC-PLAT-56")
def test_an_honest_answer_passes_and_is_said_in_words() -> None:
    found = examine_withdrawal(request_of(), UID, signed_before(6))
    assert (found.uid, found.sequence, found.highest) == (UID, 7, 6)
    assert found.payload == base64.b64decode(withdrawal_of(7)["payload"])
    assert found.heading == "withdrawal of the container box (hex:626f78), up to 7"
    assert found.lines == (
        "every container box (hex:626f78) on devices that trust this key ends",
        "no version whose mask counts 7 or less can come back",
        "the highest mask that you signed here before counts 6",
    )


@pytest.mark.clause("TC-PLAT-56")
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"uid": b"b\x1bx"}, RefusalReason.UID),
        ({"part": CODE}, RefusalReason.PART),
        ({"profile": Profile.RIOT_2024}, RefusalReason.PROFILE),
        ({"covered": b""}, RefusalReason.CONTENT),
        ({"number": 8}, RefusalReason.CLAIMS),
        ({"payload": b"\xa0"}, RefusalReason.CLAIMS),
    ],
)
def test_an_answer_about_something_else_is_refused(
    changes: dict[str, Any], reason: RefusalReason
) -> None:
    assert refused(replace(request_of(), **changes))[0] is reason


@pytest.mark.clause("TC-PLAT-56")
@pytest.mark.parametrize(
    "said",
    [
        {"mask": b"\1"}, {"mask": b"\0\0"}, {"uid": b"other"},
        {"audience": "box-1"}, {"expires_s": LAST}, {"not_before_s": LAST}, {"issued_s": 1},
    ],
)  # fmt: skip
def test_claims_that_are_more_or_less_than_a_withdrawal_are_refused(said: dict[str, Any]) -> None:
    reason, text = refused(request_of(**said))
    assert reason is RefusalReason.CLAIMS
    assert "says something else" in text


@pytest.mark.clause("TC-PLAT-56")
@pytest.mark.parametrize("sequence", [0, 6, 7])
def test_what_would_leave_something_in_force_is_refused(sequence: int) -> None:
    reason, text = refused(request_of(sequence), signed_before(7))
    assert reason is RefusalReason.SEQUENCE
    assert text == f"it counts {sequence}, but 7 was signed here before, which stays in force"


@pytest.mark.clause("TC-PLAT-56")
def test_numbers_that_are_used_up_are_warned_of() -> None:
    def warnings(sequence: int, last: Signed | None = None) -> list[str]:
        lines = examine_withdrawal(request_of(sequence), UID, last).lines
        return [each for each in lines if each.startswith("warning")]

    assert warnings(0) == warnings(1) == warnings(8, signed_before(7)) == []
    skipped = "warning: 2 numbers that you never signed here are used up too"
    assert warnings(3) == warnings(10, signed_before(7)) == [skipped]
    never = "warning: no number is higher, so this key can never give rights again"
    assert warnings(LAST, signed_before(LAST - 1)) == [never]


def test_what_is_remembered_can_be_read_again() -> None:
    signed = signed_before(7)
    assert decode_signed(encode_signed(signed), UID, MASK) == signed
    assert (signed.version, signed.claims.mask) == (7, b"\0")


@pytest.mark.clause("TC-PLAT-56")
def test_a_platform_is_asked_for_a_higher_number_than_was_signed_here() -> None:
    platform = FakePlatform()
    with served(platform) as url:
        uri = parse_http_uri(f"{url}/base/")
        client = PlatformClient(Server(uri, None, lambda: 0.0, 20), "")
        assert client.ask_withdrawal(UID, 6, FINGERPRINT) == request_of(1)
        client.give_withdrawal(UID, b"token")
    assert platform.taken == [b"token"]
    path = "/base/api/applications/626f78/withdrawals"
    assert platform.seen == [
        ("GET", f"{path}/signing?key={FINGERPRINT.hex()}&above=6"),
        ("POST", path),
    ]
