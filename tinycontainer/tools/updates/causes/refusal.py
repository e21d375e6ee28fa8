"""A refused update, and the experiments that are made on it, by the reason of the refusal.

Each experiment undoes one usual mistake and looks whether the update would be right then. The first
that fits is the cause.
"""

from collections.abc import Callable
from typing import Final

from tinycontainer.errors import UpdateReason

from ...explain.explanation import Explanation
from .form import explain_form
from .identity import explain_identity
from .manifest import explain_digest, explain_manifest, explain_profile
from .payload import explain_image, explain_payload, explain_uid, explain_unmatched
from .refused_update import RefusedUpdate
from .right import explain_right, explain_sequence
from .signature import explain_key, explain_signature

__all__ = ["RefusedUpdate", "explain_refusal"]


def explain_refusal(refused: RefusedUpdate) -> Explanation:
    """What would have passed, what was found, and the likely cause.

    Args:
        refused: a refusal of steps 1 to 12.
    """
    explain = _EXPLAINERS.get(refused.refusal.reason, _explain_otherwise)
    return explain(refused)


def _explain_otherwise(refused: RefusedUpdate) -> Explanation:
    expected = "commands that all succeed"
    if refused.refusal.reason is UpdateReason.CAPACITY:
        expected = "sections that fit into a slot of the device"
    return Explanation(expected, refused.refusal.problem)


_EXPLAINERS: Final[dict[UpdateReason, Callable[[RefusedUpdate], Explanation]]] = {
    UpdateReason.ENVELOPE: explain_form,
    UpdateReason.DIGEST: explain_digest,
    UpdateReason.KEY: explain_key,
    UpdateReason.SIGNATURE: explain_signature,
    UpdateReason.MANIFEST: explain_manifest,
    UpdateReason.PROFILE: explain_profile,
    UpdateReason.RIGHT: explain_right,
    UpdateReason.OLDER: explain_sequence,
    UpdateReason.REUSED_NUMBER: explain_sequence,
    UpdateReason.VENDOR: explain_identity,
    UpdateReason.CLASS: explain_identity,
    UpdateReason.DEVICE: explain_identity,
    UpdateReason.PAYLOAD: explain_payload,
    UpdateReason.IMAGE: explain_image,
    UpdateReason.UNMATCHED: explain_unmatched,
    UpdateReason.UID: explain_uid,
}
