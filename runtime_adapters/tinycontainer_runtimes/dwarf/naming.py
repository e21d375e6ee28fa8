"""Names of functions where debug information has none: from a name section or a symbol table."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from tinycontainer.interfaces.debug_info import Chain, DebugInfo, SourcePlace


@dataclass(frozen=True, slots=True)
class NamedRange:
    """A function.

    Attributes:
        begin: offset of its first byte.
        end: offset after its last byte.
        name: untrusted; empty if it has none.
    """

    begin: int
    end: int
    name: str


def name_functions(functions: Iterable[NamedRange], debug: DebugInfo) -> DebugInfo:
    """Add the names of functions to rows that lack them; rows outside of functions are dropped.

    Args:
        functions: in the order of their offsets, without overlaps.
        debug: rows by the same offsets.
    """
    return DebugInfo(tuple(_name_rows(functions, debug)))


def _name_rows(functions: Iterable[NamedRange], debug: DebugInfo) -> Iterator[tuple[int, Chain]]:
    rows = iter(debug.rows)
    row = next(rows, None)
    for function in functions:
        while row is not None and row[0] <= function.begin:
            row = next(rows, None)
        before = _complete_chain(debug.find(function.begin), function.name)
        yield function.begin, before
        while row is not None and row[0] < function.end:
            chain = _complete_chain(row[1], function.name)
            if chain != before:
                yield row[0], chain
            before = chain
            row = next(rows, None)


def _complete_chain(chain: Chain, name: str) -> Chain:
    if not chain:
        return (SourcePlace(name),) if name else ()
    *inner, outermost = chain
    return (*inner, outermost if outermost.function else replace(outermost, function=name))
