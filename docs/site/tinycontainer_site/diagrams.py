"""Diagrams in Mermaid, drawn as SVG when the site is built: its script comes from elsewhere.

Only what the project's pages use is understood: arrows between names, perhaps with a text. Names
lie in rows: each below all that have an arrow to it, but for arrows that lead back.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import Final

from .pages import BrokenSource

_DIAGRAM: Final = re.compile(r"^```mermaid\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ARROW: Final = re.compile(r"\s*(\S+) --> ([^\s:]+)(?:: (.+))?\s*")
_HEADS: Final = ("graph TD", "stateDiagram-v2")
_CHAR_PX: Final = 8
_ROW_PX: Final = 84
_BOX_PX: Final = 34
_GAP_PX: Final = 28
_BEND_PX: Final = 46
_NOTE_CHAR_PX: Final = 6


@dataclass(frozen=True, slots=True)
class Arrow:
    """An arrow, perhaps with a text."""

    tail: str
    head: str
    text: str


@dataclass(frozen=True, slots=True)
class Box:
    """Where a name is drawn: its middle, and its width, in pixels."""

    x: float
    y: float
    width: float


def draw_diagrams(text: str) -> str:
    """A page's text with each diagram as a picture within it.

    Raises:
        BrokenSource: a diagram has a line that is not understood.
    """
    return _DIAGRAM.sub(lambda found: _draw(list(_read(found[1]))), text)


def _read(diagram: str) -> Iterator[Arrow]:
    head, *lines = diagram.strip().splitlines()
    for line in lines:
        found = _ARROW.fullmatch(line)
        if found is None or head not in _HEADS:
            raise BrokenSource(f"a diagram says {line!r}, which docs/site cannot draw")
        if "[*]" not in (found[1], found[2]):
            yield Arrow(found[1], found[2], found[3] or "")


def _draw(arrows: list[Arrow]) -> str:
    rows = _rows(arrows)
    longest = max(len(each.text) for each in arrows)
    margin = _GAP_PX + longest * _NOTE_CHAR_PX + (2 * _BEND_PX if longest else 0)
    boxes, width = _place(rows, margin)
    height = (len(rows) - 1) * _ROW_PX + _BOX_PX + 2 * _GAP_PX
    around = [each for each in arrows if _goes_around(boxes[each.tail], boxes[each.head])]
    around = around if longest else []
    parts = [_line(each, boxes, around) for each in arrows]
    parts += map(_box, boxes, boxes.values())
    name = escape(", ".join(boxes))
    return (
        f'<svg class="diagram" viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{name}"'
        f' style="max-width:{width:g}px">{_HEAD}{"".join(parts)}</svg>'
    )


def _goes_around(one: Box, other: Box) -> bool:
    """Whether an arrow would go through other names, or back."""
    return one is not other and not 0 < other.y - one.y <= _ROW_PX


_HEAD: Final = (
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7"'
    ' orient="auto"><path d="M0 0L8 4L0 8Z"></path></marker></defs>'
)


def _rows(arrows: list[Arrow]) -> list[list[str]]:
    """The names, row by row; an arrow to a name that comes earlier in the text leads back."""
    names = list(dict.fromkeys(name for each in arrows for name in (each.tail, each.head)))
    forward = [each for each in arrows if not _leads_back(each, arrows)]
    depth = dict.fromkeys(names, 0)
    for _ in names:
        for each in forward:
            depth[each.head] = max(depth[each.head], depth[each.tail] + 1)
    rows: list[list[str]] = []
    for number in range(max(depth.values()) + 1):
        row = [name for name in names if depth[name] == number]
        rows.append(_in_order(row, rows[-1] if rows else [], arrows))
    return rows


def _leads_back(arrow: Arrow, arrows: list[Arrow]) -> bool:
    """Whether it closes a circle that arrows above it have begun."""
    if arrow.tail == arrow.head:
        return True
    earlier = arrows[: arrows.index(arrow)]
    reached, waiting = set[str](), [arrow.head]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += [each.head for each in earlier if each.tail == name]
    return arrow.tail in reached


def _in_order(row: list[str], above: list[str], arrows: list[Arrow]) -> list[str]:
    """A row, each name near what leads to it."""

    def place(name: str) -> float:
        tails = [
            above.index(each.tail) for each in arrows if each.head == name and each.tail in above
        ]
        return sum(tails) / len(tails) if tails else len(above)

    return sorted(row, key=place)


def _place(rows: list[list[str]], margin: float) -> tuple[dict[str, Box], float]:
    lengths = [sum(_width(name) + _GAP_PX for name in row) for row in rows]
    width = max(lengths) + 2 * margin
    boxes = {}
    for number, row in enumerate(rows):
        x = (width - lengths[number]) / 2 + (number % 2) * _GAP_PX
        for name in row:
            y = _GAP_PX + number * _ROW_PX + _BOX_PX / 2
            boxes[name] = Box(x + _GAP_PX / 2 + _width(name) / 2, y, _width(name))
            x += _width(name) + _GAP_PX
    return boxes, width


def _width(name: str) -> float:
    return len(name) * _CHAR_PX + 24


def _box(name: str, box: Box) -> str:
    left, top = box.x - box.width / 2, box.y - _BOX_PX / 2
    return (
        f'<rect x="{left:g}" y="{top:g}" width="{box.width:g}" height="{_BOX_PX}" rx="6"></rect>'
        f'<text x="{box.x:g}" y="{box.y + 5:g}">{escape(name)}</text>'
    )


def _line(arrow: Arrow, boxes: dict[str, Box], around: list[Arrow]) -> str:
    one, other = boxes[arrow.tail], boxes[arrow.head]
    if one is other:
        return _loop(arrow, one)
    if arrow in around:
        return _curve(arrow, one, other, _BEND_PX * (1 + around.index(arrow) / 2))
    tip = other.y - _BOX_PX / 2 - 2
    path = f"M{one.x:g} {one.y + _BOX_PX / 2:g}L{other.x:g} {tip:g}"
    return _path(path) + _note(arrow, (one.x + other.x) / 2 + 8, (one.y + other.y) / 2 + 4, "start")


def _loop(arrow: Arrow, box: Box) -> str:
    right, far = box.x + box.width / 2, box.x + box.width / 2 + 34
    path = f"M{right:g} {box.y - 8:g}C{far:g} {box.y - 22:g} {far:g} {box.y + 22:g}"
    return _path(f"{path} {right + 3:g} {box.y + 8:g}") + _note(arrow, far - 2, box.y + 4, "start")


def _curve(arrow: Arrow, one: Box, other: Box, bend: float) -> str:
    """To the left of everything that lies between."""
    begin, end = one.x - one.width / 2, other.x - other.width / 2 - 3
    far = min(begin, end) - bend
    path = f"M{begin:g} {one.y:g}C{far:g} {one.y:g} {far:g} {other.y:g} {end:g} {other.y:g}"
    # The point of the curve after a quarter of its length.
    x = 0.42 * begin + 0.56 * far + 0.02 * end
    y = 0.84 * one.y + 0.16 * other.y
    return _path(path) + _note(arrow, x - 4, y + 4, "end")


def _path(path: str) -> str:
    return f'<path class="arrow" d="{path}" marker-end="url(#tip)"></path>'


def _note(arrow: Arrow, x: float, y: float, anchor: str) -> str:
    if not arrow.text:
        return ""
    text = escape(arrow.text)
    return f'<text class="note" x="{x:g}" y="{y:g}" text-anchor="{anchor}">{text}</text>'
