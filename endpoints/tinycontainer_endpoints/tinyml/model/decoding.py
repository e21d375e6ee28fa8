"""From the bytes of a file to a model as values.

Everything here is about form: the rules of operators and of the graph come after it. A file that
cannot be read is refused at once. What is wrong with tensors and operators is collected, and the
rest is read all the same.
"""

from dataclasses import dataclass
from itertools import chain, compress, repeat
from typing import Final

from tinycontainer.text import show

from .enumerations import Builtin, TensorType
from .flatbuffer_reader import FlatbufferReader
from .flaws import Flaw
from .graph import Model, Operator, Tensor
from .refusing import ModelRefused, Place, Refusals, require
from .schema import (
    INTERNALLY_SCALED,
    MODEL,
    NEWEST_VERSIONS,
    OPTIONS_TYPES,
    SCHEMA_VERSION,
    STATEFUL,
    FieldValue,
    Tree,
)

MAX_TENSORS: Final = 256
MAX_BUFFERS: Final = 2 * MAX_TENSORS
MAX_OPERATORS: Final = 128
MAX_RANK: Final = 4
NAME_BYTES: Final = 64
"""How much of a tensor's name is kept."""
_DIMENSIONS: Final = range(1, (1 << 20) + 1)
_OLD_NUMBERS: Final = range(128)
_NO_DETAILS: Final = 0
_ANY_SIZE: Final = -1
"""In a shape's signature: a dimension that the interpreter may resize."""
_SCALE_ONLY_SHAPE: Final = (1,)
_MOST_SHOWN: Final = 8
"""Of how many dimensions the shape of a refused tensor is shown."""

_BUILTINS: Final = frozenset(Builtin) - {Builtin.UNKNOWN}
_ALL_TYPES: Final = frozenset(TensorType)

_TYPES: Final = frozenset({TensorType.F32, TensorType.I8, TensorType.I16, TensorType.I32})
_REFUSED_TENSOR: Final = ("sparsity", "variant_tensors", "external_buffer")
_REFUSED_OPERATOR: Final = ("custom_options", "large_custom_offset", "options_2_type")


@dataclass(frozen=True, slots=True)
class Draft:
    """A model that was read, whether it is sound or not.

    Attributes:
        model: all that could be read.
        tensors: numbers of the tensors with a refusal.
        operators: numbers of the operators with a refusal.
        is_small: whether it has no more of anything than it may; a larger one is only counted.
    """

    model: Model
    tensors: frozenset[int]
    operators: frozenset[int]
    is_small: bool = True


@dataclass(frozen=True, slots=True)
class _OperatorCode:
    """An entry of the table of operators: what the file says, and which operator that is."""

    code: Builtin
    number: int
    old_number: FieldValue
    version: FieldValue
    custom: bytes | None


def decode_model(content: bytes) -> Model:
    """Read a file.

    Raises:
        ModelRefused: it is no model of the kind that is allowed; nothing of it has been computed.
    """
    refusals = Refusals()
    draft = read_draft(content, refusals)
    refusals.raise_found()
    return draft.model


def read_draft(content: bytes, refusals: Refusals) -> Draft:
    """Read a file as far as that is possible.

    Args:
        content: of the file.
        refusals: collects what is wrong with the model, its tensors and its operators.

    Raises:
        ModelRefused: the file cannot be read, or has no graph.
    """
    tree = FlatbufferReader(content).read(MODEL)
    version = tree["version"]
    with refusals.collecting():
        known = version == SCHEMA_VERSION
        require(known, Flaw.SCHEMA_VERSION, found=version, allowed=SCHEMA_VERSION)
    graphs = _read_trees(tree, "subgraphs")
    count = len(graphs)
    require(count >= 1, Flaw.GRAPH_COUNT, found=count, allowed=1)
    with refusals.collecting():
        require(count == 1, Flaw.GRAPH_COUNT, found=count, allowed=1)
    return _GraphReader(tree, graphs[0], refusals).read()


class _GraphReader:
    """Reads the graph of a model.

    Args:
        tree: the whole file.
        graph: its first graph.
        refusals: collects what is wrong.
    """

    def __init__(self, tree: Tree, graph: Tree, refusals: Refusals) -> None:
        self._graph = graph
        self._refusals = refusals
        self._buffers = _read_trees(tree, "buffers")
        codes = _read_trees(tree, "operator_codes")
        self._codes = [_read_operator_code(each) for each in codes]
        self._operators = _read_trees(graph, "operators")
        self._tensors = _read_trees(graph, "tensors")
        variable = (each["is_variable"] is True for each in self._tensors)
        self._states = frozenset(compress(range(len(self._tensors)), variable))
        self._is_small = True
        for subject, found, most in (
            ("buffers", self._buffers, MAX_BUFFERS),
            ("operator codes", codes, MAX_OPERATORS),
            ("operators", self._operators, MAX_OPERATORS),
            ("tensors", self._tensors, MAX_TENSORS),
        ):
            count = len(found)
            if count > most:
                self._is_small = False
                with refusals.collecting():
                    require(False, Flaw.TOO_MANY, found=count, allowed=most, subject=subject)

    def read(self) -> Draft:
        """Read tensors and operators; of a model with too many only what they show."""
        if not self._is_small:
            tensors = [_describe_tensor(number, each) for number, each in enumerate(self._tensors)]
            return Draft(self._make_model(tensors), frozenset(), frozenset(), is_small=False)
        places = self._find_users()
        scale_only = self._find_scale_only()
        tensors = []
        bad_tensors = set()
        for index, tree in enumerate(self._tensors):
            place = places.get(index, Place(tensor=index, name=_read_name(tree)))
            try:
                tensor = self._read_tensor(index, tree, place, scale_only=index in scale_only)
            except ModelRefused as refusal:
                self._refusals.add(refusal)
                bad_tensors.add(index)
                tensor = _describe_tensor(index, tree)
            tensors.append(tensor)
        bad_operators = set()
        for index, tree in enumerate(self._operators):
            try:
                self._check_operator(index, tree, tensors)
            except ModelRefused as refusal:
                self._refusals.add(refusal)
                bad_operators.add(index)
        model = self._make_model(tensors)
        return Draft(model, frozenset(bad_tensors), frozenset(bad_operators))

    def _make_model(self, tensors: list[Tensor]) -> Model:
        return Model(
            tensors=tuple(tensors),
            operators=tuple(map(self._read_operator, self._operators)),
            inputs=_read_integers(self._graph["inputs"]),
            outputs=_read_integers(self._graph["outputs"]),
        )

    def _find_code(self, tree: Tree) -> _OperatorCode | None:
        number = tree["code_index"]
        known = isinstance(number, int) and 0 <= number < len(self._codes)
        return self._codes[number] if known and isinstance(number, int) else None

    def _find_users(self) -> dict[int, Place]:
        """Where each tensor is, with the first operator that has anything to do with it."""
        places: dict[int, Place] = {}
        for number, tree in enumerate(self._operators):
            entry = self._find_code(tree)
            for index in (*_read_integers(tree["inputs"]), *_read_integers(tree["outputs"])):
                if 0 <= index < len(self._tensors):
                    name = _read_name(self._tensors[index])
                    code = None if entry is None else entry.code
                    places.setdefault(index, Place(number, code, index, name))
        return places

    def _find_scale_only(self) -> frozenset[int]:
        """Tensors that only say how values within an operator are quantised."""
        return frozenset(
            index
            for tree in self._operators
            if (entry := self._find_code(tree)) is not None and entry.code in INTERNALLY_SCALED
            for index in _read_integers(tree["intermediates"])
        )

    def _read_tensor(self, index: int, tree: Tree, place: Place, *, scale_only: bool) -> Tensor:
        refused = _find_set_field(tree, _REFUSED_TENSOR)
        require(refused is None, Flaw.TENSOR_FIELD, place, subject=refused or "")
        kind = _read_type(tree)
        found = tree["type"] if kind is TensorType.UNKNOWN else kind
        require(kind in _TYPES, Flaw.ELEMENT_TYPE, place, found=found, allowed=_TYPES)
        # Converters write such a tensor without an element; native code only reads its scale.
        shape = _SCALE_ONLY_SHAPE if scale_only else _read_shape(tree, place)
        scales, zero_points, channel_axis = _read_quantisation(tree["quantization"], place)
        is_variable = tree["is_variable"] is True
        data = self._read_buffer(tree, place)
        require(not (is_variable and data), Flaw.STATE_CONSTANT, place)
        tensor = Tensor(
            type=kind,
            shape=shape,
            name=_read_name(tree),
            data=data,
            scales=scales,
            zero_points=zero_points,
            # Of one scale, or along one dimension, there is nothing to choose, and converters
            # write any number. Native code accepts only dimensions that there are.
            channel_axis=channel_axis if len(scales) > 1 and len(shape) > 1 else 0,
            is_variable=is_variable,
            index=index,
        )
        if data is not None:
            fits = len(data) == tensor.size_bytes
            require(fits, Flaw.CONSTANT_SIZE, place, found=len(data), allowed=tensor.size_bytes)
        return tensor

    def _read_buffer(self, tree: Tree, place: Place) -> bytes | None:
        number = tree["buffer"]
        if not isinstance(number, int) or not 0 <= number < len(self._buffers):
            count = len(self._buffers)
            raise ModelRefused(Flaw.BUFFER_UNKNOWN, place, found=number, allowed=count)
        buffer = self._buffers[number]
        outside = buffer["offset"] or buffer["size"]
        require(not outside, Flaw.EXTERNAL_DATA, place, found=number)
        data = buffer["data"]
        return data if isinstance(data, bytes) and data else None

    def _read_operator(self, tree: Tree) -> Operator:
        entry = self._find_code(tree)
        options = tree["options"]
        version = 0 if entry is None else entry.version
        return Operator(
            code=Builtin.UNKNOWN if entry is None else entry.code,
            version=version if isinstance(version, int) else 0,
            inputs=_read_integers(tree["inputs"]),
            outputs=_read_integers(tree["outputs"]),
            options=options if isinstance(options, dict) else None,
            intermediates=_read_integers(tree["intermediates"]),
        )

    def _check_operator(self, index: int, tree: Tree, tensors: list[Tensor]) -> None:
        entry = self._find_code(tree)
        if entry is None:
            number = tree["code_index"]
            count = len(self._codes)
            raise ModelRefused(
                Flaw.OPERATOR_CODE_UNKNOWN, Place(index), found=number, allowed=count
            )
        _check_code(entry, index, _find_output(tree, tensors))
        place = Place(index, entry.code)
        refused = _find_set_field(tree, _REFUSED_OPERATOR)
        require(refused is None, Flaw.OPERATOR_FIELD, place, subject=refused or "")
        if entry.code not in INTERNALLY_SCALED:
            plain = not tree["intermediates"]
            require(plain, Flaw.OPERATOR_FIELD, place, subject="intermediates")
        changing = tree["mutating_inputs"]
        if isinstance(changing, bytes) and any(changing):  # as some converters say of states
            changed = compress(chain(_read_integers(tree["inputs"]), repeat(-1)), changing)
            own = entry.code in STATEFUL and self._states.issuperset(changed)
            require(own, Flaw.INPUTS_CHANGED, place)
        needed, _ = OPTIONS_TYPES.get(entry.code, (0, None))
        given = tree["options_type"]
        fits = given == needed or not given
        require(fits, Flaw.OPTIONS_TYPE, place, found=given, allowed=needed)


def _check_code(entry: _OperatorCode, index: int, output: Tensor | None) -> None:
    """Whether an operator is on the list, in a version that all interpreters have."""
    place = Place(index, entry.code)
    if output is not None:
        place = Place(index, entry.code, output.index, output.name)
    kind = None if output is None else output.type
    if entry.custom is not None or entry.code is Builtin.CUSTOM:
        subject = show(entry.custom or b"", NAME_BYTES)
        raise ModelRefused(Flaw.CUSTOM_OPERATOR, place, found=kind, subject=subject)
    if entry.code is Builtin.UNKNOWN:
        raise ModelRefused(Flaw.OPERATOR_UNNAMED, Place(index), found=entry.number)
    require(entry.code in NEWEST_VERSIONS, Flaw.OPERATOR_UNKNOWN, place, found=kind)
    place = Place(index, entry.code)
    old = entry.old_number in _OLD_NUMBERS
    require(old, Flaw.OPERATOR_OLD_NUMBER, place, found=entry.old_number, allowed=_OLD_NUMBERS)
    versions = range(1, NEWEST_VERSIONS[entry.code] + 1)
    known = entry.version in versions
    require(known, Flaw.OPERATOR_VERSION, place, found=entry.version, allowed=versions)


def _find_output(tree: Tree, tensors: list[Tensor]) -> Tensor | None:
    """The first tensor that an operator makes."""
    for index in _read_integers(tree["outputs"]):
        if 0 <= index < len(tensors):
            return tensors[index]
    return None


def _read_trees(tree: Tree, name: str) -> list[Tree]:
    value = tree[name]
    return value if isinstance(value, list) else []


def _read_integers(value: FieldValue) -> tuple[int, ...]:
    return tuple(int(each) for each in value) if isinstance(value, tuple) else ()


def _find_set_field(tree: Tree, names: tuple[str, ...]) -> str | None:
    """The first of some fields that says something; an empty table says that it is there."""
    for name in names:
        value = tree[name]
        if value or isinstance(value, dict):
            return name
    return None


def _read_operator_code(tree: Tree) -> _OperatorCode:
    old_number = tree["deprecated_code"]
    # The older field holds what fits seven bits; interpreters use the larger of both.
    number = max(*(each for each in (old_number, tree["code"], 0) if type(each) is int))
    custom = tree["custom_code"]
    return _OperatorCode(
        code=Builtin(number) if number in _BUILTINS else Builtin.UNKNOWN,
        number=number,
        old_number=old_number,
        version=tree["version"],
        custom=custom if isinstance(custom, bytes) else None,
    )


def _read_type(tree: Tree) -> TensorType:
    number = tree["type"]
    known = isinstance(number, int) and number in _ALL_TYPES
    return TensorType(number) if known and isinstance(number, int) else TensorType.UNKNOWN


def _read_name(tree: Tree) -> bytes:
    name = tree["name"]
    return name[:NAME_BYTES] if isinstance(name, bytes) else b""


def _describe_tensor(index: int, tree: Tree) -> Tensor:
    """What a refused tensor shows of itself."""
    shape = _read_integers(tree["shape"])
    sound = len(shape) <= _MOST_SHOWN and all(each in _DIMENSIONS for each in shape)
    return Tensor(_read_type(tree), shape if sound else (), _read_name(tree), index=index)


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
