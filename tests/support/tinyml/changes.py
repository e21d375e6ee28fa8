"""Models of the recipes with one thing changed."""

import dataclasses
from collections.abc import Callable
from typing import Any

from support.tinyml.models import RECIPES
from support.tinyml.nets import I8, Net
from tinycontainer_endpoints.tinyml.model.encoding import encode_model
from tinycontainer_endpoints.tinyml.model.enumerations import Builtin, TensorType
from tinycontainer_endpoints.tinyml.model.graph import Model, Operator


def with_tensor(name: str, index: int, kind: TensorType = I8, **changes: Any) -> bytes:
    """A recipe's model with one tensor changed; a negative index counts from the end."""
    model = RECIPES[name](Net(kind))
    tensors = list(model.tensors)
    tensors[index] = dataclasses.replace(tensors[index], **changes)
    return encode_model(dataclasses.replace(model, tensors=tuple(tensors)))


def with_input(name: str, slot: int, kind: TensorType = I8, **changes: Any) -> bytes:
    """A recipe's model with the tensor in one of its last operator's inputs changed."""
    index = RECIPES[name](Net(kind)).operators[-1].inputs[slot]
    return with_tensor(name, index, kind, **changes)


def with_output(name: str, kind: TensorType = I8, **changes: Any) -> bytes:
    """A recipe's model with its last operator's first output changed."""
    index = RECIPES[name](Net(kind)).operators[-1].outputs[0]
    return with_tensor(name, index, kind, **changes)


def with_options(name: str, kind: TensorType = I8, **changes: float) -> bytes:
    """A recipe's model with options of its only operator changed."""

    def change(operator: Operator) -> Operator:
        return dataclasses.replace(operator, options={**(operator.options or {}), **changes})

    return with_operator(name, change, kind)


def with_operator(
    name: str, change: Callable[[Operator], Operator], kind: TensorType = I8
) -> bytes:
    """A recipe's model with its last operator changed."""
    model = RECIPES[name](Net(kind))
    operators = (*model.operators[:-1], change(model.operators[-1]))
    return encode_model(dataclasses.replace(model, operators=operators))


def with_version(name: str, version: int) -> bytes:
    """A recipe's model whose last operator has another version."""
    return with_operator(name, lambda each: dataclasses.replace(each, version=version))


def without_input(name: str, slot: int, kind: TensorType = I8) -> bytes:
    """A recipe's model with an input of its last operator left out; its tensor goes with it."""
    model = RECIPES[name](Net(kind))
    gone = model.operators[-1].inputs[slot]

    def renumber(indices: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(-1 if each == gone else each - (each > gone) for each in indices)

    return encode_model(
        Model(
            tensors=(*model.tensors[:gone], *model.tensors[gone + 1 :]),
            operators=tuple(
                dataclasses.replace(
                    each,
                    inputs=renumber(each.inputs),
                    outputs=renumber(each.outputs),
                    intermediates=renumber(each.intermediates),
                )
                for each in model.operators
            ),
            inputs=renumber(model.inputs),
            outputs=renumber(model.outputs),
        )
    )


def many_inputs(count: int) -> bytes:
    """A model of so many inputs, put together one after the other."""
    net = Net()
    inputs = [net.input(1, 2) for _ in range(count)]
    return encode_model(
        net.model(net.add(Builtin.CONCATENATION, inputs, net.tensor(1, 2 * count), axis=1))
    )


def many_outputs(count: int) -> bytes:
    """A model of so many outputs."""
    net = Net()
    x = net.input(1, 2)
    outputs = [net.add(Builtin.RELU, [x], net.tensor(1, 2)) for _ in range(count)]
    return encode_model(net.model(*outputs))
