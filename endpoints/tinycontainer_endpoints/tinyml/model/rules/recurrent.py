"""Rules of the operators with a state: SVDF and UNIDIRECTIONAL_SEQUENCE_LSTM.

The state is a variable tensor. It belongs to the loaded model: it begins as zeros, and each
inference goes on from where the one before has left it (TC-TML-24).
"""

import math
from typing import Final

from ..enumerations import Activation, TensorType
from ..flaws import Flaw
from ..graph import Tensor
from ..refusing import Between
from .node import SCALES, WEIGHT_SCALES, Node

_GATE_SCALE: Final = 2.0**-12
"""The scale that native code has for the gates of an 8-bit LSTM."""
_CELL_SCALES: Final = tuple(2.0**-power for power in range(15, 8, -1))
"""What native code has tables of its hyperbolic tangent for."""
_LOWEST: Final = -128
_LSTM_SLOTS: Final = 24
_GATES: Final = 4
_INTERMEDIATES: Final = 5
_INPUT_WEIGHTS: Final = slice(1, 5)
_RECURRENT_WEIGHTS: Final = slice(5, 9)
_PEEPHOLES: Final = slice(9, 12)
_BIASES: Final = slice(12, 16)
_PROJECTION: Final = slice(16, 18)
_OUTPUT_STATE: Final = 18
_CELL_STATE: Final = 19
_NORMALISATION: Final = slice(20, 24)


def check_svdf(node: Node) -> int:
    """SVDF: a dense layer of low rank, and a memory of what its filters gave before."""
    slots = node.slots
    count = len(slots)
    node.require(count == 5, Flaw.INPUT_COUNT, found=count, allowed=5)
    node.require_options()
    data, features, times, bias, _ = slots
    data = _require_part(node, data, "inputs")
    features = _require_part(node, features, "weights of the features")
    times = _require_part(node, times, "weights of the time")
    state = _require_part(node, slots[4], "states")
    node.require_computed(data)
    node.require_option("asymmetric_inputs")
    for tensor in (data, features, times, state):
        found = len(tensor.shape)
        node.require(found == 2, Flaw.SEQUENCE_RANK, tensor, found=found, allowed=2)
    batch, length = data.shape
    filters = features.shape[0]
    memory = times.shape[1]
    rank = node.operator.number("rank")
    whole = rank >= 1 and filters % rank == 0
    node.require(whole, Flaw.RANK_OPTION, found=rank, allowed=filters)
    small = node.output.type is TensorType.I8
    wide = TensorType.I16 if small else TensorType.F32
    _check_constant(node, features, "weights of the features", (filters, length))
    _check_constant(node, times, "weights of the time", (filters, memory), wide)
    if bias is not None:
        _check_bias(node, bias, filters // rank)
    _check_state(node, state, "state", (batch, memory * filters), wide)
    node.require_known_activation()
    if small:
        _check_svdf_scales(node, features, times, state)
    node.require_output_shape((batch, filters // rank))
    return batch * filters * (length + memory)


def check_lstm(node: Node) -> int:
    """UNIDIRECTIONAL_SEQUENCE_LSTM of 24 inputs, many of which may be left out."""
    slots = node.slots
    count = len(slots)
    node.require(count == _LSTM_SLOTS, Flaw.INPUT_COUNT, found=count, allowed=_LSTM_SLOTS)
    node.require_options()
    data = _require_part(node, slots[0], "inputs")
    node.require_computed(data)
    _check_lstm_options(node)
    small = node.output.type is TensorType.I8
    rank = len(data.shape)
    node.require(rank == 3, Flaw.SEQUENCE_RANK, data, found=rank, allowed=3)
    batch = data.shape[1 if node.operator.number("time_major") else 0]
    length = data.shape[2]
    cells, outputs = _find_lstm_sizes(node)
    coupled = slots[1] is None
    _check_gates(node, coupled, (length, cells, outputs))
    _check_lstm_extras(node, coupled, (cells, outputs), small)
    kind = TensorType.I8 if small else TensorType.F32
    wide = TensorType.I16 if small else TensorType.F32
    _check_state(node, slots[_OUTPUT_STATE], "output's state", (batch, outputs), kind)
    _check_state(node, slots[_CELL_STATE], "cell's state", (batch, cells), wide)
    _check_lstm_scales(node, small)
    node.require_output_shape((*data.shape[:2], outputs))
    gates = _GATES - coupled
    steps = data.shape[0] * data.shape[1]
    projected = cells * outputs if slots[_PROJECTION.start] is not None else 0
    return steps * (gates * cells * (length + outputs) + projected)


def _require_part(node: Node, tensor: Tensor | None, subject: str) -> Tensor:
    """A tensor that must not be left out."""
    node.require(tensor is not None, Flaw.WEIGHTS_MISSING, subject=subject)
    return tensor or node.output  # never the output: without a tensor the line above has raised


def _check_constant(
    node: Node,
    tensor: Tensor | None,
    subject: str,
    shape: tuple[int, ...],
    kind: TensorType | None = None,
) -> None:
    """Weights are a constant of one scale without offset, or of numbers with a point."""
    tensor = _require_part(node, tensor, subject)
    kind = node.output.type if kind is None else kind
    node.require(tensor.is_constant, Flaw.WEIGHTS_COMPUTED, tensor)
    _check_form(node, tensor, subject, shape, kind)
    _check_quantisation(node, tensor, subject, WEIGHT_SCALES)


def _check_bias(node: Node, tensor: Tensor | None, count: int) -> None:
    """A bias is a constant of the type that sums have; native code reads no scale of it."""
    subject = "biases"
    tensor = _require_part(node, tensor, subject)
    kind = TensorType.I32 if node.output.type is TensorType.I8 else TensorType.F32
    node.require(tensor.is_constant, Flaw.BIAS_COMPUTED, tensor)
    _check_form(node, tensor, subject, (count,), kind)
    for zero in tensor.zero_points:
        node.require(zero == 0, Flaw.BIAS_ZERO_POINT, tensor, found=zero, allowed=0)
    counts = frozenset({0, 1, count} if kind is TensorType.I32 else {0})
    found = len(tensor.scales)
    node.require(found in counts, Flaw.BIAS_SCALE_COUNT, tensor, found=found, allowed=counts)
    for scale in tensor.scales:
        sound = 0 < scale < math.inf
        node.require(sound, Flaw.BIAS_SCALE_FINITE, tensor, found=scale)


def _check_state(
    node: Node, tensor: Tensor | None, subject: str, shape: tuple[int, ...], kind: TensorType
) -> None:
    """A state is a variable tensor that no other operator uses."""
    tensor = _require_part(node, tensor, subject)
    node.require(tensor.is_variable, Flaw.STATE_NEEDED, tensor, subject=subject)
    _check_form(node, tensor, subject, shape, kind)
    if kind is TensorType.I8:
        node.require_sound_scale(tensor)
    else:
        _check_quantisation(node, tensor, subject, SCALES)


def _check_form(
    node: Node, tensor: Tensor, subject: str, shape: tuple[int, ...], kind: TensorType
) -> None:
    _check_type(node, tensor, subject, kind)
    same = tensor.shape == shape
    node.require(same, Flaw.PART_SHAPE, tensor, found=tensor.shape, allowed=shape, subject=subject)


def _check_type(node: Node, tensor: Tensor, subject: str, kind: TensorType) -> None:
    found = tensor.type
    node.require(found is kind, Flaw.PART_TYPE, tensor, found=found, allowed=kind, subject=subject)


def _check_quantisation(node: Node, tensor: Tensor, subject: str, scales: Between) -> None:
    """One scale and no offset of integers, nothing of numbers with a point."""
    count = len(tensor.scales)
    wanted = 0 if tensor.type is TensorType.F32 else 1
    fits = count == wanted
    node.require(fits, Flaw.PART_SCALES, tensor, found=count, allowed=wanted, subject=subject)
    for scale in tensor.scales:
        node.require(
            scale in scales, Flaw.PART_SCALE, tensor, found=scale, allowed=scales, subject=subject
        )
    for zero in tensor.zero_points:
        node.require(
            zero == 0, Flaw.PART_ZERO_POINT, tensor, found=zero, allowed=0, subject=subject
        )


def _check_svdf_scales(node: Node, features: Tensor, times: Tensor, state: Tensor) -> None:
    node.require_ratio(node.data.scales[0] * features.scales[0] / state.scales[0])
    node.require_scale_ratio(*state.scales, *times.scales)
    # Native code computes with RELU and no other, and leaves it to the range of the output.
    node.require_option("activation", int(Activation.RELU))
    zero = node.output.zero_points[0]
    node.require(
        zero == _LOWEST,
        Flaw.PART_ZERO_POINT,
        node.output,
        found=zero,
        allowed=_LOWEST,
        subject="outputs",
    )


def _check_lstm_options(node: Node) -> None:
    node.require_option("activation", int(Activation.TANH))
    node.require_option("asymmetric_inputs")
    node.require_option("diagonal_recurrent_tensors")
    for subject in ("cell_clip", "proj_clip"):
        found = node.operator.fraction(subject)
        sound = 0 <= found < math.inf
        node.require(sound, Flaw.CLIP, found=found, subject=subject)


def _find_lstm_sizes(node: Node) -> tuple[int, int]:
    """How many cells and outputs there are, by the recurrent weights of the output gate."""
    weights = _require_part(node, node.slots[_RECURRENT_WEIGHTS.stop - 1], "recurrent weights")
    rank = len(weights.shape)
    node.require(rank == 2, Flaw.WEIGHT_RANK, weights, found=rank, allowed=2)
    cells, outputs = weights.shape
    return cells, outputs


def _check_gates(node: Node, coupled: bool, sizes: tuple[int, int, int]) -> None:
    """Weights and biases of the gates; if input and forget gate are coupled, those of three."""
    length, cells, outputs = sizes
    for subject, group, shape in (
        ("weights of the input", _INPUT_WEIGHTS, (cells, length)),
        ("recurrent weights", _RECURRENT_WEIGHTS, (cells, outputs)),
    ):
        for tensor in _list_gates(node, group, subject, coupled):
            _check_constant(node, tensor, subject, shape)
    for tensor in _list_gates(node, _BIASES, "biases", coupled):
        _check_bias(node, tensor, cells)


def _list_gates(node: Node, group: slice, subject: str, coupled: bool) -> tuple[Tensor | None, ...]:
    first, *others = node.slots[group]
    absent = (first is None) == coupled
    found = 3 if first is None else _GATES
    node.require(absent, Flaw.WEIGHTS_PARTLY, found=found, allowed=_GATES, subject=subject)
    return (*others,) if coupled else (first, *others)


def _check_lstm_extras(node: Node, coupled: bool, sizes: tuple[int, int], small: bool) -> None:
    """Peepholes and a projection, of numbers with a point; normalisation is not supported."""
    cells, outputs = sizes
    normal = all(each is None for each in node.slots[_NORMALISATION])
    subject = "layer normalisation"
    node.require(normal, Flaw.WEIGHTS_REFUSED, subject=subject)
    first, *others = node.slots[_PEEPHOLES]
    peepholes = (*others,) if coupled else (first, *others)
    present = [each for each in peepholes if each is not None]
    stray = coupled and first is not None
    partly = stray or len(present) not in (0, len(peepholes))
    node.require(
        not partly,
        Flaw.WEIGHTS_PARTLY,
        found=len(present),
        allowed=len(peepholes),
        subject="peepholes",
    )
    weights, bias = node.slots[_PROJECTION]
    alone = weights is None and bias is not None
    node.require(not alone, Flaw.WEIGHTS_PARTLY, found=1, allowed=2, subject="projections")
    for subject, there in (
        ("peepholes", bool(present)),
        ("projections", weights is not None),
        ("coupled gates", coupled),
    ):
        node.require(not (small and there), Flaw.WEIGHTS_REFUSED, subject=subject)
    for tensor in present:
        _check_constant(node, tensor, "peepholes", (cells,))
    if weights is not None:
        _check_constant(node, weights, "projections", (outputs, cells))
    elif cells != outputs:
        node.require(False, Flaw.PART_SHAPE, found=(cells,), allowed=(outputs,), subject="cells")
    if bias is not None:
        _check_bias(node, bias, outputs)


def _check_lstm_scales(node: Node, small: bool) -> None:
    count = len(node.intermediates)
    wanted = _INTERMEDIATES if small else 0
    node.require(count == wanted, Flaw.INTERMEDIATE_COUNT, found=count, allowed=wanted)
    if not small:
        return
    data = node.data
    state = _require_part(node, node.slots[_OUTPUT_STATE], "output's state")
    cell = _require_part(node, node.slots[_CELL_STATE], "cell's state")
    power = cell.scales[0] in _CELL_SCALES
    node.require(
        power,
        Flaw.PART_SCALE,
        cell,
        found=cell.scales[0],
        allowed=_CELL_SCALES,
        subject="cell's state",
    )
    for group, scale in ((_INPUT_WEIGHTS, data.scales[0]), (_RECURRENT_WEIGHTS, state.scales[0])):
        for weights in node.slots[group]:
            if weights is not None:
                node.require_ratio(scale * weights.scales[0] / _GATE_SCALE)
    # Without a projection, what is kept is the output itself.
    node.require_same_quantisation(state)
    hidden = node.intermediates[-1]
    _check_type(node, hidden, "hidden values", TensorType.I8)
    node.require_sound_scale(hidden)
    for each in node.intermediates:
        empty = not each.is_constant and not each.is_variable
        node.require(empty, Flaw.INTERMEDIATE_FILLED, each)
