"""What benchmarks measure with, and what of it is kept.

A subject and what it is compared with take turns, round by round, and each round gives a ratio:
machines that are slow for a while are so for both.
"""

import gc
import importlib.metadata
import os
import platform
import statistics
from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any, Final, TypeAlias, TypeVar

from pytest_benchmark.fixture import BenchmarkFixture

Result = TypeVar("Result")
Subject: TypeAlias = Callable[[], object]
Clock: TypeAlias = Callable[[], float]
"""Tells seconds."""
Ratio: TypeAlias = Callable[[Mapping[str, float]], float]
"""A number made of the times of one round, by subject."""

_PACKAGES: Final = (
    "tinycontainer",
    "pywasm",
    "wasmtime",
    "cryptography",
    "ai-edge-litert",
    "aiocoap",
)
_WANTED_S: Final = 2.0
_FEWEST_ROUNDS, _MOST_ROUNDS = 15, 400


class Measure:
    """Measures one row of a question's table.

    Args:
        benchmark: the fixture of pytest-benchmark.
    """

    def __init__(self, benchmark: BenchmarkFixture) -> None:
        self._benchmark = benchmark

    def __call__(
        self,
        question: str,
        case: str,
        subject: str,
        function: Callable[[], Result],
        *,
        against: Mapping[str, Subject] | None = None,
        ratios: Mapping[str, Ratio] | None = None,
        before: Callable[[], object] = lambda: None,
        clocks: Mapping[str, Clock] | None = None,
        per: float = 1,
        **facts: float,
    ) -> Result:
        """Measure.

        Args:
            question: which table it belongs to.
            case: which row.
            subject: what is measured.
            function: does it, again and again.
            against: what it is compared with, which takes turns with it. By default each gives
                a ratio: the subject's time by its time.
            ratios: other ratios, in place of those.
            before: makes the subject's next round possible; its time does not count.
            clocks: by what clock each is timed; by the wall's where none is given.
            per: how many units of work each of them does; times are told per unit.
            facts: what else is to be kept, such as a size.

        Returns:
            What the function returned.
        """
        others = dict(against or {})
        wanted = ratios or {name: _by(subject, name) for name in others}
        timers = {name: (clocks or {}).get(name, perf_counter) for name in (*others, subject)}
        laps: dict[str, list[float]] = {name: [] for name in timers}

        def others_turn() -> None:
            for name, other in others.items():
                timer = timers[name]
                began = timer()
                other()
                laps[name].append(timer() - began)
            before()

        def own_turn() -> Result:
            timer = timers[subject]
            began = timer()
            result = function()
            laps[subject].append(timer() - began)
            return result

        rounds = _rounds(function, before, list(others.values()))
        gc.collect()
        gc.disable()
        try:
            self._benchmark.group = question
            result: Result = self._benchmark.pedantic(  # type: ignore[no-untyped-call]
                own_turn, setup=others_turn, rounds=rounds
            )
        finally:
            gc.enable()
        if self._benchmark.stats is None:  # measuring is switched off
            return result
        turns = [dict(zip(laps, times, strict=True)) for times in zip(*laps.values(), strict=True)]
        self._benchmark.extra_info["row"] = {
            "question": question,
            "case": case,
            "subject": subject,
            "rounds": rounds,
            "seconds": {name: _spread([each / per for each in laps[name]]) for name in laps},
            "ratios": {
                name: _spread([ratio(turn) for turn in turns]) for name, ratio in wanted.items()
            },
            "facts": facts,
        }
        return result


def machine(processor: str) -> dict[str, object]:
    """What matters for ratios, and nothing that tells one machine from another of its kind."""
    return {
        "system": platform.system(),
        "architecture": platform.machine(),
        "processor": processor,
        "cores": os.cpu_count(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "packages": dict(_installed()),
    }


def rows(benchmarks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What was measured, in the order in which it was."""
    return [each["extra_info"]["row"] for each in benchmarks]


def _by(subject: str, other: str) -> Ratio:
    return lambda times: times[subject] / times[other]


def _rounds(subject: Subject, before: Subject, others: list[Subject]) -> int:
    """How many rounds are wanted, after everything has run once."""
    took = 0.0
    for _ in ("warm up", "measure"):
        before()
        began = perf_counter()
        for function in (subject, *others):
            function()
        took = perf_counter() - began
    return max(_FEWEST_ROUNDS, min(_MOST_ROUNDS, round(_WANTED_S / took)))


def _spread(values: list[float]) -> dict[str, float]:
    """Least value, quartiles and median, in four digits."""
    q1, median, q3 = statistics.quantiles(values, n=4)
    spread = {"min": min(values), "q1": q1, "median": median, "q3": q3}
    return {name: float(f"{value:.4g}") for name, value in spread.items()}


def _installed() -> list[tuple[str, str]]:
    found = []
    for package in _PACKAGES:
        try:
            found.append((package, importlib.metadata.version(package)))
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
