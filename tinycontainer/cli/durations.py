"""Durations as people write them."""

import click

from tinycontainer.text import show

_UNITS_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}
_MAX_DIGITS = 15


def duration_ms(
    _context: click.Context, _parameter: click.Parameter, text: str | None
) -> int | None:
    """Callback of an option: a whole number with a unit, such as 500ms, 10s, 2m or 1h, in ms.

    Raises:
        click.BadParameter: it is none.
    """
    if text is None:
        return None
    digits = text.rstrip("msh")
    unit = text[len(digits) :]
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _MAX_DIGITS) or (
        unit not in _UNITS_MS
    ):
        raise click.BadParameter(f"{show(text)} is no duration such as 500ms, 10s, 2m or 1h")
    return int(digits) * _UNITS_MS[unit]
