"""The public names are exactly those that are meant."""

import ast
import importlib
import inspect
from types import ModuleType

import pytest

import tinycontainer

PUBLIC = ("tinycontainer", "tinycontainer.testing", "tinycontainer_tokens")


def public(module: ModuleType) -> set[str]:
    return {
        name
        for name in dir(module)
        if not name.startswith("_") and not isinstance(getattr(module, name), ModuleType)
    }


@pytest.mark.parametrize("name", PUBLIC)
def test_a_package_offers_what_it_announces_and_nothing_else(name: str) -> None:
    module = importlib.import_module(name)
    assert public(module) == set(module.__all__)


@pytest.mark.parametrize("name", PUBLIC)
def test_what_is_announced_is_sorted_and_has_a_docstring(name: str) -> None:
    module = importlib.import_module(name)
    in_order = sorted(module.__all__, key=lambda each: (not each.isupper(), each))
    assert list(module.__all__) == in_order
    undocumented = [
        each for each in module.__all__ if not (getattr(module, each).__doc__ or "").strip()
    ]
    assert undocumented == []


def imports_for_type_checkers(module: ModuleType) -> dict[str, str]:
    """The module of each name that a package imports for type checkers only."""
    tree = ast.parse(inspect.getsource(module))
    guarded = (
        statement
        for branch in tree.body
        if isinstance(branch, ast.If)
        for statement in branch.body
        if isinstance(statement, ast.ImportFrom)
    )
    return {
        alias.name: (each.module or "").removeprefix(f"{module.__name__}.")
        for each in guarded
        for alias in each.names
    }


def test_the_table_of_late_names_says_what_type_checkers_see() -> None:
    assert imports_for_type_checkers(tinycontainer) == tinycontainer._MODULES
    assert {*tinycontainer._MODULES, "SPECIFICATION_VERSION"} == set(tinycontainer.__all__)


def test_a_name_that_the_package_does_not_have_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"module 'tinycontainer' has no attribute 'Devise'"):
        _ = tinycontainer.Devise  # type: ignore[attr-defined]
