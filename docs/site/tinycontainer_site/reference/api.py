"""The pages of the public Python names; mkdocstrings fills them from docstrings and annotations."""

from typing import Final

from ..pages import Page, Stage

_PAGES: Final = {
    "tinycontainer": (
        "The device as a library",
        "What `import tinycontainer` offers; [the README](site:project/readme.md) shows it.",
        "tinycontainer",
        "tinycontainer/__init__.py",
    ),
    "driver": (
        "The interface of drivers",
        "What gives containers a host's service. [The guide](site:endpoints/index.md) has one.",
        "tinycontainer.interfaces.driver",
        "tinycontainer/interfaces/driver.py",
    ),
    "runtime": (
        "The interface of runtimes",
        "What runs containers of one type. [The guide](site:runtime_adapters/index.md) has one.",
        "tinycontainer.interfaces.runtime",
        "tinycontainer/interfaces/runtime.py",
    ),
    "clock": (
        "Clocks",
        "Device time, virtual or real.",
        "tinycontainer.interfaces.clock",
        "tinycontainer/interfaces/clock.py",
    ),
    "meter": (
        "The meter",
        "What counts the instructions of a started container.",
        "tinycontainer.interfaces.meter",
        "tinycontainer/interfaces/meter.py",
    ),
    "testing": (
        "Checks for implementers",
        "What your tests of a driver or a runtime can call.",
        "tinycontainer.testing",
        "tinycontainer/testing/__init__.py",
    ),
    "tokens": (
        "Tokens",
        "CWT/COSE tokens, roles and keys: a package that can be used without the rest.",
        "tinycontainer_tokens",
        "tokens/tinycontainer_tokens/__init__.py",
    ),
}
"""Title, a sentence, module and its file, by the name of the page."""


def add_api(stage: Stage) -> None:
    """Add a page for each part of the public interface."""
    for name, (title, sentence, module, origin) in _PAGES.items():
        text = f"# {title}\n\n{sentence}\n\n::: {module}\n"
        stage.add(Page(f"reference/api/{name}.md", text, origin))
