"""The templates and the stylesheet as files: nothing inline, nothing from elsewhere."""

import re
from collections.abc import Iterator
from importlib.resources import files
from typing import Final

import pytest
from jinja2 import UndefinedError

from tinycontainer.network.platform.web import pages
from tinycontainer.network.platform.web.pages.moments import write_moment, write_words
from tinycontainer.network.platform.web.pages.rendering import PageWriter, write_command, write_uid

PLACE: Final = files(pages)


def texts() -> Iterator[tuple[str, str]]:
    """Each file with its name."""
    for each in (*(PLACE / "templates").iterdir(), PLACE / "assets" / "pages.css"):
        yield each.name, each.read_text()


@pytest.mark.clause("TC-PLAT-64", "TC-PLAT-66")
def test_no_file_has_inline_scripts_inline_styles_or_addresses_of_others() -> None:
    assert len(dict(texts())) > 10
    for name, text in texts():
        for word in (
            "://",
            "style=",
            "<style",
            "|safe",
            "autoescape",
            "@import",
            "url(",
        ):
            assert word not in text, (name, word)
        assert not re.search(r"<[^>]*\son[a-z]+=", text), name
        assert not re.search(
            r"<script(?! defer src=\"\{\{ \"[a-z0-9.-]+\"\|asset \}\}\"></script>)", text
        )


def test_what_a_template_is_not_given_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        PageWriter(lambda: 0.0).write("release", None)


@pytest.mark.parametrize(
    ("uid", "shown"),
    [
        (b"box", "box"),
        (b"a.b-c_1", "a.b-c_1"),
        (b"-x", "hex:2d78"),
        (b"hex:00", "hex:6865783a3030"),
        (b"a b", "hex:612062"),
        (b"\xff", "hex:ff"),
    ],
)
@pytest.mark.clause("TC-PLAT-67")
def test_a_uid_is_written_as_the_command_line_takes_it(uid: bytes, shown: str) -> None:
    assert write_uid(uid.hex()) == shown


@pytest.mark.clause("TC-PLAT-67")
def test_a_command_means_the_same_in_a_shell() -> None:
    words = write_command("sign", "http://[::1]:80", "box", "1", "mask; reboot")
    assert words == "tinycontainerctl platform sign 'http://[::1]:80' box 1 'mask; reboot'"


def test_times_are_in_utc() -> None:
    assert write_moment(1_800_000_000.9) == "2027-01-15T08:00:00Z"
    assert write_moment(None) == "-"


@pytest.mark.parametrize(
    ("away_s", "words"),
    [
        (0, "just now"),
        (59, "just now"),
        (60, "1 minute ago"),
        (7_199, "1 hour ago"),
        (2 * 86_400, "2 days ago"),
        (400 * 86_400, "1 year ago"),
        (-1, "in a moment"),
        (-3_600, "in 1 hour"),
        (-45 * 86_400, "in 1 month"),
    ],
)
def test_times_are_in_words(away_s: int, words: str) -> None:
    assert write_words(1_800_000_000 - away_s, 1_800_000_000) == words
