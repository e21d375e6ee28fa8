"""The list of allowed operators, and the rule of each (TC-TML-15)."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

from ..enumerations import Builtin
from .element_wise import (
    check_add,
    check_cast,
    check_dequantise,
    check_divide,
    check_extremum,
    check_logistic,
    check_multiply,
    check_prelu,
    check_quantise,
    check_relu,
    check_softmax,
    check_tanh,
)
from .node import Node
from .recurrent import check_lstm, check_svdf
from .shapes import (
    check_concatenation,
    check_mean,
    check_pad,
    check_reshape,
    check_transpose,
)
from .slices import check_split, check_split_v, check_strided_slice
from .weighted import check_convolution, check_depthwise_convolution, check_fully_connected
from .windows import check_pool, check_resize_bilinear

OperatorRule: TypeAlias = Callable[[Node], int]
"""Raises `ModelRefused`, or returns the operator's MACs."""

RULES: Final[Mapping[Builtin, OperatorRule]] = MappingProxyType(
    {
        Builtin.ADD: check_add,
        Builtin.AVERAGE_POOL_2D: check_pool,
        Builtin.CAST: check_cast,
        Builtin.CONCATENATION: check_concatenation,
        Builtin.CONV_2D: check_convolution,
        Builtin.DEPTHWISE_CONV_2D: check_depthwise_convolution,
        Builtin.DEQUANTIZE: check_dequantise,
        Builtin.DIV: check_divide,
        Builtin.FULLY_CONNECTED: check_fully_connected,
        Builtin.LOGISTIC: check_logistic,
        Builtin.MAXIMUM: check_extremum,
        Builtin.MAX_POOL_2D: check_pool,
        Builtin.MEAN: check_mean,
        Builtin.MINIMUM: check_extremum,
        Builtin.MUL: check_multiply,
        Builtin.PAD: check_pad,
        Builtin.PRELU: check_prelu,
        Builtin.QUANTIZE: check_quantise,
        Builtin.RELU: check_relu,
        Builtin.RESHAPE: check_reshape,
        Builtin.RESIZE_BILINEAR: check_resize_bilinear,
        Builtin.SOFTMAX: check_softmax,
        Builtin.SPLIT: check_split,
        Builtin.SPLIT_V: check_split_v,
        Builtin.STRIDED_SLICE: check_strided_slice,
        Builtin.SVDF: check_svdf,
        Builtin.TANH: check_tanh,
        Builtin.TRANSPOSE: check_transpose,
        Builtin.UNIDIRECTIONAL_SEQUENCE_LSTM: check_lstm,
    }
)
