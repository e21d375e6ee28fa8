"""The pages about the structure are those that the sources give."""

import re

import pytest
from support.project import ROOT
from support.structure import DOCS, Module, module_page, modules, wing_diagram

ARCHITECTURE = (DOCS / "architecture.md").read_text()
MODULES = modules()
PATHS = sorted(set(re.findall(r"`((?:[a-z_]+/)+[a-z_]*(?:\.[a-z]+)?)`", ARCHITECTURE)))


def test_the_graph_of_wings_is_made_of_the_imports() -> None:
    assert wing_diagram() in ARCHITECTURE


def test_the_module_map_is_made_of_the_docstrings() -> None:
    assert module_page() == (DOCS / "modules.md").read_text()


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_every_module_says_its_job_in_one_sentence(module: Module) -> None:
    assert re.fullmatch(r".{10,98}[.:?]", module.job), module.job


def test_the_graph_finds_the_walls() -> None:
    wings = {module.wing for module in MODULES}
    assert {"cli", "device", "interfaces", "tinycontainer_tokens"} <= wings
    assert not any(module.imports for module in MODULES if module.name == "tinycontainer.errors")


@pytest.mark.parametrize("path", PATHS)
def test_every_path_that_the_page_names_is_there(path: str) -> None:
    wings = ROOT / "tinycontainer"
    network = wings / "network"
    roots = (ROOT, wings, wings / "device", network / "gateway", network / "platform")
    assert any((root / path).exists() for root in roots)
