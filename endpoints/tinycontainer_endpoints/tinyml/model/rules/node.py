"""An operator with its tensors, and the checks that several operators share."""

import math
import struct
from dataclasses import dataclass
from typing import Final

from ..enumerations import Activation, TensorType
from ..flaws import Flaw
from ..graph import Operator, Tensor
from ..refusing import WHOLE_MODEL, Between, Place, require

SCALES: Final = Between(9.99999993922529e-09, 1e6)
"""Of what is computed, from the 32-bit number that is nearest to 1e-8, as a file holds it."""
WEIGHT_SCALES: Final = Between(9.999999682655225e-21, 1e6)
"""Of weights, from the 32-bit number that is nearest to 1e-20."""
_ZERO_POINTS: Final = range(-128, 128)
MAX_SCALE_RATIO: Final = 256.0
"""Native code holds ratios of scales as 32-bit fractions with a shift; above this it misbehaves."""
_COMPUTED_TYPES: Final = frozenset({TensorType.F32, TensorType.I8})
_ACTIVATIONS: Final = frozenset(Activation) - {Activation.TANH}
PROBABILITY_SCALE: Final = 1 / 256
PROBABILITY_ZERO_POINT: Final = -128


@dataclass(frozen=True, slots=True)
class Node:
    """An operator with its tensors. Each check raises `ModelRefused`.

    Attributes:
        index: the operator's number in the model.
        operator: which operator it is, and its options.
        inputs: its tensors, without those that are left out.
        slots: the same, with None for each that is left out.
        outputs: the tensors that it makes.
        intermediates: tensors that only say how values within it are quantised.
    """

    index: int
    operator: Operator
    inputs: tuple[Tensor, ...]
    slots: tuple[Tensor | None, ...]
    outputs: tuple[Tensor, ...]
    intermediates: tuple[Tensor, ...]

    @property
    def output(self) -> Tensor:
        """The first tensor that it makes; most operators make no other."""
        return self.outputs[0]

    @property
    def data(self) -> Tensor:
        """The first input."""
        return self.inputs[0]

    def require(
        self,
        condition: bool,
        flaw: Flaw,
        tensor: Tensor | None = None,
        *,
        found: object = None,
        allowed: object = None,
        subject: str = "",
    ) -> None:
        """Refuse the model unless a condition holds.

        Args:
            condition: what has to hold.
            flaw: what is wrong if it does not.
            tensor: which tensor has the flaw; None for the operator itself.
            found: what the model has.
            allowed: what it may have.
            subject: which part is meant.
        """
        if not condition:
            require(False, flaw, self._place(tensor), found=found, allowed=allowed, subject=subject)

    def _place(self, tensor: Tensor | None) -> Place:
        if tensor is None:
            return Place(self.index, self.operator.code)
        return Place(self.index, self.operator.code, tensor.index, tensor.name)

    # The form of the operator.

    def require_inputs(self, counts: range) -> None:
        """The number of inputs is one of these."""
        count = len(self.inputs)
        self.require(count in counts, Flaw.INPUT_COUNT, found=count, allowed=counts)

    def require_options(self) -> None:
        """The operator has options."""
        self.require(self.operator.options is not None, Flaw.OPTIONS_MISSING)

    def require_known_activation(self) -> None:
        """The built-in activation is one of the list."""
        number = self.operator.number("activation")
        known = number in _ACTIVATIONS
        self.require(known, Flaw.ACTIVATION_UNKNOWN, found=number, allowed=_ACTIVATIONS)

    def require_no_activation(self) -> None:
        """There is no built-in activation."""
        number = self.operator.number("activation")
        none = int(Activation.NONE)
        self.require(number == none, Flaw.ACTIVATION_PRESENT, found=number, allowed=none)

    # Its tensors.

    def require_computed(self, *tensors: Tensor) -> None:
        """These tensors and the output are computed, no state, of one type, with dimensions."""
        for tensor in (*tensors, self.output):
            self.require(not tensor.is_constant, Flaw.CONSTANT_COMPUTED, tensor)
            self.require(not tensor.is_variable, Flaw.STATE_ELSEWHERE, tensor)
        self.require_one_type(*tensors)

    def require_one_type(self, *tensors: Tensor) -> None:
        """These tensors and the output are of one type to compute with, and have dimensions."""
        wanted = self.output.type
        for tensor in (*tensors, self.output):
            kind = tensor.type
            known = kind in _COMPUTED_TYPES
            self.require(known, Flaw.TYPE_NOT_COMPUTED, tensor, found=kind, allowed=_COMPUTED_TYPES)
            self.require(kind is wanted, Flaw.TYPES_MIXED, tensor, found=kind, allowed=wanted)
            self.require(len(tensor.shape) >= 1, Flaw.SCALAR, tensor)
            check_activation_scale(tensor, self._place(tensor))

    def require_output_shape(self, shape: tuple[int, ...], output: Tensor | None = None) -> None:
        """An output, the first one if none is given, has this shape."""
        output = output or self.output
        found = output.shape
        self.require(found == shape, Flaw.OUTPUT_SHAPE, output, found=found, allowed=shape)

    def require_option(self, subject: str, wanted: int = 0) -> None:
        """An option has the only value that is supported."""
        found = self.operator.number(subject)
        self.require(
            found == wanted, Flaw.OPTION_VALUE, found=found, allowed=wanted, subject=subject
        )

    # Constants of 32-bit integers, which say something.

    def read_numbers(self, tensor: Tensor) -> tuple[int, ...]:
        """The numbers of a constant."""
        kind = tensor.type
        wanted = TensorType.I32
        self.require(kind is wanted, Flaw.INTEGER_TYPE, tensor, found=kind, allowed=wanted)
        count = len(tensor.scales)
        self.require(count == 0, Flaw.INTEGER_SCALES, tensor, found=count)
        data = tensor.data
        self.require(data is not None, Flaw.INTEGERS_COMPUTED, tensor)
        data = data or b""
        return struct.unpack(f"<{len(data) // 4}i", data)

    def read_list(self, tensor: Tensor, subject: str, counts: range) -> tuple[int, ...]:
        """The numbers of a constant of one dimension that has so many of them."""
        rank = len(tensor.shape)
        self.require(rank == 1, Flaw.LIST_RANK, tensor, found=rank, allowed=1, subject=subject)
        numbers = self.read_numbers(tensor)
        count = len(numbers)
        fits = count in counts
        self.require(fits, Flaw.LIST_LENGTH, tensor, found=count, allowed=counts, subject=subject)
        return numbers

    def read_number(self, tensor: Tensor, subject: str) -> int:
        """The only number of a constant."""
        numbers = self.read_numbers(tensor)
        count = len(numbers)
        alone = count == 1
        self.require(alone, Flaw.SCALAR_COUNT, tensor, found=count, allowed=1, subject=subject)
        return numbers[0]

    def find_axis(self, axis: int, rank: int) -> int:
        """An axis counted from the front; a negative one is counted from the end."""
        axes = range(-rank, rank)
        self.require(axis in axes, Flaw.AXIS, found=axis, allowed=axes)
        return axis % rank

    # Its quantisation.

    def require_sound_scale(self, tensor: Tensor) -> None:
        """A tensor of 8-bit integers has one sound scale and zero point; others have none."""
        check_activation_scale(tensor, self._place(tensor))

    def require_same_quantisation(self, *tensors: Tensor, like: Tensor | None = None) -> None:
        """These tensors have the scales and zero points of another, the output if none is given."""
        wanted = like or self.output
        for tensor in tensors:
            self._require_quantisation(
                tensor, wanted.scales, wanted.zero_points, Flaw.QUANTISATION_CHANGED
            )

    def require_scale_ratio(self, *scales: float) -> None:
        """The product of input scales over the output's is one that native code can hold."""
        if self.output.scales:
            self.require_ratio(math.prod(scales) / self.output.scales[0])

    def require_ratio(self, ratio: float) -> None:
        """A ratio of scales is one that native code can hold."""
        self.require(
            ratio < MAX_SCALE_RATIO, Flaw.SCALE_RATIO, found=ratio, allowed=MAX_SCALE_RATIO
        )

    def require_output_quantisation(self, scale: float, zero_point: int) -> None:
        """A quantised output has the quantisation with which native code writes such values."""
        if self.output.type is TensorType.I8:
            self._require_quantisation(self.output, (scale,), (zero_point,), Flaw.FIXED_SCALE)

    def _require_quantisation(
        self, tensor: Tensor, scales: tuple[float, ...], zero_points: tuple[int, ...], flaw: Flaw
    ) -> None:
        for subject, found, wanted in (
            ("scale", tensor.scales, scales),
            ("zero point", tensor.zero_points, zero_points),
        ):
            same = found == wanted
            self.require(same, flaw, tensor, found=found, allowed=wanted, subject=subject)

    def require_probability_scale(self) -> None:
        """A quantised output has the quantisation of probabilities."""
        self.require_output_quantisation(PROBABILITY_SCALE, PROBABILITY_ZERO_POINT)


def check_activation_scale(tensor: Tensor, place: Place = WHOLE_MODEL) -> None:
    """A tensor of 8-bit integers has one sound scale and zero point, and no other tensor has any.

    Args:
        tensor: a tensor that is computed.
        place: of the tensor, for a refusal.

    Raises:
        ModelRefused: it is otherwise.
    """
    count = len(tensor.scales)
    if tensor.type is not TensorType.I8:
        require(count == 0, Flaw.SCALE_OF_PLAIN_NUMBERS, place, found=count)
        return
    require(count == 1, Flaw.SCALE_COUNT, place, found=count, allowed=1)
    scale = tensor.scales[0]
    zero_point = tensor.zero_points[0]
    require(scale in SCALES, Flaw.SCALE_RANGE, place, found=scale, allowed=SCALES)
    within = zero_point in _ZERO_POINTS
    require(within, Flaw.ZERO_POINT_RANGE, place, found=zero_point, allowed=_ZERO_POINTS)
