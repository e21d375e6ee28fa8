"""Whoever opens a door of the project loads what is needed there, and no more."""

import os
import subprocess
import sys

import pytest

VERBS = "tinycontainer.cli.verbs."
HEAVY = (
    "alembic",
    "argon2",
    "cryptography",
    "fastapi",
    "matplotlib",
    "pycose",
    "pydantic",
    "pywasm",
    "rich",
    "sqlalchemy",
    "wasmtime",
    "tinycontainer.assembly",
    "tinycontainer.conformance",
    "tinycontainer.device",
    "tinycontainer.files",
    "tinycontainer.tools",
)
RUN = "from tinycontainer.cli.main import main; main({arguments})"
COMPLETE = "_TINYCONTAINERCTL_COMPLETE"


def loaded_by(code: str, **environment: str) -> set[str]:
    """The modules that a new process has loaded after some code."""
    report = "import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr))"
    done = subprocess.run(
        [sys.executable, "-c", f"{report}\n{code}"],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stderr.split())


def loaded_by_completion(words: str) -> set[str]:
    count = str(len(words.split(" ")) - 1)
    asked = {COMPLETE: "bash_complete", "COMP_WORDS": words, "COMP_CWORD": count}
    return loaded_by(RUN.format(arguments=[]), **asked)


def verbs_of(modules: set[str]) -> set[str]:
    """Folder and file of each verb among modules."""
    inside = {name.removeprefix(VERBS) for name in modules if name.startswith(VERBS)}
    return {name for name in inside if "." in name}


def heavy_ones(modules: set[str]) -> set[str]:
    return {name for name in modules if name.startswith(HEAVY)}


def test_the_package_alone_loads_nothing_else_of_the_project() -> None:
    modules = loaded_by("import tinycontainer")
    assert {name for name in modules if name.startswith("tinycontainer")} == {"tinycontainer"}
    assert not heavy_ones(modules)
    assert "click" not in modules


def test_the_door_of_the_pytest_plugin_loads_nothing_else_of_the_project() -> None:
    before = loaded_by("import pytest")
    modules = loaded_by("import pytest; import tinycontainer.testing.pytest_plugin")
    packages = {"tinycontainer", "tinycontainer.testing", "tinycontainer.testing.pytest_plugin"}
    assert {name for name in modules if name.startswith("tinycontainer")} == packages
    assert not heavy_ones(modules) - heavy_ones(before)


def test_an_error_class_of_the_package_loads_the_errors_only() -> None:
    modules = loaded_by("from tinycontainer import LoadError")
    loaded = {name for name in modules if name.startswith("tinycontainer")}
    assert loaded == {"tinycontainer", "tinycontainer.errors"}


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], [], ["fly"]])
def test_the_program_itself_loads_no_verb_and_nothing_heavy(arguments: list[str]) -> None:
    modules = loaded_by(RUN.format(arguments=arguments))
    assert "tinycontainer.cli.main" in modules
    assert not heavy_ones(modules)
    assert not verbs_of(modules)


def test_only_the_version_reads_the_metadata_of_what_is_installed() -> None:
    assert "importlib.metadata" in loaded_by(RUN.format(arguments=["--version"]))
    assert "importlib.metadata" not in loaded_by(RUN.format(arguments=["--help"]))


@pytest.mark.parametrize("words", ["tinycontainerctl ", "tinycontainerctl r", "tinycontainerctl -"])
def test_completing_the_name_of_a_verb_loads_no_verb(words: str) -> None:
    modules = loaded_by_completion(words)
    assert "click.shell_completion" in modules
    assert not heavy_ones(modules)
    assert not verbs_of(modules)


def test_completing_an_option_loads_its_verb_and_no_other() -> None:
    modules = loaded_by_completion("tinycontainerctl diff --")
    assert verbs_of(modules) == {"judging.diff"}
    assert "tinycontainer.conformance" not in modules
    assert "rich.live" not in modules
