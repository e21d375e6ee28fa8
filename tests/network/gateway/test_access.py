"""Who may do what over HTTP, what is written of it, and what never is."""

import json
import socket
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.fake_device import FakeDevice, cbor, reply, take
from support.gateways import Gateway, register, running_gateway, wait_until, write_gateway_file
from support.raw_http import ask_raw, exchange, status_of

pytest.importorskip("starlette")
pytest.importorskip("aiocoap")
pytest.importorskip("httptools")
from tinycontainer.network.gateway.audit import AuditFile
from tinycontainer.network.gateway.gateway_file import TokenVerb

TEMPLATE = """
audit = "audit.log"
[http]
bind = "{http}"
[coap]
bind = "{coap}"
insecure = true
[limits]
cache_ms = 0
"""
TOKEN = """
[[tokens]]
name = "{name}"
sha256 = "{sha256}"
verbs = {verbs}
{more}
"""
SECRET = "s3cret-of-"
OCTETS = {"Content-Type": "application/octet-stream"}


def token_table(name: str, *verbs: str, more: str = "") -> str:
    """A holder, whose token is its name with something secret before it."""
    digest = sha256(f"{SECRET}{name}".encode()).hexdigest()
    return TOKEN.format(name=name, sha256=digest, verbs=json.dumps(verbs), more=more)


def bearer(name: str) -> dict[str, str]:
    """The header of a holder."""
    return {"Authorization": f"Bearer {SECRET}{name}"}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, fake: FakeDevice) -> Iterator[Gateway]:
    """A gateway with a holder for each verb, for all of them, and for a group without a device."""
    tables = [token_table(verb, verb) for verb in TokenVerb]
    tables.append(token_table("all", *TokenVerb))
    tables.append(token_table("elsewhere", *TokenVerb, more='groups = ["other"]'))
    file = write_gateway_file(tmp_path_factory.mktemp("access"), "".join(tables), template=TEMPLATE)
    with running_gateway(file) as running:
        register(running, "fake", fake.base)
        yield running


BOX = "/devices/fake/tc/c/00"
REQUESTS: dict[str, tuple[str, str, dict[str, Any], tuple[str, ...]]] = {
    "list": ("GET", "/devices", {}, ("read",)),
    "show": ("GET", "/devices/fake", {}, ("read",)),
    "device": ("GET", "/devices/fake/tc", {}, ("read",)),
    "look": ("GET", BOX, {}, ("read",)),
    "head": ("HEAD", BOX, {}, ("read",)),
    "events": ("GET", "/devices/fake/tc/e", {}, ("read",)),
    "evidence": ("GET", f"/devices/fake/tc/ev?nonce={'00' * 16}", {}, ("read",)),
    "load": ("PUT", BOX, {}, ("load",)),
    "replace": ("PUT", BOX, {"If-Match": "*"}, ("load", "delete")),
    "start": ("POST", f"{BOX}?start", {}, ("start",)),
    "stop": ("POST", f"{BOX}?stop", {}, ("stop",)),
    "kill": ("POST", f"{BOX}?kill", {}, ("stop",)),
    "delete": ("DELETE", BOX, {}, ("delete",)),
    "metadata": ("PUT", f"{BOX}/m", {}, ("reconfigure",)),
    "withdraw": ("POST", f"{BOX}/w", {}, ("delete",)),
    "judge": ("POST", "/devices/fake/tc/j", {}, ("load",)),
    "update": ("POST", "/devices/fake/tc/su", {}, ("update",)),
    "identify": ("POST", "/devices/fake/device-id/", {}, ("identify",)),
    "identity": ("GET", "/devices/fake/device-id/", {}, ("read",)),
    "one load": ("POST", "/devices/fake/container/?action=load", {}, ("load",)),
    "one start": ("PUT", "/devices/fake/container/?action=start&uid=00", {}, ("start",)),
    "one stop": ("PUT", "/devices/fake/container/?action=stop&uid=00", {}, ("stop",)),
    "one delete": ("DELETE", "/devices/fake/container/?action=delete&uid=00", {}, ("delete",)),
    "one look": ("GET", "/devices/fake/container/?action=is-running&uid=00", {}, ("read",)),
    "forward": ("POST", "/devices/fake", {}, ("forward",)),
    "blob": ("GET", f"/blobs/{'00' * 32}", {}, ("store",)),
    "put blob": ("PUT", f"/blobs/{'00' * 32}", {}, ("store",)),
    "metrics": ("GET", "/metrics", {}, ("measure",)),
    "later": ("POST", f"{BOX}?start", {"Prefer": "respond-async"}, ("start",)),
    "stream": ("GET", "/devices/fake/tc", {"Accept": "text/event-stream"}, ("read",)),
}


@pytest.mark.clause("TC-GW-37", "TC-GW-38")
@pytest.mark.parametrize("name", REQUESTS)
def test_a_right_lets_exactly_its_requests_pass(
    gateway: Gateway, fake: FakeDevice, name: str
) -> None:
    method, path, headers, needed = REQUESTS[name]
    fake.does(lambda asked: take(asked, reply("4.04")))
    for verb in TokenVerb:
        found = gateway.ask(method, path, headers={**headers, **bearer(verb)})
        may = needed == (verb.value,)
        assert (found.status_code == 403) != may, verb
        if not may and method != "HEAD":
            assert fake.asked == [] or name == "later"  # a job comes when it comes
            assert found.json()["type"].endswith(":forbidden")
        fake.asked.clear()
    assert gateway.ask(method, path, headers={**headers, **bearer("all")}).status_code != 403


@pytest.mark.clause("TC-GW-36")
@pytest.mark.parametrize(
    "given",
    [
        [],
        ["Authorization:"],
        ["Authorization: Bearer"],
        ["Authorization: Bearer "],
        [f"Authorization: Bearer {SECRET}nobody"],
        [f"Authorization: {SECRET}all"],
        [f"Authorization: Basic {SECRET}all"],
        [f"Authorization: Bearer {SECRET}ALL"],
        [f"Authorization: Bearer {SECRET}all x"],
        [f"Authorization: Bearer {SECRET}all", f"Authorization: Bearer {SECRET}read"],
        ["Authorization: Bearer x", f"Authorization: Bearer {SECRET}all"],
        ["Authorization: Bearer " + "x" * 600],
        [f"Cookie: token={SECRET}all"],
        ["Authorization: Bearer \xff\xfe"],
    ],
)
def test_whoever_is_not_known_learns_nothing(
    gateway: Gateway, fake: FakeDevice, given: list[str]
) -> None:
    fake.answers(cbor({}))
    bodies = set()
    for path in ("/devices/fake/tc/c", "/devices/nobody/tc/c", "/devices", "/metrics", "/jobs/x"):
        answer = ask_raw(gateway.web, "GET", path, *given)
        assert status_of(answer) == 401
        assert b'www-authenticate: Bearer realm="gateway"' in answer
        bodies.add(answer.partition(b"\r\n\r\n")[2])
    assert len(bodies) == 1
    assert fake.asked == []


@pytest.mark.clause("TC-GW-36")
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_has_no_case(gateway: Gateway, scheme: str) -> None:
    answer = ask_raw(gateway.web, "GET", "/devices", f"Authorization: {scheme} {SECRET}all")
    assert status_of(answer) == 200
    assert status_of(ask_raw(gateway.web, "GET", f"/devices?access_token={SECRET}all")) == 401


@pytest.mark.clause("TC-GW-38")
def test_a_device_of_another_group_does_not_exist(gateway: Gateway, fake: FakeDevice) -> None:
    fake.answers(cbor([]))
    assert gateway.ask("GET", "/devices", headers=bearer("elsewhere")).json() == []
    for method, path, headers, _ in REQUESTS.values():
        if not path.startswith("/devices/") or method == "HEAD":
            continue
        asked = {**headers, **bearer("elsewhere")}
        hidden = gateway.ask(method, path, headers=asked)
        unknown = gateway.ask(method, path.replace("/fake", "/nope"), headers=asked)
        assert hidden.status_code == unknown.status_code == 404
        assert hidden.text.replace("fake", "nope") == unknown.text
        assert {*hidden.headers} == {*unknown.headers}
    assert fake.asked == []


def audit_of(gateway: Gateway) -> list[dict[str, Any]]:
    """The lines of the audit."""
    path = Path(gateway._err).with_name("audit.log")
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.clause("TC-GW-40")
def test_the_audit_says_who_asked_what_and_what_came_of_it(
    gateway: Gateway, fake: FakeDevice
) -> None:
    fake.answers(reply("4.09"))
    gateway.ask("PUT", BOX, headers=bearer("load"), content=b"x")
    last = audit_of(gateway)[-1]
    assert last.pop("time_s") > 1_700_000_000
    assert last == {
        "who": "load",
        "method": "PUT",
        "path": BOX,
        "device": "fake",
        "status": 409,
        "problem": "refused",
    }
    ask_raw(gateway.web, "GET", "/devices/fake/tc%3Fx%23y%0Az")
    assert audit_of(gateway)[-1]["path"] == "/devices/fake/tc?x#y\\x0az"


SECRETS = ("s3cret-of-", "payl0ad-", "qu3ry-", "r3ason-")


@pytest.mark.clause("TC-GW-40", "TC-GW-41")
def test_no_secret_is_written_anywhere(gateway: Gateway, fake: FakeDevice) -> None:
    content = b"payl0ad-" * 300

    def answers() -> Iterator[Any]:
        from support.fake_device import problem  # noqa: PLC0415

        while True:
            yield reply("2.05", content[:900])
            yield problem("4.09", "r3ason-Of-It", "payl0ad-")
            yield reply("2.04", b"payl0ad-")

    each = answers()
    fake.does(lambda asked: take(asked, next(each)))
    for method, path, headers, _ in REQUESTS.values():
        if "stream" in headers.get("Accept", ""):
            continue
        joined = f"{path}{'&' if '?' in path else '?'}qu3ry-=1"
        for who in ("all", "read", "nobody"):
            given = {**OCTETS, **headers, **bearer(who)}
            gateway.ask(method, joined, headers=given, content=content)
    garbage = f"Authorization: Bearer {SECRET}all payl0ad-\r\n\r\n".encode()
    for sent in (garbage, b"\x00\xff" * 99 + garbage, b"GET / HTTP/9.9\r\n" + garbage):
        exchange(gateway.web, sent, ends=True)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        host, _, port = gateway.coap.removeprefix("coap://").rpartition(":")
        for sent in (b"\x00", b"\x40\x01\x00", b"\x40\x03\x00\x00\xb8payl0ad-\xff", garbage):
            sender.sendto(sent, (host, int(port)))
    assert gateway.ask("GET", "/devices", headers=bearer("all")).status_code == 200
    metrics = gateway.ask("GET", "/metrics", headers=bearer("all")).text
    audit = Path(gateway._err).with_name("audit.log").read_text()
    for secret in SECRETS:
        for written in (audit, metrics, gateway.complaints()):
            assert secret not in written
    assert "Traceback" not in gateway.complaints()
    assert "fake" not in metrics
    assert 'status="409"' in metrics
    assert 'gateway_devices{presence="awake"} 1.0' in metrics
    names = [*TokenVerb, "elsewhere"]
    labels = {part for line in metrics.splitlines() for part in line.split('"')[1::2]}
    assert labels.isdisjoint(names)


@pytest.mark.clause("TC-GW-39")
def test_who_asks_too_often_waits_and_others_do_not(tmp_path: Path, fake: FakeDevice) -> None:
    fake.answers(cbor([]))
    rates = "requests_per_s = 2\ndevice_requests_per_s = 1\n"
    tables = token_table("one", "read") + token_table("two", "read") + token_table("three", "read")
    file = write_gateway_file(tmp_path, rates + tables, template=TEMPLATE)
    with running_gateway(file) as gateway:
        register(gateway, "fake", fake.base)
        found = [gateway.ask("GET", "/devices", headers=bearer("one")) for _ in range(10)]
        late = next(each for each in found if each.status_code == 429)
        assert int(late.headers["retry-after"]) >= 1
        assert found[0].status_code == 200
        assert gateway.ask("GET", "/devices", headers=bearer("two")).status_code == 200
        looked = [
            gateway.ask("GET", "/devices/fake/tc/c", headers=bearer("three")) for _ in range(4)
        ]
        assert [each.status_code for each in looked][:2] == [200, 200]
        assert looked[2].json()["detail"] == "the device is asked too often"
        assert int(looked[2].headers["retry-after"]) >= 1


@pytest.mark.clause("TC-GW-40")
def test_a_full_audit_begins_anew_and_one_that_is_gone_as_well(tmp_path: Path) -> None:
    more = "audit_bytes = 4096\n" + token_table("all", *TokenVerb)
    file = write_gateway_file(tmp_path, more, template=TEMPLATE)
    audit = tmp_path / "audit.log"
    with running_gateway(file) as gateway, httpx.Client(trust_env=False) as client:

        def ask() -> int:
            return client.get(gateway.web + "/devices", headers=bearer("all")).status_code

        assert {ask() for _ in range(60)} == {200}
        old = audit.with_name("audit.log.1")
        assert old.stat().st_size <= 4096
        assert old.stat().st_mode & 0o777 == audit.stat().st_mode & 0o777 == 0o600
        audit.unlink()
        assert {ask() for _ in range(60)} == {200}
        assert audit.exists()
        audit.unlink()
        audit.mkdir()
        (audit / "in the way").touch()
        old.unlink()
        old.mkdir()
        (old / "in the way").touch()
        assert {ask() for _ in range(60)} == {200}
        metrics = client.get(gateway.web + "/metrics", headers=bearer("all")).text
    (lost,) = [line for line in metrics.splitlines() if line.startswith("gateway_audit_lost{")]
    assert float(lost.split()[-1]) > 0


@pytest.mark.clause("TC-GW-42")
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost:{port}"}, 200),
        ({"Host": "[::1]:{port}"}, 200),
        ({"Host": "evil.example"}, 403),
        ({"Host": "localhost.evil.example:{port}"}, 403),
        ({"Host": "localhost@evil.example"}, 403),
        ({"Host": ""}, 403),
        ({"Host": "[::1].evil.example"}, 403),
        ({"Origin": "http://{own}"}, 200),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
    ],
)
def test_without_tokens_pages_of_others_get_nothing(
    open_gateway: Gateway, headers: dict[str, str], status: int
) -> None:
    own = open_gateway.web.removeprefix("http://")
    port = own.rpartition(":")[2]
    given = {name: value.format(own=own, port=port) for name, value in headers.items()}
    found = open_gateway.ask("GET", "/devices", headers=given)
    assert found.status_code == status
    assert "access-control-allow-origin" not in found.headers


@pytest.fixture(scope="module")
def open_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway without tokens."""
    with running_gateway(write_gateway_file(tmp_path_factory.mktemp("open"))) as running:
        yield running


@pytest.mark.clause("TC-GW-41")
def test_a_head_without_an_end_is_not_kept(open_gateway: Gateway) -> None:
    def held_bytes() -> int:
        pages = Path(f"/proc/{open_gateway.process.pid}/statm").read_text().split()[1]
        return int(pages) * 4096

    before = held_bytes()
    head = b"GET /devices HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * (32 << 20)
    try:
        answer = exchange(open_gateway.web, head)
    except (BrokenPipeError, ConnectionResetError):
        answer = b""
    assert answer == b"" or status_of(answer) in (400, 431)
    assert held_bytes() - before < 8 << 20
    wait_until(lambda: open_gateway.ask("GET", "/devices").status_code == 200)


@pytest.mark.clause("TC-GW-40")
def test_who_is_turned_away_often_is_noted_once_a_second(tmp_path: Path) -> None:
    now_s = [100.0]
    path = tmp_path / "audit.jsonl"
    audit = AuditFile(path, 1 << 20, lambda: now_s[0])
    for _ in range(50):
        audit.note_turned_away({"status": 401})
    audit.note({"status": 200})
    now_s[0] += 1
    audit.note_turned_away({"status": 401})
    audit.close()
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(row["status"], row.get("more")) for row in rows] == [
        (401, None),
        (200, None),
        (401, 49),
    ]
