"""Real browsers for tests: Chromium, driven by Playwright; it reaches this machine only."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Dialog,
    Page,
    Request,
    expect,
    sync_playwright,
)

from support.serving import HOST

CHROMIUM: Final = shutil.which("chromium") or shutil.which("chromium-browser")
PHONE: Final = 390
DESK: Final = 1440
WIDTHS: Final = (PHONE, DESK)
Scheme = Literal["light", "dark"]
SCHEMES: Final[tuple[Scheme, ...]] = ("light", "dark")
_FLAGS: Final = (
    "--no-sandbox", "--disable-gpu", "--disable-quic",
    # No name and no other address leads anywhere, whoever asks: a page, its workers, the browser.
    f"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE {HOST}",
)  # fmt: skip
_DEADLINE_MS: Final = 30_000.0


@dataclass(frozen=True, slots=True)
class SentRequest:
    """What a browser has asked, also if something has refused it.

    Attributes:
        method: of HTTP.
        url: that it has asked for.
        headers: that it sent.
        body: that it sent; empty if there was none.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


class RealBrowser:
    """The pages of one test.

    Attributes:
        chromium: that shows them.
        requests: all that they have sent.
        errors: what the console shows as an error, and exceptions that no script has caught.
        dialogs: what was asked by `alert` and its like.
    """

    def __init__(self, chromium: Browser) -> None:
        self.chromium = chromium
        self._contexts: list[BrowserContext] = []
        self.requests: list[SentRequest] = []
        self.errors: list[str] = []
        self.dialogs: list[str] = []

    def page(self, width: int = DESK, scheme: Scheme = "light") -> Page:
        """A page with a profile of its own, which is empty.

        Args:
            width: of the window, in pixels; a narrow one is a phone's.
            scheme: of colours.
        """
        context = self.chromium.new_context(
            viewport={"width": width, "height": 900},
            is_mobile=width < 600,
            color_scheme=scheme,
            reduced_motion="reduce",
        )
        self._contexts.append(context)
        context.set_default_timeout(_DEADLINE_MS)
        context.on("request", self._note_request)
        context.on("console", self._note_message)
        context.on("weberror", lambda each: self.errors.append(each.error.message))
        context.on("dialog", self._dismiss)
        return context.new_page()

    @property
    def violations(self) -> list[str]:
        """What content security policies have refused."""
        return [each for each in self.errors if "content security policy" in each.lower()]

    @property
    def other_hosts(self) -> set[str]:
        """Hosts that were asked and are not this machine."""
        return {urlsplit(each.url).hostname or HOST for each in self.requests} - {HOST}

    def close(self) -> None:
        """Close all pages."""
        for context in self._contexts:
            context.close()
        self._contexts.clear()

    def require_harmless(self) -> None:
        """Require that nothing that must never happen has happened."""
        assert self.other_hosts == set(), self.other_hosts
        assert self.violations == [], self.violations
        assert self.dialogs == [], self.dialogs

    def _note_request(self, request: Request) -> None:
        body = request.post_data_buffer or b""
        self.requests.append(SentRequest(request.method, request.url, request.headers, body))

    def _note_message(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(message.text)

    def _dismiss(self, dialog: Dialog) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()


@contextmanager
def running_chromium(home: Path) -> Iterator[Browser]:
    """A Chromium without a window, until the block is left.

    Args:
        home: a folder for what it writes outside of its profiles.
    """
    expect.set_options(timeout=_DEADLINE_MS)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*_FLAGS], env={**os.environ, "HOME": str(home)}
        )
        try:
            yield chromium
        finally:
            chromium.close()
