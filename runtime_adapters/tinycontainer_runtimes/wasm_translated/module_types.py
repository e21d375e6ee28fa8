"""What functions of a module need to know of it to be translated."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ..wasm.reader import FunctionType
from ..wasm.scan import ScannedModule
from ..wasm.validation.value_types import EXTERNREF, F32, F64, FUNCREF, I32, I64

ZEROS: Final[Mapping[int, str]] = {
    I32: "0",
    I64: "0",
    F32: "0.0",
    F64: "0.0",
    FUNCREF: "None",
    EXTERNREF: "None",
}
"""What a local variable begins with in source, by its type."""
ZERO_VALUES: Final[Mapping[int, int | float | None]] = {
    I32: 0,
    I64: 0,
    F32: 0.0,
    F64: 0.0,
    FUNCREF: None,
    EXTERNREF: None,
}
"""The same as a value."""


@dataclass(frozen=True, slots=True)
class ModuleTypes:
    """Types of a module.

    Attributes:
        types: of functions, as the module lists them.
        numbers: one number for each of them; equal types have the same.
        function_types: of each function, imported ones first.
        natives: how many are imported.
    """

    types: Sequence[FunctionType]
    numbers: Sequence[int]
    function_types: Sequence[FunctionType]
    natives: int

    @classmethod
    def of(cls, scanned: ScannedModule) -> "ModuleTypes":
        """Those of a scanned module."""
        first: dict[FunctionType, int] = {}
        numbers = [first.setdefault(each, place) for place, each in enumerate(scanned.types)]
        functions = [scanned.types[index] for index in scanned.functions]
        return cls(scanned.types, numbers, functions, len(scanned.imports))
