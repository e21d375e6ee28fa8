"""How a verb teaches itself: what it does, its options, one worked example, its exit codes."""

from typing import Any, Final

import click

from tinycontainer.assembly import Installation

_EXAMPLE: Final = "Example: "
EXIT_CODES: Final = (
    ("0", "done"),
    ("1", "refused, or an expectation did not hold"),
    ("2", "bad input"),
    ("3", "no usable runtime"),
    ("130", "interrupted"),
    ("141", "the output was closed"),
)

with_installation = click.make_pass_decorator(Installation)
"""Gives a verb the process's installation, as its first argument."""


class Verb(click.Command):
    """A command whose docstring ends with a paragraph ``Example: tinycontainerctl ...``.

    The example works in the directory that `tinycontainerctl demo --keep box` makes.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        text, _, example = (self.help or "").partition(_EXAMPLE)
        self.help = text.rstrip()
        self.example = " ".join(example.split())

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the example and the exit codes."""
        with formatter.section("Example, in a directory made by `tinycontainerctl demo --keep`"):
            formatter.write_text(self.example)
        with formatter.section("Exit codes"):
            formatter.write_dl(EXIT_CODES)
