"""Who may update what, and in which order."""

from tinycontainer.errors import UpdateReason
from tinycontainer.suit.keys.keys import UpdateKeyEntry
from tinycontainer.text import show

from ...explain.explanation import Explanation
from .refused_update import RefusedUpdate


def explain_right(refused: RefusedUpdate) -> Explanation:
    """Explain why nobody who has signed may update a container."""
    uid = refused.refusal.uid
    keys = list(zip(refused.device.key_names, refused.device.keys, strict=True))
    signed = [each for each in keys if each[1] in refused.examination.signers]
    able = ", ".join(name for name, entry in keys if entry.serves(uid))
    found = "; ".join(f"{name}, which may update {_uids(entry)}" for name, entry in signed)
    cause = (
        f"it has to be signed by {able} too: several can sign one envelope"
        if able
        else f"no key may: add {show(uid)} to the uids of one in [[update.keys]]"
    )
    return Explanation(f"a signature by a key that may update {show(uid)}", found, cause)


def _uids(entry: UpdateKeyEntry) -> str:
    return "all" if entry.uids is None else ", ".join(sorted(map(show, entry.uids)))


def explain_sequence(refused: RefusedUpdate) -> Explanation:
    """Explain why an update comes too late, or has a number that another one has."""
    uid = refused.refusal.uid
    onlooker = refused.device.onlooker
    newest = None if onlooker is None else onlooker.newest_update(uid)
    number = refused.manifest.sequence_number
    last = 0 if newest is None else newest.sequence
    if refused.refusal.reason is UpdateReason.OLDER:
        cause = f"a newer update was accepted; make it again with --sequence {last + 1} or higher"
        return Explanation(f"a number above {last} for {show(uid)}", str(number), cause)
    digest = "" if newest is None else newest.token_sha256.hex()
    return Explanation(
        f"for {show(uid)} a number above {last}, or the update {last} itself, of digest {digest}",
        f"the number {number} with the digest {refused.envelope.digest.value.hex()}",
        f"the number was used for another update; make it again with --sequence {last + 1}",
    )
