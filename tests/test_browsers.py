"""The browser of tests: it reaches this machine only, and tells what a page has tried."""

import http.server
import threading
from collections.abc import Iterator
from typing import Final

import pytest
from support.browsers import DESK, PHONE, RealBrowser
from support.serving import HOST

POLICY: Final = "default-src 'none'; connect-src 'self'; form-action 'self'; img-src data:"
PAGE: Final = b"<title>x</title><link rel=icon href=data:,><form method=post><input name=a></form>"


@pytest.fixture
def address() -> Iterator[str]:
    """Where a page is served that has a policy."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Security-Policy", POLICY)
            self.send_header("Content-Length", str(len(PAGE)))
            self.end_headers()
            self.wfile.write(PAGE)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is given
            """Say nothing."""

    with http.server.ThreadingHTTPServer((HOST, 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://{HOST}:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.2", "[::1]", "other.example"])
def test_no_other_host_is_reached_and_the_attempt_is_told(
    browser: RealBrowser, address: str, host: str
) -> None:
    other = RealBrowser(browser.chromium)
    page = other.page()
    tried = "url => fetch(url, {mode: 'no-cors'}).then(() => 'reached', () => 'refused')"
    assert page.evaluate(tried, address) == "reached"
    assert page.evaluate(tried, address.replace(HOST, host)) == "refused"
    other.close()
    assert other.other_hosts == {host.strip("[]")}
    with pytest.raises(AssertionError):
        other.require_harmless()


@pytest.mark.parametrize(
    "tried",
    [
        "() => { document.body.innerHTML = '<img src=x onerror=alert(1)>'; }",
        "() => { document.body.innerHTML = '<b style=color:red>x</b>'; }",
        "() => { document.forms[0].action = 'http://other.example/'; document.forms[0].submit(); }",
    ],
)
def test_what_a_policy_refuses_is_told(browser: RealBrowser, address: str, tried: str) -> None:
    other = RealBrowser(browser.chromium)
    page = other.page()
    page.goto(address)
    with page.expect_console_message():
        page.evaluate(tried)
    other.close()
    assert other.violations != []


def test_a_dialog_is_told_and_closed(browser: RealBrowser) -> None:
    other = RealBrowser(browser.chromium)
    other.page().evaluate("alert('forged')")
    assert other.dialogs == ["forged"]
    other.close()


def test_requests_are_kept_whole(browser: RealBrowser, address: str) -> None:
    page = browser.page(PHONE, "dark")
    page.goto(address)
    assert page.evaluate("innerWidth >= 390 && matchMedia('(prefers-color-scheme: dark)').matches")
    page.locator("[name=a]").fill("b")
    with page.expect_request(lambda each: each.method == "POST"):
        page.locator("[name=a]").press("Enter")
    (sent,) = (each for each in browser.requests if each.method == "POST")
    assert (sent.url, sent.body) == (address, b"a=b")
    assert sent.headers["content-type"] == "application/x-www-form-urlencoded"


def test_each_page_has_a_profile_of_its_own(browser: RealBrowser, address: str) -> None:
    first, second = browser.page(DESK), browser.page(DESK)
    first.goto(address)
    first.evaluate("document.cookie = 'a=b'")
    second.goto(address)
    assert second.evaluate("document.cookie") == ""
