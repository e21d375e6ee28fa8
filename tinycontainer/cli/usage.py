"""What containers used, as every verb shows it: one form for tables, one for JSON (TC-TOOL-14)."""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from tinycontainer.text import Figure

_EXACT_FUEL: Final = 10_000_000
_FUEL_UNITS: Final = ((10**12, "T"), (10**9, "G"), (10**6, "M"))
_LEAST_PERCENT: Final = 0.01
_SIZE_UNITS: Final = ((1 << 20, "MiB"), (1 << 10, "KiB"))


def format_fuel(instructions: int) -> Figure:
    """A number of instructions: exact below ten millions, then with four digits."""
    if abs(instructions) < _EXACT_FUEL:
        return format_count(instructions)
    size, unit = next(each for each in _FUEL_UNITS if abs(instructions) >= each[0])
    return Figure(f"{instructions / size:,.4g} {unit}" if instructions < 10**15 else "> 999 T")


def format_size(size_bytes: int) -> Figure:
    """A size of memory; empty for 0, which nobody has measured."""
    if size_bytes < 10 << 10:
        return Figure(f"{size_bytes:,} B" if size_bytes else "")
    size, unit = next(each for each in _SIZE_UNITS if size_bytes >= each[0])
    digits = 1 if size_bytes % size else 0
    return Figure(f"{size_bytes / size:,.{digits}f} {unit}")


def format_count(count: int) -> Figure:
    """A number of things."""
    return Figure(f"{count:,}")


def format_share(percent: float, execution_ns: int) -> Figure:
    """A share of the observed time, in per cent; one that rounds to nothing is shown to be more."""
    is_tiny = execution_ns > 0 and percent < _LEAST_PERCENT
    return Figure(f"<{_LEAST_PERCENT} %" if is_tiny else f"{percent:.2f} %")


def _format_ms(time_ms: float) -> Figure:
    return Figure(f"{time_ms:.3f}")


_COLUMNS: Final[Mapping[str, tuple[str, Callable[[Any], Figure]]]] = MappingProxyType(
    {
        "execution_ms": ("ran ms", _format_ms),
        "share_percent": ("share", Figure),
        "loops": ("loops", format_count),
        "instructions": ("fuel", format_fuel),
        "peak_memory_bytes": ("memory", format_size),
        "calls": ("calls", format_count),
        "refusals": ("refused", format_count),
        "deadline_misses": ("missed", format_count),
        "skipped_periods": ("skipped", format_count),
    }
)
"""Head and form of a column, by the key of its value."""

TIME_KEYS: Final = ("execution_ms", "share_percent")
"""What a container used of the time."""
WORK_KEYS: Final = tuple(key for key in _COLUMNS if key not in TIME_KEYS)
"""What else it used and did."""


def usage_heads(keys: Iterable[str]) -> tuple[str, ...]:
    """The heads of columns."""
    return tuple(_COLUMNS[key][0] for key in keys)


def usage_cells(values: Mapping[str, Any], keys: Iterable[str]) -> tuple[Figure, ...]:
    """The cells of one container in these columns.

    Args:
        values: by their keys.
        keys: which columns.
    """
    return tuple(
        format_share(values[key], values["execution_ns"])
        if key == "share_percent"
        else _COLUMNS[key][1](values[key])
        for key in keys
    )
