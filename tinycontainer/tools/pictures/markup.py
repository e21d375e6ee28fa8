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
        children: markup is left as it is. Other text is escaped twice: for the reader, so that it
            is printable ASCII, then for the parser of the file.
        attributes: names with underscores for hyphens, and with one after a Python keyword.
    """
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_plain(value)}"'
        for key, value in attributes.items()
    )
    inside = "".join(each if isinstance(each, Markup) else _plain(each) for each in children)
    return Markup(f"<{name}{given}>{inside}</{name}>")


def join_lines(parts: list[Markup]) -> Markup:
    """Elements, one in each line."""
    return Markup("\n".join(parts))


def format_number(value: float) -> str:
    """A number with at most one decimal, which is exact enough for a picture."""
    return f"{value:.1f}".removesuffix(".0")


def _plain(value: Attribute) -> str:
    return escape(flatten(value) if isinstance(value, str) else format_number(value))
