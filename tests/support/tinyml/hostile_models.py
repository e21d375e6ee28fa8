"""Models that harm an interpreter which is given them: none may get past the check."""

import struct
from collections.abc import Callable
from dataclasses import replace

from support.tinyml.models import F32, Net, dense, seed
from tinycontainer_endpoints.tinyml.model.encoding import encode_model
from tinycontainer_endpoints.tinyml.model.flatbuffer_reader import FlatbufferReader
from tinycontainer_endpoints.tinyml.model.flatbuffer_writer import write_flatbuffer
from tinycontainer_endpoints.tinyml.model.graph import Tensor
from tinycontainer_endpoints.tinyml.model.precheck import AcceptedModel, check_model
from tinycontainer_endpoints.tinyml.model.schema import (
    MODEL,
    OPTIONS,
    Field,
    FieldKind,
    FieldValue,
    SchemaTable,
    Tree,
)
from tinycontainer_endpoints.tinyml.quotas import Quotas

STRING, BOOL = 5, 6
CUSTOM, LESS_EQUAL, FILL, IF, WHILE = 32, 63, 94, 118, 119
_BRANCHES = (Field(0, "first", FieldKind.I32, 0), Field(1, "second", FieldKind.I32, 0))
_CONTROL = {
    **OPTIONS,
    92: SchemaTable("IfOptions", _BRANCHES),
    93: SchemaTable("WhileOptions", _BRANCHES),
}


def _with_control_flow(table: SchemaTable) -> SchemaTable:
    """The same kind of table, its operators able to carry the options of control flow."""
    fields = tuple(
        replace(field, table=_with_control_flow(field.table)) if field.table else field
        for field in table.fields
    )
    return replace(table, fields=fields, variants=_CONTROL if table.variants else {})


CONTROL_FLOW = _with_control_flow(MODEL)


def tree_of(content: bytes) -> Tree:
    """A file as a tree that can be changed."""
    return FlatbufferReader(content).read(MODEL)


def graph_of(tree: Tree) -> Tree:
    """The graph of a model's tree."""
    return child(tree, "subgraphs", 0)


def child(tree: Tree, name: str, index: int) -> Tree:
    """One of a tree's tables."""
    tables = tree[name]
    assert isinstance(tables, list)
    return tables[index]


def changed(change: Callable[[Tree], None], content: bytes | None = None) -> bytes:
    """A good model with one lie."""
    tree = tree_of(content or seed("dense"))
    change(tree)
    return write_flatbuffer(tree, MODEL)


def _tensor(kind: int, *shape: int, **more: FieldValue) -> Tree:
    return {"type": kind, "shape": shape, **more}


def _graph(tensors: list[Tree], inputs: tuple[int, ...], outputs: tuple[int, ...]) -> Tree:
    return {"tensors": tensors, "inputs": inputs, "outputs": outputs, "operators": []}


def _operator(inputs: tuple[int, ...], outputs: tuple[int, ...], **more: FieldValue) -> Tree:
    return {"inputs": inputs, "outputs": outputs, **more}


def _file(codes: tuple[int, ...], graphs: list[Tree], buffers: list[Tree] | None = None) -> bytes:
    operator_codes: list[Tree] = [{"deprecated_code": code, "code": code} for code in codes]
    tree: Tree = {
        "version": 3,
        "operator_codes": operator_codes,
        "subgraphs": graphs,
        "buffers": buffers or [{}],
    }
    return write_flatbuffer(tree, CONTROL_FLOW)


def endless() -> bytes:
    """``while x <= x: pass``: nothing but a kill ends it."""
    floats = [_tensor(F32, 1), _tensor(F32, 1)]
    main = _graph(floats, (0,), (1,))
    main["operators"] = [_operator((0,), (1,), options_type=93, options={"first": 1, "second": 2})]
    condition = _graph([_tensor(F32, 1), _tensor(BOOL, 1)], (0,), (1,))
    condition["operators"] = [_operator((0, 0), (1,), code_index=1)]
    body = _graph([_tensor(F32, 1)], (0,), (0,))
    return _file((WHILE, LESS_EQUAL), [main, condition, body])


def recursive() -> bytes:
    """An IF whose branches are the graph that it stands in."""
    main = _graph([_tensor(BOOL, 1), _tensor(BOOL, 1)], (0,), (1,))
    main["operators"] = [
        _operator((0, 0), (1,), options_type=92, options={"first": 0, "second": 0})
    ]
    return _file((IF,), [main])


def greedy() -> bytes:
    """A FILL of 2.8 GB in a file of some hundred bytes."""
    tensors = [_tensor(2, 1, buffer=1), _tensor(F32, buffer=2), _tensor(F32, 1)]
    main = _graph([*tensors, _tensor(F32, 1), _tensor(F32, 1)], (3,), (4,))
    main["operators"] = [_operator((0, 1), (2,)), _operator((3, 2), (4,), code_index=1)]
    buffers: list[Tree] = [{}, {"data": struct.pack("<i", 700_000_000)}, {"data": bytes(4)}]
    return _file((FILL, 0), [main], buffers)


def leaking() -> bytes:
    """A constant of strings whose offsets lead out of its buffer."""
    data = struct.pack("<iii", 1, 12, 400_000)
    main = _graph([_tensor(STRING, 1, buffer=1), _tensor(F32, 1), _tensor(F32, 1)], (1,), (0, 2))
    main["operators"] = [_operator((1, 1), (2,))]
    return _file((0,), [main], [{}, {"data": data}])


def let_through(content: bytes, quotas: Quotas) -> AcceptedModel:
    """In place of the check: hostile models get through as they are, good ones by the check."""
    one = (Tensor(F32, (1,)),)
    if content in (endless(), recursive(), greedy()):
        return AcceptedModel(content, one, one, len(content), 16, 1, {})
    return check_model(content, quotas)


def good() -> bytes:
    """A model that does nobody harm."""
    return encode_model(dense(Net()), names=True)
