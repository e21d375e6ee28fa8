"""The pytest plugin: its options, what it shows of a failed test, and that others do not see it."""

import subprocess
import sys
from pathlib import Path

import pytest
from support.benches import FLOODING, TRAPPING, write_container
from support.project import BOX

pytest_plugins = ["pytester"]

SMALLEST = f"""
def test_courier(tinycontainer_device):
    device = tinycontainer_device({str(BOX / "courier")!r}).start()
    device.expect_log("address shown")
"""
FAILING = """
def test_courier(tinycontainer_device):
    device = tinycontainer_device({path!r}).start()
    device.run(for_ms=100)
    assert device.log == ["fire"]
"""


@pytest.fixture(autouse=True)
def others(pytester: pytest.Pytester) -> None:
    """Without the plugins of this project's own tests, which are no business of an author's."""
    pytester.makeini("[pytest]\naddopts = -p no:xdist -p no:cacheprovider -p no:benchmark\n")


@pytest.mark.parametrize("option", ["--tinycontainer-engine=pywasm,wasmtime", ""])
def test_each_test_runs_on_each_engine_that_is_asked_for(
    pytester: pytest.Pytester, option: str
) -> None:
    pytester.makepyfile(SMALLEST)
    if not option:
        pytester.makeini("[pytest]\ntinycontainer_engine = pywasm wasmtime\n")
    result = pytester.runpytest("-v", "-p", "no:xdist", *filter(None, [option]))
    result.stdout.fnmatch_lines(["*test_courier[[]pywasm] PASSED*", "*courier[[]wasmtime] PASS*"])
    result.assert_outcomes(passed=2)


def test_without_an_option_a_test_runs_once_under_its_own_name(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(SMALLEST)
    result = pytester.runpytest("-v")
    result.stdout.fnmatch_lines(["*::test_courier PASSED*"])
    result.assert_outcomes(passed=1)


def test_a_test_whose_container_does_not_run_on_an_engine_is_skipped(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(SMALLEST)
    options = ("--tinycontainer-engine", "rbpf", "--tinycontainer-engine", "wasm.wasmtime")
    result = pytester.runpytest("-rs", *options)
    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines(["*no container of this test runs on bpf.rbpf*"])


def test_an_engine_that_is_not_installed_is_named_with_those_that_are(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(SMALLEST)
    result = pytester.runpytest("--tinycontainer-engine=v8")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*engine v8 is not installed; there are: bpf.rbpf, wasm.pywasm*"])


def test_the_container_of_a_test_is_found_above_it(pytester: pytest.Pytester) -> None:
    for name in ("device.toml", "courier", "recordings"):
        target = pytester.path / name
        if (BOX / name).is_dir():
            pytester.run("cp", "-r", BOX / name, target)
        else:
            target.write_bytes((BOX / name).read_bytes())
    below = pytester.path / "courier" / "tests" / "deep"
    below.mkdir(parents=True)
    (below / "test_it.py").write_text(
        "def test_it(tinycontainer_device):\n"
        "    device = tinycontainer_device().start()\n"
        "    device.expect_console('12 Example Street', within_ms=100)\n"
    )
    pytester.runpytest(below).assert_outcomes(passed=1)


def test_a_failed_test_shows_the_last_50_ms_the_log_and_the_line_of_the_test(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(FAILING.format(path=str(BOX / "courier")))
    result = pytester.runpytest("--tinycontainer-engine=pywasm")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            '*assert device.log == [[]"fire"[]]',
            "*- tinycontainer: courier -*",
            "*device.toml, on wasm.pywasm, at 100.000 ms of device time",
            "courier: running, 1 loops",
            "The last 50 ms:",
            "courier  ....*",
            "*ms  courier *write(1) = 28 *12 Example Street, 3rd floor*",
            "*ms  courier *REFUSED open(3): peer-missing",
            "*ms  courier *loop completed, * instructions",
            "Log of courier:",
            "  address shown",
        ]
    )


def test_a_step_that_is_not_met_shows_the_line_of_the_test_and_none_of_the_bench(
    pytester: pytest.Pytester,
) -> None:
    path = write_container(pytester.path / "traps", TRAPPING["wasm"])
    pytester.makepyfile(FAILING.format(path=str(path)))
    result = pytester.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            ">       device.run(for_ms=100)",
            "E *StepNotMet: run(for_ms=100): tested ended by a fault at *: trap in loop unrea*",
            "*loop trapped, * instructions: unreachable*",
            "Fault of tested at * ms: trap in loop unreachable*",
        ]
    )
    assert "stepping.py" not in result.stdout.str()


def test_hostile_lines_reach_no_terminal_as_they_are(pytester: pytest.Pytester) -> None:
    code = FLOODING["wasm"].replace(b"flood", b"\x1b[2Jx")
    path = write_container(
        pytester.path / "floods", code, more="[security]\nloop_max_duration_ms = 20\n"
    )
    pytester.makepyfile(FAILING.format(path=str(path)))
    result = pytester.runpytest("--color=no")
    result.assert_outcomes(failed=1)
    assert "\x1b" not in result.stdout.str()
    result.stdout.fnmatch_lines(["*log*\\x1b[[]2Jx*", "*log lines and refusals were beyond*"])


def test_a_test_without_a_device_and_a_passing_one_have_no_section(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(f"{SMALLEST}\ndef test_other():\n    assert False\n")
    result = pytester.runpytest("-rA")
    result.assert_outcomes(failed=1, passed=1)
    assert "tinycontainer: " not in result.stdout.str()


def test_the_options_are_in_the_help(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest("--help")
    result.stdout.fnmatch_lines(["tests of containers:", "*--tinycontainer-engine=NAME*"])
    result.stdout.fnmatch_lines(["*tinycontainer_engine (args):*"])


def test_a_run_of_pytest_that_has_no_containers_loads_nothing_but_the_door(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("def test_it():\n    pass\n")
    code = (
        "import pytest, sys; code = pytest.main(['-q', '-p', 'no:cacheprovider']);"
        " print(*sorted(n for n in sys.modules if n.startswith('tinycontainer'))); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = done.stdout.splitlines()[-1].split()
    assert loaded == [
        "tinycontainer",
        "tinycontainer.testing",
        "tinycontainer.testing.pytest_plugin",
    ]
