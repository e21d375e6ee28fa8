"""A signed statement is exactly what the device has signed for a nonce, or it is refused."""

import random
from dataclasses import replace
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pycose.keys.curves import Ed25519
from pycose.keys.okp import OKPKey
from pycose.messages.sign1message import Sign1Message
from support.evidence import HMAC, KEY, NONCE, OTHER, PUBLIC, STATEMENT

from tinycontainer.tools.evidence import (
    MAX_STATEMENT_BYTES,
    EvidenceFault,
    EvidenceRefused,
    StatedContainer,
    Statement,
    StatementTooLong,
    check_statement,
    sign_statement,
)
from tinycontainer_tokens import KeyMaterial
from tinycontainer_tokens.cbor import decode, encode

FORM, SIGNATURE, FAULT_OF_NONCE = (
    EvidenceFault.FORM,
    EvidenceFault.SIGNATURE,
    EvidenceFault.NONCE,
)
SIGNED = sign_statement(STATEMENT, KEY)
LIMITED = replace(
    STATEMENT,
    containers=STATEMENT.containers[:1],
    event_chain=None,
    trace_sha256=None,
    uid=b"box",
    own_events_sha256=b"\4" * 32,
)


def fault_of(content: bytes, key: KeyMaterial = PUBLIC, nonce: bytes = NONCE) -> EvidenceFault:
    with pytest.raises(EvidenceRefused) as caught:
        check_statement(content, key, nonce)
    told = str(caught.value)
    assert told.isascii()
    assert "\n" not in told
    return caught.value.fault


def sign(payload: bytes, protected: bytes = b"\xa1\x01\x27", unprotected: Any = None) -> bytes:
    """A COSE_Sign1 whose signature holds, whatever is in it."""
    covered = cbor2.dumps(["Signature1", protected, b"", payload])
    signature = Ed25519PrivateKey.from_private_bytes(KEY.secret or b"").sign(covered)
    return b"\xd2" + cbor2.dumps([protected, unprotected or {}, payload, signature])


@pytest.mark.clause("TC-EVID-03", "TC-EVID-08")
@pytest.mark.parametrize("key", [PUBLIC, KEY])
@pytest.mark.parametrize(
    "statement",
    [STATEMENT, LIMITED, replace(STATEMENT, device_id=None, trace_sha256=None, containers=())],
)
def test_what_was_signed_is_what_is_found(statement: Statement, key: KeyMaterial) -> None:
    assert check_statement(sign_statement(statement, KEY), key, NONCE) == statement
    assert Statement.decode(statement.encode()) == statement


@pytest.mark.clause("TC-EVID-03")
def test_it_is_a_sign1_as_another_implementation_has_it() -> None:
    message = Sign1Message.decode(SIGNED)
    message.key = OKPKey(crv=Ed25519, x=PUBLIC.public)
    assert message.verify_signature()
    assert message.phdr_encoded == b"\xa1\x01\x27"
    assert message.uhdr == {}
    assert message.payload == STATEMENT.encode()


@pytest.mark.clause("TC-EVID-04")
def test_its_keys_are_those_of_the_table() -> None:
    assert cbor2.loads(STATEMENT.encode()) == {
        1: b"desk",
        2: NONCE,
        3: 2,
        4: 1_800_000_000,
        5: 8,
        6: STATEMENT.event_chain,
        7: [[b"box", 2, b"\1" * 32, 7], [b"other", 1, b"\2" * 32, 0]],
        10: b"\3" * 32,
        11: 3,
    }
    assert sorted(cbor2.loads(LIMITED.encode())) == [1, 2, 3, 4, 5, 7, 8, 9, 11]


@pytest.mark.clause("TC-EVID-08")
@pytest.mark.parametrize(
    "change",
    [
        {"device_id": b"desk2"},
        {"device_id": None},
        {"boots": 3},
        {"time_s": 1_800_000_001},
        {"oldest_event": 4},
        {"newest_event": 9},
        {"containers": STATEMENT.containers[:1]},
        {"containers": STATEMENT.containers[::-1]},
        {"event_chain": bytes(32)},
        {"trace_sha256": None},
        *(
            {"containers": (replace(STATEMENT.containers[0], **each),)}
            for each in ({"uid": b"bot"}, {"state": 1}, {"bundle_sha256": bytes(32)}, {"loops": 8})
        ),
    ],
)
def test_a_field_that_was_changed_is_found(change: dict[str, Any]) -> None:
    signature = cbor2.loads(SIGNED).value[3]
    changed = replace(STATEMENT, **change).encode()
    assert fault_of(b"\xd2" + cbor2.dumps([b"\xa1\x01\x27", {}, changed, signature])) is SIGNATURE


@pytest.mark.clause("TC-EVID-08")
def test_every_byte_counts() -> None:
    for place in range(len(SIGNED)):
        for bit in (1, 0x80):
            changed = bytearray(SIGNED)
            changed[place] ^= bit
            assert fault_of(bytes(changed)) in (FORM, SIGNATURE)
    for length in range(len(SIGNED)):
        assert fault_of(SIGNED[:length]) is FORM
    assert fault_of(SIGNED + b"\0") is FORM


@pytest.mark.clause("TC-EVID-08")
@pytest.mark.parametrize("key", [OTHER, OTHER.public_half(), HMAC])
def test_the_statement_of_another_key_is_refused(key: KeyMaterial) -> None:
    assert fault_of(SIGNED, key=key) is SIGNATURE


@pytest.mark.clause("TC-EVID-08")
@pytest.mark.parametrize("nonce", [b"", NONCE[:-1], NONCE + b"\0", bytes(16)])
def test_a_statement_for_another_nonce_is_refused(nonce: bytes) -> None:
    assert fault_of(SIGNED, nonce=nonce) is FAULT_OF_NONCE


VALUES = decode(STATEMENT.encode(), 1 << 16)
ROW = [b"box", 2, b"\1" * 32, 7]


@pytest.mark.clause("TC-EVID-04", "TC-EVID-08")
@pytest.mark.parametrize(
    "change",
    [
        *({key: None} for key in (2, 3, 4, 5, 6, 7, 11)),
        {0: 1},
        {12: 1},
        {-1: 1},
        {8: b"box"},
        {9: bytes(32)},
        {8: b"box", 6: None, 10: None},
        {8: b"box", 9: bytes(32), 6: None},
        {8: b"box", 9: bytes(32), 10: None},
        {8: b"", 9: bytes(32), 6: None, 10: None},
        {8: b"x" * 64, 9: bytes(32), 6: None, 10: None},
        {1: "desk"},
        {1: b""},
        {2: b"1234567"},
        {2: bytes(33)},
        {2: "0123456789abcdef"},
        {3: -1},
        {3: b"\2"},
        {4: 253_402_300_800},
        {5: 1 << 63},
        {6: bytes(31)},
        {10: bytes(33)},
        {11: []},
        {7: {}},
        {7: [b"box"]},
        {7: [ROW[:3]]},
        {7: [[*ROW, 1]]},
        {7: [[b"", *ROW[1:]]]},
        {7: [["box", *ROW[1:]]]},
        {7: [[b"box", 5, *ROW[2:]]]},
        {7: [[b"box", 2, bytes(31), 7]]},
        {7: [[*ROW[:3], -1]]},
    ],
)
def test_what_is_signed_and_no_statement_is_refused(change: dict[int, Any]) -> None:
    assert isinstance(VALUES, dict)
    changed = {key: value for key, value in {**VALUES, **change}.items() if value is not None}
    assert fault_of(sign(encode(changed))) is FORM


@pytest.mark.clause("TC-EVID-03", "TC-EVID-08")
@pytest.mark.parametrize(
    "content",
    [
        b"",
        SIGNED[1:],
        b"\xd1" + SIGNED[1:],
        b"\xd8\x3d" + SIGNED,
        sign(STATEMENT.encode(), protected=b""),
        sign(STATEMENT.encode(), protected=b"\xa1\x01\x32"),
        sign(STATEMENT.encode(), protected=b"\xa2\x01\x27\x04\x41\x01"),
        sign(STATEMENT.encode(), unprotected={4: b"x"}),
        sign(cbor2.dumps(dict(reversed(cbor2.loads(STATEMENT.encode()).items())))),
        sign(b"\xff"),
        sign(encode([1])),
        b"\xd2" + cbor2.dumps([b"\xa1\x01\x27", {}, None, bytes(64)]),
        b"\xd2" + cbor2.dumps([b"\xa1\x01\x27", {}, b"", 5]),
        b"\xd2" + cbor2.dumps([b"\xa1\x01\x27", {}, b""]),
        b"\xd2" + b"\x81" * 5000,
        bytes(MAX_STATEMENT_BYTES + 1),
    ],
)
def test_another_form_is_refused(content: bytes) -> None:
    assert fault_of(content) is FORM


@pytest.mark.clause("TC-EVID-08")
@pytest.mark.parametrize("length", [0, 1, 63, 65])
def test_a_signature_of_another_length_does_not_hold(length: int) -> None:
    content = cbor2.dumps([b"\xa1\x01\x27", {}, STATEMENT.encode(), bytes(length)])
    assert fault_of(b"\xd2" + content) is SIGNATURE


@pytest.mark.clause("TC-EVID-08")
def test_whatever_comes_is_refused_and_never_fails_otherwise() -> None:
    draws = random.Random(1)
    for _ in range(2_000):
        content = bytearray(SIGNED)
        for _ in range(draws.randrange(1, 6)):
            content[draws.randrange(len(content))] = draws.randrange(256)
        noise = draws.randbytes(draws.randrange(200))
        for each in (bytes(content), noise, b"\xd2" + noise, sign(noise)):
            if each != SIGNED:
                fault_of(each)


@pytest.mark.clause("TC-EVID-03")
def test_more_than_64_kib_is_never_signed() -> None:
    row = StatedContainer(b"x" * 63, 2, bytes(32), 1)
    with pytest.raises(StatementTooLong, match="bytes where at most 65536 fit"):
        sign_statement(replace(STATEMENT, containers=(row,) * 700), KEY)
    signed = sign_statement(replace(STATEMENT, containers=(row,) * 600), KEY)
    assert len(check_statement(signed, PUBLIC, NONCE).containers) == 600
