"""A page for each verb's answer in JSON, from its form in `tinycontainer.cli.answers`."""

from collections.abc import Iterator
from typing import Any

from tinycontainer.cli.answers import ANSWERS, AnswerForm

from ..pages import Page, Stage
from .markdown import code, paragraphs, table
from .schemas import describe_type

_ORIGIN = "tinycontainer/cli/answers"
_INDEX = """# Answers in JSON

With `--json`, a verb prints one object in place of text. `serve`, `remote watch` and `remote events
--follow` print one object on each line, as they go on. The text of containers is escaped, so an
answer is ASCII.

Each answer has a form with a version. The same version means: every key of these pages is there,
with this type and meaning. A new key does not change the version, so ignore keys that you do not
know. Where a key goes away, or changes its type or meaning, the version becomes higher, and the
changelog says so.

`tinycontainerctl schema json-run` prints the form of `run` as JSON Schema; its `$id` ends with the
version.
"""


def add_answers(stage: Stage) -> None:
    """Add the page of each answer, and the page that lists them all."""
    rows = []
    for form in ANSWERS.values():
        name = form.verb.replace(" ", "-")
        path = f"reference/answers/{name}.md"
        rows.append(
            (f"[`{form.verb}`](site:{path})", str(form.version), code(f"schema json-{name}"))
        )
        stage.add(Page(path, _page(form), f"{_ORIGIN}/{name}"))
    text = f"{_INDEX}\n{table(('verb', 'version', 'JSON Schema'), rows)}"
    stage.add(Page("reference/answers/index.md", text, _ORIGIN))


def _page(form: AnswerForm) -> str:
    schema = form.schema()
    verb = form.verb.partition(" ")[0]
    intro = (
        f"What [`{form.verb}`](site:reference/verbs/{verb}.md) prints with `--json`, version"
        f" {form.version}; `tinycontainerctl schema json-{form.verb.replace(' ', '-')}` prints the"
        " same as JSON Schema."
    )
    parts = [f"# Answer of {form.verb}\n", f"{intro}\n"]
    if form.has_many:
        parts.append("Each line is one object.\n")
    choices = schema.get("anyOf", [])
    if choices:
        parts.append(f"It is one of these: {_join(choices)}.\n")
    else:
        parts += [_describe(schema, schema)]
    for name, about in _in_order(schema, choices):
        parts += [f"## {name}\n", _describe(about, schema)]
    return "\n".join(parts)


def _join(choices: list[dict[str, Any]]) -> str:
    return ", ".join(_link(each["$ref"]) for each in choices)


def _in_order(
    schema: dict[str, Any], choices: list[dict[str, Any]]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """What it can be as a whole comes first, then what is inside."""
    tables: dict[str, Any] = schema.get("$defs", {})
    first = [each["$ref"].rpartition("/")[2] for each in choices]
    for name in dict.fromkeys([*first, *tables]):
        yield name, tables[name]


def _describe(about: dict[str, Any], schema: dict[str, Any]) -> str:
    required = about.get("required", ())
    rows = [
        (code(name), _type(each, schema), _meaning(each, name in required))
        for name, each in about.get("properties", {}).items()
    ]
    return (
        f"{paragraphs(about.get('description', ''))}\n\n{table(('key', 'type', 'meaning'), rows)}"
    )


def _meaning(about: dict[str, Any], is_required: bool) -> str:
    text = about.get("description", "")
    return text if is_required else f"{text} May be absent.".strip()


def _type(about: dict[str, Any], schema: dict[str, Any]) -> str:
    if "$ref" in about:
        return _link(about["$ref"])
    if "anyOf" in about:
        return " or ".join(_type(each, schema) for each in about["anyOf"])
    if about.get("type") == "array" and about.get("items"):
        return f"array of {_type(about['items'], schema)}"
    if about.get("type") == "null":
        return "`null`"
    return describe_type(about, schema)


def _link(reference: str) -> str:
    name = reference.rpartition("/")[2]
    return f"[{name}](#{name.lower()})"
