"""Writes SVG and HTML: elements as nested calls, everything in them escaped."""

from html import escape
from typing import TypeAlias

from tinycontainer.text import flatten


class Markup(str):
    """Text that is markup of our own making."""

    __slots__ = ()


Attribute: TypeAlias = str | int | float


def tag(name: str, *children: Markup | str, **attributes: Attribute) -> Markup:
    """An element.

    Args:
        name: its name.
        children: markup as it is; any other text is escaped twice over: no character that is not
            printable ASCII, and none that means something to a parser.
        attributes: their names with hyphens as underscores, and with one behind a Python keyword.
    """
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_plain(value)}"'
        for key, value in attributes.items()
    )
    inside = "".join(each if isinstance(each, Markup) else _plain(each) for each in children)
    return Markup(f"<{name}{given}>{inside}</{name}>")


def join(parts: list[Markup]) -> Markup:
    """Elements, one in each line."""
    return Markup("\n".join(parts))


def number(value: float) -> str:
    """A number as short as a picture needs it: a tenth at most."""
    return f"{value:.1f}".removesuffix(".0")


def _plain(value: Attribute) -> str:
    return escape(flatten(value) if isinstance(value, str) else number(value))
