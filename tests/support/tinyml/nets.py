"""Models in the making, without any library of machine learning."""

import random
import struct
from dataclasses import dataclass, field, replace
from math import prod

from tinycontainer_endpoints.tinyml.model.enumerations import Builtin, TensorType
from tinycontainer_endpoints.tinyml.model.graph import Model, Operator, Tensor
from tinycontainer_endpoints.tinyml.model.schema import FieldValue

F32, I8, I16, I32 = TensorType.F32, TensorType.I8, TensorType.I16, TensorType.I32
SCALE, ZERO_POINT = 0.05, 3
BOTH = (F32, I8)


@dataclass
class Net:
    """A model in the making.

    Attributes:
        type: of what is computed.
        chance: where weights come from.
    """

    type: TensorType = F32
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    tensors: list[Tensor] = field(default_factory=list)
    operators: list[Operator] = field(default_factory=list)
    inputs: list[int] = field(default_factory=list)

    def tensor(self, *shape: int, kind: TensorType | None = None, **changes: object) -> int:
        """A computed tensor, quantised if it is of 8-bit integers."""
        kind = self.type if kind is None else kind
        quantised = {"scales": (SCALE,), "zero_points": (ZERO_POINT,)} if kind is I8 else {}
        name = f"t{len(self.tensors)}".encode()
        values = {"name": name, **quantised, **changes}
        self.tensors.append(Tensor(kind, shape, **values))  # type: ignore[arg-type]
        return len(self.tensors) - 1

    def input(self, *shape: int, kind: TensorType | None = None) -> int:
        """A tensor that the container gives."""
        self.inputs.append(self.tensor(*shape, kind=kind))
        return self.inputs[-1]

    def constant(self, *shape: int, channels: int = 1, axis: int = 0) -> int:
        """Weights."""
        index = self.tensor(*shape)
        count = self.tensors[index].elements
        if self.type is I8:
            data = bytes(self.chance.randrange(256) for _ in range(count))
            scales = tuple(0.01 + 0.001 * each for each in range(channels))
            quantised = {"scales": scales, "zero_points": (0,) * channels, "channel_axis": axis}
        else:
            data = struct.pack(f"<{count}f", *(self.chance.uniform(-1, 1) for _ in range(count)))
            quantised = {}
        tensor = Tensor(self.type, shape, b"w", data, **quantised)  # type: ignore[arg-type]
        self.tensors[index] = tensor
        return index

    def bias(self, channels: int, scales: int = 1) -> int:
        """A bias; its scales are the input's times those of weights of as many scales."""
        if self.type is F32:
            return self.constant(channels)
        numbers = [self.chance.randrange(-500, 500) for _ in range(channels)]
        own = tuple(SCALE * (0.01 + 0.001 * each) for each in range(scales))
        data = struct.pack(f"<{channels}i", *numbers)
        self.tensors.append(Tensor(I32, (channels,), b"b", data, own, (0,) * scales))
        return len(self.tensors) - 1

    def variable(self, *shape: int, kind: TensorType | None = None, scale: float = SCALE) -> int:
        """A state, quantised if it is of integers."""
        kind = self.type if kind is None else kind
        zero = ZERO_POINT if kind is I8 else 0
        quantised = {} if kind is F32 else {"scales": (scale,), "zero_points": (zero,)}
        self.tensors.append(Tensor(kind, shape, b"s", is_variable=True, **quantised))  # type: ignore[arg-type]
        return len(self.tensors) - 1

    def wide(self, *shape: int, scale: float) -> int:
        """Weights of 16 bits in a model of 8 bits."""
        if self.type is F32:
            return self.constant(*shape)
        count = prod(shape)
        numbers = [self.chance.randrange(-2000, 2000) for _ in range(count)]
        data = struct.pack(f"<{count}h", *numbers)
        self.tensors.append(Tensor(I16, shape, b"w", data, (scale,), (0,)))
        return len(self.tensors) - 1

    def numbers(self, *numbers: int, shape: tuple[int, ...] | None = None) -> int:
        """A constant of 32-bit integers."""
        data = struct.pack(f"<{len(numbers)}i", *numbers)
        self.tensors.append(Tensor(I32, (len(numbers),) if shape is None else shape, b"n", data))
        return len(self.tensors) - 1

    def add(
        self, code: Builtin, inputs: list[int], output: int, version: int = 1, **options: FieldValue
    ) -> int:
        """An operator; its output."""
        self.operators.append(Operator(code, version, tuple(inputs), (output,), options))
        return output

    def add_parts(
        self, code: Builtin, inputs: list[int], outputs: list[int], **options: FieldValue
    ) -> list[int]:
        """An operator with several outputs; all of them."""
        self.operators.append(Operator(code, 1, tuple(inputs), tuple(outputs), options))
        return outputs

    def give_intermediates(self, tensors: list[int]) -> None:
        """Give the last operator tensors that only say how values within it are quantised."""
        self.operators[-1] = replace(self.operators[-1], intermediates=tuple(tensors))

    def model(self, *outputs: int) -> Model:
        """The finished model."""
        return Model(tuple(self.tensors), tuple(self.operators), tuple(self.inputs), outputs)
