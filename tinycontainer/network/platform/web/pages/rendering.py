"""Makes HTML of templates: everything is escaped, and nothing that is not there is passed over."""

import re
import shlex
from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Any, Final

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup
from starlette.responses import Response

from tinycontainer.text import flatten, show

from .assets import read_assets
from .moments import write_moment, write_words
from .rollout_picture import draw_waves
from .rollout_words import KINDS, explain_reason
from .visitors import Visitor

PAGE_HEADERS: Final = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self';"
    " connect-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'",
    # With no-referrer, a browser says of an own form too that it comes from nowhere (Origin: null).
    "referrer-policy": "same-origin",
}
"""Of every page, where they differ from those of the other resources."""
_TONES: Final = {
    **dict.fromkeys(("signed", "complete", "done", "granted", "open", "RUNNING", "proved"), "good"),
    **dict.fromkeys(("unsigned", "running", "asked", "told", "paused", "warning"), "busy"),
    **dict.fromkeys(("missing", "failed", "halted", "expired", "refused", "withdrawn"), "bad"),
    **dict.fromkeys(("trouble", "crashed", "undone", "error"), "bad"),
    "as it is to be": "good",
    "differs": "bad",
}
"""How a state looks, by its word; others look calm."""
AGAIN_S: Final = 20.0
"""After so long a page that is followed is made again in any case: it tells times in words."""
_TEMPLATES: Final = "templates"
_PLAIN_UID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_SHORT_DIGITS: Final = 16
_PARTS: Final = {"mask": "rights (mask)", "metadata": "plan (metadata)"}
"""Parts whose names only files have, in words."""


class PageResponse(Response):
    """A page.

    Args:
        text: its HTML.
        status: of HTTP.
        headers: beside those of every page.
        follower: who may follow how it changes; None if it is not to change.
        again_s: after how many seconds it is made again where it is followed, at the latest.
    """

    def __init__(
        self,
        text: str,
        status: int,
        headers: Mapping[str, str],
        follower: Visitor | None,
        again_s: float,
    ) -> None:
        super().__init__(text, status, {**PAGE_HEADERS, **headers}, "text/html")
        self.follower = follower
        self.again_s = again_s
        self._text = text

    @property
    def main(self) -> str:
        """What is in its ``main``. Texts are escaped, so that no other one is in it."""
        return self._text.partition("<main")[2].partition(">")[2].rpartition("</main>")[0]


class PageWriter:
    """Makes pages of the templates in this package.

    Args:
        now_s: Unix time, for times in words.
    """

    def __init__(self, now_s: Callable[[], float]) -> None:
        self.assets: Final = read_assets()
        self._environment = Environment(
            autoescape=True,
            undefined=StrictUndefined,
            loader=DictLoader(_read_templates()),
            finalize=_harmless,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters |= {
            "asset": self.assets.path,
            "moment": write_moment,
            "words": lambda at_s: write_words(at_s, now_s()),
            "uid": write_uid,
            "short": _shorten,
            "part": write_part,
            "bar": draw_waves,
            "kind": KINDS.__getitem__,
            "reason": explain_reason,
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
        live: bool = False,
        again_s: float = AGAIN_S,
        **content: Any,
    ) -> Response:
        """A page.

        Args:
            template: name of its file, without ``.html``.
            visitor: who looks at it; None for nobody who is known.
            status: of HTTP.
            refusal: why something was not done; empty if nothing was asked for, or it was done.
            headers: of the answer, beside those of every page.
            live: whether it is to be kept up to date where it is shown; costs little to make.
            again_s: after how many seconds to make it again where it is shown, at the latest.
            content: what the template shows.
        """
        found = self._environment.get_template(f"{template}.html")
        follower = visitor if live and visitor is not None and visitor.place else None
        is_live = follower is not None
        text = found.render(visitor=visitor, refusal=refusal, live=is_live, **content)
        return PageResponse(text, status, headers or {}, follower, again_s)


def write_uid(digits: str) -> str:
    """A uid as the command line takes it: text if it is plain, else ``hex:`` and digits."""
    text = show(bytes.fromhex(digits))
    return text if _PLAIN_UID.fullmatch(text) else f"hex:{digits}"


def write_part(name: str) -> str:
    """A part of a release in words, with its name where commands and files have another one."""
    return _PARTS.get(name, name.replace("endpoint-", "endpoint "))


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
