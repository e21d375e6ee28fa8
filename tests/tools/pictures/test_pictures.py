"""Pictures hold what they should, are well formed, and hostile strings leave them inert."""

import json
import re
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.hostile import HOSTILE, inert, shown

from tinycontainer.interfaces.clock import NS_PER_MS, NS_PER_S
from tinycontainer.tools.pictures import (
    Activity,
    HookSpan,
    Lane,
    Mark,
    MarkKind,
    Span,
    Timeline,
    gantt_png,
    gantt_svg,
    html_report,
    perfetto_json,
    text_chart,
)
from tinycontainer.tools.pictures.palette import LEGEND
from tinycontainer.tools.pictures.scale import choose_ticks, format_duration, format_moment

SVG = "{http://www.w3.org/2000/svg}"
MARKUP = {
    **HOSTILE,
    "script": b"</title></text><script>alert(1)</script>",
    "attribute": b"\" onload='alert(1)' x=\"",
    "entity": b"&lt;&#x1b;<!-- ]]>",
    "formula": b"$\\frac{1}{2}$ $",
}


def sample(uid: bytes = b"box", text: str = "REFUSED open(7): masked") -> Timeline:
    spans = (
        Span(0, 10 * NS_PER_MS, Activity.DUE),
        Span(10 * NS_PER_MS, 20 * NS_PER_MS, Activity.RUNNING),
        Span(20 * NS_PER_MS, 25 * NS_PER_MS, Activity.PREEMPTED),
        Span(25 * NS_PER_MS, 30 * NS_PER_MS, Activity.RUNNING),
        Span(30 * NS_PER_MS, 90 * NS_PER_MS, Activity.ASLEEP),
    )
    marks = tuple(Mark(at * NS_PER_MS, kind, text) for at, kind in enumerate(MarkKind, 12))
    hooks = (HookSpan(10 * NS_PER_MS, 30 * NS_PER_MS, "loop", 3, text, 15 * NS_PER_MS, 42),)
    counts = ((12 * NS_PER_MS, 1), (14 * NS_PER_MS, 0))
    lane = Lane(uid, (3, 5), spans, hooks, marks, counts)
    return Timeline(0, 90 * NS_PER_MS, (lane, Lane(b"never", (), (), (), marks[:1])))


def texts(svg: str) -> list[str]:
    """All text of a picture."""
    return [each.text or "" for each in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_an_svg_names_containers_priorities_times_and_everything_in_its_legend() -> None:
    found = texts(gantt_svg(sample(), "A run"))
    assert {"A run", "box", "priority 3, then 5", "ran 15.0 ms", "never", "never ran"} <= {*found}
    assert {"0 ms", "10 ms", "90 ms"} <= {*found}
    assert {*LEGEND.values()} <= {*found}


def test_an_svg_takes_nothing_from_elsewhere() -> None:
    svg = gantt_svg(sample())
    assert re.findall(r"https?://[^\"]*", svg) == ["http://www.w3.org/2000/svg"]
    assert not re.search(r"href|url\(|@import|<script|<image|<foreignObject", svg)


def test_bars_are_where_the_spans_are() -> None:
    root = ElementTree.fromstring(gantt_svg(sample()))
    paths = [path for path in root.iter(f"{SVG}path") if path.get("fill") == "#0072b2"]
    bars = [path.get("d", "") for path in paths if path.get("fill-opacity")]  # not the legend's
    left, width = 150, 1000 - 150 - 88
    # Two bars that are full, and the columns at their edges, which are full in part.
    assert bars[-1].startswith(f"M{left + width // 9 + 1} ")
    assert bars[-1].count("z") == 2
    assert 1 <= "".join(bars[:-1]).count("z") <= 4


def test_equal_timelines_give_equal_pictures() -> None:
    assert gantt_svg(sample()) == gantt_svg(sample())
    assert gantt_png(sample()) == gantt_png(sample())


def test_a_dense_run_stays_small() -> None:
    spans = tuple(Span(at, at + 1, Activity.RUNNING) for at in range(0, 200_000, 2))
    marks = tuple(Mark(at, MarkKind.REFUSAL, "no") for at in range(0, 200_000, 2))
    lane = Lane(b"busy", (0,), spans, (), marks)
    svg = gantt_svg(Timeline(0, 200_000, (lane,)))
    assert len(svg) < 60_000
    assert "more)" in svg


def test_too_many_containers_are_counted_and_not_drawn() -> None:
    lanes = tuple(
        Lane(str(number).encode(), (), (), (), (Mark(0, MarkKind.CALL, ""),))
        for number in range(260)
    )
    timeline = Timeline(0, 1, lanes, is_cut=True, cell_ns=8_000_000)
    assert "60 more containers are not drawn" in gantt_svg(timeline)
    assert "by sums of 8.00 ms: the run is too long for more" in gantt_svg(timeline)
    assert "the run is too long for single hooks" in "".join(text_chart(timeline, 80))
    assert "60 more containers are not shown" in list(text_chart(timeline, 80))


def test_an_empty_run_can_be_drawn() -> None:
    empty = Timeline(0, 0, ())
    ElementTree.fromstring(gantt_svg(empty))
    assert gantt_png(empty).startswith(b"\x89PNG")
    assert json.loads(perfetto_json(empty))["traceEvents"]
    assert list(text_chart(empty, 10))


def test_a_png_is_one() -> None:
    assert gantt_png(sample()).startswith(b"\x89PNG\r\n\x1a\n")


class Page(HTMLParser):
    """What a browser finds in a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


def page(uid: bytes, text: str) -> str:
    return html_report(text, sample(uid, text), [(text, (text, "b"), [(text, 3), ("", 1.5)])])


def perfetto(timeline: Timeline) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(perfetto_json(timeline))["traceEvents"]
    return found


def strings(value: object) -> list[str]:
    """All text in a JSON value."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [each for pair in value.items() for part in pair for each in strings(part)]
    return [each for part in value for each in strings(part)] if isinstance(value, list) else []


@pytest.mark.parametrize("hostile", MARKUP.values(), ids=MARKUP)
@pytest.mark.clause("TC-RT-16")
def test_hostile_strings_leave_every_picture_inert(hostile: bytes) -> None:
    text = hostile.decode("utf-8", "surrogateescape")
    harmless, timeline = Page(page(b"box", "word")), sample(hostile[:63], text)
    svg, html = gantt_svg(timeline, text), page(hostile[:63], text)
    assert inert(svg)
    assert inert(html)
    assert {each.tag for each in ElementTree.fromstring(svg).iter()} == {
        each.tag for each in ElementTree.fromstring(gantt_svg(sample())).iter()
    }
    found = Page(html)
    assert (found.tags, found.attributes) == (harmless.tags, harmless.attributes)
    assert inert(perfetto_json(timeline))
    assert all(map(inert, strings(perfetto(timeline))))
    assert all(line.isascii() and line.isprintable() for line in text_chart(timeline, 80))
    assert gantt_png(timeline, text).startswith(b"\x89PNG")
    assert shown(hostile[:4]) in "".join(texts(svg))


@given(st.binary(max_size=63), st.text(st.characters(), max_size=60))
def test_any_string_leaves_svg_and_json_well_formed(uid: bytes, text: str) -> None:
    timeline = sample(uid, text)
    ElementTree.fromstring(gantt_svg(timeline, text))
    assert inert(gantt_svg(timeline, text))
    assert all(map(inert, strings(perfetto(timeline))))
    assert inert(page(uid, text))


def test_a_page_stands_alone_and_runs_nothing() -> None:
    html = page(b"box", "word")
    assert "default-src 'none'" in html
    assert Page(html).tags.isdisjoint({"script", "link", "img", "iframe", "object", "a", "base"})
    assert not {name for name in Page(html).attributes if name.startswith("on")}
    assert "<td></td>" in html


def test_perfetto_gets_a_track_for_each_container_with_hooks_marks_and_counters() -> None:
    found = perfetto(sample())
    tracks = {e["args"]["name"]: e["tid"] for e in found if e["name"] == "thread_name"}
    assert list(tracks) == ["processor", "box", "never"]
    box = [event for event in found if event["tid"] == tracks["box"]]
    (loop,) = [event for event in box if event["name"] == "loop 3"]
    assert (loop["ph"], loop["ts"], loop["dur"]) == ("X", 10_000.0, 20_000.0)
    assert loop["args"]["execution_us"] == 15_000.0
    assert {e["cat"] for e in box if e["ph"] == "i"} == {str(kind) for kind in MarkKind}
    descriptors = [e for e in found if e["name"] == "descriptors of box"]
    assert [(e["ph"], e["args"]["value"]) for e in descriptors] == [("C", 1), ("C", 0)]
    assert loop["args"]["instructions"] == 42
    fuel = [e["args"]["value"] for e in found if e["name"] == "fuel of box"]
    assert fuel == [0, 42]
    processor = [e for e in found if e["tid"] == tracks["processor"] and e["ph"] == "X"]
    assert [(e["name"], e["dur"]) for e in processor] == [("box", 10_000.0), ("box", 5_000.0)]


def test_slices_of_a_track_nest() -> None:
    slices = [e for e in perfetto(sample()) if e["ph"] == "X" and e["tid"] == 2]
    for one in slices:
        for two in slices:
            ends = [(e["ts"], e["ts"] + e["dur"]) for e in (one, two)]
            (a, b), (c, d) = sorted(ends)
            assert d <= b or c >= b or a == c


@given(st.integers(0, 10**15), st.integers(1, 10**13), st.integers(2, 20))
def test_ticks_are_round_few_and_inside(begin_ns: int, length_ns: int, most: int) -> None:
    found = choose_ticks(begin_ns, begin_ns + length_ns, most)
    assert len(found) <= most
    assert all(begin_ns <= at_ns <= begin_ns + length_ns for at_ns in found)


@pytest.mark.parametrize(
    ("length_ns", "words"),
    [
        (0, "0 ns"),
        (999, "999 ns"),
        (1500, "1.50 us"),
        (12_345_678, "12.3 ms"),
        (20 * NS_PER_S, "20.0 s"),
        (60 * NS_PER_S - 1, "60.0 s"),
        (60 * NS_PER_S, "0:01:00"),
        (3600 * NS_PER_S, "1:00:00"),
        (100 * 3600 * NS_PER_S + 61 * NS_PER_S, "100:01:01"),
    ],
)
def test_durations_are_said_in_fitting_units(length_ns: int, words: str) -> None:
    assert format_duration(length_ns) == words


def test_moments_of_an_axis_have_one_unit() -> None:
    assert [format_moment(at, 500 * NS_PER_MS) for at in (0, NS_PER_S)] == ["0 ms", "1000 ms"]


@pytest.mark.parametrize(
    ("step_ns", "words"),
    [
        (3600 * NS_PER_S, ["0:00:00", "1:01:05"]),
        (NS_PER_S, ["0:00:00", "1:01:05"]),
        (100 * NS_PER_MS, ["0:00:00.0", "1:01:05.2"]),
        (NS_PER_MS, ["0:00:00.000", "1:01:05.250"]),
    ],
)
@pytest.mark.clause("TC-TOOL-15")
def test_an_axis_of_a_minute_and_more_has_hours_minutes_and_seconds(
    step_ns: int, words: list[str]
) -> None:
    last_ns = 3_665_250 * NS_PER_MS
    assert [format_moment(at, step_ns, last_ns) for at in (0, last_ns)] == words


@pytest.mark.parametrize(("length_s", "step_s"), [(90, 10), (600, 60), (3600, 600), (36_000, 3600)])
def test_ticks_of_long_runs_divide_minutes_hours_and_days(length_s: int, step_s: int) -> None:
    ticks = choose_ticks(0, length_s * NS_PER_S, 11)
    assert ticks[1] - ticks[0] == step_s * NS_PER_S
    assert all(step % (24 * 3600 * NS_PER_S) == 0 for step in choose_ticks(0, 10**18, 11))


def test_letters_show_the_strongest_of_each_column() -> None:
    _, box, never, _ = text_chart(sample(), len("never") + 2 + 90)
    assert box.split()[0] == "box"
    assert set(box[7:]) == {":", "#", "=", ".", "x", "!", "F"}
    assert never.split() == ["never"]
