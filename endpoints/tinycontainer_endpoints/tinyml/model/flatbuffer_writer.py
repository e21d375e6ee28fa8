"""Trees are written as flatbuffers: the file that native code reads is laid out here, by us."""

import struct
from typing import Final

from .schema import FILE_IDENTIFIER, VECTORS, Field, FieldKind, FieldValue, SchemaTable, Tree

_DATA_ALIGNMENT: Final = 16
_WIDTHS: Final = 8, 4, 2, 1


def write_flatbuffer(tree: Tree, root: SchemaTable) -> bytes:
    """Write a file.

    Args:
        tree: its root table; a name that the schema's table does not have is an error.
        root: kind of the root table.

    Raises:
        KeyError: a field that the table does not have.
        struct.error: a number that does not fit its field.
    """
    return _Writer().write_file(tree, root)


class _Writer:
    """Parents come before their children, and each reference is filled in when its child is."""

    def __init__(self) -> None:
        self._out = bytearray()

    def write_file(self, tree: Tree, root: SchemaTable) -> bytes:
        self._out += bytes(4) + FILE_IDENTIFIER
        self._refer(0, self._write_table(tree, root))
        return bytes(self._out)

    def _align(self, alignment: int, ahead: int = 0) -> None:
        """Fill up, so that what lies ``ahead`` bytes further on is aligned."""
        self._out += bytes(-(len(self._out) + ahead) % alignment)

    def _refer(self, position: int, target: int) -> None:
        struct.pack_into("<I", self._out, position, target - position)

    def _write_table(self, tree: Tree, table: SchemaTable) -> int:
        fields = {field.name: field for field in table.fields}
        present: list[tuple[Field, FieldValue]] = [
            (fields[name], value) for name, value in tree.items() if value is not None
        ]
        present.sort(key=lambda each: -_width(each[0]))
        slots = 1 + max((field.slot for field, _ in present), default=-1)
        offsets = [0] * slots
        size = 4 + _padding(present)
        for field, _ in present:
            offsets[field.slot] = size
            size += _width(field)
        vtable = struct.pack(f"<HH{slots}H", 4 + 2 * slots, size, *offsets)
        self._align(_WIDTHS[0], len(vtable))
        self._out += vtable
        position = len(self._out)
        self._out += struct.pack("<i", len(vtable)) + bytes(size - 4)
        for field, value in present:
            self._write_field(position + offsets[field.slot], field, value, table, tree)
        return position

    def _write_field(
        self, position: int, field: Field, value: FieldValue, table: SchemaTable, tree: Tree
    ) -> None:
        if field.kind in VECTORS:
            self._refer(position, self._write_vector(value, VECTORS[field.kind]))
        elif isinstance(value, list) and field.table is not None:
            self._refer(position, self._write_tables(value, field.table))
        elif isinstance(value, dict):
            chosen = tree.get("options_type") if field.kind is FieldKind.UNION else None
            kind = table.variants[chosen] if isinstance(chosen, int) else field.table
            self._refer(position, self._write_table(value, kind or table))
        else:
            struct.pack_into(f"<{field.kind.value}", self._out, position, value)

    def _write_vector(self, value: FieldValue, kind: str) -> int:
        if not isinstance(value, bytes | tuple):
            raise TypeError(f"a vector is bytes or a tuple, not {type(value).__name__}")
        self._align(_DATA_ALIGNMENT, 4)
        position = len(self._out)
        self._out += struct.pack("<I", len(value))
        self._out += (
            value if isinstance(value, bytes) else struct.pack(f"<{len(value)}{kind}", *value)
        )
        if kind == "B":
            self._out += bytes(1)  # strings end with a zero byte
        return position

    def _write_tables(self, trees: list[Tree], table: SchemaTable) -> int:
        self._align(4)
        position = len(self._out)
        self._out += struct.pack("<I", len(trees)) + bytes(4 * len(trees))
        for index, tree in enumerate(trees):
            self._refer(position + 4 + 4 * index, self._write_table(tree, table))
        return position


def _width(field: Field) -> int:
    return struct.calcsize(f"<{field.kind.value}") if len(field.kind.value) == 1 else 4


def _padding(present: list[tuple[Field, FieldValue]]) -> int:
    """Bytes after a table's first four, so that fields of eight bytes are aligned."""
    return 4 if present and _width(present[0][0]) == 8 else 0
