"""The documentation site: built strictly, no dead link, no other host, and its search finds."""

import fcntl
import functools
import http.server
import importlib.util
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from support.browser import CHROMIUM, Browser, browsing
from support.built_site import BuiltSite
from support.project import ROOT, every_verb
from support.specification import clauses

pytestmark = pytest.mark.skipif(
    any(importlib.util.find_spec(each) is None for each in ("zensical", "mkdocstrings")),
    reason="the extra docs is not installed",
)
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> BuiltSite:
    """The whole site, built by the command that people use; once for all processes of a run."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = shared / "built-site"
    with (shared / "built-site.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            command = [sys.executable, str(ROOT / "docs" / "site"), str(folder)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return BuiltSite(folder)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is given
        """Say nothing."""


@pytest.fixture(scope="session")
def address(site: BuiltSite) -> Iterator[str]:
    """Where the site is served, on this machine only."""
    handler = functools.partial(_Quiet, directory=str(site.folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="session")
def browser(site: BuiltSite) -> Iterator[Browser]:
    """A real browser."""
    with browsing() as found:
        yield found


def test_no_link_and_no_anchor_is_dead(site: BuiltSite) -> None:
    assert len(site.pages) > 100
    assert site.dead_links() == []


def test_nothing_is_fetched_from_another_host(site: BuiltSite) -> None:
    assert site.other_hosts() == []


def test_the_navigation_leads_to_every_page(site: BuiltSite) -> None:
    assert site.unreachable() == set()


def test_every_clause_has_an_address(site: BuiltSite) -> None:
    for clause in clauses():
        place = f"specs/{clause.page.removesuffix('.md')}/index.html"
        assert clause.identity in site.pages[place].anchors, clause.identity


def test_every_verb_and_every_answer_has_a_page(site: BuiltSite) -> None:
    for words, verb in every_verb():
        text = (site.folder / "reference" / "verbs" / words[0] / "index.html").read_text()
        options = [each.opts[-1] for each in verb.params if each.param_type_name == "option"]
        assert [each for each in options if each not in text] == [], words
        if words != ("schema",):
            answer = site.folder / "reference" / "answers" / "-".join(words) / "index.html"
            assert answer.is_file(), words


def test_diagrams_need_no_script(site: BuiltSite) -> None:
    """The generator's own would load its drawing program from another host."""
    with_one = [
        place
        for place in site.pages
        if re.search(r'class="mermaid|```mermaid', (site.folder / place).read_text())
    ]
    assert with_one == []


@needs_browser
@pytest.mark.parametrize(
    ("words", "place"),
    [("period_max_ms", "container-file/"), ("TC-LIFE-03", "specs/lifecycle/"), ("pipe", "pipe")],
)
def test_the_search_finds(browser: Browser, address: str, words: str, place: str) -> None:
    browser.open(address)
    browser.wait_for("document.querySelector('.md-search__button') !== null")
    browser.ask("document.querySelector('.md-search__button').click()")
    browser.wait_for(_FOCUSED)
    browser.do("Input.insertText", text=words)
    found = browser.wait_for(_LINKS.format(place=place))
    assert place in found


# The search lies in a shadow tree.
_FOCUSED = """(() => {
    let at = document.activeElement;
    while (at && at.shadowRoot) at = at.shadowRoot.activeElement;
    return at !== null && at.tagName === 'INPUT';
})()"""
_LINKS = """(() => {{
    const hosts = [...document.querySelectorAll('*')].filter(each => each.shadowRoot);
    const links = hosts.flatMap(each => [...each.shadowRoot.querySelectorAll('a[href]')]);
    return links.map(each => each.href).find(each => each.includes('{place}'));
}})()"""


@needs_browser
def test_a_browser_asks_no_other_host(browser: Browser, site: BuiltSite, address: str) -> None:
    for place in ("", "tutorial/c/", "specs/lifecycle/", "reference/api/tinycontainer/"):
        browser.open(address + place)
        browser.wait_for("document.querySelector('h1') !== null")
    asked = {urlsplit(each).netloc for each in browser.requested if not each.startswith("data:")}
    assert asked - {""} == {urlsplit(address).netloc}
