"""Makes docs/benchmarks.json, docs/benchmarks.md and the plots from a file of results.

python tests/benchmarks/document.py RESULTS.json
"""

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from matplotlib.figure import Figure

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.measuring.benchmark_page import page
from support.measuring.requirements import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DOCS: Final = Path(__file__).parents[2] / "docs"
_COLOURS: Final = {"bare": "#c3cbd5", "path": "#0072b2", "pywasm": "#0072b2", "wasmtime": "#e69f00"}
_US: Final = 1e6


def main(source: Path) -> None:
    """Write all of them."""
    results = json.loads(source.read_text())
    (DOCS / "benchmarks.json").write_text(json.dumps(results, indent=1) + "\n")
    (DOCS / "benchmarks.md").write_text(page(results))
    _draw(DOCS / "benchmarks-calls.png", results["rows"], (_calls,))
    growth = (_decisions, _virtual_time, _messages, _modules)
    _draw(DOCS / "benchmarks-growth.png", results["rows"], growth)


def _draw(
    target: Path, rows: Sequence[Row], panels: Sequence[Callable[["Axes", Sequence[Row]], None]]
) -> None:
    figure = Figure(figsize=(10, 3.2 * ((len(panels) + 1) // 2)), dpi=110, layout="constrained")
    columns = min(2, len(panels))
    for place, panel in enumerate(panels, start=1):
        axes: Axes = figure.add_subplot((len(panels) + 1) // 2, columns, place)
        panel(axes, rows)
        axes.grid(alpha=0.4, axis="y")
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
    figure.savefig(target, metadata={"Software": None})


def _calls(axes: "Axes", rows: Sequence[Row]) -> None:
    found = [row for row in rows if row["question"] == "call"]
    found.sort(key=lambda row: str(row["case"]).rpartition(", ")[2])
    names = [str(row["case"]).replace(", ", "\n") for row in found]
    for shift, subject in ((-0.2, "bare"), (0.2, "path")):
        heights = [row["seconds"][subject]["median"] * _US for row in found]
        places = [place + shift for place in range(len(found))]
        axes.bar(places, heights, 0.4, label=subject, color=_COLOURS[subject])
    axes.set_xticks(range(len(names)), names, fontsize=7)
    axes.set_yscale("log")
    axes.set_ylabel("µs, loop included")


def _decisions(axes: "Axes", rows: Sequence[Row]) -> None:
    for policy in ("priority", "round-robin"):
        found = [r for r in rows if r["question"] == "decision" and r["case"].endswith(policy)]
        first = _least(found[0], "with 10 containers") * _US
        x = [10, *(row["facts"]["containers"] for row in found)]
        axes.plot(x, [first, *(_least(row) * _US for row in found)], marker="o", label=policy)
    axes.set(xscale="log", xlabel="containers", ylabel="µs per decision", ylim=(0, None))


def _virtual_time(axes: "Axes", rows: Sequence[Row]) -> None:
    for engine in ("pywasm", "wasmtime"):
        found = [r for r in rows if r["question"] == "virtual time" and r["case"].endswith(engine)]
        x = [row["facts"]["containers"] for row in found]
        y = [1 / _least(row) for row in found]
        axes.plot(x, y, marker="o", label=engine, color=_COLOURS[engine])
    axes.set(xscale="log", yscale="log", xlabel="containers", ylabel="simulated s per s")


def _messages(axes: "Axes", rows: Sequence[Row]) -> None:
    found = [row for row in rows if row["question"] == "pipes"]
    x = [row["facts"]["message_bytes"] for row in found]
    for subject, colour in (("pipe", "path"), ("bare queue", "bare")):
        y = [_least(row, subject) * _US for row in found]
        axes.plot(x, y, marker="o", label=subject, color=_COLOURS[colour])
    axes.set(xlabel="bytes of a message", ylabel="µs, written and read", ylim=(0, None))


def _modules(axes: "Axes", rows: Sequence[Row]) -> None:
    for engine in ("pywasm", "wasmtime"):
        found = [r for r in rows if r["question"] == "module size" and r["case"].endswith(engine)]
        x = [row["facts"]["module_bytes"] / 1000 for row in found]
        y = [row["facts"]["module_bytes"] / 1000 / _least(row) for row in found]
        axes.plot(x, y, marker="o", label=engine, color=_COLOURS[engine])
    axes.set(xscale="log", xlabel="kB of a module", ylabel="kB loaded per s", ylim=(0, None))


def _least(row: Row, subject: str | None = None) -> float:
    seconds: dict[str, Any] = row["seconds"]
    return float(seconds[subject or row["subject"]]["min"])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
