"""Benchmarks measure with `Measure`, and keep its rows instead of all that was seen."""

from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from support.measuring.measuring import Measure, machine, rows


@pytest.fixture
def measure(benchmark: BenchmarkFixture) -> Measure:
    """See `Measure`."""
    return Measure(benchmark)


def pytest_benchmark_update_json(
    config: pytest.Config, benchmarks: Any, output_json: dict[str, Any]
) -> None:
    """Reduce the file of results."""
    processor = output_json["machine_info"].get("cpu", {}).get("brand_raw", "")
    measured = rows(output_json["benchmarks"])
    output_json.clear()
    output_json.update(machine=machine(processor), rows=measured)
