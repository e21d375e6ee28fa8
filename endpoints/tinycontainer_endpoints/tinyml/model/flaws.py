"""Everything for which a model is refused: the code of the error, and the sentence about it.

A sentence may use ``{found}`` and ``{allowed}``, the values that a refusal carries, and
``{subject}``, the part that is meant where one flaw is possible at several. Which operator and
which tensor it concerns is put before the sentence (`refusing`). What a tenant wrote as text, such
as a tensor's name, appears escaped.
"""

from enum import Enum, unique
from typing import Final

from ..protocol.codes import ErrorCode

_ENCODING: Final = ErrorCode.INVALID_ENCODING
_UNSUPPORTED: Final = ErrorCode.UNSUPPORTED_OPERATION
_TOO_LARGE: Final = ErrorCode.TOO_LARGE


@unique
class Flaw(Enum):
    """What can be wrong with a model.

    Attributes:
        code: of the error that the container gets.
        sentence: for people.
    """

    def __init__(self, code: ErrorCode, sentence: str) -> None:
        self.code = code
        self.sentence = sentence

    # The file.
    FILE_TOO_SHORT = (
        _ENCODING,
        "the file has {found} bytes; a file with the identifier TFL3 has at least {allowed}",
    )
    IDENTIFIER = _ENCODING, "bytes 4 to 7 of the file are not the identifier TFL3"
    NUMBER_OUTSIDE = (
        _ENCODING,
        "a number lies at byte {found}, out of the file, which has {allowed} bytes",
    )
    NUMBER_ALIGNMENT = _ENCODING, "a number lies at byte {found}, which is no multiple of {allowed}"
    REFERENCE = _ENCODING, "a reference leads {found} bytes on; it has to lead at least {allowed}"
    PARTS_USED_OFTEN = (
        _ENCODING,
        "parts of the file are used too often: reading it costs more than {allowed} bytes",
    )
    NESTING = _ENCODING, "tables are nested {found} deep; at most {allowed} are allowed"
    FIELD_LIST = (
        _ENCODING,
        "a table's list of fields has {found} bytes; it needs an even number, at least {allowed}",
    )
    FIELD_LIST_OUTSIDE = _ENCODING, "a table's list of {found} bytes reaches out of the file"
    TABLE_SIZE = _ENCODING, "a table has {found} bytes; it has at least {allowed}"
    TABLE_OUTSIDE = _ENCODING, "a table of {found} bytes reaches out of the file"
    FIELD_OUTSIDE = (
        _ENCODING,
        "the field {subject} lies at byte {found} of its table; it may lie at {allowed}",
    )
    VECTOR_OUTSIDE = (
        _ENCODING,
        "a vector of {found} elements reaches out of the file; there is room for {allowed}",
    )
    VECTOR_ALIGNMENT = (
        _ENCODING,
        "a vector's elements begin at byte {found}, which is no multiple of {allowed}",
    )

    # What the file says in all.
    SCHEMA_VERSION = _ENCODING, "the schema has version {found}; only {allowed} is read"
    TOO_MANY = _TOO_LARGE, "there are {found} {subject}; at most {allowed} are allowed"
    GRAPH_COUNT = (
        _UNSUPPORTED,
        "the model has {found} graphs; exactly {allowed} is allowed, without control flow",
    )
    EXTERNAL_DATA = _UNSUPPORTED, "buffer {found} has its data outside of the flatbuffer"
    CUSTOM_OPERATOR = (
        _UNSUPPORTED,
        "the custom operator {subject} is not on the list; its output has the type {found}",
    )
    OPERATOR_UNKNOWN = (
        _UNSUPPORTED,
        "the operator is not on the list; its output has the type {found}",
    )
    OPERATOR_UNNAMED = _UNSUPPORTED, "no operator has the number {found}"
    OPERATOR_OLD_NUMBER = (
        _UNSUPPORTED,
        "the operator's old number is {found}; allowed are {allowed}",
    )
    OPERATOR_VERSION = _UNSUPPORTED, "the operator's version is {found}; allowed are {allowed}"

    # Tensors.
    TENSOR_FIELD = _UNSUPPORTED, "the tensor has {subject}, which is not supported"
    ELEMENT_TYPE = _UNSUPPORTED, "the element type is {found}; allowed are {allowed}"
    RANK = _UNSUPPORTED, "the tensor has {found} dimensions; at most {allowed} are allowed"
    DIMENSION = _ENCODING, "a dimension is {found}; allowed are {allowed}"
    SHAPE_SIGNATURE = _ENCODING, "the shape is {found}, but its signature says {allowed}"
    QUANTISATION_DETAILS = (
        _UNSUPPORTED,
        "the quantisation has details of type {found}; only {allowed} is supported",
    )
    ZERO_POINT_COUNT = _ENCODING, "there are {found} zero points for {allowed} scales"
    BUFFER_UNKNOWN = _ENCODING, "the tensor's buffer is {found}; the model has {allowed} buffers"
    CONSTANT_SIZE = _ENCODING, "the constant has {found} bytes; its type and shape need {allowed}"
    SCALE_OF_PLAIN_NUMBERS = (
        _ENCODING,
        "there are {found} scales; elements of this type are not quantised",
    )
    SCALE_COUNT = _ENCODING, "there are {found} scales; 8-bit integers have exactly {allowed}"
    SCALE_RANGE = _ENCODING, "the scale is {found}; allowed are {allowed}"
    ZERO_POINT_RANGE = _ENCODING, "the zero point is {found}; allowed are {allowed}"

    STATE_CONSTANT = _ENCODING, "the state is a constant; it has to begin as zeros"

    # The graph.
    NO_OPERATORS = _ENCODING, "the model has no operators; it needs at least 1"
    PORT_COUNT = _ENCODING, "the graph has {found} {subject}; allowed are {allowed}"
    PORT_TWICE = _ENCODING, "the graph's {subject} name a tensor twice"
    PORT_CONSTANT = _ENCODING, "a constant is among the graph's {subject}"
    PORT_STATE = _UNSUPPORTED, "the state of an operator is among the graph's {subject}"
    PORT_TYPE = (
        _UNSUPPORTED,
        "the graph's {subject} have a tensor of the type {found}; allowed are {allowed}",
    )
    PORT_SCALAR = _UNSUPPORTED, "a scalar is among the graph's {subject}"
    TENSOR_UNKNOWN = _ENCODING, "tensor {found} is used; the model has {allowed} tensors"
    TENSOR_NOT_YET_MADE = (
        _ENCODING,
        "the tensor is used before an operator makes it: a cycle, or nothing makes it",
    )
    TENSOR_MADE_TWICE = _ENCODING, "the operator makes a tensor that is there already"
    TENSOR_NEVER_MADE = _ENCODING, "no operator makes the tensor: it is dead"
    STATE_ELSEWHERE = (
        _ENCODING,
        "the tensor is a state; nothing but one operator may use it, and only as its state",
    )
    STATE_NEEDED = _ENCODING, "the {subject} is no variable tensor of the operator's own"
    TENSOR_NEVER_USED = _ENCODING, "nothing uses the tensor: it is dead"

    # The form of an operator.
    OPERATOR_CODE_UNKNOWN = (
        _ENCODING,
        "the operator has operator code {found}; the model has {allowed} of them",
    )
    OPERATOR_FIELD = _UNSUPPORTED, "the operator has {subject}, which is not supported"
    INPUTS_CHANGED = _UNSUPPORTED, "the operator changes inputs that are no state of its own"
    OPTIONS_TYPE = _ENCODING, "the options are those of type {found}; it needs type {allowed}"
    OPTIONS_MISSING = _ENCODING, "the operator has no options; it needs them"
    INPUT_COUNT = _ENCODING, "the operator has {found} inputs; allowed are {allowed}"
    OUTPUT_COUNT = _ENCODING, "the operator has {found} outputs; it needs exactly {allowed}"
    CONSTANT_COMPUTED = _ENCODING, "the tensor is a constant; it has to be computed"
    ALL_CONSTANT = _UNSUPPORTED, "all inputs are constants; at least one has to be computed"
    TYPE_NOT_COMPUTED = (
        _UNSUPPORTED,
        "the operator computes with the element type {found}; allowed are {allowed}",
    )
    TYPES_MIXED = _UNSUPPORTED, "the element type is {found}; the output has {allowed}"
    CONVERSION_TYPE = (
        _UNSUPPORTED,
        "the conversion has the element type {found} at this end; it has to be {allowed}",
    )
    SCALAR = _ENCODING, "the tensor has no dimensions; it needs at least 1"
    OUTPUT_SHAPE = _ENCODING, "the output has the shape {found}; it has to be {allowed}"
    ACTIVATION_UNKNOWN = _UNSUPPORTED, "the built-in activation is {found}; allowed are {allowed}"
    ACTIVATION_PRESENT = (
        _UNSUPPORTED,
        "the built-in activation is {found}; only {allowed}, for none, is supported",
    )

    # Quantisation of an operator.
    QUANTISATION_CHANGED = (
        _ENCODING,
        "the {subject} is {found}; values stay as they are here, so it has to be {allowed}",
    )
    SCALE_RATIO = (
        _ENCODING,
        "the scales of the inputs over the output's give {found}; it has to be below {allowed}",
    )
    ADDED_SCALE_RATIO = (
        _ENCODING,
        "twice the larger input's scale over the output's is {found}; it has to be below {allowed}",
    )
    FIXED_SCALE = _ENCODING, "the output's {subject} is {found}; values of this kind need {allowed}"

    # Convolutions and dense layers.
    WEIGHTS_COMPUTED = _ENCODING, "the weights are computed; they have to be a constant"
    WEIGHT_SCALE_COUNT = _UNSUPPORTED, "the weights have {found} scales; allowed are {allowed}"
    WEIGHT_SCALE_AXIS = (
        _ENCODING,
        "the scales lie along dimension {found}; the channels lie along {allowed}",
    )
    WEIGHT_SCALE_RANGE = _ENCODING, "a scale of the weights is {found}; allowed are {allowed}"
    WEIGHT_ZERO_POINT = _ENCODING, "a zero point of the weights is {found}; it has to be {allowed}"
    OPTION_VALUE = _UNSUPPORTED, "the option {subject} is {found}; only {allowed} is supported"
    WEIGHT_RANK = _ENCODING, "the weights have {found} dimensions; they need {allowed}"
    WEIGHT_LENGTH = (
        _ENCODING,
        "the input's last dimension is {found}; the weights are for {allowed}",
    )
    WEIGHT_DIVISION = (
        _ENCODING,
        "the input has {found} elements; the weights are for a multiple of {allowed}",
    )
    BIAS_COMPUTED = _ENCODING, "the bias is computed; it has to be a constant"
    BIAS_TYPE = _ENCODING, "the bias has the element type {found}; it has to be {allowed}"
    BIAS_SHAPE = _ENCODING, "the bias has the shape {found}; the channels need {allowed}"
    BIAS_SCALE_COUNT = _ENCODING, "the bias has {found} scales; allowed are {allowed}"
    BIAS_SCALE_RANGE = (
        _ENCODING,
        "a scale of the bias is {found}; the input's times the weights' is {allowed}",
    )
    BIAS_SCALE_FINITE = _ENCODING, "a scale of the bias is {found}; it has to be above 0 and finite"
    BIAS_ZERO_POINT = _ENCODING, "a zero point of the bias is {found}; it has to be {allowed}"
    IMAGE_RANK = _ENCODING, "the input has {found} dimensions; an image has {allowed}"
    FILTER_RANK = _ENCODING, "the filter has {found} dimensions; it needs {allowed}"
    FILTER_CHANNELS = _ENCODING, "the filter is for {found} channels; the input has {allowed}"
    FILTER_COUNT = (
        _ENCODING,
        "the filter's first dimension is {found}; in a depthwise convolution it is {allowed}",
    )
    DEPTH_MULTIPLIER = _ENCODING, "the depth multiplier is {found}; it has to be at least {allowed}"
    FILTER_DEPTH = (
        _ENCODING,
        "the filter gives {found} channels; the input's times the multiplier are {allowed}",
    )

    # Windows.
    PADDING_MODE = _ENCODING, "the padding is {found}; allowed are {allowed}"
    WINDOW_LENGTH = _ENCODING, "the window's {subject} is {found}; allowed are {allowed}"
    STRIDE = _ENCODING, "the stride of the window's {subject} is {found}; allowed are {allowed}"
    DILATION = _ENCODING, "the dilation of the window's {subject} is {found}; allowed are {allowed}"
    WINDOW_REACH = (
        _ENCODING,
        "the dilated window's {subject} is {found}; the input has {allowed}",
    )
    POOL_WINDOW = _ENCODING, "the pool's {subject} is {found}; the input has {allowed}"

    # Shapes, and constants that say them.
    BROADCAST = _ENCODING, "the shapes of the inputs, {found} and {allowed}, cannot be broadcast"
    AXIS = _ENCODING, "the axis is {found}; allowed are {allowed}"
    INTEGER_TYPE = _UNSUPPORTED, "the list of numbers has the type {found}; it has to be {allowed}"
    INTEGER_SCALES = _ENCODING, "the list of numbers has {found} scales; it may have none"
    INTEGERS_COMPUTED = _UNSUPPORTED, "the list of numbers is computed; it has to be a constant"
    ELEMENT_COUNT = _ENCODING, "the output has {found} elements; the input has {allowed}"
    SHAPE_LIST = _ENCODING, "the new shape is given with {found} dimensions; a list has {allowed}"
    SHAPE_MISSING = _ENCODING, "the operator is given no new shape"
    SHAPE_WANTED = _ENCODING, "the new shape is {found}; the output has {allowed}"
    BETA = _ENCODING, "beta is {found}; it has to be above 0 and at most {allowed}"
    CONCATENATED_SHAPE = (
        _ENCODING,
        "an input has the shape {found}; but for the axis it has to be {allowed}",
    )
    CONCATENATED_LENGTH = (
        _ENCODING,
        "the inputs have {found} elements along the axis; the output has {allowed}",
    )
    PADDING_SHAPE = _ENCODING, "the paddings have the shape {found}; the input needs {allowed}"
    PADDING_RANGE = _ENCODING, "a padding is {found}; allowed are {allowed}"
    AXIS_LIST = _ENCODING, "the axes are given with {found} dimensions; a list has {allowed}"
    AXIS_TWICE = _ENCODING, "the axes {found} name a dimension twice"
    NO_DIMENSION_LEFT = _UNSUPPORTED, "the mean leaves no dimension; at least 1 has to be left"

    SCALAR_COUNT = _ENCODING, "the {subject} has {found} numbers; it has exactly {allowed}"
    LIST_RANK = _ENCODING, "the {subject} are given with {found} dimensions; a list has {allowed}"
    LIST_LENGTH = _ENCODING, "the list of the {subject} has {found} numbers; allowed are {allowed}"
    PERMUTATION = _ENCODING, "the axes {found} are no order of {allowed} dimensions"
    SPLIT_COUNT = _ENCODING, "the operator has {found} outputs; its option says {allowed}"
    SPLIT_DIVISION = _ENCODING, "{found} elements along the axis cannot be cut into {allowed} parts"
    SPLIT_SIZES = _ENCODING, "the sizes {found} do not make up the {allowed} elements of the axis"
    MASK = _ENCODING, "the option {subject} is {found}; allowed are {allowed}"
    SLICE_STRIDE = _ENCODING, "a stride is {found}; it has to be {allowed}, and not 0"
    SLICE_SHRUNK = (
        _ENCODING,
        "the place in a dropped dimension is {found}; allowed are {allowed}",
    )
    SLICE_EMPTY = _ENCODING, "the slice along dimension {found} has no element"
    RESIZED = _ENCODING, "a size is {found}; allowed are {allowed}"
    RESIZED_BEYOND = (
        _UNSUPPORTED,
        "the {subject} is {allowed}; native code, which rounds ratios, would read at {found}",
    )
    CENTRES = _ENCODING, "the corners are aligned and the centres are halved; only one is possible"
    DIVISION_TYPE = _UNSUPPORTED, "the division has the type {found}; only {allowed} is supported"
    ALPHA_COMPUTED = _ENCODING, "the slopes are computed; they have to be a constant"

    # Operators with a state.
    WEIGHTS_MISSING = _UNSUPPORTED, "the {subject} are left out; this operator needs them"
    WEIGHTS_PARTLY = _ENCODING, "{found} of the {allowed} {subject} are there; it is all or none"
    WEIGHTS_REFUSED = _UNSUPPORTED, "the operator has {subject}, which are not supported here"
    PART_TYPE = _UNSUPPORTED, "the {subject} have the type {found}; they have to be {allowed}"
    PART_SHAPE = _ENCODING, "the {subject} have the shape {found}; they need {allowed}"
    PART_SCALES = _ENCODING, "the {subject} have {found} scales; they have to have {allowed}"
    PART_SCALE = _ENCODING, "the scale of the {subject} is {found}; allowed are {allowed}"
    PART_ZERO_POINT = (
        _ENCODING,
        "the zero point of the {subject} is {found}; it must be {allowed}",
    )
    RANK_OPTION = _ENCODING, "the rank is {found}; the {allowed} filters are no multiple of it"
    CLIP = _ENCODING, "the option {subject} is {found}; it has to be 0 or more, and finite"
    SEQUENCE_RANK = _ENCODING, "the sequence has {found} dimensions; it needs {allowed}"
    INTERMEDIATE_COUNT = _ENCODING, "there are {found} tensors of intermediates; it needs {allowed}"
    INTERMEDIATE_FILLED = _ENCODING, "a tensor of intermediates is a constant or a state"
    INTERMEDIATE_USED = _ENCODING, "a tensor of intermediates is used elsewhere"

    # Quotas.
    QUOTA = _TOO_LARGE, "the model needs {found} {subject}; the quota is {allowed}"
