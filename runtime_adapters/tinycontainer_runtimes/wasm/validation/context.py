"""What a module declares, as far as its functions and constant expressions may use it."""

from dataclasses import dataclass, field
from typing import NamedTuple

from ..reader import FunctionType


class GlobalType(NamedTuple):
    """Type of a global.

    Attributes:
        value_type: of its value.
        is_mutable: whether it can be set.
    """

    value_type: int
    is_mutable: bool


@dataclass(slots=True)
class ModuleContext:
    """What was declared so far.

    Attributes:
        types: of functions.
        functions: index of the type of each, imported ones first.
        tables: what each holds, imported ones first.
        memories: how many there are.
        globals: type of each, imported ones first.
        imported_globals: how many of them are imported.
        elements: what each segment of elements holds.
        data_count: how many segments of data are announced; None if nothing is.
        references: functions to which a reference can be made.
    """

    types: list[FunctionType] = field(default_factory=list)
    functions: list[int] = field(default_factory=list)
    tables: list[int] = field(default_factory=list)
    memories: int = 0
    globals: list[GlobalType] = field(default_factory=list)
    imported_globals: int = 0
    elements: list[int] = field(default_factory=list)
    data_count: int | None = None
    references: set[int] = field(default_factory=set)

    def function_type(self, index: int) -> FunctionType:
        """Type of a function that is there."""
        return self.types[self.functions[index]]
