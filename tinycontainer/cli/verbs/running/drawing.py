"""``--gantt`` and ``--perfetto``: pictures of a run, as files."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import wraps
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import click

from tinycontainer.text import show
from tinycontainer.tools.pictures import (
    Timeline,
    TimelineBuilder,
    gantt_png,
    gantt_svg,
    perfetto_json,
)
from tinycontainer.tools.pictures.png import PlotUnavailable
from tinycontainer.trace import Sink

from ...output import Refusal, require_absent, write_file

_DRAWN: Final = (".svg", ".png")


@dataclass(frozen=True, slots=True)
class Drawings:
    """Where pictures of a run go.

    Attributes:
        gantt: who ran when, as SVG or PNG by the name's end.
        perfetto: the same for ui.perfetto.dev.
    """

    gantt: Path | None
    perfetto: Path | None

    def check(self, *, force: bool) -> None:
        """Refuse what cannot be drawn before anything is run.

        Raises:
            Refusal: a file exists, or has another suffix.
            PlotUnavailable: PNG is wished and matplotlib is not installed.
        """
        require_absent(self._paths(), force=force)
        if self.gantt is None:
            return
        if self.gantt.suffix not in _DRAWN:
            raise Refusal(f"{show(str(self.gantt))}: ends neither with .svg nor with .png")
        if self.gantt.suffix == ".png" and find_spec("matplotlib") is None:
            raise PlotUnavailable

    def listeners(self, builder: TimelineBuilder) -> list[Sink]:
        """The builder, if there is anything to draw."""
        return [builder] if any(self._paths()) else []

    def write(self, timeline: Timeline, title: str) -> None:
        """Draw everything that is wished.

        Raises:
            Refusal: a file cannot be written.
            PlotUnavailable: PNG is wished and matplotlib is not installed.
        """
        if self.gantt is not None:
            is_svg = self.gantt.suffix == ".svg"
            svg = gantt_svg(timeline, title).encode("ascii") if is_svg else None
            write_file(self.gantt, svg or gantt_png(timeline, title))
        if self.perfetto is not None:
            write_file(self.perfetto, perfetto_json(timeline).encode("ascii"))

    def _paths(self) -> Iterator[Path]:
        yield from (path for path in (self.gantt, self.perfetto) if path is not None)


def drawing_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a verb the options that its `Drawings` come from."""

    @click.option(
        "--gantt",
        type=click.Path(path_type=Path),
        help="Draw who ran when to this file, .svg, or .png with matplotlib (extra `plot`).",
    )
    @click.option(
        "--perfetto",
        type=click.Path(path_type=Path),
        help="Write the run for ui.perfetto.dev to this file (JSON).",
    )
    @wraps(command)
    def with_drawings(
        *arguments: Any, gantt: Path | None, perfetto: Path | None, **options: Any
    ) -> Any:
        return command(*arguments, drawings=Drawings(gantt, perfetto), **options)

    return with_drawings
