"""The interface of builders, which turn what a compiler makes into a container's code.

A third party adds one by an entry point in the group ``tinycontainer.builders``, named after what
it makes (``rbpf``, ``wasm``), whose object is a `BuilderFactory`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeAlias, runtime_checkable

from .debug_info import DebugInfo


@dataclass(frozen=True, slots=True)
class BuiltCode:
    """What a builder made.

    Attributes:
        code: the code section, without anything that only debuggers read.
        debug: where the bytes of that section come from; empty if the compiler did not say so.
        exports: names of the functions that a device could call.
    """

    code: bytes
    debug: DebugInfo
    exports: frozenset[str]


class Builder(Protocol):
    """Makes the code of one container type."""

    def build(self, source: bytes, source_map: bytes = b"") -> BuiltCode:
        """Convert untrusted compiler output, within bounded time and memory.

        Args:
            source: what the compiler made.
            source_map: a source map that it wrote beside that; empty if there is none.

        Raises:
            BuildRefused: with the place and the reason.
        """
        ...


@runtime_checkable
class Disassembler(Protocol):
    """A builder that can show code readably; a builder need not."""

    def disassemble(self, source: bytes) -> Iterator[str]:
        """Code, or what `build` would make of compiler output, as lines for people.

        Raises:
            BuildRefused: compiler output that cannot be converted.
            InadmissibleCode: code that cannot be read.
        """
        ...


BuilderFactory: TypeAlias = Callable[[], Builder]
"""Makes a builder."""
