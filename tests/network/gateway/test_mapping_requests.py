"""Methods, paths and queries of HTTP as those of CoAP, and version 1 as well."""

from collections.abc import Callable

import httpx
import pytest
from support.fake_device import FakeDevice, cbor, reply, take
from support.gateways import Gateway
from support.raw_http import ask_raw, status_of

pytest.importorskip("starlette")
pytest.importorskip("aiocoap")
from tinycontainer.network.agent.requests.message import Method, Option

Ask = Callable[..., httpx.Response]
METADATA = "/tc/c/00/m"
KINDS = {
    "/tc": "GET, HEAD",
    "/tc/c": "GET, HEAD",
    "/tc/c/00": "GET, HEAD, PUT, POST, DELETE",
    METADATA: "GET, HEAD, PUT",
    "/tc/c/00/w": "POST",
    "/tc/j": "POST",
    "/tc/su": "GET, HEAD, POST",
    "/tc/e": "GET, HEAD",
    "/tc/ev": "GET, HEAD",
    "/device-id/": "GET, HEAD, POST",
}
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")


@pytest.mark.clause("TC-GW-29")
@pytest.mark.parametrize("path", KINDS)
@pytest.mark.parametrize("method", METHODS)
def test_a_method_is_asked_or_refused_with_those_that_there_are(
    ask: Ask, fake: FakeDevice, method: str, path: str
) -> None:
    fake.answers(reply("4.04"))
    query = "?start" if (method, path) == ("POST", "/tc/c/00") else ""
    found = ask(method, path + query)
    if method in KINDS[path].split(", "):
        assert found.status_code == 404
        wanted = Method.GET if method == "HEAD" else Method[method]
        assert [each.code for each in fake.asked] == [wanted]
        assert fake.asked[0].path == tuple(path.split("/")[1:])
    else:
        assert (found.status_code, found.headers["allow"]) == (405, KINDS[path])
        assert fake.asked == []


@pytest.mark.clause("TC-GW-29")
@pytest.mark.parametrize("method", ["TRACE", "PROPFIND", "FETCH", "SEARCH", "get", "M-SEARCH"])
def test_a_method_that_nobody_knows_is_refused(
    gateway: Gateway, fake: FakeDevice, method: str
) -> None:
    fake.answers(cbor({}))
    answer = ask_raw(gateway.web, method, f"/devices/fake{METADATA}")
    assert status_of(answer) in (400, 405)
    assert (status_of(answer) == 405) == (b"\r\nallow: " in answer)
    assert fake.asked == []


LONG = "a" * 256


@pytest.mark.clause("TC-GW-30")
@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("", 404),
        ("tc/", 404),
        ("tc//c", 404),
        ("/tc", 404),
        ("tc/c/", 404),
        ("tc/./c", 404),
        ("tc/../tc/c", 404),
        ("tc/%2e%2e/tc", 404),
        ("tc%2Fc", 404),
        ("tc/c/00%2Fm", 404),
        ("tc/c/00%00", 404),
        ("tc/c/%00", 404),
        ("tc/c/%ff", 400),
        ("tc/c/%c3%28", 400),
        ("tc/c/%ed%a0%80", 400),
        ("tc/c/%zz", 404),
        ("tc/c/%", 404),
        ("tc/c/0", 404),
        ("tc/c/" + "00" * 64, 404),
        ("tc/c/" + LONG, 400),
        ("a/b/c/d/e/f/g/h/i", 400),
        ("TC/C", 404),
        ("tc/x", 404),
        ("container", 404),
        ("device-id", 404),
        ("tc;x=1", 404),
        ("tc/c#x", 400),
        ("\xff", 400),
    ],
)
def test_a_path_that_no_device_has_is_not_asked(
    gateway: Gateway, fake: FakeDevice, path: str, status: int
) -> None:
    fake.answers(cbor({}))
    found = status_of(ask_raw(gateway.web, "GET", f"/devices/fake/{path}"))
    assert fake.asked == [] or (path, fake.asked[0].path) == ("tc/c#x", ("tc", "c"))
    assert found == status or "#" in path


@pytest.mark.clause("TC-GW-30")
@pytest.mark.parametrize("target", ["/devices/fake%2Ftc", "/devices/fake%2Fx/tc", "//devices/fake"])
def test_an_escaped_slash_is_no_slash(gateway: Gateway, fake: FakeDevice, target: str) -> None:
    fake.answers(cbor({}))
    assert status_of(ask_raw(gateway.web, "GET", target)) == 404
    assert fake.asked == []


@pytest.mark.clause("TC-GW-30")
def test_escapes_and_whole_targets_mean_the_same(gateway: Gateway, fake: FakeDevice) -> None:
    fake.answers(cbor([]))
    for target in ("/devices/f%61ke/t%63/%63", f"{gateway.web}/devices/fake/tc/c"):
        assert status_of(ask_raw(gateway.web, "GET", target)) == 200
    assert [each.path for each in fake.asked] == [("tc", "c")] * 2


@pytest.mark.clause("TC-GW-30")
@pytest.mark.parametrize(
    ("query", "parts"),
    [
        ("", ()),
        ("a", ("a",)),
        ("a=1&b=2", ("a=1", "b=2")),
        ("a=%26%3D&b=%C3%A9", ("a=&=", "b=\u00e9")),
        ("a+b=%2B", ("a+b=+",)),
        ("a=%00", ("a=\0",)),
        ("&".join("abcdefgh"), tuple("abcdefgh")),
        ("a=" + "b" * 253, ("a=" + "b" * 253,)),
    ],
)
def test_a_query_arrives_in_its_parts(
    gateway: Gateway, fake: FakeDevice, query: str, parts: tuple[str, ...]
) -> None:
    fake.answers(cbor({}))
    ask_raw(gateway.web, "GET", f"/devices/fake{METADATA}?{query}")
    assert fake.asked[0].query == parts


@pytest.mark.clause("TC-GW-30")
@pytest.mark.parametrize(
    "query",
    [
        "&".join("abcdefghi"),
        "a=" + "b" * 254,
        "%ff",
        "\xff",
        "&".join(f"{letter}=" + "%41" * 250 for letter in "abc"),
        "a&a",
        "a=1&a=2",
        "id=1",
        "id=" + "g" * 16,
        "id=0011223344556677&id=0011223344556677",
        "blob=" + "00" * 32,
    ],
)
def test_a_query_that_no_device_has_is_not_asked(
    gateway: Gateway, fake: FakeDevice, query: str
) -> None:
    fake.answers(cbor({}))
    assert status_of(ask_raw(gateway.web, "GET", f"/devices/fake{METADATA}?{query}")) == 400
    assert fake.asked == []


ID = "id=00112233445566ff"


@pytest.mark.clause("TC-GW-31")
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/tc/c/00"),
        ("POST", "/tc/c/00?stop"),
        ("DELETE", "/tc/c/00"),
        ("PUT", METADATA),
        ("POST", "/tc/su"),
    ],
)
def test_a_change_has_an_id(ask: Ask, fake: FakeDevice, method: str, path: str) -> None:
    fake.does(lambda asked: take(asked, reply("2.04")))
    for _ in range(2):
        ask(method, path)
    first, second = (each.query[-1] for each in fake.asked)
    assert first != second
    assert all(each.startswith("id=") and len(each) == 19 for each in (first, second))
    given = f"{path}{'&' if '?' in path else '?'}{ID}"
    ask(method, given)
    assert fake.asked[-1].query.count(ID) == 1
    assert sum(each.startswith("id=") for each in fake.asked[-1].query) == 1


@pytest.mark.clause("TC-GW-31")
def test_what_changes_nothing_has_no_id(ask: Ask, fake: FakeDevice) -> None:
    fake.answers(cbor({}))
    ask("GET", METADATA)
    ask("POST", "/tc/j", content=b"x")
    ask("GET", f"{METADATA}?{ID}")
    assert [each.query for each in fake.asked] == [(), (), (ID,)]


@pytest.mark.clause("TC-GW-31")
def test_a_query_that_is_full_leaves_no_room_for_an_id(ask: Ask, fake: FakeDevice) -> None:
    fake.answers(reply("2.04"))
    full = "&".join("abcdefgh")
    assert ask("PUT", f"{METADATA}?{full}", content=b"x").status_code == 400
    assert fake.asked == []


@pytest.mark.clause("TC-GW-29")
@pytest.mark.parametrize("query", ["", "?", "?run", "?start&stop", "?start&start"])
def test_a_container_is_told_one_thing(ask: Ask, fake: FakeDevice, query: str) -> None:
    fake.answers(reply("2.04"))
    assert ask("POST", f"/tc/c/00{query}").status_code == 400
    assert fake.asked == []


ONE = "/container/"
ACTIONS = {
    "start": ("PUT", 2),
    "is-running": ("GET", 3),
    "stop": ("PUT", 4),
    "delete": ("DELETE", 5),
}


@pytest.mark.clause("TC-GW-32")
@pytest.mark.parametrize("action", ACTIONS)
def test_an_action_of_version_1_is_in_its_options(ask: Ask, fake: FakeDevice, action: str) -> None:
    method, number = ACTIONS[action]
    fake.answers(reply("2.05", b"", (Option.STATUS, b"\x01")))
    found = ask(method, f"{ONE}?action={action}&uid=626f78")
    assert found.status_code == 200
    asked = fake.asked[0]
    assert (asked.code, asked.path, asked.query) == (Method[method], ("container", ""), ())
    assert asked.options == ((Option.ACTION, bytes([number])), (Option.UID, b"box"))
    if action == "is-running":
        assert found.json() == {"uid": "626f78", "running": True}


@pytest.mark.clause("TC-GW-32")
def test_without_a_status_nothing_is_known_of_version_1(ask: Ask, fake: FakeDevice) -> None:
    fake.answers(reply("2.05", b"\x01"))
    assert ask("GET", f"{ONE}?action=is-running&uid=00").status_code == 502


@pytest.mark.clause("TC-GW-32")
@pytest.mark.parametrize("action", [*ACTIONS, "load"])
@pytest.mark.parametrize("method", METHODS)
def test_an_action_has_one_method(ask: Ask, fake: FakeDevice, method: str, action: str) -> None:
    right = ACTIONS.get(action, ("POST", 1))[0]
    allowed = "GET, HEAD" if right == "GET" else right
    if method in allowed.split(", "):
        return
    fake.answers(reply("4.05"))
    found = ask(method, f"{ONE}?action={action}&uid=00", content=b"")
    assert (found.status_code, found.headers["allow"]) == (405, allowed)
    assert fake.asked == []


@pytest.mark.clause("TC-GW-32")
@pytest.mark.parametrize(
    "query",
    [
        "",
        "?",
        "?uid=00",
        "?action",
        "?action=",
        "?action=run&uid=00",
        "?action=START&uid=00",
        "?action=1&uid=00",
        "?action=start&uid=",
        "?action=start&uid=0",
        "?action=start&uid=zz",
        "?action=start&uid=0%200",
        "?action=start&uid=" + "00" * 64,
        "?action=start&uid=00&uid=00",
        "?action=start&action=stop",
        "?action=start&uid=00&x=1",
        "?action=start&uid=00&id=0011223344556677",
        "?action=start&uid=00&blob=" + "00" * 32,
        "?action=start&",
    ],
)
def test_what_version_1_does_not_know_is_not_asked(ask: Ask, fake: FakeDevice, query: str) -> None:
    fake.answers(reply("2.04"))
    assert ask("PUT", ONE + query).status_code == 400
    assert fake.asked == []


@pytest.mark.clause("TC-GW-32")
def test_a_missing_uid_is_for_the_device_to_refuse(ask: Ask, fake: FakeDevice) -> None:
    fake.answers(reply("4.00"))
    assert ask("PUT", f"{ONE}?action=start").status_code == 400
    assert len(fake.asked) == 1


@pytest.mark.clause("TC-GW-32")
@pytest.mark.parametrize("content", [b"", b"no bundle", bytes(3000)])
def test_what_is_no_bundle_is_not_loaded(ask: Ask, fake: FakeDevice, content: bytes) -> None:
    fake.answers(reply("2.01"))
    found = ask("POST", f"{ONE}?action=load", content=content)
    assert (found.status_code, fake.asked) == (400, [])


@pytest.mark.clause("TC-GW-32")
@pytest.mark.parametrize("size", [10, 900, 3000, 3100, 70_000])
def test_a_bundle_goes_into_options_if_a_message_can_hold_it(
    ask: Ask, fake: FakeDevice, size: int
) -> None:
    from tinycontainer.metadata import Bundle  # noqa: PLC0415

    fake.answers(reply("2.01"))
    content = Bundle(b"m", b"d", bytes(size)).encode()
    found = ask("POST", f"{ONE}?action=load", content=content)
    if size <= 3000:
        assert found.status_code == 201
        assert fake.asked[0].option(Option.CODE) == bytes(size)
    else:
        assert (found.status_code, found.json()["title"]) == (413, "too large")
        assert fake.asked == []
