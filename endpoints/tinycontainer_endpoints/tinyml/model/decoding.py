"""From the tree of a file to a model, and from a checked model to the file that native code reads.

Everything here is about form: what the rules of single operators and of the graph say comes after.
"""

from typing import Final, TypeVar

from ..protocol.codes import ErrorCode, refusal, require
from .flatbuffer_reader import FlatbufferReader
from .flatbuffer_writer import write_flatbuffer
from .model import Model, Operator, Tensor
from .schema import MODEL, SCHEMA_VERSION, Builtin, TensorType, Tree, Value

MAX_TENSORS: Final = 256
MAX_OPERATORS: Final = 128
MAX_RANK: Final = 4
MAX_DIMENSION: Final = 1 << 20
NAME_BYTES: Final = 64
"""What is kept of a tensor's name."""

_OPERATORS: Final = frozenset(Builtin)
_TYPES: Final = frozenset(TensorType)
_NOT_COMPUTED: Final = "an element type that no operator here computes with"
_REFUSED_TENSOR: Final = ("sparsity", "variant_tensors", "is_variable", "external_buffer")
_REFUSED_OPERATOR: Final = (
    "custom_options",
    "intermediates",
    "large_custom_offset",
    "options_2_type",
)
Item = TypeVar("Item")


def decode(content: bytes) -> Model:
    """Read a file.

    Raises:
        DriverError: it is no model of the kind that is allowed; nothing of it has been computed.
    """
    tree = FlatbufferReader(content).read(MODEL)
    require(
        tree["version"] == SCHEMA_VERSION, ErrorCode.INVALID_ENCODING, "not of schema version 3"
    )
    graphs = _trees(tree["subgraphs"], 8)
    require(
        len(graphs) == 1, ErrorCode.UNSUPPORTED_OPERATION, "not exactly one graph: control flow"
    )
    graph = graphs[0]
    buffers = [_buffer(each) for each in _trees(tree["buffers"], 2 * MAX_TENSORS)]
    codes = [_operator_code(each) for each in _trees(tree["operator_codes"], MAX_OPERATORS)]
    return Model(
        tensors=tuple(_tensor(each, buffers) for each in _trees(graph["tensors"], MAX_TENSORS)),
        operators=tuple(
            _operator(each, codes) for each in _trees(graph["operators"], MAX_OPERATORS)
        ),
        inputs=_integers(graph["inputs"]),
        outputs=_integers(graph["outputs"]),
    )


def encode(model: Model, *, names: bool = False) -> bytes:
    """Write a model anew: only what was understood, and nothing that its maker laid out.

    Args:
        model: to be written.
        names: write the tensors' names as well; native code has no use for them.
    """
    buffers: list[Tree] = [{}]
    tensors = []
    for tensor in model.tensors:
        tree = _tensor_tree(tensor)
        if names and tensor.name:
            tree["name"] = tensor.name
        if tensor.data is not None:
            tree["buffer"] = len(buffers)
            buffers.append({"data": tensor.data})
        tensors.append(tree)
    codes = sorted({(each.code, each.version) for each in model.operators})
    graph: Tree = {
        "tensors": tensors,
        "inputs": model.inputs,
        "outputs": model.outputs,
        "operators": [_operator_tree(each, codes) for each in model.operators],
    }
    content: Tree = {
        "version": SCHEMA_VERSION,
        "operator_codes": [
            {"deprecated_code": int(code), "version": version, "code": int(code)}
            for code, version in codes
        ],
        "subgraphs": [graph],
        "buffers": buffers,
    }
    return write_flatbuffer(content, MODEL)


def _trees(value: Value, most: int) -> list[Tree]:
    trees = value if isinstance(value, list) else []
    require(len(trees) <= most, ErrorCode.TOO_LARGE, f"more than {most} of a kind")
    return trees


def _absent(value: Value) -> bool:
    """Whether a field says nothing; an empty table says that it is there."""
    return value is None or (not value and not isinstance(value, dict))


def _integers(value: Value) -> tuple[int, ...]:
    return tuple(int(each) for each in value) if isinstance(value, tuple) else ()


def _at(items: list[Item], index: Value) -> Item:
    if not isinstance(index, int) or not 0 <= index < len(items):
        raise refusal(ErrorCode.INVALID_ENCODING, "an index that names nothing")
    return items[index]


def _buffer(tree: Tree) -> bytes:
    outside = tree["offset"] or tree["size"]
    require(not outside, ErrorCode.UNSUPPORTED_OPERATION, "data outside of the flatbuffer")
    return tree["data"] if isinstance(tree["data"], bytes) else b""


def _operator_code(tree: Tree) -> tuple[Builtin, int]:
    # The older field holds what fits seven bits; readers take the larger of both.
    number = max(
        *(each for each in (tree["deprecated_code"], tree["code"], 0) if type(each) is int)
    )
    require(tree["custom_code"] is None, ErrorCode.UNSUPPORTED_OPERATION, "a custom operator")
    known = number in _OPERATORS and tree["deprecated_code"] in range(128)
    require(known, ErrorCode.UNSUPPORTED_OPERATION, f"operator {number} is not on the list")
    version = tree["version"]
    if type(version) is not int or not 1 <= version <= 127:
        raise refusal(ErrorCode.UNSUPPORTED_OPERATION, "an operator's version is out of range")
    return Builtin(number), version


def _operator(tree: Tree, codes: list[tuple[Builtin, int]]) -> Operator:
    code, version = _at(codes, tree["code_index"])
    for name in _REFUSED_OPERATOR:
        require(_absent(tree[name]), ErrorCode.UNSUPPORTED_OPERATION, f"an operator with {name}")
    mutating = tree["mutating_inputs"]
    mutates = isinstance(mutating, bytes) and any(mutating)
    require(not mutates, ErrorCode.UNSUPPORTED_OPERATION, "an operator that changes its inputs")
    options = tree["options"]
    expected = OPTIONS_TYPES.get(code)
    fitting = options is None or tree["options_type"] == expected
    require(
        fitting, ErrorCode.INVALID_ENCODING, f"{code.name} with the options of another operator"
    )
    return Operator(
        code,
        version,
        _integers(tree["inputs"]),
        _integers(tree["outputs"]),
        options if isinstance(options, dict) else None,
    )


def _operator_tree(operator: Operator, codes: list[tuple[Builtin, int]]) -> Tree:
    tree: Tree = {
        "code_index": codes.index((operator.code, operator.version)),
        "inputs": operator.inputs,
        "outputs": operator.outputs,
    }
    if operator.options is not None and operator.code in OPTIONS_TYPES:
        tree["options_type"] = OPTIONS_TYPES[operator.code]
        tree["options"] = dict(operator.options)
    return tree


OPTIONS_TYPES: Final = {
    Builtin.CONV_2D: 1,
    Builtin.DEPTHWISE_CONV_2D: 2,
    Builtin.AVERAGE_POOL_2D: 5,
    Builtin.MAX_POOL_2D: 5,
    Builtin.FULLY_CONNECTED: 8,
    Builtin.SOFTMAX: 9,
    Builtin.CONCATENATION: 10,
    Builtin.ADD: 11,
    Builtin.RESHAPE: 17,
    Builtin.MUL: 21,
    Builtin.PAD: 22,
    Builtin.MEAN: 27,
    Builtin.DEQUANTIZE: 38,
    Builtin.QUANTIZE: 89,
}
"""Which of the union's tables each operator has; relu and logistic have none."""


def _tensor(tree: Tree, buffers: list[bytes]) -> Tensor:
    for name in _REFUSED_TENSOR:
        require(_absent(tree[name]), ErrorCode.UNSUPPORTED_OPERATION, f"a tensor with {name}")
    number = tree["type"]
    if not isinstance(number, int) or number not in _TYPES:
        raise refusal(ErrorCode.UNSUPPORTED_OPERATION, _NOT_COMPUTED)
    kind = TensorType(number)
    shape = _shape(tree)
    scales, zero_points, axis = _quantization(tree["quantization"])
    data = _at(buffers, tree["buffer"])
    name_ = tree["name"]
    tensor = Tensor(
        type=kind,
        shape=shape,
        name=name_[:NAME_BYTES] if isinstance(name_, bytes) else b"",
        data=data or None,
        scales=scales,
        zero_points=zero_points,
        channel_axis=axis,
    )
    honest = tensor.data is None or len(tensor.data) == tensor.size_bytes
    require(honest, ErrorCode.INVALID_ENCODING, "a constant whose size is not that of its tensor")
    return tensor


def _shape(tree: Tree) -> tuple[int, ...]:
    shape = _integers(tree["shape"])
    require(len(shape) <= MAX_RANK, ErrorCode.UNSUPPORTED_OPERATION, "more than 4 dimensions")
    sound = all(1 <= each <= MAX_DIMENSION for each in shape)
    require(sound, ErrorCode.INVALID_ENCODING, "a dimension that is not positive, or huge")
    signature = tree["shape_signature"]
    if signature is not None:
        signs = _integers(signature)
        same = len(signs) == len(shape) and all(
            sign in (-1, dimension) for sign, dimension in zip(signs, shape, strict=True)
        )
        require(same, ErrorCode.INVALID_ENCODING, "a shape that contradicts its signature")
    return shape


def _quantization(tree: Value) -> tuple[tuple[float, ...], tuple[int, ...], int]:
    if not isinstance(tree, dict):
        return (), (), 0
    plain = not tree["details_type"]
    require(plain, ErrorCode.UNSUPPORTED_OPERATION, "a quantisation of an unknown kind")
    scales, zero_points, axis = tree["scale"], tree["zero_point"], tree["dimension"]
    if not isinstance(scales, tuple) or not scales:
        return (), (), 0
    zeros = _integers(zero_points) or (0,) * len(scales)
    require(len(zeros) == len(scales), ErrorCode.INVALID_ENCODING, "not one zero point per scale")
    return scales, zeros, axis if isinstance(axis, int) else 0


def _tensor_tree(tensor: Tensor) -> Tree:
    tree: Tree = {"type": int(tensor.type), "shape": tensor.shape}
    if tensor.scales:
        tree["quantization"] = {
            "scale": tensor.scales,
            "zero_point": tensor.zero_points,
            "dimension": tensor.channel_axis,
        }
    return tree
