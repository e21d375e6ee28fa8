"""Flatbuffers are read into trees: every offset, length and alignment is checked before it is used.

A tree holds what the schema's tables name and nothing else. The work is bounded by the file's
length: tables and vectors that are reached twice count twice, and what is read in all may not be
more than twice the file, or 32 KiB.
"""

import struct
from typing import Final

from ..protocol.codes import ErrorCode, refusal, require
from .schema import FILE_IDENTIFIER, VECTORS, Field, FieldKind, SchemaTable, Tree, Value

MIN_BYTES: Final = 8
_SMALL_FILE_BYTES: Final = 16 * 1024
_TABLE_COST: Final = 64
"""What a table counts for at least: to read one takes as long as to copy some kilobytes."""
_MAX_DEPTH: Final = 8


class FlatbufferReader:
    """Reads one file.

    Args:
        content: the file.
    """

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._length = len(content)
        self._budget = 2 * max(self._length, _SMALL_FILE_BYTES)

    def read(self, root: SchemaTable) -> Tree:
        """The file as a tree.

        Args:
            root: kind of its root table.

        Raises:
            DriverError: code 2; it is no such file.
        """
        identified = self._length >= MIN_BYTES and self._content[4:8] == FILE_IDENTIFIER
        require(identified, ErrorCode.INVALID_ENCODING, "not a file with the identifier TFL3")
        return self._table(self._follow(0), root, 0)

    def _number(self, kind: str, position: int) -> int | float | bool:
        size = struct.calcsize(f"<{kind}")
        if position % size or not 0 <= position <= self._length - size:
            raise refusal(ErrorCode.INVALID_ENCODING, "a number outside of the file, or misaligned")
        number: int | float | bool = struct.unpack_from(f"<{kind}", self._content, position)[0]
        return number

    def _offset(self, kind: str, position: int) -> int:
        return int(self._number(kind, position))

    def _follow(self, position: int) -> int:
        """Where a reference leads."""
        offset = self._offset("I", position)
        require(offset >= 4, ErrorCode.INVALID_ENCODING, "a reference that leads nowhere")
        return position + offset

    def _spend(self, amount: int) -> None:
        self._budget -= amount
        require(
            self._budget >= 0, ErrorCode.INVALID_ENCODING, "parts of the file are used too often"
        )

    def _table(self, position: int, table: SchemaTable, depth: int) -> Tree:
        require(depth <= _MAX_DEPTH, ErrorCode.INVALID_ENCODING, "nested too deeply")
        slots, size = self._vtable(position)
        self._spend(_TABLE_COST + 2 * len(slots))
        tree: Tree = {}
        for field in table.fields:
            offset = slots[field.slot] if field.slot < len(slots) else 0
            if offset == 0:
                tree[field.name] = field.default
                continue
            require(4 <= offset < size, ErrorCode.INVALID_ENCODING, "a field outside of its table")
            tree[field.name] = self._field(position + offset, field, table, tree, depth)
        return tree

    def _vtable(self, position: int) -> tuple[tuple[int, ...], int]:
        """Offsets of a table's fields, and its size."""
        start = position - self._offset("i", position)
        length, size = self._offset("H", start), self._offset("H", start + 2)
        sound = length >= 4 and length % 2 == 0 and start + length <= self._length
        sound = sound and size >= 4 and position + size <= self._length
        require(sound, ErrorCode.INVALID_ENCODING, "a table that reaches out of the file")
        return struct.unpack_from(f"<{(length - 4) // 2}H", self._content, start + 4), size

    def _field(
        self, position: int, field: Field, table: SchemaTable, tree: Tree, depth: int
    ) -> Value:
        kind = field.kind
        if kind in VECTORS:
            return self._vector(self._follow(position), VECTORS[kind])
        if kind is FieldKind.TABLES and field.table is not None:
            return self._tables(self._follow(position), field.table, depth)
        if kind is FieldKind.TABLE and field.table is not None:
            return self._table(self._follow(position), field.table, depth + 1)
        if kind is FieldKind.UNION:
            variant = table.variants.get(_as_int(tree["options_type"]))
            require(
                variant is not None,
                ErrorCode.UNSUPPORTED_OPERATION,
                "options of no operator on the list",
            )
            return self._table(self._follow(position), variant or table, depth + 1)
        return self._number(kind.value, position)

    def _extent(self, position: int, element_bytes: int) -> int:
        """Number of elements of a vector that lies wholly in the file."""
        count = self._offset("I", position)
        fits = count <= (self._length - position - 4) // element_bytes
        require(fits, ErrorCode.INVALID_ENCODING, "a vector that reaches out of the file")
        self._spend(4 + count * element_bytes)
        return count

    def _vector(self, position: int, kind: str) -> bytes | tuple[int, ...] | tuple[float, ...]:
        element_bytes = struct.calcsize(f"<{kind}")
        count = self._extent(position, element_bytes)
        start = position + 4
        if kind == "B":
            return self._content[start : start + count]
        require(count == 0 or start % element_bytes == 0, ErrorCode.INVALID_ENCODING, "misaligned")
        return struct.unpack_from(f"<{count}{kind}", self._content, start)

    def _tables(self, position: int, table: SchemaTable, depth: int) -> list[Tree]:
        count = self._extent(position, 4)
        first = position + 4
        return [
            self._table(self._follow(first + 4 * index), table, depth + 1) for index in range(count)
        ]


def _as_int(value: Value) -> int:
    return value if isinstance(value, int) else 0
