"""Bounds how deep a text of JSON or TOML nests, before a parser sees it.

Parsers of both recurse. The depth at which Python refuses that differs between versions, and from
3.14 on the parser of JSON accepts whatever the stack holds. So the bound is ours (TC-TOOL-09).
"""

import re
from typing import Final

MAX_NESTING: Final = 64

_OUTSIDE: Final = re.compile(r'"""|"|\'\'\'|\'|[#\[{\]}.,=\n]')
# No possessive quantifier after a group: older Pythons match them wrongly (cpython#101955). The
# alternatives begin with different characters, so there is only one way to match them anyway.
_REST: Final = {
    '"""': re.compile(r'(?:[^"\\]|\\.|"(?!""))*"{3,5}', re.DOTALL),
    "'''": re.compile(r"(?:[^']|'(?!''))*'{3,5}"),
    '"': re.compile(r'(?:[^"\\\n]|\\.)*"'),
    "'": re.compile(r"[^'\n]*+'"),
    "#": re.compile(r"[^\n]*+"),
}
"""What follows the beginning of a string or comment, to its end.

Of these, JSON knows only the string in single `"`. Where another form begins, its parser stops.
"""


class NestedTooDeeply(ValueError):
    """A text or a value nests deeper than 64."""

    def __init__(self) -> None:
        super().__init__("is nested too deeply")


def require_shallow_text(text: str) -> None:
    """Refuse a text whose brackets, braces or dotted keys nest deeper than 64.

    What is within strings and comments does not count. After a string without an end nothing
    counts either, as no parser goes on there.

    Args:
        text: JSON or TOML; untrusted, and of bounded length.

    Raises:
        NestedTooDeeply: it does.
    """
    depth = 0
    dots = 0  # of one key: ``a.b.c`` nests tables too
    position = 0
    while found := _OUTSIDE.search(text, position):
        position = found.end()
        mark = found[0]
        if mark == ".":
            dots += 1
        elif mark in "[{]},=\n":
            dots = 0
            depth += (mark in "[{") - (mark in "]}")
        elif end := _REST[mark].match(text, position):
            position = end.end()
        else:
            return
        if max(depth, dots) > MAX_NESTING:
            raise NestedTooDeeply


def require_shallow_values(values: object) -> None:
    """Refuse parsed values that nest deeper than 64.

    The dots of a key of TOML nest tables, without a bracket for each.

    Raises:
        NestedTooDeeply: they do.
    """
    level = [values]
    for _depth in range(MAX_NESTING + 1):
        level = [child for parent in level for child in _children(parent)]
        if not level:
            return
    raise NestedTooDeeply


def _children(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(value.values())
    return list(value) if isinstance(value, list) else []
