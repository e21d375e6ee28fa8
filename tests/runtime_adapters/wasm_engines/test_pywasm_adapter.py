"""What is pywasm's own: how it is found, and that it refuses to work without assertions."""

import subprocess
import sys
from importlib.metadata import entry_points

from support.wasm.modules import build

from tinycontainer.interfaces.runtime import Runtime, RuntimeLimits
from tinycontainer_runtimes.wasm_pywasm import create_runtime


def test_it_is_found_by_its_entry_point() -> None:
    [found] = entry_points(group="tinycontainer.runtimes", name="wasm.pywasm")
    runtime: Runtime = create_runtime()
    assert found.load() is create_runtime
    runtime.admit(build(), RuntimeLimits())


def test_python_without_assertions_is_refused_with_advice() -> None:
    script = (
        "from tinycontainer_runtimes.wasm_pywasm import create_runtime\n"
        "from tinycontainer.errors import RuntimeUnavailable\n"
        "try:\n    create_runtime()\n"
        "except RuntimeUnavailable as error:\n    print('refused:', error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-O", "-c", script],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.startswith("refused: ")
    assert "without -O" in done.stdout
