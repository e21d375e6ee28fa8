"""The answer of a platform is read strictly: it has one form, and everything else is refused."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinycontainer.network.platform.releases.parts import MASK
from tinycontainer.network.platform.signer.refusal import RefusalReason, SigningRefused
from tinycontainer.network.platform.signer.request import (
    MAX_ANSWER_BYTES,
    SigningRequest,
    read_problem,
    read_request,
)
from tinycontainer_tokens import Profile

GOOD: dict[str, Any] = {
    "uid": "626f78",
    "number": 3,
    "part": "mask",
    "profile": "rfc9052",
    "payload": "oA==",
    "covered": None,
}


def read(**changes: Any) -> SigningRequest:
    return read_request(json.dumps({**GOOD, **changes}).encode())


def refusal_of(body: bytes) -> str:
    with pytest.raises(SigningRefused) as caught:
        read_request(body)
    assert caught.value.reason is RefusalReason.ANSWER
    assert caught.value.text.isascii()
    assert caught.value.text.isprintable()
    return caught.value.text


def test_a_good_answer_becomes_a_value() -> None:
    found = SigningRequest(b"box", 3, MASK, Profile.RFC9052, b"\xa0", None)
    assert read() == found
    assert read(covered="").covered == b""
    assert read(number=(1 << 64) - 1, uid="61" * 63).number == (1 << 64) - 1


@pytest.mark.clause("TC-PLAT-25")
@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"uid": "626F78"}, "small hexadecimal digits"),
        ({"uid": "62 6f"}, "small hexadecimal digits"),
        ({"uid": "626"}, "small hexadecimal digits"),
        ({"uid": "626f78\n"}, "small hexadecimal digits"),
        ({"uid": ""}, "small hexadecimal digits"),
        ({"uid": 6}, "small hexadecimal digits"),
        ({"uid": "61" * 64}, "more than 63 bytes"),
        ({"number": True}, "not an integer"),
        ({"number": "3"}, "not an integer"),
        ({"number": 3.0}, "not an integer"),
        ({"number": -1}, "not an integer"),
        ({"number": 1 << 64}, "not an integer"),
        ({"part": "endpoint-01"}, "is no part"),
        ({"part": "\x1b2J"}, "\\x1b2J is no part"),
        ({"part": "[2J"}, "one flat object"),
        ({"part": None}, "not a text"),
        ({"profile": "rfc9053"}, "profile is none of"),
        ({"profile": None}, "profile is none of"),
        ({"payload": None}, "payload is not a text"),
        ({"payload": "oA"}, "payload is not in base64"),
        ({"payload": "oA==\n"}, "payload is not in base64"),
        ({"payload": "oB=="}, "payload is not in base64"),
        ({"payload": "\u00f6A=="}, "payload is not in base64"),
        ({"payload": base64.b64encode(bytes(513)).decode()}, "at most 512"),
        ({"covered": 4}, "covered is not a text"),
        ({"covered": "-_"}, "covered is not in base64"),
        ({"more": 1}, "unknown field more"),
        ({"\x1b": 1}, "unknown field \\x1b"),
    ],
)
def test_a_field_of_another_form_is_refused(changes: dict[str, Any], problem: str) -> None:
    assert problem in refusal_of(json.dumps({**GOOD, **changes}).encode())


@pytest.mark.clause("TC-PLAT-25")
@pytest.mark.parametrize("name", sorted(GOOD))
def test_a_field_that_is_missing_is_refused(name: str) -> None:
    rest = {key: value for key, value in GOOD.items() if key != name}
    assert f"lacks {name}" in refusal_of(json.dumps(rest).encode())


@pytest.mark.clause("TC-PLAT-25")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"7",
        b"NaN",
        b'"{"',
        b"{",
        b"{}}",
        b"[" * 1_000_000,
        b'{"uid":' * 100_000,
        b"\xff{}",
        b"{" + b",".join(b'"%d": 1' % number for number in range(100_000)) + b"}",
        json.dumps(GOOD).encode("utf-16"),
        json.dumps(GOOD).encode() + b" x",
        b'{"number": ' + b"9" * 5000 + b"}",
        b'{"number": NaN}',
        b'{"number": 1, "number": 1}',
        b" " * (MAX_ANSWER_BYTES + 1),
    ],
)
def test_what_is_no_flat_object_of_json_is_refused(body: bytes) -> None:
    assert "the platform's answer cannot be used" in refusal_of(body)


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda each: each.encode()))
def test_no_bytes_make_the_reader_fail_in_another_way(body: bytes) -> None:
    refusal_of(body)
    assert read_problem(body).isascii()


def test_the_detail_of_a_problem_is_escaped_and_cut() -> None:
    assert read_problem(b'{"detail": "not \\u001b[2J\\nyours"}') == "not \\x1b[2J\\x0ayours"
    assert len(read_problem(json.dumps({"detail": "a" * 9999}).encode())) == 303
    assert read_problem(json.dumps({"detail": "\ud800"}).encode()) == "\\xed\\xa0\\x80"


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b'{"detail": 7}', b"{}", b"\xff", b"[" * 9999, b'{"detail": "' + b"a" * 70_000],
)
def test_a_problem_without_a_detail_has_none(body: bytes) -> None:
    assert read_problem(body) == ""
