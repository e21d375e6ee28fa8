"""The likely cause of a token's refusal, found by experiments.

Each experiment undoes one usual mistake and looks whether the token would be right then. The first
that fits is the cause; where none fits, the cause says what that leaves.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from tinycontainer.device.containers.verification import TokenReport
from tinycontainer_tokens import KeyStore, SequenceStore

from ...artefact.artefact import Artefact
from ..explanation import Explanation, contrast_failure
from .content import find_content_cause
from .form import (
    find_claims_cause,
    find_header_cause,
    find_present_cause,
    find_profile_cause,
    find_structure_cause,
)
from .misuse import (
    find_audience_cause,
    find_kind_cause,
    find_sequence_cause,
    find_time_cause,
    find_uid_cause,
)
from .refused_token import RefusedToken
from .signature import find_key_cause, find_signature_cause


def explain_token(
    report: TokenReport,
    artefact: Artefact,
    reports: tuple[TokenReport, ...],
    keys: KeyStore,
    sequences: SequenceStore | None = None,
) -> Explanation | None:
    """Explain why a token was refused.

    Args:
        report: of the token.
        artefact: the container that it belongs to.
        reports: of all tokens of the container.
        keys: the keys that were trusted.
        sequences: what was accepted before, if that was looked at.

    Returns:
        What the failed step expected, what it found, and the likely cause; None if no step failed.
    """
    failure = report.verification.failure if report.verification else None
    if failure is None:
        return None
    refused = RefusedToken(report, artefact, reports, keys, sequences)
    return replace(contrast_failure(report), cause=_CAUSES[failure.check](refused))


_CAUSES: Final[dict[str, Callable[[RefusedToken], str | None]]] = {
    "present": find_present_cause,
    "structure": find_structure_cause,
    "profile": find_profile_cause,
    "header": find_header_cause,
    "key": find_key_cause,
    "signature": find_signature_cause,
    "claims": find_claims_cause,
    "kind": find_kind_cause,
    "uid": find_uid_cause,
    "audience": find_audience_cause,
    "time": find_time_cause,
    "sequence": find_sequence_cause,
    "content": find_content_cause,
}
