"""The part of the TensorFlow Lite schema (version 3) that models here may use, as tables.

Slots and numbers are those of the published ``schema.fbs``. What a table does not name is not
read, so it never reaches native code, which gets a file that was written here (ADR 14).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Final, TypeAlias, Union

from .enumerations import Builtin

FILE_IDENTIFIER: Final = b"TFL3"
SCHEMA_VERSION: Final = 3


class FieldKind(Enum):
    """What a field holds."""

    BOOL = "?"
    I8 = "b"
    U8 = "B"
    I32 = "i"
    U32 = "I"
    U64 = "Q"
    F32 = "f"
    BYTES = "bytes"
    I32S = "vector of i"
    I64S = "vector of q"
    F32S = "vector of f"
    TABLE = "table"
    TABLES = "vector of tables"
    UNION = "union"


VECTORS: Final[Mapping[FieldKind, str]] = MappingProxyType(
    {FieldKind.BYTES: "B", FieldKind.I32S: "i", FieldKind.I64S: "q", FieldKind.F32S: "f"}
)
"""Format of the elements of each kind of vector."""


@dataclass(frozen=True)
class Field:
    """A field of a table.

    Attributes:
        slot: its place in the table's vtable.
        name: its key in a tree.
        kind: what it holds.
        default: its value where it is absent; None where there is no value then.
        table: what kind of table it holds, if it holds any.
    """

    slot: int
    name: str
    kind: FieldKind
    default: bool | int | float | None = None
    table: "SchemaTable | None" = None


@dataclass(frozen=True)
class SchemaTable:
    """A kind of table.

    Attributes:
        name: as the schema names it.
        fields: those that are read and written.
        variants: the tables of a union, by the union's type.
    """

    name: str
    fields: tuple[Field, ...] = ()
    variants: Mapping[int, "SchemaTable"] = field(default_factory=dict)


FieldValue: TypeAlias = Union[
    bool, int, float, bytes, tuple[int, ...], tuple[float, ...], "Tree", "list[Tree]", None
]
Tree: TypeAlias = dict[str, FieldValue]
"""A table that was read, or is to be written: its fields by name."""


def _fields(*rows: tuple[int, str, FieldKind, bool | int | float | None]) -> tuple[Field, ...]:
    return tuple(Field(*row) for row in rows)


_ACTIVATION: Final = "activation"

CONV: Final = SchemaTable(
    "Conv2DOptions",
    _fields(
        (0, "padding", FieldKind.I8, 0),
        (1, "stride_w", FieldKind.I32, 0),
        (2, "stride_h", FieldKind.I32, 0),
        (3, _ACTIVATION, FieldKind.I8, 0),
        (4, "dilation_w", FieldKind.I32, 1),
        (5, "dilation_h", FieldKind.I32, 1),
    ),
)
DEPTHWISE: Final = SchemaTable(
    "DepthwiseConv2DOptions",
    _fields(
        (0, "padding", FieldKind.I8, 0),
        (1, "stride_w", FieldKind.I32, 0),
        (2, "stride_h", FieldKind.I32, 0),
        (3, "depth_multiplier", FieldKind.I32, 0),
        (4, _ACTIVATION, FieldKind.I8, 0),
        (5, "dilation_w", FieldKind.I32, 1),
        (6, "dilation_h", FieldKind.I32, 1),
    ),
)
POOL: Final = SchemaTable(
    "Pool2DOptions",
    _fields(
        (0, "padding", FieldKind.I8, 0),
        (1, "stride_w", FieldKind.I32, 0),
        (2, "stride_h", FieldKind.I32, 0),
        (3, "filter_w", FieldKind.I32, 0),
        (4, "filter_h", FieldKind.I32, 0),
        (5, _ACTIVATION, FieldKind.I8, 0),
    ),
)
FULLY_CONNECTED: Final = SchemaTable(
    "FullyConnectedOptions",
    _fields(
        (0, _ACTIVATION, FieldKind.I8, 0),
        (1, "weights_format", FieldKind.I8, 0),
        (2, "keep_num_dims", FieldKind.BOOL, False),
        (3, "asymmetric_inputs", FieldKind.BOOL, False),
    ),
)
SOFTMAX: Final = SchemaTable("SoftmaxOptions", _fields((0, "beta", FieldKind.F32, 0.0)))
CONCATENATION: Final = SchemaTable(
    "ConcatenationOptions",
    _fields((0, "axis", FieldKind.I32, 0), (1, _ACTIVATION, FieldKind.I8, 0)),
)
ADD: Final = SchemaTable("AddOptions", _fields((0, _ACTIVATION, FieldKind.I8, 0)))
MUL: Final = SchemaTable("MulOptions", _fields((0, _ACTIVATION, FieldKind.I8, 0)))
RESHAPE: Final = SchemaTable("ReshapeOptions", _fields((0, "new_shape", FieldKind.I32S, None)))
REDUCER: Final = SchemaTable("ReducerOptions", _fields((0, "keep_dims", FieldKind.BOOL, False)))

SVDF: Final = SchemaTable(
    "SVDFOptions",
    _fields(
        (0, "rank", FieldKind.I32, 0),
        (1, _ACTIVATION, FieldKind.I8, 0),
        (2, "asymmetric_inputs", FieldKind.BOOL, False),
    ),
)
RESIZE_BILINEAR: Final = SchemaTable(
    "ResizeBilinearOptions",
    _fields(
        (2, "align_corners", FieldKind.BOOL, False),
        (3, "half_pixel_centers", FieldKind.BOOL, False),
    ),
)
DIV: Final = SchemaTable("DivOptions", _fields((0, _ACTIVATION, FieldKind.I8, 0)))
STRIDED_SLICE: Final = SchemaTable(
    "StridedSliceOptions",
    _fields(
        (0, "begin_mask", FieldKind.I32, 0),
        (1, "end_mask", FieldKind.I32, 0),
        (2, "ellipsis_mask", FieldKind.I32, 0),
        (3, "new_axis_mask", FieldKind.I32, 0),
        (4, "shrink_axis_mask", FieldKind.I32, 0),
        (5, "offset", FieldKind.BOOL, False),
    ),
)
SPLIT: Final = SchemaTable("SplitOptions", _fields((0, "num_splits", FieldKind.I32, 0)))
SPLIT_V: Final = SchemaTable("SplitVOptions", _fields((0, "num_splits", FieldKind.I32, 0)))
LSTM: Final = SchemaTable(
    "UnidirectionalSequenceLSTMOptions",
    _fields(
        (0, _ACTIVATION, FieldKind.I8, 0),
        (1, "cell_clip", FieldKind.F32, 0.0),
        (2, "proj_clip", FieldKind.F32, 0.0),
        (3, "time_major", FieldKind.BOOL, False),
        (4, "asymmetric_inputs", FieldKind.BOOL, False),
        (5, "diagonal_recurrent_tensors", FieldKind.BOOL, False),
    ),
)

CAST: Final = SchemaTable("CastOptions")
MAXIMUM_MINIMUM: Final = SchemaTable("MaximumMinimumOptions")
TRANSPOSE: Final = SchemaTable("TransposeOptions")
PAD: Final = SchemaTable("PadOptions")
DEQUANTIZE: Final = SchemaTable("DequantizeOptions")
QUANTIZE: Final = SchemaTable("QuantizeOptions")

OPTIONS_TYPES: Final[Mapping[Builtin, tuple[int, SchemaTable]]] = MappingProxyType(
    {
        Builtin.CONV_2D: (1, CONV),
        Builtin.DEPTHWISE_CONV_2D: (2, DEPTHWISE),
        Builtin.AVERAGE_POOL_2D: (5, POOL),
        Builtin.MAX_POOL_2D: (5, POOL),
        Builtin.SVDF: (6, SVDF),
        Builtin.FULLY_CONNECTED: (8, FULLY_CONNECTED),
        Builtin.SOFTMAX: (9, SOFTMAX),
        Builtin.CONCATENATION: (10, CONCATENATION),
        Builtin.ADD: (11, ADD),
        Builtin.RESIZE_BILINEAR: (15, RESIZE_BILINEAR),
        Builtin.RESHAPE: (17, RESHAPE),
        Builtin.MUL: (21, MUL),
        Builtin.PAD: (22, PAD),
        Builtin.TRANSPOSE: (26, TRANSPOSE),
        Builtin.MEAN: (27, REDUCER),
        Builtin.DIV: (29, DIV),
        Builtin.STRIDED_SLICE: (32, STRIDED_SLICE),
        Builtin.SPLIT: (35, SPLIT),
        Builtin.CAST: (37, CAST),
        Builtin.DEQUANTIZE: (38, DEQUANTIZE),
        Builtin.MAXIMUM: (39, MAXIMUM_MINIMUM),
        Builtin.MINIMUM: (39, MAXIMUM_MINIMUM),
        Builtin.UNIDIRECTIONAL_SEQUENCE_LSTM: (71, LSTM),
        Builtin.SPLIT_V: (79, SPLIT_V),
        Builtin.QUANTIZE: (89, QUANTIZE),
    }
)
"""The options of operators: their number in the union BuiltinOptions, and their table.

PRELU, RELU, LOGISTIC and TANH have none.
"""

NEWEST_VERSIONS: Final[Mapping[Builtin, int]] = MappingProxyType(
    {
        Builtin.ADD: 5,
        Builtin.AVERAGE_POOL_2D: 3,
        Builtin.CAST: 5,
        Builtin.CONCATENATION: 4,
        Builtin.CONV_2D: 7,
        Builtin.DEPTHWISE_CONV_2D: 7,
        Builtin.DEQUANTIZE: 5,
        Builtin.DIV: 2,
        Builtin.FULLY_CONNECTED: 10,
        Builtin.LOGISTIC: 3,
        Builtin.MAXIMUM: 4,
        Builtin.MAX_POOL_2D: 3,
        Builtin.MEAN: 3,
        Builtin.MINIMUM: 4,
        Builtin.MUL: 7,
        Builtin.PAD: 4,
        Builtin.PRELU: 1,
        Builtin.QUANTIZE: 3,
        Builtin.RELU: 3,
        Builtin.RESHAPE: 1,
        Builtin.RESIZE_BILINEAR: 4,
        Builtin.SOFTMAX: 3,
        Builtin.SPLIT: 4,
        Builtin.SPLIT_V: 2,
        Builtin.STRIDED_SLICE: 8,
        Builtin.SVDF: 4,
        Builtin.TANH: 3,
        Builtin.TRANSPOSE: 6,
        Builtin.UNIDIRECTIONAL_SEQUENCE_LSTM: 4,
    }
)
"""The operators on the list, and the newest version of each that all interpreters have.

A newer version says that the operator needs something which only newer interpreters have. All that
is allowed here was there before.
"""

STATEFUL: Final = frozenset({Builtin.SVDF, Builtin.UNIDIRECTIONAL_SEQUENCE_LSTM})
"""Operators with a state; their rules say which of their inputs may be left out."""

SPLITTING: Final = frozenset({Builtin.SPLIT, Builtin.SPLIT_V})
"""Operators that can make more than one tensor."""

INTERNALLY_SCALED: Final = frozenset({Builtin.UNIDIRECTIONAL_SEQUENCE_LSTM})
"""Operators with tensors that only say how values within them are quantised."""

OPTIONS: Final[Mapping[int, SchemaTable]] = MappingProxyType(dict(OPTIONS_TYPES.values()))
"""Tables of the union BuiltinOptions, by their number."""

QUANTIZATION: Final = SchemaTable(
    "QuantizationParameters",
    _fields(
        (2, "scale", FieldKind.F32S, None),
        (3, "zero_point", FieldKind.I64S, None),
        (4, "details_type", FieldKind.U8, 0),
        (6, "dimension", FieldKind.I32, 0),
    ),
)
TENSOR: Final = SchemaTable(
    "Tensor",
    (
        *_fields(
            (0, "shape", FieldKind.I32S, None),
            (1, "type", FieldKind.I8, 0),
            (2, "buffer", FieldKind.U32, 0),
            (3, "name", FieldKind.BYTES, None),
        ),
        Field(4, "quantization", FieldKind.TABLE, table=QUANTIZATION),
        *_fields(
            (5, "is_variable", FieldKind.BOOL, False),
            (7, "shape_signature", FieldKind.I32S, None),
        ),
        Field(6, "sparsity", FieldKind.TABLE, table=SchemaTable("SparsityParameters")),
        Field(9, "variant_tensors", FieldKind.TABLES, table=SchemaTable("VariantSubType")),
        Field(10, "external_buffer", FieldKind.U32, 0),
    ),
)
OPERATOR_CODE: Final = SchemaTable(
    "OperatorCode",
    _fields(
        (0, "deprecated_code", FieldKind.I8, 0),
        (1, "custom_code", FieldKind.BYTES, None),
        (2, "version", FieldKind.I32, 1),
        (3, "code", FieldKind.I32, 0),
    ),
)
OPERATOR: Final = SchemaTable(
    "Operator",
    (
        Field(0, "code_index", FieldKind.U32, 0),
        Field(1, "inputs", FieldKind.I32S),
        Field(2, "outputs", FieldKind.I32S),
        Field(3, "options_type", FieldKind.U8, 0),
        Field(4, "options", FieldKind.UNION),
        Field(5, "custom_options", FieldKind.BYTES),
        Field(7, "mutating_inputs", FieldKind.BYTES),
        Field(8, "intermediates", FieldKind.I32S),
        Field(9, "large_custom_offset", FieldKind.U64, 0),
        Field(11, "options_2_type", FieldKind.U8, 0),
    ),
    OPTIONS,
)
SUBGRAPH: Final = SchemaTable(
    "SubGraph",
    (
        Field(0, "tensors", FieldKind.TABLES, table=TENSOR),
        Field(1, "inputs", FieldKind.I32S),
        Field(2, "outputs", FieldKind.I32S),
        Field(3, "operators", FieldKind.TABLES, table=OPERATOR),
    ),
)
BUFFER: Final = SchemaTable(
    "Buffer",
    _fields(
        (0, "data", FieldKind.BYTES, None),
        (1, "offset", FieldKind.U64, 0),
        (2, "size", FieldKind.U64, 0),
    ),
)
MODEL: Final = SchemaTable(
    "Model",
    (
        Field(0, "version", FieldKind.U32, 0),
        Field(1, "operator_codes", FieldKind.TABLES, table=OPERATOR_CODE),
        Field(2, "subgraphs", FieldKind.TABLES, table=SUBGRAPH),
        Field(4, "buffers", FieldKind.TABLES, table=BUFFER),
    ),
)
