"""An operator with its tensors, and the checks that several operators share."""

import math
from dataclasses import dataclass
from typing import Final

from ..protocol.codes import ErrorCode, refusal, require
from .model import Operator, Tensor
from .schema import Activation, TensorType

MIN_SCALE: Final = 1e-8
MAX_SCALE: Final = 1e6
MIN_WEIGHT_SCALE: Final = 1e-20
MAX_MULTIPLIER: Final = 256.0
"""Native code holds ratios of scales as 32-bit fractions with a shift; beyond, it misbehaves."""
_COMPUTED: Final = frozenset({TensorType.F32, TensorType.I8})
_ACTIVATIONS: Final = frozenset(Activation)
_I8: Final = range(-128, 128)


@dataclass(frozen=True, slots=True)
class Node:
    """An operator with its tensors.

    Attributes:
        operator: which, and its options.
        inputs: its tensors, without those that are left out at the end.
        output: what it gives.
    """

    operator: Operator
    inputs: tuple[Tensor, ...]
    output: Tensor

    @property
    def data(self) -> Tensor:
        """The first input."""
        return self.inputs[0]

    def require(
        self, condition: bool, problem: str, code: ErrorCode = ErrorCode.INVALID_ENCODING
    ) -> None:
        """Refuse unless a condition holds.

        Raises:
            DriverError: it does not.
        """
        if not condition:
            raise refusal(code, f"{self.operator.code.name}: {problem}")

    def unsupported(self, problem: str) -> None:
        """Refuse what is not on the list.

        Raises:
            DriverError: always.
        """
        self.require(False, problem, ErrorCode.UNSUPPORTED_OPERATION)

    def needs(self, inputs: range, *, options: bool) -> None:
        """Check the number of inputs and whether options are there.

        Raises:
            DriverError: they are not as they should be.
        """
        self.require(len(self.inputs) in inputs, "a wrong number of inputs")
        self.require(self.operator.options is not None or not options, "no options")

    def computes(self, *tensors: Tensor) -> None:
        """All these tensors, and the output, are computed, of one type, with dimensions.

        Raises:
            DriverError: they are not.
        """
        for tensor in (*tensors, self.output):
            self.require(not tensor.is_constant, "a constant where a computed tensor belongs")
        self.typed(*tensors)

    def typed(self, *tensors: Tensor) -> None:
        """All these tensors, and the output, are of one computed type and have dimensions.

        Raises:
            DriverError: they are not.
        """
        for tensor in (*tensors, self.output):
            known = tensor.type in _COMPUTED
            self.require(known, "an element type", ErrorCode.UNSUPPORTED_OPERATION)
            same = tensor.type is self.output.type
            self.require(same, "mixed element types", ErrorCode.UNSUPPORTED_OPERATION)
            self.require(len(tensor.shape) >= 1, "a tensor without dimensions")
            check_activation_scale(tensor)

    def shaped(self, shape: tuple[int, ...]) -> None:
        """The output has this shape.

        Raises:
            DriverError: it has not.
        """
        self.require(self.output.shape == shape, "its output is declared with another shape")

    def same_scale(self, *tensors: Tensor) -> None:
        """Quantised tensors have the output's scale and zero point.

        Raises:
            DriverError: they have not.
        """
        for tensor in tensors:
            same = tensor.scales == self.output.scales
            same = same and tensor.zero_points == self.output.zero_points
            self.require(same, "another quantisation at its output")

    def activated(self) -> None:
        """The built-in activation is one of the list.

        Raises:
            DriverError: it is not.
        """
        known = self.operator.number("activation") in _ACTIVATIONS
        self.require(known, "an activation", ErrorCode.UNSUPPORTED_OPERATION)

    def plain(self) -> None:
        """There is no built-in activation.

        Raises:
            DriverError: there is one.
        """
        none = self.operator.number("activation") == Activation.NONE
        self.require(none, "an activation", ErrorCode.UNSUPPORTED_OPERATION)

    def multiplies(self, *scales: float) -> None:
        """The product of input scales over the output's is within what native code can hold.

        Raises:
            DriverError: it is not.
        """
        if self.output.scales:
            ratio = math.prod(scales) / self.output.scales[0]
            self.require(ratio < MAX_MULTIPLIER, "scales that do not go together")

    def probability(self) -> None:
        """A quantised output has the scale that native code writes probabilities with.

        Raises:
            DriverError: it has another.
        """
        if self.output.type is TensorType.I8:
            right = self.output.scales == (1 / 256,) and self.output.zero_points == (-128,)
            self.require(right, "an output that is not scaled by 1/256 from -128")


def check_activation_scale(tensor: Tensor) -> None:
    """A tensor of 8-bit integers has one sound scale and zero point, and no other has any.

    Raises:
        DriverError: it is otherwise.
    """
    if tensor.type is not TensorType.I8:
        require(not tensor.scales, ErrorCode.INVALID_ENCODING, "a scale at numbers that have none")
        return
    one = len(tensor.scales) == 1
    require(one, ErrorCode.INVALID_ENCODING, "8-bit integers without exactly one scale")
    sound = MIN_SCALE <= tensor.scales[0] <= MAX_SCALE and tensor.zero_points[0] in _I8
    require(sound, ErrorCode.INVALID_ENCODING, "a scale or a zero point out of range")


def check_weight_scales(weights: Tensor, channels: int, axis: int) -> None:
    """Weights of 8-bit integers have one scale, or one per channel, and no offset.

    Args:
        weights: the tensor.
        channels: how many there are; 1 where only one scale is allowed.
        axis: in which dimension the channels are.

    Raises:
        DriverError: it is otherwise.
    """
    if weights.type is not TensorType.I8:
        require(not weights.scales, ErrorCode.INVALID_ENCODING, "a scale at numbers that have none")
        return
    count = len(weights.scales)
    require(count in (1, channels), ErrorCode.UNSUPPORTED_OPERATION, "weights with other scales")
    # A scale per channel along another axis would be read beside the weights that it belongs to.
    right = count == 1 or weights.channel_axis == axis
    require(right, ErrorCode.INVALID_ENCODING, "scales along another dimension than the channels")
    sound = all(MIN_WEIGHT_SCALE <= each <= MAX_SCALE for each in weights.scales)
    require(
        sound and not any(weights.zero_points), ErrorCode.INVALID_ENCODING, "a scale of weights"
    )
