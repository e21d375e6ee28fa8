"""What every verb is: how it teaches itself, its exit codes, its way to refuse.

The program's front door imports this file at every start, so it imports nothing but click.
"""

import os
import sys
from collections import Counter
from enum import IntEnum
from typing import Any, Final

import click

PROGRAM: Final = "tinycontainerctl"
COMPLETION_VARIABLE: Final = "_TINYCONTAINERCTL_COMPLETE"
"""A shell sets this when it asks the program for completions."""

_EXAMPLE: Final = "Example: "


class ExitCode(IntEnum):
    """Exit codes of all verbs.

    Attributes:
        meaning: what the help says about a code.
    """

    meaning: str

    DONE = 0, "done"
    REFUSED = 1, "refused, or an expectation did not hold"
    BAD_INPUT = 2, "bad input"
    NO_RUNTIME = 3, "no usable runtime"
    INTERRUPTED = 130, "interrupted"
    OUTPUT_CLOSED = 141, "the output was closed"

    def __new__(cls, code: int, meaning: str) -> "ExitCode":
        """One member of the table above."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member


def say(line: str) -> None:
    """Write a line to standard error; if it takes none, that changes no exit code."""
    try:
        click.echo(line, err=True)
    except OSError:
        # What it holds back would fail once more when Python ends, with an exit code of its own.
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115


class VerbRefused(Exception):
    """Ends a verb with one line and an exit code.

    Args:
        problem: what, where, what to do.
        code: the exit code.
    """

    def __init__(self, problem: str, code: ExitCode = ExitCode.BAD_INPUT) -> None:
        super().__init__(problem)
        self.code = code


def _holds_one_value(parameter: click.Parameter) -> bool:
    """Whether a second mention can contradict the first: a plain flag's cannot."""
    if not isinstance(parameter, click.Option) or parameter.multiple or parameter.count:
        return False
    return not parameter.is_flag or bool(parameter.secondary_opts)


class Verb(click.Command):
    """A command whose docstring ends with a paragraph ``Example: tinycontainerctl ...``.

    The example works in the directory that `tinycontainerctl demo --keep box` makes.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        text, _, example = (self.help or "").partition(_EXAMPLE)
        self.help = text.rstrip()
        self.example = " ".join(example.split())

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse arguments; an option whose second value would replace the first is refused.

        Raises:
            UsageError: an option that takes one value is given twice.
        """
        _, _, order = self.make_parser(ctx).parse_args(args=list(args))
        for option, count in Counter(each for each in order if _holds_one_value(each)).items():
            if count > 1 and not ctx.resilient_parsing:
                raise click.UsageError(
                    f"{option.opts[0]} is given {count} times; give it once", ctx
                )
        return super().parse_args(ctx, args)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the example and the exit codes."""
        with formatter.section("Example, in a directory made by `tinycontainerctl demo --keep`"):
            formatter.write_text(self.example)
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(int(code)), code.meaning) for code in ExitCode])
