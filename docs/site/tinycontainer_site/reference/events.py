"""The page of trace events, from the dataclasses that they are."""

import inspect
from dataclasses import fields

from tinycontainer.trace import Closing, Refusal, TraceEvent

from ..pages import Page, Stage
from .markdown import code, paragraphs, table

_ORIGIN = "tinycontainer/trace/events.py"
_HEAD = """# Trace events

`run --trace FILE` and `demo --trace FILE` write one event on each line, as a JSON object. Each has
the key `event`, a name of this page; the key `at_ns`, device time in ns since the device began; and
the fields of its event. Text of containers is shown escaped. Payload (`data` of `call`) is given by
its length (`bytes`) and its SHA-256, unless `--trace-data` asks for all of it.

`tinycontainerctl report` reads such a file, and [expectations](site:expectations-file.md) are
about its events.
"""
_TYPES = {
    "int": "whole number",
    "str": "text",
    "bytes": "text, escaped",
    "tuple[str, ...]": "array of text",
    "tuple[int, ...]": "array of whole numbers",
    "tuple[tuple[int, int], ...]": "array of pairs of whole numbers",
}


def add_events(stage: Stage) -> None:
    """Add the page."""
    parts = [_HEAD, *map(_describe, TraceEvent.__subclasses__())]
    parts += ["## Reasons for a refused call\n", _reasons(Refusal)]
    parts += ["## Reasons for a closed descriptor\n", _reasons(Closing)]
    stage.add(Page("reference/trace-events.md", "\n".join(parts), _ORIGIN))


def _describe(kind: type[TraceEvent]) -> str:
    rows = [
        (code(each.name), _TYPES[_name(each.type)]) for each in fields(kind) if each.name != "at_ns"
    ]
    text = f"## {kind.name}\n\n{paragraphs(inspect.getdoc(kind) or '')}\n"
    return f"{text}\n{table(('field', 'type'), rows)}" if rows else text


def _name(annotation: object) -> str:
    return (
        annotation.__name__
        if isinstance(annotation, type) and not hasattr(annotation, "__args__")
        else str(annotation)
    )


def _reasons(reasons: type[Refusal] | type[Closing]) -> str:
    return ", ".join(code(each.value) for each in reasons) + ".\n"
