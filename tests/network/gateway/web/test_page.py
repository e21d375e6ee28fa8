"""The page in a real browser: live, inert whatever devices say, and silent about its token."""

import hashlib
import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from playwright.sync_api import Page, expect
from support.browsers import RealBrowser
from support.gateways import Gateway, register, running_gateway, write_gateway_file
from support.project import Program
from support.serving import make_desk, serving

pytest.importorskip("starlette")
pytest.importorskip("aiocoap")

from support.false_gateway import as_stream, false_gateway

from tinycontainer.network.gateway.web.page import read_page_files

BOX = "/devices/desk/tc/c/626f78"
OCTETS = {"Content-Type": "application/octet-stream"}
MOST_S = 2.0
TOKEN = "a-token-that-nobody-is-to-see-0123456789"
HOSTILE = '<img src=x onerror="window.owned=1"><script>window.owned=2</script>'
TOKENS = """
[http]
bind = "{http}"
[coap]
bind = "{coap}"
insecure = true
[[tokens]]
name = "looker"
"""


def with_token(directory: Path, verbs: list[str]) -> Path:
    """A file of a gateway that one token can ask."""
    digest = hashlib.sha256(TOKEN.encode()).hexdigest()
    token = f"sha256 = {json.dumps(digest)}\nverbs = {json.dumps(verbs)}\n"
    return write_gateway_file(directory, token, template=TOKENS)


def join(gateway: Gateway, name: str, base: str) -> None:
    """Register a device, in another thread: the browser's loop runs in this one."""
    with ThreadPoolExecutor(1) as other:
        other.submit(register, gateway, name, base).result()


def give_token(page: Page, token: str) -> None:
    """Type a token into the page."""
    page.locator("#token").fill(token)
    page.locator("#token").press("Enter")


def shows(page: Page, place: str, text: str) -> None:
    """Wait until a text is to be read at a place."""
    expect(page.locator(place)).to_contain_text(text)


def test_who_looks_sees_devices_and_containers_change(
    tmp_path: Path, program: Program, browser: RealBrowser
) -> None:
    port = make_desk(tmp_path, program)
    bundle = (tmp_path / "box.tcb").read_bytes()
    page = browser.page()
    with (
        serving(tmp_path, port) as served,
        running_gateway(write_gateway_file(tmp_path)) as gateway,
    ):
        page.goto(gateway.web + "/#/devices/desk")
        shows(page, "#empty", "No device is here yet")
        began_s = time.monotonic()
        join(gateway, "desk", served.uri)
        shows(page, "#devices tbody", "desk")
        assert time.monotonic() - began_s < MOST_S
        shows(page, "#containers-state", "No container")
        assert gateway.ask("PUT", BOX, content=bundle, headers=OCTETS).status_code == 201
        shows(page, "#containers tbody", "READY")
        began_s = time.monotonic()
        assert gateway.ask("POST", f"{BOX}?start").status_code == 204
        shows(page, "#containers tbody", "RUNNING")
        assert time.monotonic() - began_s < MOST_S
        shows(page, "#events", "loaded")
        waits = {"Prefer": "respond-async"}
        assert gateway.ask("POST", f"{BOX}?stop", headers=waits).status_code == 202
        shows(page, "#jobs tbody", "done")


def test_the_page_comes_back_with_its_gateway(tmp_path: Path, browser: RealBrowser) -> None:
    file = write_gateway_file(tmp_path)
    page = browser.page()
    connection = page.locator("#connection")
    with running_gateway(file) as gateway:
        page.goto(gateway.web)
        expect(connection).to_have_text("Live")
        assert gateway.end() == 0
    expect(connection).not_to_have_text("Live")
    with running_gateway(file) as gateway:
        expect(connection).to_have_text("Live")
        join(gateway, "late", "coap://127.0.0.1:9")
        shows(page, "#devices tbody", "late")


def test_the_filter_is_in_the_address_and_the_device_a_link(
    tmp_path: Path, browser: RealBrowser
) -> None:
    page = browser.page()
    with running_gateway(write_gateway_file(tmp_path)) as gateway:
        for name in ("north-1", "north-2", "south-1"):
            join(gateway, name, "coap://127.0.0.1:9")
        page.goto(gateway.web + "/?filter=north")
        expect(page.locator("#count")).to_have_text("2 of 3 devices")
        page.locator("#filter").press("End")
        page.keyboard.type(" 2")
        expect(page.locator("#count")).to_have_text("1 of 3 devices")
        assert urlsplit(page.url).query.startswith("filter=")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.locator("#name")).to_have_text("north-2")
        assert urlsplit(page.url).fragment == "/devices/north-2"
        expect(page.locator("#name")).to_be_focused()


def test_a_token_is_in_no_address_and_no_text(tmp_path: Path, browser: RealBrowser) -> None:
    page = browser.page()
    with running_gateway(with_token(tmp_path, ["read"])) as gateway:
        join(gateway, "desk", "coap://127.0.0.1:9")
        page.goto(gateway.web)
        give_token(page, "another-token")
        shows(page, "#entry-problem", "does not know")
        give_token(page, TOKEN)
        shows(page, "#devices tbody", "desk")
        page.evaluate("location.hash = '#/devices/desk'")
        expect(page.locator("#name")).to_have_text("desk")
        assert TOKEN not in page.url + page.content()
        expect(page.locator("#token")).to_have_value("")
        assert page.evaluate("document.cookie + JSON.stringify({...localStorage})") == "{}"
        assert [each.url for each in browser.requests if TOKEN in each.url] == []
        page.reload()
        expect(page.locator("#connection")).to_have_text("Live")
        page.locator("#forget").click()
        expect(page.locator("#entry")).to_be_visible()
        assert page.evaluate("sessionStorage.length") == 0
        assert "desk" not in page.inner_text("body")


def test_who_may_not_read_is_told_what_to_do(tmp_path: Path, browser: RealBrowser) -> None:
    page = browser.page()
    with running_gateway(with_token(tmp_path, ["measure"])) as gateway:
        page.goto(gateway.web)
        give_token(page, TOKEN)
        shows(page, "#notice", "This is not allowed")
        shows(page, "#notice", "Ask whoever runs the gateway")
        expect(page.locator("#forget")).to_be_visible()


def test_a_busy_gateway_is_asked_again(browser: RealBrowser) -> None:
    problem = {"status": 503, "detail": "too many streams are open"}
    page = browser.page()
    with false_gateway({"/devices": problem}, 503) as address:
        page.goto(address)
        shows(page, "#notice", "Close other pages")
        with page.expect_request(address + "/devices"):
            pass


def test_a_device_that_refuses_says_what_to_do(browser: RealBrowser) -> None:
    device = {
        "name": "desk", "groups": [], "presence": "awake", "protected": True, "heard_s": 1,
        "back_s": 0, "jobs": 0,
    }  # fmt: skip
    problem = {"status": 403, "detail": "no right to read", "code": "4.03"}
    answers = {
        "/devices": as_stream(("device", device), ("complete", {})),
        "/devices/desk/tc/c": as_stream(("refused", problem)),
        "/devices/desk/jobs": [],
    }
    page = browser.page()
    with false_gateway(answers) as address:
        page.goto(address + "/#/devices/desk")
        shows(page, "#containers-state", "Its file has to give")


@pytest.mark.parametrize("name", [HOSTILE, "x'\"><b onmouseover=alert(1)>", "javascript:alert(1)"])
def test_what_devices_say_stays_text(browser: RealBrowser, name: str) -> None:
    page = browser.page()
    with false_gateway(hostile_answers(name)) as address:
        page.goto(address)
        rows = page.locator("#devices tbody tr")
        expect(rows).to_have_count(1)
        rows.locator("a").click()
        for place in ("#name", "#facts", "#containers", "#jobs", "#events"):
            shows(page, place, name)
        assert page.evaluate("document.images.length") == 0
        assert page.evaluate("document.scripts.length") == 1
        expect(page.locator("main b[onmouseover]")).to_have_count(0)
        assert page.evaluate("window.owned === undefined")
        links = page.evaluate("[...document.links].map(each => each.protocol + '//' + each.host)")
        assert set(links) == {address}


def hostile_answers(name: str) -> dict[str, object]:
    """What a gateway would answer that passes on everything as devices say it."""
    device = {
        "name": name, "groups": [name], "presence": "awake", "protected": False, "heard_s": 1,
        "back_s": 0, "jobs": 0, "base": name,
    }  # fmt: skip
    container = {"slot": 0, "uid": name, "state": name, "loops": 1, "last_exit": name, "bundle": ""}
    job = {
        "id": name, "state": name, "protected": False, "method": name, "path": name,
        "created_s": 1, "code": name,
    }  # fmt: skip
    below = "/devices/" + quote(name, safe="!'()*~-._")
    event = {"event": name, "time_s": 1, "log": name, name: {name: name}}
    return {
        "/devices": as_stream(("device", device), ("complete", {})),
        f"{below}/tc": {"newest_event": 1},
        f"{below}/tc/c": as_stream(("state", [container])),
        f"{below}/tc/e": as_stream(("event", event), ("event", name), ("event", None)),
        f"{below}/jobs": [job],
    }


def test_a_stream_is_read_alike_however_it_is_cut(browser: RealBrowser) -> None:
    text = (
        ": alive\\r\\n\\r\\nid: 7\\revent: a\\rdata: 1\\r\\r"
        "data: x\\ndata:y\\n\\nevent: b\\n\\nid: 8\\ndata\\n\\n"
    )
    expression = f"""import('/stream.js').then(({{EventParser}}) => {{
        const text = "{text}";
        const seen = new Set();
        for (let size = 1; size <= text.length; size += 1) {{
            const parser = new EventParser();
            const found = [];
            for (let at = 0; at < text.length; at += size)
                found.push(...parser.take(text.slice(at, at + size)));
            seen.add(JSON.stringify(found));
        }}
        return [...seen];
    }})"""
    page = browser.page()
    with false_gateway({}) as address:
        page.goto(address)
        (found,) = page.evaluate(expression)
    assert json.loads(found) == [
        {"kind": "a", "data": "1", "id": "7"},
        {"kind": "message", "data": "x\ny", "id": "7"},
        {"kind": "message", "data": "", "id": "8"},
    ]


def test_the_page_asks_for_nothing_inline_and_no_other_host() -> None:
    for path, (content, _) in read_page_files().items():
        text = content.decode()
        assert "://" not in text, path
        assert "innerHTML" not in text, path
        assert "style=" not in text, path
        assert " on" + "click=" not in text, path


def test_its_files_are_asked_with_its_own_policy(tmp_path: Path) -> None:
    with running_gateway(write_gateway_file(tmp_path)) as gateway:
        for path, (content, media_type) in read_page_files().items():
            found = gateway.ask("GET", path)
            assert found.content == content
            assert found.headers["content-type"] == media_type
            assert "default-src 'none'" in found.headers["content-security-policy"]
