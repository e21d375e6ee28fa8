"""From the bytes of a file to a model as values.

Everything here is about form: the rules of single operators and of the graph come after it.
"""

from typing import Final

from .enumerations import Builtin, TensorType
from .flatbuffer_reader import FlatbufferReader
from .flaws import Flaw
from .graph import Model, Operator, Tensor
from .refusing import ModelRefused, Place, require
from .schema import MODEL, OPTIONS_TYPES, SCHEMA_VERSION, FieldValue, Tree

MAX_GRAPHS: Final = 8
"""More are not even counted; only one is supported."""
MAX_TENSORS: Final = 256
MAX_BUFFERS: Final = 2 * MAX_TENSORS
MAX_OPERATORS: Final = 128
MAX_RANK: Final = 4
NAME_BYTES: Final = 64
"""How much of a tensor's name is kept."""
_DIMENSIONS: Final = range(1, (1 << 20) + 1)
_OLD_NUMBERS: Final = range(128)
_VERSIONS: Final = range(1, 128)
_NO_DETAILS: Final = 0
_ANY_SIZE: Final = -1
"""In a shape's signature: a dimension that the interpreter may resize."""

_OPERATORS: Final = frozenset(Builtin)
_TYPES: Final = frozenset(TensorType)
_REFUSED_TENSOR: Final = ("sparsity", "variant_tensors", "is_variable", "external_buffer")
_REFUSED_OPERATOR: Final = (
    "custom_options",
    "intermediates",
    "large_custom_offset",
    "options_2_type",
)


def decode_model(content: bytes) -> Model:
    """Read a file.

    Raises:
        ModelRefused: it is no model of the kind that is allowed; nothing of it has been computed.
    """
    tree = FlatbufferReader(content).read(MODEL)
    version = tree["version"]
    require(version == SCHEMA_VERSION, Flaw.SCHEMA_VERSION, found=version, allowed=SCHEMA_VERSION)
    graphs = _read_trees(tree, "subgraphs", MAX_GRAPHS)
    require(len(graphs) == 1, Flaw.GRAPH_COUNT, found=len(graphs), allowed=1)
    graph = graphs[0]
    buffers = [
        _read_buffer(number, each)
        for number, each in enumerate(_read_trees(tree, "buffers", MAX_BUFFERS))
    ]
    codes = [
        _read_operator_code(number, each)
        for number, each in enumerate(_read_trees(tree, "operator_codes", MAX_OPERATORS))
    ]
    tensors = [
        _read_tensor(index, each, buffers)
        for index, each in enumerate(_read_trees(graph, "tensors", MAX_TENSORS))
    ]
    operators = [
        _read_operator(index, each, codes)
        for index, each in enumerate(_read_trees(graph, "operators", MAX_OPERATORS))
    ]
    return Model(
        tensors=tuple(tensors),
        operators=tuple(operators),
        inputs=_read_integers(graph["inputs"]),
        outputs=_read_integers(graph["outputs"]),
    )


def _read_trees(tree: Tree, name: str, most: int) -> list[Tree]:
    value = tree[name]
    trees = value if isinstance(value, list) else []
    require(len(trees) <= most, Flaw.TOO_MANY, found=len(trees), allowed=most, subject=name)
    return trees


def _read_integers(value: FieldValue) -> tuple[int, ...]:
    return tuple(int(each) for each in value) if isinstance(value, tuple) else ()


def _find_set_field(tree: Tree, names: tuple[str, ...]) -> str | None:
    """The first of some fields that says something; an empty table says that it is there."""
    for name in names:
        value = tree[name]
        if value or isinstance(value, dict):
            return name
    return None


def _read_buffer(number: int, tree: Tree) -> bytes:
    outside = tree["offset"] or tree["size"]
    require(not outside, Flaw.EXTERNAL_DATA, found=number)
    return tree["data"] if isinstance(tree["data"], bytes) else b""


def _read_operator_code(index: int, tree: Tree) -> tuple[Builtin, int]:
    old_number = tree["deprecated_code"]
    # The older field holds what fits seven bits; interpreters use the larger of both.
    number = max(*(each for each in (old_number, tree["code"], 0) if type(each) is int))
    require(tree["custom_code"] is None, Flaw.CUSTOM_OPERATOR, found=index)
    require(number in _OPERATORS, Flaw.OPERATOR_UNKNOWN, found=number)
    old = old_number in _OLD_NUMBERS
    require(old, Flaw.OPERATOR_OLD_NUMBER, found=old_number, allowed=_OLD_NUMBERS)
    version = tree["version"]
    if type(version) is not int or version not in _VERSIONS:
        raise ModelRefused(Flaw.OPERATOR_VERSION, found=version, allowed=_VERSIONS)
    return Builtin(number), version


def _read_operator(index: int, tree: Tree, codes: list[tuple[Builtin, int]]) -> Operator:
    number = tree["code_index"]
    if not isinstance(number, int) or not 0 <= number < len(codes):
        place = Place(index)
        raise ModelRefused(Flaw.OPERATOR_CODE_UNKNOWN, place, found=number, allowed=len(codes))
    code, version = codes[number]
    place = Place(index, code)
    refused = _find_set_field(tree, _REFUSED_OPERATOR)
    require(refused is None, Flaw.OPERATOR_FIELD, place, subject=refused or "")
    changing = tree["mutating_inputs"]
    changes = isinstance(changing, bytes) and any(changing)
    require(not changes, Flaw.INPUTS_CHANGED, place)
    options = tree["options"]
    if options is not None:
        needed, _ = OPTIONS_TYPES.get(code, (0, None))
        given = tree["options_type"]
        require(given == needed, Flaw.OPTIONS_TYPE, place, found=given, allowed=needed)
    return Operator(
        code=code,
        version=version,
        inputs=_read_integers(tree["inputs"]),
        outputs=_read_integers(tree["outputs"]),
        options=options if isinstance(options, dict) else None,
    )


def _read_tensor(index: int, tree: Tree, buffers: list[bytes]) -> Tensor:
    place = Place(tensor=index)
    refused = _find_set_field(tree, _REFUSED_TENSOR)
    require(refused is None, Flaw.TENSOR_FIELD, place, subject=refused or "")
    number = tree["type"]
    if not isinstance(number, int) or number not in _TYPES:
        raise ModelRefused(Flaw.ELEMENT_TYPE, place, found=number, allowed=_TYPES)
    shape = _read_shape(tree, place)
    scales, zero_points, channel_axis = _read_quantisation(tree["quantization"], place)
    buffer = tree["buffer"]
    if not isinstance(buffer, int) or not 0 <= buffer < len(buffers):
        raise ModelRefused(Flaw.BUFFER_UNKNOWN, place, found=buffer, allowed=len(buffers))
    name = tree["name"]
    tensor = Tensor(
        type=TensorType(number),
        shape=shape,
        name=name[:NAME_BYTES] if isinstance(name, bytes) else b"",
        data=buffers[buffer] or None,
        scales=scales,
        zero_points=zero_points,
        channel_axis=channel_axis,
        index=index,
    )
    if tensor.data is not None:
        size = len(tensor.data)
        fits = size == tensor.size_bytes
        require(fits, Flaw.CONSTANT_SIZE, place, found=size, allowed=tensor.size_bytes)
    return tensor


def _read_shape(tree: Tree, place: Place) -> tuple[int, ...]:
    shape = _read_integers(tree["shape"])
    require(len(shape) <= MAX_RANK, Flaw.RANK, place, found=len(shape), allowed=MAX_RANK)
    for dimension in shape:
        sound = dimension in _DIMENSIONS
        require(sound, Flaw.DIMENSION, place, found=dimension, allowed=_DIMENSIONS)
    signature = tree["shape_signature"]
    if signature is not None:
        signs = _read_integers(signature)
        same = len(signs) == len(shape) and all(
            sign in (_ANY_SIZE, dimension) for sign, dimension in zip(signs, shape, strict=True)
        )
        require(same, Flaw.SHAPE_SIGNATURE, place, found=shape, allowed=signs)
    return shape


def _read_quantisation(
    tree: FieldValue, place: Place
) -> tuple[tuple[float, ...], tuple[int, ...], int]:
    """Scales, zero points, and the dimension that scales of channels belong to."""
    if not isinstance(tree, dict):
        return (), (), 0
    details = tree["details_type"]
    require(not details, Flaw.QUANTISATION_DETAILS, place, found=details, allowed=_NO_DETAILS)
    scales = tree["scale"]
    if not isinstance(scales, tuple) or not scales:
        return (), (), 0
    zeros = _read_integers(tree["zero_point"]) or (0,) * len(scales)
    paired = len(zeros) == len(scales)
    require(paired, Flaw.ZERO_POINT_COUNT, place, found=len(zeros), allowed=len(scales))
    axis = tree["dimension"]
    return scales, zeros, axis if isinstance(axis, int) else 0
