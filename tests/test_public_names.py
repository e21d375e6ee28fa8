"""The public names are exactly those that are meant."""

import importlib
from types import ModuleType

import pytest

PUBLIC = ("tinycontainer", "tinycontainer.testing", "tinycontainer_tokens")


def public(module: ModuleType) -> set[str]:
    return {
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
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
