"""Makes HTML of templates: everything is escaped, and nothing that is not there is passed over."""

import re
import shlex
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any, Final

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup
from starlette.responses import Response

from tinycontainer.text import flatten, show

from .visitors import Visitor

STYLESHEET: Final = "pages.css"
PAGE_HEADERS: Final = {
    "content-security-policy": "default-src 'none'; style-src 'self'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'",
    # With no-referrer, a browser says of an own form too that it comes from nowhere (Origin: null).
    "referrer-policy": "same-origin",
}
"""Of every page, where they differ from those of the other resources."""
_TONES: Final = {
    **dict.fromkeys(("signed", "complete", "done", "granted", "open", "RUNNING"), "good"),
    **dict.fromkeys(("unsigned", "running", "asked", "told", "paused"), "busy"),
    **dict.fromkeys(("missing", "failed", "halted", "expired", "refused", "withdrawn"), "bad"),
    "as it is to be": "good",
    "differs": "bad",
}
"""How a state looks, by its word; others look calm."""
_TEMPLATES: Final = "templates"
_PLAIN_UID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_SHORT_DIGITS: Final = 16


class PageWriter:
    """Makes pages of the templates in this package."""

    def __init__(self) -> None:
        self.stylesheet: Final = (files(__package__) / STYLESHEET).read_bytes()
        self._environment = Environment(
            autoescape=True,
            undefined=StrictUndefined,
            loader=DictLoader(_read_templates()),
            finalize=_harmless,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters |= {
            "moment": write_moment,
            "uid": write_uid,
            "short": _shorten,
            "tone": lambda word: _TONES.get(word, "calm"),
        }

    def write(
        self,
        template: str,
        visitor: Visitor | None,
        *,
        status: int = 200,
        refusal: str = "",
        headers: Mapping[str, str] | None = None,
        **content: Any,
    ) -> Response:
        """A page.

        Args:
            template: name of its file, without ``.html``.
            visitor: who looks at it; None for nobody who is known.
            status: of HTTP.
            refusal: why something was not done; empty if nothing was asked for, or it was done.
            headers: of the answer, beside those of every page.
            content: what the template shows.
        """
        found = self._environment.get_template(f"{template}.html")
        text = found.render(visitor=visitor, refusal=refusal, **content)
        return Response(text, status, {**PAGE_HEADERS, **(headers or {})}, "text/html")


def write_moment(at_s: float | None) -> str:
    """A time as people and programs read it: ISO 8601 in UTC; a dash for none."""
    if at_s is None:
        return "-"
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def write_uid(digits: str) -> str:
    """A uid as the command line takes it: text if it is plain, else ``hex:`` and digits."""
    text = show(bytes.fromhex(digits))
    return text if _PLAIN_UID.fullmatch(text) else f"hex:{digits}"


def write_command(*words: str) -> str:
    """A command that does the same in every shell."""
    return shlex.join(("tinycontainerctl", "platform", *words))


def _harmless(value: object) -> object:
    """What is put into a page: no control character and no bidirectional mark."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return flatten(value)
    return value


def _shorten(digits: str) -> str:
    return digits if len(digits) <= _SHORT_DIGITS else f"{digits[:_SHORT_DIGITS]}..."


def _read_templates() -> dict[str, str]:
    folder = files(__package__) / _TEMPLATES
    return {
        each.name: each.read_text(encoding="utf-8")
        for each in folder.iterdir()
        if each.name.endswith(".html")
    }
