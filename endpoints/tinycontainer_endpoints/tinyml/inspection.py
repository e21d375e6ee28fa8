"""A model for people to look at: the check's verdict, and the needs of the model."""

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
    accepted = None
    try:
        accepted = examine_model(content)
        check_model(content, quotas)
        code = 0
        verdict = _ACCEPTED
    except ModelRefused as error:
        code = int(error.code)
        verdict = str(error)
    if accepted is None:
        return ModelReport(len(content), code, verdict, (), (), {}, ())
    return ModelReport(
        size_bytes=len(content),
        code=code,
        verdict=verdict,
        inputs=tuple(map(_describe_tensor, accepted.inputs)),
        outputs=tuple(map(_describe_tensor, accepted.outputs)),
        operators=dict(accepted.operators),
        needs=_list_needs(accepted, quotas),
    )


def _describe_tensor(tensor: Tensor) -> TensorFacts:
    return TensorFacts(
        name=tensor.name,
        type=ELEMENT_TYPES[tensor.type].name.lower(),
        shape=tensor.shape,
        size_bytes=tensor.size_bytes,
        scale=tensor.scales[0] if tensor.scales else 0.0,
        zero_point=tensor.zero_points[0] if tensor.zero_points else 0,
    )


def _list_needs(accepted: AcceptedModel, quotas: Quotas) -> tuple[Need, ...]:
    io_bytes = max(
        sum(each.size_bytes for each in side) for side in (accepted.inputs, accepted.outputs)
    )
    return (
        Need("model_bytes", accepted.model_bytes, quotas.model_bytes),
        Need("arena_bytes", accepted.arena_bytes, quotas.arena_bytes),
        Need("macs", accepted.macs, quotas.macs),
        Need("io_bytes", io_bytes, quotas.io_bytes),
    )
