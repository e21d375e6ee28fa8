"""The check before any native code: bytes of a tenant become a plan, or a refusal.

The steps, in this order:

1. size: not more than the quota, before anything is read;
2. form: `decoding.decode`, every offset checked;
3. inputs and outputs of the graph;
4. order: whatever an operator takes is there already, nothing is made twice, nothing is dead;
5. each operator by its rule;
6. inputs, outputs, arena and multiply-accumulates within the quotas.

What native code gets afterwards is the plan's own file, written anew from what was understood.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ..protocol.codes import ErrorCode, require
from ..quotas import Quotas
from .decoding import decode, encode
from .model import Model, Operator, Tensor
from .node import Node, check_activation_scale
from .rules import RULES
from .schema import TensorType

ARENA_ALIGNMENT: Final = 16
MAX_PORTS: Final = 8
_OPTIONAL_INPUT: Final = -1


@dataclass(frozen=True, slots=True)
class AcceptedModel:
    """A model that was accepted.

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


def precheck(content: bytes, quotas: Quotas) -> AcceptedModel:
    """Check a model.

    Args:
        content: the tenant's bytes.
        quotas: what the tenant may use.

    Returns:
        What is needed to run it.

    Raises:
        DriverError: code 2, it is not sound; 6, it needs something that is not on the list; 7, it
            is larger than a quota. Nothing of it has reached native code.
    """
    require(len(content) <= quotas.model_bytes, ErrorCode.TOO_LARGE, "a model beyond the quota")
    plan = examine(content)
    fits_io = max(_bytes(plan.inputs), _bytes(plan.outputs)) <= quotas.io_bytes
    require(fits_io, ErrorCode.TOO_LARGE, "inputs or outputs beyond the quota")
    require(
        plan.arena_bytes <= quotas.arena_bytes, ErrorCode.TOO_LARGE, "an arena beyond the quota"
    )
    require(
        plan.macs <= quotas.macs, ErrorCode.TOO_LARGE, "more multiply-accumulates than the quota"
    )
    return plan


def examine(content: bytes) -> AcceptedModel:
    """Check a model without regard to quotas.

    Raises:
        DriverError: see `precheck`.
    """
    model = decode(content)
    _check_ports(model)
    _check_order(model)
    macs = sum(RULES[each.code](_node(model, each)) for each in model.operators)
    return AcceptedModel(
        content=encode(model),
        inputs=tuple(model.tensors[index] for index in model.inputs),
        outputs=tuple(model.tensors[index] for index in model.outputs),
        model_bytes=len(content),
        arena_bytes=_arena_bytes(model),
        macs=macs,
        operators=Counter(each.code.name for each in model.operators),
    )


def _bytes(tensors: tuple[Tensor, ...]) -> int:
    return sum(tensor.size_bytes for tensor in tensors)


def _check_ports(model: Model) -> None:
    for indices in (model.inputs, model.outputs):
        counted = 1 <= len(indices) <= MAX_PORTS and len(set(indices)) == len(indices)
        require(counted, ErrorCode.INVALID_ENCODING, "not 1 to 8 different inputs, and outputs")
        _check_indices(model, indices)
        for index in indices:
            tensor = model.tensors[index]
            require(not tensor.is_constant, ErrorCode.INVALID_ENCODING, "a constant in or out")
            computed = tensor.type is not TensorType.I32
            require(computed, ErrorCode.UNSUPPORTED_OPERATION, "32-bit integers in or out")
            require(bool(tensor.shape), ErrorCode.UNSUPPORTED_OPERATION, "a scalar in or out")
            check_activation_scale(tensor)


def _check_indices(model: Model, indices: tuple[int, ...]) -> None:
    there = all(0 <= index < len(model.tensors) for index in indices)
    require(there, ErrorCode.INVALID_ENCODING, "an index that names no tensor")


def _check_order(model: Model) -> None:
    made = set(model.inputs) | {
        index for index, tensor in enumerate(model.tensors) if tensor.is_constant
    }
    used = set(model.outputs)
    require(bool(model.operators), ErrorCode.INVALID_ENCODING, "no operators")
    for operator in model.operators:
        taken = _taken(operator)
        require(len(operator.outputs) == 1, ErrorCode.INVALID_ENCODING, "not exactly one output")
        _check_indices(model, (*taken, *operator.outputs))
        require(
            made.issuperset(taken), ErrorCode.INVALID_ENCODING, "a cycle, or a tensor never made"
        )
        (output,) = operator.outputs
        require(output not in made, ErrorCode.INVALID_ENCODING, "a tensor that is made twice")
        made.add(output)
        used.update(taken)
    everything = set(range(len(model.tensors)))
    require(made == everything == used, ErrorCode.INVALID_ENCODING, "a dead tensor")


def _taken(operator: Operator) -> tuple[int, ...]:
    """The inputs of an operator, without those left out at the end."""
    inputs = operator.inputs
    return inputs[:-1] if inputs[2:] == (_OPTIONAL_INPUT,) else inputs


def _node(model: Model, operator: Operator) -> Node:
    taken = tuple(model.tensors[index] for index in _taken(operator))
    return Node(operator, taken, model.tensors[operator.outputs[0]])


def _arena_bytes(model: Model) -> int:
    """The largest sum of computed tensors that are alive at the same time."""
    last_use = {index: len(model.operators) for index in model.outputs}
    for step, operator in reversed(list(enumerate(model.operators))):
        for index in (*operator.inputs, *operator.outputs):
            last_use.setdefault(index, step)
    ending: dict[int, int] = Counter()
    alive = most = 0
    first_made = dict.fromkeys(model.inputs, 0)
    for step, operator in enumerate(model.operators):
        first_made[operator.outputs[0]] = step
    making: dict[int, int] = Counter()
    for index, step in first_made.items():
        size = -(-model.tensors[index].size_bytes // ARENA_ALIGNMENT) * ARENA_ALIGNMENT
        making[step] += size
        ending[last_use[index]] += size
    for step in range(len(model.operators)):
        alive += making[step]
        most = max(most, alive)
        alive -= ending[step]
    return most
