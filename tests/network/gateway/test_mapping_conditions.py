"""Conditions of a request: tags of what there is, and of what there is not."""

from collections.abc import Callable

import httpx
import pytest
from support.fake_device import FakeDevice, cbor, reply

pytest.importorskip("starlette")
pytest.importorskip("aiocoap")
from tinycontainer.network.agent.requests.message import Option

Ask = Callable[..., httpx.Response]
METADATA = "/tc/c/00/m"
BOX = "/tc/c/00"


@pytest.mark.clause("TC-GW-47")
def test_a_tag_of_the_device_goes_to_the_client_and_back(ask: Ask, fake: FakeDevice) -> None:
    tag = (Option.ETAG, b"\x01\x00\xff")
    fake.answers(reply("2.05", b"x", tag), reply("2.03", b"", tag))
    first = ask("GET", METADATA)
    assert first.headers["etag"] == '"0100ff"'
    second = ask("GET", METADATA, headers={"If-None-Match": first.headers["etag"]})
    assert fake.asked[1].all(Option.ETAG) == [b"\x01\x00\xff"]
    assert (second.status_code, second.content) == (304, b"")
    assert second.headers["etag"] == '"0100ff"'
    assert "content-type" not in second.headers


@pytest.mark.clause("TC-GW-47")
@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ('"01", "0203"', [b"\x01", b"\x02\x03"]),
        ('W/"01"', [b"\x01"]),
        ('"01", "no tag of a device", 02, ""', [b"\x01"]),
        ('"000102030405060708"', []),
        ("*", []),
        ("", []),
        ('"', []),
        ('"²³"'.encode(), []),
        (",".join(f'"{n:02x}"' for n in range(8)), [bytes([n]) for n in range(8)]),
    ],
)
def test_tags_that_a_client_has_are_sent(
    ask: Ask, fake: FakeDevice, given: str, sent: list[bytes]
) -> None:
    fake.answers(reply("2.05", b"x"))
    assert ask("GET", METADATA, headers={"If-None-Match": given}).status_code == 200
    assert fake.asked[0].all(Option.ETAG) == sent


@pytest.mark.clause("TC-GW-47")
def test_nothing_is_not_modified_for_whoever_has_nothing(ask: Ask, fake: FakeDevice) -> None:
    fake.answers(reply("2.03"))
    for method, content in (("GET", None), ("PUT", b"x")):
        found = ask(method, METADATA, content=content)
        assert (found.status_code, found.json()["title"]) == (502, "bad answer")


@pytest.mark.clause("TC-GW-47")
@pytest.mark.parametrize("tag", [b"", b"123456789"])
def test_a_tag_of_another_length_is_none(ask: Ask, fake: FakeDevice, tag: bytes) -> None:
    fake.answers(reply("2.05", b"x", (Option.ETAG, tag)))
    assert "etag" not in ask("GET", METADATA).headers


@pytest.mark.clause("TC-GW-48")
@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ('"01ff"', [b"\x01\xff"]),
        ('"01", "02"', [b"\x01", b"\x02"]),
        ('"nothing", "02"', [b"\x02"]),
        ("*", [b""]),
        ([("If-Match", '"01"'), ("If-Match", '"02"')], [b"\x01", b"\x02"]),
    ],
)
def test_a_change_of_what_is_expected_is_conditional(
    ask: Ask, fake: FakeDevice, given: object, sent: list[bytes]
) -> None:
    fake.answers(reply("2.04"))
    headers = given if isinstance(given, list) else {"If-Match": given}
    assert ask("PUT", BOX, content=b"x", headers=headers).status_code == 204
    assert fake.asked[0].all(Option.IF_MATCH) == sent


@pytest.mark.clause("TC-GW-48")
@pytest.mark.parametrize(
    "given", ['"nothing"', 'W/"01"', '"000102030405060708"', '""', "", "01", '"0"', '"', "**"]
)
def test_a_change_of_what_no_device_has_is_not_made(ask: Ask, fake: FakeDevice, given: str) -> None:
    fake.answers(reply("2.04"))
    found = ask("PUT", BOX, content=b"x", headers={"If-Match": given})
    assert (found.status_code, fake.asked) == (412, [])


@pytest.mark.clause("TC-GW-48")
def test_a_change_of_what_there_is_not_is_conditional(ask: Ask, fake: FakeDevice) -> None:
    fake.answers(reply("2.01"), reply("4.12"))
    first, second = (
        ask("PUT", BOX, content=b"x", headers={"If-None-Match": "*"}) for _ in range(2)
    )
    assert (first.status_code, second.status_code) == (201, 412)
    assert fake.asked[0].all(Option.IF_NONE_MATCH) == [b""]


@pytest.mark.clause("TC-GW-48")
@pytest.mark.parametrize("given", ['"01"', '"01", *'])
def test_a_condition_that_a_device_does_not_know_is_refused(
    ask: Ask, fake: FakeDevice, given: str
) -> None:
    fake.answers(reply("2.04"))
    found = ask("PUT", BOX, content=b"x", headers={"If-None-Match": given})
    assert (found.status_code, fake.asked) == (400, [])


@pytest.mark.clause("TC-GW-48")
@pytest.mark.parametrize("name", ["If-Match", "If-None-Match"])
def test_too_many_tags_are_refused(ask: Ask, fake: FakeDevice, name: str) -> None:
    fake.answers(cbor({}))
    many = ", ".join(['"01"'] * 9)
    assert ask("GET", METADATA, headers={name: many}).status_code == 400
    assert fake.asked == []
