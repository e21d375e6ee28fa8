"""Options and arguments that several verbs have."""

from collections.abc import Callable
from dataclasses import fields
from functools import wraps
from pathlib import Path
from typing import Any, Final, TypeAlias

import click

from tinycontainer.text import show

Decorator: TypeAlias = Callable[[Callable[..., Any]], Callable[..., Any]]

_UNITS_MS: Final = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}
_UNITS_BYTES: Final = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_MIN_FILE_BYTES: Final = 4096
_MAX_DIGITS: Final = 15

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
DEFAULT_FILE_BYTES: Final = 256 << 20
"""The bound of a trace or recording where no option gives one."""
force_option = click.option("--force", is_flag=True, help="Overwrite files that exist.")
at_option = click.option(
    "--at", "at_s", type=click.IntRange(min=0), help="Time in Unix seconds; by default now."
)


def path_argument(name: str, **settings: Any) -> Decorator:
    """An argument that names a file or a directory; the verb gets a `Path`.

    Args:
        name: the parameter of the verb.
        settings: whatever else `click.argument` accepts.
    """
    return click.argument(name, type=click.Path(path_type=Path), **settings)


def path_option(*names: str, **settings: Any) -> Decorator:
    """An option that names a file or a directory; the verb gets a `Path`, or None.

    Args:
        names: as `click.option` accepts them.
        settings: whatever else `click.option` accepts; in any case its ``help``.
    """
    return click.option(*names, type=click.Path(path_type=Path), **settings)


def duration_option(*names: str, help: str) -> Decorator:  # noqa: A002 - click's own word
    """An option for a length of time such as 500ms, 10s, 2m or 1h; the verb gets ms, or None.

    Args:
        names: as `click.option` accepts them.
        help: the line in the verb's help.
    """
    return click.option(*names, metavar="DURATION", callback=_duration_ms, help=help)


def size_option(*names: str, help: str) -> Decorator:  # noqa: A002
    """An option for a number of bytes such as 64KiB, 256MiB or 1GiB; the verb gets bytes, or None.

    Args:
        names: as `click.option` accepts them.
        help: the line in the verb's help.
    """
    return click.option(*names, metavar="SIZE", callback=_size_bytes, help=help)


def gather_options(parameter: str, kind: type[Any], *options: Decorator) -> Decorator:
    """Give a verb options that it receives as one value.

    Args:
        parameter: the parameter of the verb that receives the value.
        kind: a dataclass with one field for each option, of the option's name.
        options: in the order of the help.
    """
    names = [field.name for field in fields(kind)]

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(command)
        def with_value(*arguments: Any, **given: Any) -> Any:
            value = kind(**{name: given.pop(name) for name in names})
            return command(*arguments, **{parameter: value}, **given)

        decorated: Callable[..., Any] = with_value
        for option in reversed(options):  # the decorator that is applied last comes first in help
            decorated = option(decorated)
        return decorated

    return decorate


def _size_bytes(
    _context: click.Context, _parameter: click.Parameter, text: str | None
) -> int | None:
    if text is None:
        return None
    digits = text.rstrip("KMGiB")
    unit = text[len(digits) :]
    is_number = digits.isascii() and digits.isdigit() and len(digits) <= _MAX_DIGITS
    size_bytes = int(digits) * _UNITS_BYTES[unit] if is_number and unit in _UNITS_BYTES else 0
    if size_bytes < _MIN_FILE_BYTES:
        raise click.BadParameter(
            f"{show(text)} is no size such as 64KiB, 256MiB or 1GiB; the least is 4KiB"
        )
    return size_bytes


def _duration_ms(
    _context: click.Context, _parameter: click.Parameter, text: str | None
) -> int | None:
    if text is None:
        return None
    digits = text.rstrip("msh")
    unit = text[len(digits) :]
    is_number = digits.isascii() and digits.isdigit() and len(digits) <= _MAX_DIGITS
    if not is_number or unit not in _UNITS_MS:
        raise click.BadParameter(f"{show(text)} is no duration such as 500ms, 10s, 2m or 1h")
    return int(digits) * _UNITS_MS[unit]
