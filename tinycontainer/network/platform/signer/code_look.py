"""What code shows of itself, for the developer who signs it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from tinycontainer.device.containers.limits import BOARDS
from tinycontainer.errors import InadmissibleCode
from tinycontainer.interfaces.analysis import Analyser, CodeFacts
from tinycontainer.metadata import ContainerType
from tinycontainer.text import flatten, show

_WASM: Final = b"\0asm"
_LARGEST_BYTES: Final = BOARDS["default"].code_bytes
"""Longer code is not looked into: that would take long."""
_NAMES_SHOWN: Final = 40
_NAME_BYTES: Final = 64


@dataclass(frozen=True, slots=True)
class CodeLook:
    """What was found; nothing of it is a promise of the code.

    Attributes:
        facts: what an analyser says; None if none looked.
        unseen: why none looked, or what it could not read; empty if it did.
    """

    facts: CodeFacts | None
    unseen: str = ""


def look_at_code(code: bytes, analysers: Mapping[ContainerType, Analyser]) -> CodeLook:
    """Look at code whose type is known by its first bytes alone.

    Args:
        code: untrusted bytes.
        analysers: say what code does, by container type.
    """
    if not code.startswith(_WASM):
        return CodeLook(None, "its type cannot be told from its bytes")
    analyse = analysers.get(ContainerType.WASM)
    if analyse is None:
        return CodeLook(None, "WebAssembly, for which no analyser is installed")
    if len(code) > _LARGEST_BYTES:
        return CodeLook(None, f"WebAssembly; up to {_LARGEST_BYTES} bytes are looked into")
    try:
        return CodeLook(analyse(code))
    except InadmissibleCode as error:
        return CodeLook(None, flatten(f"WebAssembly that cannot be read: {error}"))


def describe_code(look: CodeLook) -> tuple[str, ...]:
    """The same in lines, fit to be shown."""
    facts = look.facts
    if facts is None:
        return (f"not looked into: {look.unseen}",)
    opened = sorted(facts.opened)
    ids = ", ".join(map(str, opened[:_NAMES_SHOWN])) or "none by a constant"
    more = f" and {len(opened) - _NAMES_SHOWN} more" if len(opened) > _NAMES_SHOWN else ""
    computed = ", and ids that it computes" if facts.opens_computed else ""
    return (
        f"WebAssembly; imports {list_names(facts.imported)}; calls {list_names(facts.natives)}",
        f"hooks: {list_names(facts.hooks)}; endpoints that it opens: {ids}{more}{computed}",
    )


def list_names(names: Iterable[str]) -> str:
    """Untrusted names, in order; of very many only the first."""
    found = sorted(names)
    shown = ", ".join(show(name, _NAME_BYTES) for name in found[:_NAMES_SHOWN]) or "nothing"
    more = len(found) - _NAMES_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown
