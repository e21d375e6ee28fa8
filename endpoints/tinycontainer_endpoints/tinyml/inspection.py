"""A model for people to look at: the check's verdict, and the needs of the model."""

from collections.abc import Mapping

from tinycontainer.interfaces.model_report import ModelReport, Need, TensorFacts

from ..options import check_options
from .driver import TinyMLOptions
from .model.graph import Tensor
from .model.precheck import Survey, find_excesses, survey_model
from .model.refusing import ModelRefused, Refusals
from .quotas import Quotas, quotas_of

_ACCEPTED = "accepted"


def inspect_model(content: bytes, board: str, options: Mapping[str, object]) -> ModelReport:
    """Look at a TensorFlow Lite model: the `ModelInspector` for such files.

    Args:
        content: the file, untrusted.
        board: whose quotas hold.
        options: of the driver ``tinyml``, which may change quotas.

    Raises:
        ValueError: the driver has no such options.
    """
    quotas = quotas_of(board, check_options(TinyMLOptions, options).quotas)
    try:
        survey = survey_model(content)
    except ModelRefused as refusal:
        return ModelReport(
            len(content), int(refusal.code), str(refusal), refusal.reasons, (), (), {}, ()
        )
    refusals = Refusals()
    # The check looks at the length before it reads anything, so its refusal comes first.
    excesses = list(find_excesses(survey, quotas))
    long = [each for each in excesses if each.subject == "model_bytes"]
    others = [each for each in excesses if each not in long]
    for each in (*long, *survey.refusals, *others):
        refusals.add(each)
    try:
        refusals.raise_found()
    except ModelRefused as refusal:
        return _report(survey, quotas, int(refusal.code), str(refusal), refusal.reasons)
    return _report(survey, quotas, 0, _ACCEPTED, ())


def _report(
    survey: Survey, quotas: Quotas, code: int, verdict: str, problems: tuple[str, ...]
) -> ModelReport:
    return ModelReport(
        size_bytes=survey.model_bytes,
        code=code,
        verdict=verdict,
        problems=problems,
        inputs=tuple(map(_describe_tensor, survey.inputs)),
        outputs=tuple(map(_describe_tensor, survey.outputs)),
        operators=dict(survey.operators),
        needs=tuple(
            Need(name, needed, getattr(quotas, name)) for name, needed in survey.needs.items()
        ),
    )


def _describe_tensor(tensor: Tensor) -> TensorFacts:
    return TensorFacts(
        name=tensor.name,
        type=tensor.type.name.lower(),
        shape=tensor.shape,
        size_bytes=tensor.size_bytes,
        scale=tensor.scales[0] if tensor.scales else 0.0,
        zero_point=tensor.zero_points[0] if tensor.zero_points else 0,
    )
