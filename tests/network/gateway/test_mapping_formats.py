"""Content formats of CoAP and media types of HTTP, in both directions."""

from collections.abc import Callable

import httpx
import pytest
from support.fake_device import FakeDevice, cbor, reply

pytest.importorskip("starlette")
pytest.importorskip("aiocoap")
from tinycontainer.network.agent.requests.message import Option, from_uint, to_uint

Ask = Callable[..., httpx.Response]
METADATA = "/tc/c/00/m"
FORMAT = int(Option.CONTENT_FORMAT)
KNOWN = {
    0: "text/plain; charset=utf-8",
    40: "application/link-format",
    42: "application/octet-stream",
    50: "application/json",
    18: 'application/cose; cose-type="cose-sign1"',
    60: "application/cbor",
    257: "application/concise-problem-details+cbor",
    10001: "application/oscore",
}


@pytest.mark.clause("TC-GW-19")
@pytest.mark.parametrize("number", [*KNOWN, 1, 41, 110, 65535])
def test_a_content_format_becomes_a_media_type_and_back(
    ask: Ask, fake: FakeDevice, number: int
) -> None:
    fake.answers(reply("2.05", b"x", (FORMAT, to_uint(number))))
    media_type = ask("GET", METADATA).headers["content-type"]
    assert media_type == KNOWN.get(number, f"application/coap-payload;cf={number}")
    fake.answers(reply("2.04"))
    sent = ask("PUT", METADATA, content=b"x", headers={"Content-Type": media_type})
    assert sent.status_code == 204
    assert from_uint(fake.asked[0].option(FORMAT) or b"") == number


@pytest.mark.clause("TC-GW-19")
def test_a_payload_without_a_format_is_of_octets(ask: Ask, fake: FakeDevice) -> None:
    fake.answers(reply("2.05", b"x"), reply("2.05"), reply("2.04"))
    assert ask("GET", METADATA).headers["content-type"] == "application/octet-stream"
    assert ask("GET", METADATA).headers["content-type"] == "application/octet-stream"
    assert ask("PUT", METADATA, content=b"x").status_code == 204
    assert fake.asked[-1].option(FORMAT) is None


@pytest.mark.clause("TC-GW-19")
@pytest.mark.parametrize(
    ("media_type", "number"),
    [
        ("TEXT/Plain", 0),
        ("text/plain;charset=UTF-8", 0),
        ('text/plain; charset="utf-8"; x=y', 0),
        ("text/plain; charset=us-ascii", 0),
        ("application/json; charset=utf-8", 50),
        ("application/coap-payload; cf=60", 60),
        ("application/cose", 18),
        ("application/cose;cose-type=cose-sign1", 18),
        ('application/cose; x=y; COSE-Type = "cose-sign1"; z=1', 18),
        ('application/cose; cose-type="cose-sign"', None),
        ('application/cose; cose-type="cose-mac0"', None),
        ("application/coap-payload;cf=65535", 65535),
        ("text/plain; charset=latin-1", None),
        ("text/plain; charset=utf-16", None),
        ("application/coap-payload;cf=65536", None),
        ("application/coap-payload;cf=-1", None),
        ("application/coap-payload", None),
        ("application/x-www-form-urlencoded", None),
        ("multipart/form-data; boundary=x", None),
        ("text/html", None),
        ("", None),
        ("/", None),
        ("a" * 2000, None),
    ],
)
def test_a_media_type_is_known_by_its_name_and_its_characters(
    ask: Ask, fake: FakeDevice, media_type: str, number: int | None
) -> None:
    fake.answers(reply("2.04"))
    found = ask("PUT", METADATA, content=b"x", headers={"Content-Type": media_type})
    if number is None:
        assert (found.status_code, fake.asked) == (415, [])
        assert ("octet-stream" in found.json()["detail"]) == ("form-url" in media_type)
    else:
        assert from_uint(fake.asked[0].option(FORMAT) or b"") == number


@pytest.mark.clause("TC-GW-19")
def test_two_media_types_or_an_encoding_are_refused(ask: Ask, fake: FakeDevice) -> None:
    fake.answers(reply("2.04"))
    two = [("Content-Type", "application/cbor"), ("Content-Type", "application/json")]
    assert ask("PUT", METADATA, content=b"x", headers=two).status_code == 415
    packed = ask("PUT", METADATA, content=b"x", headers={"Content-Encoding": "gzip"})
    assert (packed.status_code, fake.asked) == (415, [])


JSON, CBOR = "application/json", "application/cbor"


@pytest.mark.clause("TC-GW-20")
@pytest.mark.parametrize(
    ("accept", "media_type", "wanted"),
    [
        (None, JSON, None),
        ("", JSON, None),
        ("*/*", JSON, None),
        ("application/*", JSON, None),
        ("application/json", JSON, None),
        ("APPLICATION/JSON", JSON, None),
        ("text/html, application/xhtml+xml, */*;q=0.8", JSON, None),
        ("application/cbor", CBOR, 60),
        ("application/json;q=0.5, application/cbor", CBOR, 60),
        ("application/cbor;q=0.5, application/json", JSON, None),
        ("application/cbor;q=0.001, application/json;q=0.002", JSON, None),
        ("*/*, application/json;q=0.1", CBOR, None),
        ("application/json;q=0, */*", CBOR, None),
        ("application/json; q=0, application/cbor; q=1.000", CBOR, 60),
        ("application/json;q=2", JSON, None),
        ("application/json;q=abc", JSON, None),
        ("application/coap-payload;cf=60", CBOR, 60),
        (",, ;q=1, application/cbor", CBOR, 60),
        ("application/cbor, text/event-stream;q=0.1", CBOR, 60),
        ("application/json, text/event-stream", JSON, None),
        ("text/event-stream;q=0, */*", JSON, None),
    ],
)
def test_what_is_accepted_is_given(
    ask: Ask, fake: FakeDevice, accept: str | None, media_type: str, wanted: int | None
) -> None:
    fake.answers(cbor([]))
    headers = {} if accept is None else {"Accept": accept}
    found = ask("GET", "/tc/c", headers=headers)
    assert (found.status_code, found.headers["content-type"]) == (200, media_type)
    assert found.headers["vary"] == "Accept, Authorization"
    option = fake.asked[0].option(Option.ACCEPT)
    assert (None if option is None else from_uint(option)) == wanted


@pytest.mark.clause("TC-GW-20")
@pytest.mark.parametrize(
    "accept",
    [
        "nonsense",
        "text/html",
        "image/*",
        "application/json;q=0",
        "*/*;q=0",
        "application/coap-payload;cf=70000",
        "q=1",
        ";",
        "a" * 5000,
    ],
)
def test_what_no_device_has_is_not_acceptable(ask: Ask, fake: FakeDevice, accept: str) -> None:
    fake.answers(cbor([]))
    found = ask("GET", "/tc/c", headers={"Accept": accept})
    assert (found.status_code, fake.asked) == (406, [])


@pytest.mark.clause("TC-GW-20")
def test_a_device_chooses_among_what_the_gateway_does_not_make(ask: Ask, fake: FakeDevice) -> None:
    fake.answers(reply("4.06"), reply("2.05", b"t", (FORMAT, b"")))
    found = ask("GET", METADATA, headers={"Accept": "application/json"})
    assert found.status_code == 406
    assert fake.asked[0].option(Option.ACCEPT) == b"\x32"
    text = ask("GET", METADATA, headers={"Accept": "text/*"})
    assert fake.asked[1].option(Option.ACCEPT) == b""
    assert text.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.clause("TC-GW-20")
def test_of_a_change_nothing_is_asked_that_it_does_not_answer(ask: Ask, fake: FakeDevice) -> None:
    fake.answers(reply("2.04"))
    assert ask("PUT", METADATA, content=b"x", headers={"Accept": "text/html"}).status_code == 204
    assert fake.asked[0].option(Option.ACCEPT) is None


@pytest.mark.clause("TC-GW-20")
@pytest.mark.parametrize("path", ["/tc", METADATA])
def test_what_cannot_be_observed_has_no_stream(ask: Ask, fake: FakeDevice, path: str) -> None:
    fake.answers(cbor({}))
    found = ask("GET", path, headers={"Accept": "text/event-stream"})
    assert (found.status_code, fake.asked) == (406, [])


@pytest.mark.clause("TC-GW-20")
def test_a_head_is_no_stream(ask: Ask, fake: FakeDevice) -> None:
    fake.answers(cbor([]))
    found = ask("HEAD", "/tc/c", headers={"Accept": "text/event-stream"})
    assert (found.status_code, found.headers["content-type"]) == (200, "application/json")
