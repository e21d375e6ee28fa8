"""Numbers of the TensorFlow Lite schema (version 3) that models here may use."""

from enum import IntEnum


class TensorType(IntEnum):
    """Element types that operators here compute with."""

    F32 = 0
    I32 = 2
    I8 = 9


class Builtin(IntEnum):
    """The operators that are allowed; tests exercise each of them on every backend."""

    ADD = 0
    AVERAGE_POOL_2D = 1
    CONCATENATION = 2
    CONV_2D = 3
    DEPTHWISE_CONV_2D = 4
    DEQUANTIZE = 6
    FULLY_CONNECTED = 9
    LOGISTIC = 14
    MAX_POOL_2D = 17
    MUL = 18
    RELU = 19
    RESHAPE = 22
    SOFTMAX = 25
    PAD = 34
    MEAN = 40
    QUANTIZE = 114


class Activation(IntEnum):
    """Activations that operators may have built in."""

    NONE = 0
    RELU = 1
    RELU_N1_TO_1 = 2
    RELU6 = 3


class Padding(IntEnum):
    """How windows meet the border."""

    SAME = 0
    VALID = 1
