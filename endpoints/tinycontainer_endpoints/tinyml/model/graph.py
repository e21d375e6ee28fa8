"""A model as values: tensors and the operators between them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from types import MappingProxyType
from typing import Final

from ..protocol.codes import ElementType
from .enumerations import Builtin, TensorType
from .schema import FieldValue

ELEMENT_BYTES: Final[Mapping[TensorType, int]] = MappingProxyType(
    {TensorType.F32: 4, TensorType.I32: 4, TensorType.I8: 1}
)
ELEMENT_TYPES: Final[Mapping[TensorType, ElementType]] = MappingProxyType(
    {
        TensorType.F32: ElementType.F32,
        TensorType.I32: ElementType.I32,
        TensorType.I8: ElementType.I8,
    }
)


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
        index: its number in the model that it was read from, for messages; -1 if it was not read.
    """

    type: TensorType
    shape: tuple[int, ...]
    name: bytes = b""
    data: bytes | None = None
    scales: tuple[float, ...] = ()
    zero_points: tuple[int, ...] = ()
    channel_axis: int = 0
    index: int = field(default=-1, compare=False)

    @property
    def elements(self) -> int:
        """Number of elements."""
        return prod(self.shape)

    @property
    def size_bytes(self) -> int:
        """Length of its data."""
        return self.elements * ELEMENT_BYTES[self.type]

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
    """

    code: Builtin
    version: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Mapping[str, FieldValue] | None

    def number(self, name: str) -> int:
        """An option that is a whole number or a truth; 0 without options."""
        value = None if self.options is None else self.options.get(name)
        return value if isinstance(value, int) else 0


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
