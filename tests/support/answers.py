"""What the forms of answers promise, as lines that can be compared with earlier ones."""

from collections.abc import Iterator
from typing import Any

from support.project import ROOT
from tinycontainer.cli.answers import ANSWERS, AnswerForm

PROMISED = ROOT / "tests" / "cli" / "answers.txt"
"""What was promised when `renew.py` ran last."""


def promises() -> str:
    """A line for each key of each answer: verb, version, place, type, whether it may be absent."""
    lines = [line for form in ANSWERS.values() for line in sorted(set(promises_of(form)))]
    return "".join(f"{line}\n" for line in lines)


def promises_of(form: AnswerForm) -> Iterator[str]:
    """The lines of one verb."""
    schema = form.schema()
    tables = {"": schema, **schema.get("$defs", {})}
    for name, about in tables.items():
        required = about.get("required", ())
        for key, value in about.get("properties", {}).items():
            place = f"{name}.{key}".strip(".")
            absent = "" if key in required else ", may be absent"
            yield f"{form.verb} {form.version}: {place}: {_type(value)}{absent}"


def _type(value: dict[str, Any]) -> str:
    if "anyOf" in value:
        return " | ".join(sorted(map(_type, value["anyOf"])))
    if value.get("type") == "array":
        return f"[{_type(value.get('items', {}))}]"
    for key in ("$ref", "const", "type"):
        if key in value:
            return str(value[key]).rpartition("/")[2]
    return "any" if "enum" not in value else " | ".join(map(repr, value["enum"]))
