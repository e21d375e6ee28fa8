"""Words for the values of metadata and tokens, by the tables of their codecs."""

from collections.abc import Callable
from enum import IntEnum
from typing import Any, Final

from tinycontainer.errors import MetadataError
from tinycontainer.interfaces.syscalls import allowed, describe_unknown_bits, mask_from_bytes
from tinycontainer.metadata import Direction
from tinycontainer.text import show
from tinycontainer_tokens import ClaimsError, cbor

from ..artefact.moments import format_utc

_PERIODS: Final = frozenset({"loop_period_ms", "period_ms"})
_LOOPS: Final = frozenset({"lifetime_loops", "loop_max_lifetime"})
_NAMES: Final = {"mask": "mask"}
"""The usual name of a value, where the table of claims has another."""


def label_field(
    attribute: str, name: str, check: Callable[[str, cbor.Value], Any]
) -> Callable[[cbor.Value], str]:
    """The meaning of a field: its name and its value in words, or what is wrong with it.

    Args:
        attribute: of the model; its ending names the unit.
        name: in the specification.
        check: of the codec; turns what was encoded into the model's value.
    """

    def meaning(value: cbor.Value) -> str:
        try:
            checked = check(name, value)
        except (MetadataError, ClaimsError) as error:
            return str(error)
        return f"{_NAMES.get(attribute, name)}: {_in_words(attribute, checked)}"

    return meaning


def describe_mask(mask: bytes) -> str:
    """The calls that a mask allows, in words.

    Args:
        mask: the claim, 1 to 4 bytes.
    """
    bits = mask_from_bytes(mask)
    names = " ".join(call.name.lower() for call in allowed(bits)) or "no call"
    unknown = describe_unknown_bits(bits)
    return f"{names}; {unknown}" if unknown else names


def _in_words(attribute: str, value: Any) -> str:
    if isinstance(value, Direction):
        return f"{value.name.lower()} (the container {_flow(value)})"
    if isinstance(value, IntEnum):
        return value.name.lower()
    if attribute == "mask":
        return describe_mask(value)
    if isinstance(value, bytes | str):
        return show(value)
    if attribute == "priority":
        return f"{value} (0 is the highest)"
    if attribute in _LOOPS:
        return f"{value} loops" if value else "0 (no limit)"
    if attribute.endswith("_ms"):
        return f"{value} ms" if value else f"0 ms ({_nought(attribute)})"
    if attribute.endswith("_s"):
        return format_utc(value)
    return str(value)


def _flow(direction: Direction) -> str:
    flows = {"reads": direction.container_reads, "writes": direction.container_writes}
    return " and ".join(verb for verb, flowing in flows.items() if flowing)


def _nought(attribute: str) -> str:
    return "no waiting" if attribute in _PERIODS else "no limit"
