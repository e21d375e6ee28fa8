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
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from ..quotas import Quotas
from .decoding import Draft, read_draft
from .encoding import encode_model
from .enumerations import Builtin
from .flaws import Flaw
from .graph import ELEMENT_TYPES, Model, Operator, Tensor
from .refusing import WHOLE_MODEL, ModelRefused, Place, Refusals, require
from .rules.node import Node, check_activation_scale
from .rules.table import RULES
from .schema import INTERNALLY_SCALED, SPLITTING, STATEFUL

ARENA_ALIGNMENT: Final = 16
PORT_COUNTS: Final = range(1, 9)
"""How many inputs a graph may have, and how many outputs."""
_LEFT_OUT: Final = -1
"""In an operator's inputs: one that may be left out, such as a bias."""
_PORT_TYPES: Final = frozenset(ELEMENT_TYPES)


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
        is_stateful: whether an inference depends on those before it.
    """

    content: bytes
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    model_bytes: int
    arena_bytes: int
    macs: int
    operators: Mapping[str, int]
    is_stateful: bool = False


@dataclass(frozen=True, slots=True)
class Survey:
    """All that a model shows of itself, whether it is accepted or not.

    Attributes:
        inputs, outputs: those of the graph that could be found.
        model_bytes: length of the file.
        operators: how many there are of each.
        needs: by the name of the quota; without those that an unsound model does not show.
        refusals: everything that is wrong.
        model: to be written for native code, if nothing is.
    """

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    model_bytes: int
    operators: Mapping[str, int]
    needs: Mapping[str, int]
    refusals: tuple[ModelRefused, ...]
    model: Model


def check_model(content: bytes, quotas: Quotas) -> AcceptedModel:
    """Check a model.

    Args:
        content: the tenant's bytes.
        quotas: what the tenant may use.

    Raises:
        ModelRefused: code 2, it is not sound; 6, it needs something that is not on the list; 7, it
            is larger than a quota. Nothing of it has reached native code.
    """
    length = len(content)
    fits = length <= quotas.model_bytes
    require(fits, Flaw.QUOTA, found=length, allowed=quotas.model_bytes, subject="model_bytes")
    survey = survey_model(content)
    accepted = _accept(survey)
    refusals = Refusals()
    for each in find_excesses(survey, quotas):
        refusals.add(each)
    refusals.raise_found()
    return accepted


def examine_model(content: bytes) -> AcceptedModel:
    """Check a model without regard to quotas.

    Raises:
        ModelRefused: see `check_model`.
    """
    return _accept(survey_model(content))


def survey_model(content: bytes) -> Survey:
    """Read and judge a model as far as that is possible, without regard to quotas.

    Raises:
        ModelRefused: nothing of it can be read.
    """
    refusals = Refusals()
    draft = read_draft(content, refusals)
    model = draft.model
    inputs = _check_ports(draft, "inputs", model.inputs, refusals)
    outputs = _check_ports(draft, "outputs", model.outputs, refusals)
    needs = {
        "model_bytes": len(content),
        "io_bytes": max(_count_bytes(inputs), _count_bytes(outputs)),
    }
    unsound = frozenset(range(len(model.operators)))
    if draft.is_small:
        unsound = _check_order(draft, refusals)
    found = len(inputs) == len(model.inputs)
    if found and not unsound and not draft.tensors:
        needs["arena_bytes"] = _count_arena_bytes(model)
    macs = _judge_operators(draft, unsound, refusals)
    if macs is not None:
        needs["macs"] = macs
    return Survey(
        inputs=inputs,
        outputs=outputs,
        model_bytes=len(content),
        operators=Counter(each.code.name for each in model.operators),
        needs=needs,
        refusals=refusals.found,
        model=model,
    )


def find_excesses(survey: Survey, quotas: Quotas) -> Iterator[ModelRefused]:
    """Every quota that is too small for a model."""
    for name, needed in survey.needs.items():
        quota = getattr(quotas, name)
        if needed > quota:
            yield ModelRefused(Flaw.QUOTA, found=needed, allowed=quota, subject=name)


def _accept(survey: Survey) -> AcceptedModel:
    refusals = Refusals()
    for each in survey.refusals:
        refusals.add(each)
    refusals.raise_found()
    model = survey.model
    return AcceptedModel(
        content=encode_model(model),
        inputs=survey.inputs,
        outputs=survey.outputs,
        model_bytes=survey.model_bytes,
        arena_bytes=survey.needs["arena_bytes"],
        macs=survey.needs["macs"],
        operators=survey.operators,
        is_stateful=any(each.code in STATEFUL for each in model.operators),
    )


def _count_bytes(tensors: tuple[Tensor, ...]) -> int:
    return sum(tensor.size_bytes for tensor in tensors)


def _check_ports(
    draft: Draft, ports: str, indices: tuple[int, ...], refusals: Refusals
) -> tuple[Tensor, ...]:
    """Check the graph's inputs or its outputs, as ``ports`` says; those that there are."""
    count = len(indices)
    with refusals.collecting():
        counted = count in PORT_COUNTS
        require(counted, Flaw.PORT_COUNT, found=count, allowed=PORT_COUNTS, subject=ports)
    with refusals.collecting():
        require(len(set(indices)) == count, Flaw.PORT_TWICE, subject=ports)
    found = []
    for index in indices[: PORT_COUNTS[-1]]:
        with refusals.collecting():
            _check_indices(draft.model, (index,), WHOLE_MODEL)
            tensor = draft.model.tensors[index]
            found.append(tensor)
            if index not in draft.tensors:
                _check_port(tensor, ports)
    return tuple(found)


def _check_port(tensor: Tensor, ports: str) -> None:
    place = Place(tensor=tensor.index, name=tensor.name)
    require(not tensor.is_constant, Flaw.PORT_CONSTANT, place, subject=ports)
    require(not tensor.is_variable, Flaw.PORT_STATE, place, subject=ports)
    kind = tensor.type
    known = kind in _PORT_TYPES
    require(known, Flaw.PORT_TYPE, place, found=kind, allowed=_PORT_TYPES, subject=ports)
    require(bool(tensor.shape), Flaw.PORT_SCALAR, place, subject=ports)
    if tensor.scales:
        check_activation_scale(tensor, place)


def _check_indices(model: Model, indices: tuple[int, ...], place: Place) -> None:
    count = len(model.tensors)
    for index in indices:
        require(0 <= index < count, Flaw.TENSOR_UNKNOWN, place, found=index, allowed=count)


def _check_order(draft: Draft, refusals: Refusals) -> frozenset[int]:
    """Check how tensors and operators hang together; the operators that are not sound in it."""
    model = draft.model
    made = draft.tensors | {
        index
        for index, tensor in enumerate(model.tensors)
        if tensor.is_constant or tensor.is_variable or index in model.inputs
    }
    used = set(model.outputs)
    states: set[int] = set()
    unsound = set()
    with refusals.collecting():
        require(bool(model.operators), Flaw.NO_OPERATORS)
    for number, operator in enumerate(model.operators):
        try:
            _check_step(draft, number, made, states)
        except ModelRefused as refusal:
            refusals.add(refusal)
            unsound.add(number)
        made |= set(operator.outputs)
        used.update(_find_used(operator), operator.intermediates)
        if len(operator.outputs) > 1:
            used.update(operator.outputs)  # some of them may be of no use
    _check_dead(model, made, used, refusals)
    return frozenset(unsound)


def _check_dead(
    model: Model, made: AbstractSet[int], used: AbstractSet[int], refusals: Refusals
) -> None:
    scale_only = {
        index
        for each in model.operators
        if each.code in INTERNALLY_SCALED
        for index in each.intermediates
    }
    ports = {*model.inputs, *model.outputs}
    computed = ports.union(*((*each.inputs, *each.outputs) for each in model.operators))
    for index, tensor in enumerate(model.tensors):
        place = Place(tensor=index, name=tensor.name)
        with refusals.collecting():
            apart = index not in scale_only or index not in computed
            require(apart, Flaw.INTERMEDIATE_USED, place)
        with refusals.collecting():
            alive = index in made or index in scale_only
            require(alive, Flaw.TENSOR_NEVER_MADE, place)
            require(index in used, Flaw.TENSOR_NEVER_USED, place)


def _check_step(draft: Draft, number: int, made: AbstractSet[int], states: set[int]) -> None:
    """Check one operator's tensors.

    Args:
        draft: the model.
        number: of the operator.
        made: numbers of the tensors that are there before it.
        states: numbers of the states that operators before it have; its own are added.
    """
    model = draft.model
    operator = model.operators[number]
    place = Place(number, operator.code)
    needed = _find_used(operator)
    count = len(operator.outputs)
    counted = count == 1 or (count > 1 and operator.code in SPLITTING)
    if operator.code in RULES:
        require(counted, Flaw.OUTPUT_COUNT, place, found=count, allowed=1)
    _check_indices(model, (*needed, *operator.outputs, *operator.intermediates), place)
    for index in needed:
        tensor = model.tensors[index]
        place = Place(number, operator.code, index, tensor.name)
        require(index in made, Flaw.TENSOR_NOT_YET_MADE, place)
        if tensor.is_variable:
            own = operator.code in STATEFUL and index not in states
            require(own, Flaw.STATE_ELSEWHERE, place)
            states.add(index)
    for each, index in enumerate(operator.outputs):
        place = Place(number, operator.code, index, model.tensors[index].name)
        fresh = index not in made - draft.tensors and index not in operator.outputs[:each]
        require(fresh, Flaw.TENSOR_MADE_TWICE, place)


def _find_used(operator: Operator) -> tuple[int, ...]:
    """The inputs of an operator, without those that are left out where that is possible."""
    inputs = operator.inputs
    if operator.code in STATEFUL:
        return tuple(index for index in inputs if index != _LEFT_OUT)
    bias_left_out = operator.code is Builtin.FULLY_CONNECTED and inputs[2:] == (_LEFT_OUT,)
    return inputs[:-1] if bias_left_out else inputs


def _judge_operators(draft: Draft, unsound: frozenset[int], refusals: Refusals) -> int | None:
    """Judge each operator by its rule; the MACs of all, or None if some could not be judged."""
    model = draft.model
    judged = True
    macs = 0
    for index, operator in enumerate(model.operators):
        tensors = {*_find_used(operator), *operator.outputs, *operator.intermediates}
        if index in unsound | draft.operators or tensors & draft.tensors:
            judged = False
            continue
        try:
            macs += RULES[operator.code](_make_node(model, index, operator))
        except ModelRefused as refusal:
            refusals.add(refusal)
            judged = False
    return macs if judged else None


def _make_node(model: Model, index: int, operator: Operator) -> Node:
    tensors = model.tensors
    return Node(
        index=index,
        operator=operator,
        inputs=tuple(tensors[each] for each in _find_used(operator)),
        slots=tuple(None if each == _LEFT_OUT else tensors[each] for each in operator.inputs),
        outputs=tuple(tensors[each] for each in operator.outputs),
        intermediates=tuple(tensors[each] for each in operator.intermediates),
    )


def _count_arena_bytes(model: Model) -> int:
    """The largest sum of computed tensors that are alive at the same time."""
    steps = range(len(model.operators))
    states = [index for index, tensor in enumerate(model.tensors) if tensor.is_variable]
    first_step = dict.fromkeys((*model.inputs, *states), 0)
    # Outputs are read after the last operator, and a state is there from inference to inference.
    last_step = dict.fromkeys((*model.outputs, *states), len(model.operators))
    for step in steps:
        first_step.update(dict.fromkeys(model.operators[step].outputs, step))
    for step in reversed(steps):
        operator = model.operators[step]
        for index in (*operator.inputs, *operator.outputs):
            last_step.setdefault(index, step)
    beginning: dict[int, int] = Counter()
    ending: dict[int, int] = Counter()
    for index, step in first_step.items():
        blocks = -(-model.tensors[index].size_bytes // ARENA_ALIGNMENT)
        beginning[step] += blocks * ARENA_ALIGNMENT
        ending[last_step.get(index, step)] += blocks * ARENA_ALIGNMENT
    alive = 0
    most = 0
    for step in steps:
        alive += beginning[step]
        most = max(most, alive)
        alive -= ending[step]
    return most
