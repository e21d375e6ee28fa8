"""The likely cause of a token's refusal, found by experiments.

Each experiment repeats one usual mistake and looks whether the token would be right then. The first
that fits is told; where none does, the cause says what that leaves.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from tinycontainer.device.containers.verification import TokenReport
from tinycontainer_tokens import KeyStore, SequenceStore

from ..artefact.artefact import Artefact
from .causes_content import content_cause
from .causes_form import claims_cause, header_cause, present_cause, profile_cause, structure_cause
from .causes_signature import key_cause, signature_cause
from .causes_subject import audience_cause, kind_cause, sequence_cause, time_cause, uid_cause
from .experiment import Case
from .explanation import Explanation, contrast


def explain_token(
    report: TokenReport,
    artefact: Artefact,
    reports: tuple[TokenReport, ...],
    keys: KeyStore,
    sequences: SequenceStore | None = None,
) -> Explanation | None:
    """Say why a token was refused.

    Args:
        report: of the token.
        artefact: the container that it belongs to.
        reports: of all tokens of the container.
        keys: the keys that were trusted.
        sequences: what was accepted before, if that was looked at.

    Returns:
        None if the token was not refused.
    """
    failure = report.verification.failure if report.verification else None
    if failure is None:
        return None
    case = Case(report, artefact, reports, keys, sequences)
    return replace(contrast(report), cause=_CAUSES[failure.check](case))


_CAUSES: Final[dict[str, Callable[[Case], str | None]]] = {
    "present": present_cause,
    "structure": structure_cause,
    "profile": profile_cause,
    "header": header_cause,
    "key": key_cause,
    "signature": signature_cause,
    "claims": claims_cause,
    "kind": kind_cause,
    "uid": uid_cause,
    "audience": audience_cause,
    "time": time_cause,
    "sequence": sequence_cause,
    "content": content_cause,
}
