"""A model as values: tensors and the operators between them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from types import MappingProxyType
from typing import Final

from ..protocol.codes import ElementType
from .enumerations import Builtin, TensorType
from .schema import FieldValue

_ELEMENT_BITS: Final[Mapping[TensorType, int]] = MappingProxyType(
    {
        TensorType.I2: 2,
        TensorType.I4: 4,
        TensorType.U4: 4,
        TensorType.BOOL: 8,
        TensorType.F8_E4M3FN: 8,
        TensorType.F8_E5M2: 8,
        TensorType.I8: 8,
        TensorType.U8: 8,
        TensorType.BF16: 16,
        TensorType.F16: 16,
        TensorType.I16: 16,
        TensorType.U16: 16,
        TensorType.F32: 32,
        TensorType.I32: 32,
        TensorType.U32: 32,
        TensorType.C64: 64,
        TensorType.F64: 64,
        TensorType.I64: 64,
        TensorType.U64: 64,
        TensorType.C128: 128,
    }
)
"""Elements of the other types have no fixed size; they count nothing, and are refused."""
ELEMENT_TYPES: Final[Mapping[TensorType, ElementType]] = MappingProxyType(
    {
        TensorType.F32: ElementType.F32,
        TensorType.I32: ElementType.I32,
        TensorType.I8: ElementType.I8,
    }
)
"""Types that inputs and outputs of a model can have, as containers name them."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor.

    Attributes:
        type: of its elements.
        shape: dimensions, each at least 1; none for a scalar.
        name: as the model gives it, untrusted.
        data: its bytes if it is a constant, else None.
        scales: one, or one per channel; none if it is not quantised.
        zero_points: as many.
        channel_axis: dimension of the channels that the scales belong to.
        is_variable: whether an operator keeps its state in it from inference to inference.
        index: its number in the model that it was read from, for messages; -1 if it was not read.
    """

    type: TensorType
    shape: tuple[int, ...]
    name: bytes = b""
    data: bytes | None = None
    scales: tuple[float, ...] = ()
    zero_points: tuple[int, ...] = ()
    channel_axis: int = 0
    is_variable: bool = False
    index: int = field(default=-1, compare=False)

    @property
    def elements(self) -> int:
        """Number of elements."""
        return prod(self.shape)

    @property
    def size_bytes(self) -> int:
        """Length of its data."""
        return -(-self.elements * _ELEMENT_BITS.get(self.type, 0) // 8)

    @property
    def is_constant(self) -> bool:
        """Whether its data is part of the model."""
        return self.data is not None


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator.

    Attributes:
        code: which.
        version: of its definition.
        inputs: indices of tensors; -1 for one that is left out.
        outputs: indices of tensors.
        options: by name; None if the model has none.
        intermediates: indices of tensors that only say how values between are quantised.
    """

    code: Builtin
    version: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Mapping[str, FieldValue] | None
    intermediates: tuple[int, ...] = ()

    def number(self, name: str) -> int:
        """An option that is a whole number or a truth; 0 without options."""
        value = None if self.options is None else self.options.get(name)
        return value if isinstance(value, int) else 0

    def fraction(self, name: str) -> float:
        """An option that is a number with a point; 0 without options."""
        value = None if self.options is None else self.options.get(name)
        return float(value) if isinstance(value, float) else 0.0


@dataclass(frozen=True, slots=True)
class Model:
    """A model of one graph.

    Attributes:
        tensors: all tensors.
        operators: in the order in which they run.
        inputs: indices of the tensors that the container gives.
        outputs: indices of those that it reads.
    """

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
