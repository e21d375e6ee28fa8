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

import pytest
from playwright.sync_api import expect
from support.browsers import RealBrowser
from support.built_site import BuiltSite
from support.project import ROOT, every_verb
from support.specification import clauses

pytestmark = pytest.mark.skipif(
    any(importlib.util.find_spec(each) is None for each in ("zensical", "mkdocstrings")),
    reason="the extra docs is not installed",
)


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


@pytest.mark.parametrize(
    ("words", "place"),
    [("period_max_ms", "container-file/"), ("TC-LIFE-03", "specs/lifecycle/"), ("pipe", "pipe")],
)
def test_the_search_finds(browser: RealBrowser, address: str, words: str, place: str) -> None:
    page = browser.page()
    page.goto(address)
    page.locator(".md-search__button").click()
    page.locator("input:focus").fill(words)
    expect(page.locator(f"a[role=option][href*='{place}']").first).to_be_visible()


def test_a_browser_asks_no_other_host(browser: RealBrowser, address: str) -> None:
    page = browser.page()
    for place in ("", "tutorial/c/", "specs/lifecycle/", "reference/api/tinycontainer/"):
        page.goto(address + place)
        expect(page.locator("h1")).to_be_visible()
    assert browser.other_hosts == set()
