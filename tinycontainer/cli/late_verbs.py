"""The group of all verbs; it imports a verb only when that verb is used."""

from collections.abc import Iterator
from importlib import import_module
from itertools import groupby
from pkgutil import get_data
from typing import Any

import click
from click.shell_completion import CompletionItem

from . import verbs


class LateVerb(click.Command):
    """A placeholder for a verb whose module is not imported yet.

    Args:
        place: folder and name, a line of `verbs.VERBS`.
    """

    def __init__(self, place: str) -> None:
        self.folder, _, name = place.partition(".")
        super().__init__(name)

    def load(self) -> click.Command:
        """The verb itself."""
        module = import_module(f"{verbs.__name__}.{self.folder}.{self.name}")
        command: click.Command = getattr(module, str(self.name))
        return command

    def get_short_help_str(self, limit: int = 45) -> str:
        """The sentence in the first line of the verb's file, whatever the limit.

        Reading the line takes microseconds, importing the verb up to half a second.
        """
        source = get_data(verbs.__name__, f"{self.folder}/{self.name}.py") or b""
        line = source.partition(b"\n")[0].decode()
        sentence = line.partition("``: ")[2].removesuffix('"""')
        return sentence[:1].upper() + sentence[1:]

    def heading(self) -> str:
        """What the verbs of its folder have in common: the docstring of the folder."""
        folder = import_module(f"{verbs.__name__}.{self.folder}")
        return (folder.__doc__ or self.folder).rstrip(".")


class LateGroup(click.Group):
    """A group of all verbs, which are imported one by one, when they are used."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.late = tuple(LateVerb(place) for place in verbs.VERBS)
        self.commands = {str(verb.name): verb for verb in self.late}

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a verb; None if there is no verb of this name."""
        found = self.commands.get(cmd_name)
        return found.load() if isinstance(found, LateVerb) else found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of verbs, by folder, without importing them."""
        width = max(len(name) for name in self.commands)
        for heading, group in groupby(self.late, key=LateVerb.heading):
            with formatter.section(heading):
                rows = [(f"{verb.name:{width}}", verb.get_short_help_str()) for verb in group]
                formatter.write_dl(rows)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete the name of a verb, or an option of the program, without importing verbs."""
        options = click.Command.shell_complete(self, ctx, incomplete)
        return [*self._complete_names(incomplete), *options]

    def _complete_names(self, incomplete: str) -> Iterator[CompletionItem]:
        for name, verb in sorted(self.commands.items()):
            if name.startswith(incomplete):
                yield CompletionItem(name, help=verb.get_short_help_str())
