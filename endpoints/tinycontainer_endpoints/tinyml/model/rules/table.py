"""The list of allowed operators, and the rule of each (TC-TML-15)."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

from ..enumerations import Builtin
from .element_wise import (
    check_add,
    check_dequantise,
    check_logistic,
    check_multiply,
    check_quantise,
    check_relu,
    check_softmax,
)
from .node import Node
from .shapes import check_concatenation, check_mean, check_pad, check_reshape
from .weighted import check_convolution, check_depthwise_convolution, check_fully_connected
from .windows import check_pool

OperatorRule: TypeAlias = Callable[[Node], int]
"""Raises `ModelRefused`, or returns the operator's MACs."""

RULES: Final[Mapping[Builtin, OperatorRule]] = MappingProxyType(
    {
        Builtin.ADD: check_add,
        Builtin.AVERAGE_POOL_2D: check_pool,
        Builtin.CONCATENATION: check_concatenation,
        Builtin.CONV_2D: check_convolution,
        Builtin.DEPTHWISE_CONV_2D: check_depthwise_convolution,
        Builtin.DEQUANTIZE: check_dequantise,
        Builtin.FULLY_CONNECTED: check_fully_connected,
        Builtin.LOGISTIC: check_logistic,
        Builtin.MAX_POOL_2D: check_pool,
        Builtin.MEAN: check_mean,
        Builtin.MUL: check_multiply,
        Builtin.PAD: check_pad,
        Builtin.QUANTIZE: check_quantise,
        Builtin.RELU: check_relu,
        Builtin.RESHAPE: check_reshape,
        Builtin.SOFTMAX: check_softmax,
    }
)
