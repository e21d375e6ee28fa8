"""The page in a real browser: live, inert whatever devices say, and silent about its token."""

import hashlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from support.browser import CHROMIUM, Browser, browsing
from support.gateways import register, running_gateway, write_gateway_file
from support.project import Program
from support.serving import make_desk, serving

pytest.importorskip("starlette")
pytest.importorskip("aiocoap")

from support.false_gateway import as_stream, false_gateway

from tinycontainer.network.gateway.web.page import read_page_files

needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
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


@pytest.fixture
def browser() -> Iterator[Browser]:
    """A real browser."""
    with browsing() as found:
        yield found


def text_of(place: str) -> str:
    """An expression for the text of a place in the page."""
    return f"document.querySelector({json.dumps(place)}).innerText"


def with_token(directory: Path, verbs: list[str]) -> Path:
    """A file of a gateway that one token can ask."""
    digest = hashlib.sha256(TOKEN.encode()).hexdigest()
    token = f"sha256 = {json.dumps(digest)}\nverbs = {json.dumps(verbs)}\n"
    return write_gateway_file(directory, token, template=TOKENS)


def give_token(browser: Browser, token: str) -> None:
    """Type a token into the page."""
    browser.wait_for("!document.querySelector('#entry').hidden")
    browser.ask("document.querySelector('#token').focus()")
    browser.do("Input.insertText", text=token)
    browser.ask("document.querySelector('#entry').requestSubmit()")


@needs_browser
def test_who_looks_sees_devices_and_containers_change(
    tmp_path: Path, program: Program, browser: Browser
) -> None:
    port = make_desk(tmp_path, program)
    bundle = (tmp_path / "box.tcb").read_bytes()
    with (
        serving(tmp_path, port) as served,
        running_gateway(write_gateway_file(tmp_path)) as gateway,
    ):
        browser.open(gateway.web + "/#/devices/desk")
        browser.wait_for(f"{text_of('#empty')}.includes('No device is here yet')")
        began_s = time.monotonic()
        register(gateway, "desk", served.uri)
        browser.wait_for(f"{text_of('#devices tbody')}.includes('desk')")
        assert time.monotonic() - began_s < MOST_S
        browser.wait_for(f"{text_of('#containers-state')}.startsWith('No container')")
        assert gateway.ask("PUT", BOX, content=bundle, headers=OCTETS).status_code == 201
        browser.wait_for(f"{text_of('#containers tbody')}.includes('READY')")
        began_s = time.monotonic()
        assert gateway.ask("POST", f"{BOX}?start").status_code == 204
        browser.wait_for(f"{text_of('#containers tbody')}.includes('RUNNING')")
        assert time.monotonic() - began_s < MOST_S
        browser.wait_for(f"{text_of('#events')}.includes('loaded')")
        waits = {"Prefer": "respond-async"}
        assert gateway.ask("POST", f"{BOX}?stop", headers=waits).status_code == 202
        browser.wait_for(f"{text_of('#jobs tbody')}.includes('done')")
    assert hosts_asked(browser) == {urlsplit(gateway.web).netloc}


def hosts_asked(browser: Browser) -> set[str]:
    """The hosts that a browser has asked."""
    browser.ask("0")
    return {urlsplit(each).netloc for each in browser.requested if each.startswith("http")}


@needs_browser
def test_the_page_comes_back_with_its_gateway(tmp_path: Path, browser: Browser) -> None:
    file = write_gateway_file(tmp_path)
    with running_gateway(file) as gateway:
        browser.open(gateway.web)
        browser.wait_for(f"{text_of('#connection')} === 'Live'")
        assert gateway.end() == 0
    browser.wait_for(f"{text_of('#connection')} !== 'Live'")
    with running_gateway(file) as gateway:
        browser.wait_for(f"{text_of('#connection')} === 'Live'")
        register(gateway, "late", "coap://127.0.0.1:9")
        browser.wait_for(f"{text_of('#devices tbody')}.includes('late')")


@needs_browser
def test_the_filter_is_in_the_address_and_the_device_a_link(
    tmp_path: Path, browser: Browser
) -> None:
    with running_gateway(write_gateway_file(tmp_path)) as gateway:
        for name in ("north-1", "north-2", "south-1"):
            register(gateway, name, "coap://127.0.0.1:9")
        browser.open(gateway.web + "/?filter=north")
        browser.wait_for(f"{text_of('#count')} === '2 of 3 devices'")
        browser.ask("document.querySelector('#filter').focus()")
        browser.do("Input.insertText", text=" 2")
        browser.wait_for(f"{text_of('#count')} === '1 of 3 devices'")
        assert browser.ask("location.search").startswith("?filter=")
        press(browser, "Tab")
        press(browser, "Enter")
        browser.wait_for(f"{text_of('#name')} === 'north-2'")
        assert browser.ask("location.hash") == "#/devices/north-2"
        assert browser.ask("document.activeElement.id") == "name"


def press(browser: Browser, key: str) -> None:
    """Press a key."""
    codes = {"Tab": 9, "Enter": 13}
    text = {"text": "\r"} if key == "Enter" else {}
    code = codes[key]
    browser.do(
        "Input.dispatchKeyEvent", type="keyDown", key=key, windowsVirtualKeyCode=code, **text
    )
    browser.do("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)


@needs_browser
def test_a_token_is_in_no_address_and_no_text(tmp_path: Path, browser: Browser) -> None:
    with running_gateway(with_token(tmp_path, ["read"])) as gateway:
        register(gateway, "desk", "coap://127.0.0.1:9")
        browser.open(gateway.web)
        give_token(browser, "another-token")
        browser.wait_for(f"{text_of('#entry-problem')}.includes('does not know')")
        give_token(browser, TOKEN)
        browser.wait_for(f"{text_of('#devices tbody')}.includes('desk')")
        browser.ask("location.hash = '#/devices/desk'")
        browser.wait_for(f"{text_of('#name')} === 'desk'")
        assert TOKEN not in browser.ask("location.href + document.documentElement.outerHTML")
        assert browser.ask("document.querySelector('#token').value") == ""
        assert browser.ask("document.cookie + JSON.stringify({...localStorage})") == "{}"
        assert [each for each in browser.requested if TOKEN in each] == []
        browser.do("Page.reload")
        browser.wait_for(f"{text_of('#connection')} === 'Live'")
        browser.ask("document.querySelector('#forget').click()")
        browser.wait_for("!document.querySelector('#entry').hidden")
        assert browser.ask("sessionStorage.length") == 0
        assert "desk" not in browser.ask("document.body.innerText")


@needs_browser
def test_who_may_not_read_is_told_what_to_do(tmp_path: Path, browser: Browser) -> None:
    with running_gateway(with_token(tmp_path, ["measure"])) as gateway:
        browser.open(gateway.web)
        give_token(browser, TOKEN)
        browser.wait_for("!document.querySelector('#notice').hidden")
        said = browser.ask(text_of("#notice"))
        assert "This is not allowed" in said
        assert "Ask whoever runs the gateway" in said
        assert browser.ask("document.querySelector('#forget').hidden") is False


@needs_browser
def test_a_busy_gateway_is_asked_again(browser: Browser) -> None:
    problem = {"status": 503, "detail": "too many streams are open"}
    with false_gateway({"/devices": problem}, 503) as address:
        browser.open(address)
        browser.wait_for("!document.querySelector('#notice').hidden")
        assert "Close other pages" in browser.ask(text_of("#notice"))
        browser.wait_for(
            "performance.getEntriesByType('resource')"
            ".filter(each => each.name.endsWith('/devices')).length > 1"
        )


@needs_browser
def test_a_device_that_refuses_says_what_to_do(browser: Browser) -> None:
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
    with false_gateway(answers) as address:
        browser.open(address + "/#/devices/desk")
        browser.wait_for(f"{text_of('#containers-state')}.includes('Its file has to give')")


@needs_browser
@pytest.mark.parametrize("name", [HOSTILE, "x'\"><b onmouseover=alert(1)>", "javascript:alert(1)"])
def test_what_devices_say_stays_text(browser: Browser, name: str) -> None:
    with false_gateway(hostile_answers(name)) as address:
        browser.open(address)
        browser.wait_for("document.querySelector('#devices tbody').rows.length === 1")
        browser.ask("document.querySelector('#devices tbody a').click()")
        for place in ("#name", "#facts", "#containers", "#jobs", "#events"):
            browser.wait_for(f"{text_of(place)}.includes({json.dumps(name)})")
        assert browser.ask("document.images.length") == 0
        assert browser.ask("document.scripts.length") == 1
        assert browser.ask("document.querySelectorAll('main b[onmouseover]').length") == 0
        assert browser.ask("window.owned === undefined") is True
        links = browser.ask("[...document.links].map(each => each.protocol + each.host)")
        assert set(links) == {"http:" + urlsplit(address).netloc}
        assert hosts_asked(browser) == {urlsplit(address).netloc}


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


@needs_browser
def test_a_stream_is_read_alike_however_it_is_cut(browser: Browser) -> None:
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
        window.seen = [...seen];
    }})"""
    with false_gateway({}) as address:
        browser.open(address)
        browser.ask(expression)
        (found,) = browser.wait_for("window.seen")
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
