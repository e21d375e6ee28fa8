"""The check before any native code: bytes of a tenant become an accepted model, or a refusal.

The steps, in this order:

1. size: not more than the quota, before anything is read;
2. form: `decoding.decode_model`, every offset checked;
3. inputs and outputs of the graph;
4. order: what an operator uses is there already, nothing is made twice, nothing is dead;
5. each operator by its rule;
6. inputs, outputs, arena and multiply-accumulates within the quotas.

Afterwards native code gets the accepted model's own file, which is written from the values that
were read (TC-TML-14, TC-TML-16, ADR 14).
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ..quotas import Quotas
from .decoding import decode_model
from .encoding import encode_model
from .enumerations import TensorType
from .flaws import Flaw
from .graph import Model, Operator, Tensor
from .refusing import ModelRefused, Place, require
from .rules.node import Node, check_activation_scale
from .rules.table import RULES

ARENA_ALIGNMENT: Final = 16
PORT_COUNTS: Final = range(1, 9)
"""How many inputs a graph may have, and how many outputs."""
_LEFT_OUT: Final = -1
"""In an operator's inputs: one that may be left out, such as a bias."""


@dataclass(frozen=True, slots=True)
class AcceptedModel:
    """A model that was accepted, and what is needed to run it.

    Attributes:
        content: the file that native code reads; never the tenant's own bytes.
        inputs: tensors that the container gives.
        outputs: tensors that it reads.
        model_bytes: length of the tenant's file.
        arena_bytes: largest sum of computed tensors alive at once, each rounded up to 16 bytes.
        macs: multiply-accumulates of an inference.
        operators: how many there are of each.
    """

    content: bytes
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    model_bytes: int
    arena_bytes: int
    macs: int
    operators: Mapping[str, int]


def check_model(content: bytes, quotas: Quotas) -> AcceptedModel:
    """Check a model.

    Args:
        content: the tenant's bytes.
        quotas: what the tenant may use.

    Raises:
        ModelRefused: code 2, it is not sound; 6, it needs something that is not on the list; 7, it
            is larger than a quota. Nothing of it has reached native code.
    """
    _check_quota("model_bytes", len(content), quotas.model_bytes)
    model = examine_model(content)
    io_bytes = max(_count_bytes(model.inputs), _count_bytes(model.outputs))
    _check_quota("io_bytes", io_bytes, quotas.io_bytes)
    _check_quota("arena_bytes", model.arena_bytes, quotas.arena_bytes)
    _check_quota("macs", model.macs, quotas.macs)
    return model


def examine_model(content: bytes) -> AcceptedModel:
    """Check a model without regard to quotas.

    Raises:
        ModelRefused: see `check_model`.
    """
    model = decode_model(content)
    _check_ports(model, "inputs", model.inputs)
    _check_ports(model, "outputs", model.outputs)
    _check_order(model)
    macs = sum(
        RULES[operator.code](_make_node(model, index, operator))
        for index, operator in enumerate(model.operators)
    )
    return AcceptedModel(
        content=encode_model(model),
        inputs=tuple(model.tensors[index] for index in model.inputs),
        outputs=tuple(model.tensors[index] for index in model.outputs),
        model_bytes=len(content),
        arena_bytes=_count_arena_bytes(model),
        macs=macs,
        operators=Counter(each.code.name for each in model.operators),
    )


def _check_quota(name: str, needed: int, quota: int) -> None:
    require(needed <= quota, Flaw.QUOTA, found=needed, allowed=quota, subject=name)


def _count_bytes(tensors: tuple[Tensor, ...]) -> int:
    return sum(tensor.size_bytes for tensor in tensors)


def _check_ports(model: Model, ports: str, indices: tuple[int, ...]) -> None:
    """Check the graph's inputs or its outputs; ``ports`` says which."""
    count = len(indices)
    counted = count in PORT_COUNTS
    require(counted, Flaw.PORT_COUNT, found=count, allowed=PORT_COUNTS, subject=ports)
    require(len(set(indices)) == count, Flaw.PORT_TWICE, subject=ports)
    _check_indices(model, indices, Place())
    for index in indices:
        tensor = model.tensors[index]
        place = Place(tensor=index)
        require(not tensor.is_constant, Flaw.PORT_CONSTANT, place, subject=ports)
        computed = tensor.type is not TensorType.I32
        require(computed, Flaw.PORT_INTEGERS, place, subject=ports)
        require(bool(tensor.shape), Flaw.PORT_SCALAR, place, subject=ports)
        check_activation_scale(tensor, place)


def _check_indices(model: Model, indices: tuple[int, ...], place: Place) -> None:
    count = len(model.tensors)
    for index in indices:
        require(0 <= index < count, Flaw.TENSOR_UNKNOWN, place, found=index, allowed=count)


def _check_order(model: Model) -> None:
    made = set(model.inputs) | {
        index for index, tensor in enumerate(model.tensors) if tensor.is_constant
    }
    used = set(model.outputs)
    require(bool(model.operators), Flaw.NO_OPERATORS)
    for number, operator in enumerate(model.operators):
        place = Place(number, operator.code)
        needed = _find_used(operator)
        count = len(operator.outputs)
        require(count == 1, Flaw.OUTPUT_COUNT, place, found=count, allowed=1)
        _check_indices(model, (*needed, *operator.outputs), place)
        for index in needed:
            if index not in made:
                place = Place(number, operator.code, index)
                raise ModelRefused(Flaw.TENSOR_NOT_YET_MADE, place)
        (output,) = operator.outputs
        if output in made:
            raise ModelRefused(Flaw.TENSOR_MADE_TWICE, Place(number, operator.code, output))
        made.add(output)
        used.update(needed)
    for index in range(len(model.tensors)):
        require(index in made, Flaw.TENSOR_NEVER_MADE, Place(tensor=index))
        require(index in used, Flaw.TENSOR_NEVER_USED, Place(tensor=index))


def _find_used(operator: Operator) -> tuple[int, ...]:
    """The inputs of an operator, without one that is left out at the end."""
    inputs = operator.inputs
    return inputs[:-1] if inputs[2:] == (_LEFT_OUT,) else inputs


def _make_node(model: Model, index: int, operator: Operator) -> Node:
    inputs = tuple(model.tensors[each] for each in _find_used(operator))
    return Node(index, operator, inputs, model.tensors[operator.outputs[0]])


def _count_arena_bytes(model: Model) -> int:
    """The largest sum of computed tensors that are alive at the same time."""
    steps = range(len(model.operators))
    first_step = dict.fromkeys(model.inputs, 0)
    last_step = dict.fromkeys(model.outputs, len(model.operators))  # read after the last operator
    for step in steps:
        first_step[model.operators[step].outputs[0]] = step
    for step in reversed(steps):
        operator = model.operators[step]
        for index in (*operator.inputs, *operator.outputs):
            last_step.setdefault(index, step)
    beginning: dict[int, int] = Counter()
    ending: dict[int, int] = Counter()
    for index, step in first_step.items():
        blocks = -(-model.tensors[index].size_bytes // ARENA_ALIGNMENT)
        beginning[step] += blocks * ARENA_ALIGNMENT
        ending[last_step[index]] += blocks * ARENA_ALIGNMENT
    alive = 0
    most = 0
    for step in steps:
        alive += beginning[step]
        most = max(most, alive)
        alive -= ending[step]
    return most
