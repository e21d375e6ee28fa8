"""The key of a device file with which the device signs what it states of itself (TC-EVID-01)."""

from tinycontainer.device.containers.verification import Trust
from tinycontainer.files.device_key import read_device_key
from tinycontainer.suit.rules import UpdateRules
from tinycontainer_tokens import KeyMaterial

from .device_plan import DevicePlan


def read_evidence_key(
    plan: DevicePlan, trust: Trust, update_rules: UpdateRules | None
) -> KeyMaterial | None:
    """Read the key for evidence.

    Args:
        plan: the device file.
        trust: what the device believes of tokens; no key may be for both.
        update_rules: what it believes of updates; the same holds there.

    Returns:
        An Ed25519 key for alg -8, without a key id; None if the file names none.

    Raises:
        DeviceFileError: the key cannot be used.
    """
    name = plan.content.evidence.key
    if name is None:
        return None
    key = read_device_key(plan.file(name, "evidence.key"), "keygen DIRECTORY --evidence")
    is_for_tokens = any(entry.material.identities() & key.identities() for entry in trust.keys)
    if is_for_tokens or (update_rules is not None and update_rules.keys.has(key)):
        problem = "is a key for tokens or updates as well; make one for evidence alone"
        raise plan.error("evidence.key", f"{problem} by `keygen DIRECTORY --evidence`")
    return KeyMaterial.from_private(key.secret or b"")
