"""``--gantt`` and ``--perfetto``: pictures of a run, as files."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from tinycontainer.text import show
from tinycontainer.tools.pictures import (
    PlotUnavailable,
    Timeline,
    TimelineBuilder,
    gantt_png,
    gantt_svg,
    perfetto_json,
)
from tinycontainer.trace import Sink

from ...options import gather_options, path_option
from ...output_files import require_absent, write_file
from ...verb import VerbRefused

_SUFFIXES: Final = (".svg", ".png")


@dataclass(frozen=True, slots=True)
class PictureFiles:
    """Where pictures of a run go; None for a picture that is not requested.

    Attributes:
        gantt: who ran when, as SVG or PNG by the name's end.
        perfetto: the same for ui.perfetto.dev.
    """

    gantt: Path | None
    perfetto: Path | None

    def check(self, *others: Path | None, force: bool) -> None:
        """Refuse what cannot be drawn or written before anything is run.

        Args:
            others: the verb's other outputs; None for what is not requested.
            force: whether files are overwritten if they exist.

        Raises:
            VerbRefused: a file exists, is named twice, or has another suffix.
            PlotUnavailable: PNG is requested and matplotlib is not installed.
        """
        paths = (*self._paths(), *(path for path in others if path is not None))
        require_absent(paths, force=force)
        if self.gantt is None:
            return
        if self.gantt.suffix not in _SUFFIXES:
            raise VerbRefused(f"{show(str(self.gantt))}: ends neither with .svg nor with .png")
        if self.gantt.suffix == ".png" and find_spec("matplotlib") is None:
            raise PlotUnavailable

    def sinks(self, builder: TimelineBuilder) -> list[Sink]:
        """The builder, if any picture is requested."""
        return [builder] if any(self._paths()) else []

    def write(self, timeline: Timeline, title: str) -> None:
        """Draw every picture that is requested.

        Args:
            timeline: the run.
            title: the line above the picture.

        Raises:
            VerbRefused: a file cannot be written.
            PlotUnavailable: PNG is requested and matplotlib is not installed.
        """
        if self.gantt is not None:
            is_svg = self.gantt.suffix == ".svg"
            svg = gantt_svg(timeline, title).encode("ascii") if is_svg else None
            write_file(self.gantt, svg or gantt_png(timeline, title))
        if self.perfetto is not None:
            write_file(self.perfetto, perfetto_json(timeline).encode("ascii"))

    def _paths(self) -> Iterator[Path]:
        yield from (path for path in (self.gantt, self.perfetto) if path is not None)


picture_options = gather_options(
    "pictures",
    PictureFiles,
    path_option(
        "--gantt",
        help="Draw who ran when to this file, .svg, or .png with matplotlib (extra `plot`).",
    ),
    path_option("--perfetto", help="Write the run for ui.perfetto.dev to this file (JSON)."),
)
