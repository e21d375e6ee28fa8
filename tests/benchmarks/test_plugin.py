"""What does the pytest plugin cost where nobody uses it?

An empty project is collected with the plugin and without it, in processes of their own, whose
processor time counts. No other plugin is loaded: beside them ours would seem to cost less.
"""

import os
import resource
import subprocess
import sys
from pathlib import Path

from support.measuring.measuring import Measure

TIMES = 2


def collect(directory: Path, *options: str) -> int:
    """Exit code of pytest: 5, as there are no tests."""
    for _ in range(TIMES):
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "--collect-only", "-q", *options],
            cwd=directory,
            env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
            stdout=subprocess.DEVNULL,
            check=False,
        )
    return done.returncode


def processes_time_s() -> float:
    """Processor time of all processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_collecting_an_empty_project(measure: Measure, tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    without = "without the plugin"
    code = measure(
        "plugin",
        "collecting an empty project",
        "with the plugin",
        lambda: collect(tmp_path, "-p", "tinycontainer.testing.pytest_plugin"),
        against={without: lambda: collect(tmp_path)},
        clocks={"with the plugin": processes_time_s, without: processes_time_s},
        per=TIMES,
    )
    assert code == 5
