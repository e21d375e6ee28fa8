"""What an owner signs to take back every right of a container: checked, and said in words."""

from dataclasses import dataclass
from typing import NoReturn

from tinycontainer.interfaces.syscalls import mask_to_bytes
from tinycontainer.text import flatten, show
from tinycontainer_tokens import Claims, Kind, Profile
from tinycontainer_tokens.claims import encode

from ..releases.parts import MASK
from .description import show_uid
from .refusal import RefusalReason, SigningRefused
from .request import SigningRequest
from .signed import Signed

_LAST_SEQUENCE = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class ExaminedWithdrawal:
    """A withdrawal that passed all checks. Everything that is shown comes from here.

    Attributes:
        uid: of the container.
        sequence: no mask up to this one counts any more.
        payload: the bytes that are to be signed, as claims.
        highest: the highest sequence of its masks that was signed here before; None if none was.
    """

    uid: bytes
    sequence: int
    payload: bytes
    highest: int | None

    @property
    def heading(self) -> str:
        """What is to be signed."""
        return flatten(f"withdrawal of the container {show_uid(self.uid)}, up to {self.sequence}")

    @property
    def lines(self) -> tuple[str, ...]:
        """What a signature will mean, and what to look at twice; each is fit to be shown."""
        before = "none" if self.highest is None else str(self.highest)
        meaning = (
            f"every container {show_uid(self.uid)} on devices that trust this key ends",
            f"no version whose mask counts {self.sequence} or less can come back",
            f"the highest mask that you signed here before counts {before}",
        )
        return tuple(map(flatten, (*meaning, *self._warnings())))

    def as_signed(self, header: bytes, signed_s: int, key_sha256: bytes) -> Signed:
        """What is remembered once it is signed.

        Args:
            header: the token's protected header.
            signed_s: when, in Unix seconds.
            key_sha256: hash of the public key.
        """
        return Signed(
            uid=self.uid,
            part=MASK,
            number=self.sequence,
            header=header,
            payload=self.payload,
            covered=None,
            covered_bytes=0,
            signed_s=signed_s,
            key_sha256=key_sha256,
            highest_sequence=self.sequence,
        )

    def _warnings(self) -> tuple[str, ...]:
        if self.sequence == _LAST_SEQUENCE:
            return ("warning: no number is higher, so this key can never give rights again",)
        skipped = self.sequence - 1 - (self.highest or 0)
        if skipped <= 0:
            return ()
        return (f"warning: {skipped} numbers that you never signed here are used up too",)


def examine_withdrawal(
    request: SigningRequest, uid: bytes, last: Signed | None
) -> ExaminedWithdrawal:
    """Check what a platform asks to have signed.

    Args:
        request: untrusted.
        uid: of the container that the signer wants to withdraw.
        last: the last mask that was signed here for it; None if none was.

    Raises:
        SigningRefused: it is anything but the token that takes back every right of this container.
    """
    if request.uid != uid:
        text = f"the platform answers for the container {show(request.uid)}"
        _refuse(RefusalReason.UID, f"{text}, not for {show(uid)}")
    if request.part != MASK:
        _refuse(RefusalReason.PART, f"the platform answers for {request.part.name}, not for a mask")
    if request.profile is not Profile.RFC9052:
        _refuse(RefusalReason.PROFILE, f"the platform wants a token of {request.profile}")
    if request.covered is not None:
        text = "a mask covers no bytes, but the platform sends some"
        _refuse(RefusalReason.CONTENT, text)
    sequence = request.number
    said = Claims(mask=mask_to_bytes(0), uid=uid, sequence=sequence, kind=Kind.MASK)
    if request.payload != encode(said, Kind.MASK, Profile.RFC9052):
        text = "what is to be signed says something else than that this container has no right"
        _refuse(RefusalReason.CLAIMS, text)
    highest = None if last is None else last.highest_sequence
    if highest is not None and sequence <= highest:
        text = f"it counts {sequence}, but {highest} was signed here before, which stays in force"
        _refuse(RefusalReason.SEQUENCE, text)
    return ExaminedWithdrawal(uid, sequence, request.payload, highest)


def _refuse(reason: RefusalReason, text: str) -> NoReturn:
    raise SigningRefused(reason, text)
