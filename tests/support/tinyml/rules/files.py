"""Files that cannot be read, each by one damage."""

import struct

from support.tinyml.hostile_models import changed, child, good, graph_of
from tinycontainer_endpoints.tinyml.model.flaws import Flaw

_ROOT = 20
"""Where the root table of the small files begins."""


def small(
    *, vtable: bytes = struct.pack("<HHHH", 8, 8, 0, 4), table: bytes = b"", back: int = 8
) -> bytes:
    """A file of a root table with one field, its operator codes."""
    head = struct.pack("<I4s", _ROOT, b"TFL3") + bytes(4) + vtable.ljust(8, b"\0")
    assert len(head) == _ROOT
    return head + struct.pack("<i", back) + (table or struct.pack("<I", 4)) + bytes(64)


def too_many(name: str, count: int) -> bytes:
    """More tensors or operators than a model may have; all of them are the same."""

    def change(tree: object) -> None:
        assert isinstance(tree, dict)
        tables = graph_of(tree)[name]
        assert isinstance(tables, list)
        graph_of(tree)[name] = tables[:1] * count

    return changed(change)


FILES: list[tuple[bytes, Flaw | None]] = [
    (good()[:7], Flaw.FILE_TOO_SHORT),
    (good()[:4] + b"TFL2" + good()[8:], Flaw.IDENTIFIER),
    (struct.pack("<I", 1 << 30) + good()[4:], Flaw.NUMBER_OUTSIDE),
    (struct.pack("<I", 21) + small()[4:], Flaw.NUMBER_ALIGNMENT),
    (struct.pack("<I", 0) + good()[4:], Flaw.REFERENCE),
    (small(vtable=struct.pack("<HH", 3, 8)), Flaw.FIELD_LIST),
    (small(vtable=struct.pack("<HH", 0xFFFE, 8)), Flaw.FIELD_LIST_OUTSIDE),
    (small(vtable=struct.pack("<HH", 8, 2)), Flaw.TABLE_SIZE),
    (small(vtable=struct.pack("<HH", 8, 0xFFFF)), Flaw.TABLE_OUTSIDE),
    (small(vtable=struct.pack("<HHHH", 8, 8, 0, 9)), Flaw.FIELD_OUTSIDE),
    (small(table=struct.pack("<II", 4, 1 << 20)), Flaw.VECTOR_OUTSIDE),
    (small(), Flaw.GRAPH_COUNT),
    (changed(lambda t: t.update(version=2)), Flaw.SCHEMA_VERSION),
    (changed(lambda t: child(t, "buffers", 1).update(offset=8, size=96)), Flaw.EXTERNAL_DATA),
    (changed(lambda t: child(t, "buffers", 1).update(data=bytes(8))), Flaw.CONSTANT_SIZE),
    (too_many("tensors", 257), Flaw.TOO_MANY),
    (too_many("operators", 129), Flaw.TOO_MANY),
]
