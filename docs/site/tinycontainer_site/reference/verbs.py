"""A page for each verb of the command line, with what its ``--help`` says."""

from collections.abc import Iterator
from typing import Any

import click

from tinycontainer.cli.late_verbs import LateVerb
from tinycontainer.cli.program import cli
from tinycontainer.cli.verb import PROGRAM, ExitCode, Verb

from ..pages import Page, Stage
from .markdown import block, code, paragraphs, table

_FOLDER = "tinycontainer/cli/verbs"
_FOR_ALL = """Every verb explains itself with `--help`. Every verb writes JSON with `--json`;
[its answer](site:reference/answers/index.md) has a schema with a version.
"""


def add_verbs(stage: Stage) -> None:
    """Add the page of each verb, and the page that lists them all."""
    index = [
        "# The command line\n",
        f"{paragraphs(cli.help or '')}\n",
        _FOR_ALL,
    ]
    heading = ""
    for late in _late_verbs():
        if late.heading() != heading:
            heading = late.heading()
            index.append(f"## {heading}\n")
        index.append(
            f"- [`{late.name}`](site:reference/verbs/{late.name}.md): {late.get_short_help_str()}\n"
        )
        origin = f"{_FOLDER}/{late.folder}/{late.name}.py"
        stage.add(Page(f"reference/verbs/{late.name}.md", _page(late), origin))
    index += ["\n## Exit codes\n", _exit_codes()]
    stage.add(Page("reference/verbs/index.md", "\n".join(index), _FOLDER))


def _late_verbs() -> Iterator[LateVerb]:
    yield from cli.late


def _page(late: LateVerb) -> str:
    command = late.load()
    summary = late.get_short_help_str()
    parts = [f"# {late.name}\n", f"{summary}\n"]
    if isinstance(command, click.Group):
        parts.append(f"{paragraphs(command.help or '')}\n")
        for name in sorted(command.commands):
            inner = command.commands[name]
            parts += [f"## {late.name} {name}\n", *_describe(inner, (str(late.name), name))]
    else:
        parts += _describe(command, (str(late.name),))
    return "\n".join(parts)


def _describe(command: click.Command, words: tuple[str, ...]) -> Iterator[str]:
    context = click.Context(command, info_name=" ".join((PROGRAM, *words)))
    usage = " ".join(command.collect_usage_pieces(context))
    yield block("text", f"{context.info_name} {usage}")
    yield f"{paragraphs(command.help or '')}\n"
    parameters = [each for each in command.params if isinstance(each, click.Option)]
    rows = [_row(each, context) for each in parameters if not each.hidden]
    yield table(("option", "meaning"), rows)
    if isinstance(command, Verb):
        yield "An example, in the directory that `tinycontainerctl demo --keep box` makes:\n"
        yield block("sh", command.example)


def _row(option: click.Option, context: click.Context) -> tuple[str, str]:
    names = [*option.opts, *option.secondary_opts]
    value = "" if option.is_flag or option.count else f" {option.make_metavar(context)}"
    facts = [_capital(option.help or "")]
    if option.required:
        facts.append("Required.")
    if _has_default(option):
        facts.append(f"By default {code(str(option.default))}.")
    return code(", ".join(names) + value), " ".join(each for each in facts if each)


def _has_default(option: click.Option) -> bool:
    default: Any = option.default
    shown = option.show_default or "default" not in (option.help or "")
    is_value = isinstance(default, str | int | float) and not isinstance(default, bool)
    return bool(shown) and is_value and not option.is_flag and bool(str(default))


def _capital(text: str) -> str:
    text = text.strip()
    return f"{text}." if text and text[-1] not in ".:;" else text


def _exit_codes() -> str:
    return table(("code", "meaning"), [(str(int(each)), each.meaning) for each in ExitCode])
