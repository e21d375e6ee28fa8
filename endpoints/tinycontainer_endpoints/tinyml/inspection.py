"""What a model shows of itself, for people: the check's verdict, and what the model needs."""

from tinycontainer.interfaces.model_report import ModelReport, Need, TensorFacts

from .model.graph import ELEMENT_TYPES, Tensor
from .model.precheck import AcceptedModel, check_model, examine_model
from .model.refusing import ModelRefused
from .quotas import Quotas

_ACCEPTED = "accepted"


def inspect_model(content: bytes) -> ModelReport:
    """Look at a TensorFlow Lite model: the `ModelInspector` for such files.

    Args:
        content: the file, untrusted.
    """
    quotas = Quotas()
    plan = None
    try:
        plan = examine_model(content)
        check_model(content, quotas)
        code, verdict = 0, _ACCEPTED
    except ModelRefused as error:
        code, verdict = int(error.code), str(error)
    if plan is None:
        return ModelReport(len(content), code, verdict, (), (), {}, ())
    return ModelReport(
        size_bytes=len(content),
        code=code,
        verdict=verdict,
        inputs=tuple(map(_facts, plan.inputs)),
        outputs=tuple(map(_facts, plan.outputs)),
        operators=dict(plan.operators),
        needs=_needs(plan, quotas),
    )


def _facts(tensor: Tensor) -> TensorFacts:
    return TensorFacts(
        name=tensor.name,
        type=ELEMENT_TYPES[tensor.type].name.lower(),
        shape=tensor.shape,
        size_bytes=tensor.size_bytes,
        scale=tensor.scales[0] if tensor.scales else 0.0,
        zero_point=tensor.zero_points[0] if tensor.zero_points else 0,
    )


def _needs(plan: AcceptedModel, quotas: Quotas) -> tuple[Need, ...]:
    io_bytes = max(sum(each.size_bytes for each in side) for side in (plan.inputs, plan.outputs))
    return (
        Need("model_bytes", plan.model_bytes, quotas.model_bytes),
        Need("arena_bytes", plan.arena_bytes, quotas.arena_bytes),
        Need("macs", plan.macs, quotas.macs),
        Need("io_bytes", io_bytes, quotas.io_bytes),
    )
