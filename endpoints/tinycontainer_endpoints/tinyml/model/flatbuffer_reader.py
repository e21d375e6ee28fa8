"""Flatbuffers are read into trees: every offset, length and alignment is checked before it is used.

A tree holds what the schema's tables name and nothing else. The work is bounded by the file's
length: tables and vectors that are reached twice count twice, and what is read in all may not be
more than twice the file, or 32 KiB.
"""

import struct
from typing import Final

from .flaws import Flaw
from .refusing import ModelRefused, require
from .schema import FILE_IDENTIFIER, VECTORS, Field, FieldKind, FieldValue, SchemaTable, Tree

MIN_BYTES: Final = 8
_MIN_OFFSET: Final = 4
"""Length of the shortest head: that of a table, of a list of fields, or a reference."""
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
        self._left = self._budget

    def read(self, root: SchemaTable) -> Tree:
        """Read the file as a tree.

        Args:
            root: kind of its root table.

        Raises:
            ModelRefused: it is no such file.
        """
        long_enough = self._length >= MIN_BYTES
        require(long_enough, Flaw.FILE_TOO_SHORT, found=self._length, allowed=MIN_BYTES)
        require(self._content[4:8] == FILE_IDENTIFIER, Flaw.IDENTIFIER)
        return self._read_table(self._follow(0), root, 0)

    def _read_number(self, kind: str, position: int) -> int | float | bool:
        size = struct.calcsize(f"<{kind}")
        if position % size:
            raise ModelRefused(Flaw.NUMBER_ALIGNMENT, found=position, allowed=size)
        if not 0 <= position <= self._length - size:
            raise ModelRefused(Flaw.NUMBER_OUTSIDE, found=position, allowed=self._length)
        number: int | float | bool = struct.unpack_from(f"<{kind}", self._content, position)[0]
        return number

    def _read_offset(self, kind: str, position: int) -> int:
        return int(self._read_number(kind, position))

    def _follow(self, position: int) -> int:
        """Where a reference leads."""
        offset = self._read_offset("I", position)
        require(offset >= _MIN_OFFSET, Flaw.REFERENCE, found=offset, allowed=_MIN_OFFSET)
        return position + offset

    def _spend(self, amount: int) -> None:
        self._left -= amount
        require(self._left >= 0, Flaw.PARTS_USED_OFTEN, allowed=self._budget)

    def _read_table(self, position: int, table: SchemaTable, depth: int) -> Tree:
        require(depth <= _MAX_DEPTH, Flaw.NESTING, found=depth, allowed=_MAX_DEPTH)
        offsets, size = self._read_field_list(position)
        self._spend(_TABLE_COST + 2 * len(offsets))
        tree: Tree = {}
        for field in table.fields:
            offset = offsets[field.slot] if field.slot < len(offsets) else 0
            if offset == 0:
                tree[field.name] = field.default
                continue
            if not _MIN_OFFSET <= offset < size:
                raise ModelRefused(
                    Flaw.FIELD_OUTSIDE,
                    found=offset,
                    allowed=range(_MIN_OFFSET, size),
                    subject=field.name,
                )
            tree[field.name] = self._read_field(position + offset, field, table, tree, depth)
        return tree

    def _read_field_list(self, position: int) -> tuple[tuple[int, ...], int]:
        """Offsets of a table's fields (its vtable), and the table's size."""
        start = position - self._read_offset("i", position)
        length = self._read_offset("H", start)
        size = self._read_offset("H", start + 2)
        whole = length >= _MIN_OFFSET and length % 2 == 0
        require(whole, Flaw.FIELD_LIST, found=length, allowed=_MIN_OFFSET)
        require(start + length <= self._length, Flaw.FIELD_LIST_OUTSIDE, found=length)
        require(size >= _MIN_OFFSET, Flaw.TABLE_SIZE, found=size, allowed=_MIN_OFFSET)
        require(position + size <= self._length, Flaw.TABLE_OUTSIDE, found=size)
        return struct.unpack_from(f"<{(length - 4) // 2}H", self._content, start + 4), size

    def _read_field(
        self, position: int, field: Field, table: SchemaTable, tree: Tree, depth: int
    ) -> FieldValue:
        kind = field.kind
        if kind in VECTORS:
            return self._read_vector(self._follow(position), VECTORS[kind])
        if kind is FieldKind.TABLES and field.table is not None:
            return self._read_tables(self._follow(position), field.table, depth)
        if kind is FieldKind.TABLE and field.table is not None:
            return self._read_table(self._follow(position), field.table, depth + 1)
        if kind is FieldKind.UNION:
            chosen = tree["options_type"]
            variant = table.variants.get(chosen) if isinstance(chosen, int) else None
            if variant is None:
                return None  # options of an operator that is not on the list; not read at all
            return self._read_table(self._follow(position), variant, depth + 1)
        return self._read_number(kind.value, position)

    def _read_length(self, position: int, element_bytes: int) -> int:
        """Number of elements of a vector that lies wholly in the file."""
        count = self._read_offset("I", position)
        room = (self._length - position - 4) // element_bytes
        require(count <= room, Flaw.VECTOR_OUTSIDE, found=count, allowed=room)
        self._spend(4 + count * element_bytes)
        return count

    def _read_vector(self, position: int, kind: str) -> bytes | tuple[int, ...] | tuple[float, ...]:
        element_bytes = struct.calcsize(f"<{kind}")
        count = self._read_length(position, element_bytes)
        start = position + 4
        if kind == "B":
            return self._content[start : start + count]
        aligned = count == 0 or start % element_bytes == 0
        require(aligned, Flaw.VECTOR_ALIGNMENT, found=start, allowed=element_bytes)
        return struct.unpack_from(f"<{count}{kind}", self._content, start)

    def _read_tables(self, position: int, table: SchemaTable, depth: int) -> list[Tree]:
        count = self._read_length(position, 4)
        first = position + 4
        return [
            self._read_table(self._follow(first + 4 * index), table, depth + 1)
            for index in range(count)
        ]
