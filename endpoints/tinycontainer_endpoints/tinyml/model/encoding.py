"""From a model as values to the file that native code reads (TC-TML-16, ADR 14)."""

from typing import Final

from .enumerations import Builtin
from .flatbuffer_writer import write_flatbuffer
from .graph import Model, Operator, Tensor
from .schema import MODEL, OPTIONS_TYPES, SCHEMA_VERSION, Tree

_LARGEST_OLD: Final = 127
"""In the field that only has seven bits: the number is in the other one."""


def encode_model(model: Model, *, names: bool = False) -> bytes:
    """Write a model as a file: only what was understood, and nothing that its maker laid out.

    Args:
        model: to be written.
        names: write the tensors' names as well; native code has no use for them.
    """
    # The first buffer is that of tensors without content. Constants of the same content share one,
    # as they may in the file that was read: native code writes to no constant, and a file in which
    # hundreds of tensors share a buffer does not grow a hundredfold.
    buffers: list[Tree] = [{}]
    places: dict[bytes, int] = {}
    tensors = []
    for tensor in model.tensors:
        tree = _lay_out_tensor(tensor)
        if names and tensor.name:
            tree["name"] = tensor.name
        if tensor.data is not None:
            if tensor.data not in places:
                places[tensor.data] = len(buffers)
                buffers.append({"data": tensor.data})
            tree["buffer"] = places[tensor.data]
        tensors.append(tree)
    codes = sorted({(each.code, each.version) for each in model.operators})
    graph: Tree = {
        "tensors": tensors,
        "inputs": model.inputs,
        "outputs": model.outputs,
        "operators": [_lay_out_operator(each, codes) for each in model.operators],
    }
    content: Tree = {
        "version": SCHEMA_VERSION,
        "operator_codes": [
            {"deprecated_code": min(int(code), _LARGEST_OLD), "version": version, "code": int(code)}
            for code, version in codes
        ],
        "subgraphs": [graph],
        "buffers": buffers,
    }
    return write_flatbuffer(content, MODEL)


def _lay_out_operator(operator: Operator, codes: list[tuple[Builtin, int]]) -> Tree:
    tree: Tree = {
        "code_index": codes.index((operator.code, operator.version)),
        "inputs": operator.inputs,
        "outputs": operator.outputs,
    }
    if operator.options is not None and operator.code in OPTIONS_TYPES:
        tree["options_type"], _ = OPTIONS_TYPES[operator.code]
        tree["options"] = dict(operator.options)
    if operator.intermediates:
        tree["intermediates"] = operator.intermediates
    return tree


def _lay_out_tensor(tensor: Tensor) -> Tree:
    tree: Tree = {"type": int(tensor.type), "shape": tensor.shape}
    if tensor.scales:
        tree["quantization"] = {
            "scale": tensor.scales,
            "zero_point": tensor.zero_points,
            "dimension": tensor.channel_axis,
        }
    if tensor.is_variable:
        tree["is_variable"] = True
    return tree
