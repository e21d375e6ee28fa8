"""The interface of builders, which turn what a compiler makes into a container's code.

A third party adds one by an entry point in the group ``tinycontainer.builders``, named after the
runtime (``rbpf``), whose object is a `BuilderFactory`.
"""

from collections.abc import Callable, Iterator
from typing import Protocol, TypeAlias


class Builder(Protocol):
    """Makes the code of one container type."""

    def build(self, source: bytes) -> bytes:
        """Convert untrusted compiler output, within bounded time and memory.

        Raises:
            BuildRefused: with the place and the reason.
        """
        ...

    def disassemble(self, source: bytes) -> Iterator[str]:
        """Code, or what `build` would make of compiler output, as lines for people.

        Raises:
            BuildRefused: compiler output that cannot be converted.
            InadmissibleCode: code that cannot be read.
        """
        ...


BuilderFactory: TypeAlias = Callable[[], Builder]
"""Makes a builder."""
