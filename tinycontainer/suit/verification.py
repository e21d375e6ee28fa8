"""The judgement of an envelope before anything of it is carried out, in numbered steps.

 1. envelope   at most 1 MiB of strict CBOR in the form of an envelope
 2. digest     the manifest is the one that the digest is of
 3. key        a signature names an algorithm, and perhaps a key id, of a key that the device has
 4. signature  one of these keys has signed the digest
 5. manifest   it can be decoded, and its severed members are those that it means
 6. profile    nothing in it is outside of our profile (`profile`)
 7. right      the keys that have signed may update every container that it names
 8. sequence   for none of them a newer update was accepted, or another one of this number

The numbers are repeated below. Nothing of the manifest is looked at before the signature holds. The
rest is done by `processor`. Clauses TC-UPD-05 to TC-UPD-12.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tinycontainer.errors import EnvelopeError, UpdateReason, UpdateRefused
from tinycontainer.interfaces.updating import Updatable
from tinycontainer.text import show
from tinycontainer_tokens import (
    Accepted,
    SequenceOvertaken,
    StepOutcome,
    VerificationStep,
    require_not_overtaken,
)

from .envelope.components import uids_of
from .envelope.decoder import MAX_ENVELOPE_BYTES, decode_envelope, decode_manifest
from .envelope.encoder import signed_bytes
from .envelope.model import Signature, UpdateEnvelope, UpdateManifest
from .envelope.profile import objections
from .envelope.signatures import SIGN1_TAG
from .keys.keys import UpdateAlgorithm, UpdateKeyEntry, UpdateKeys


@dataclass(frozen=True, slots=True)
class Examination:
    """All steps that were made, and what is known then.

    Attributes:
        steps: in order; only the last can have failed.
        refusal: why the last one has failed; None if none has.
        envelope: once step 1 has passed.
        manifest: once step 5 has passed.
        uids: of the containers that it is about, once step 6 has passed; in order.
        signers: keys that have signed it, once step 4 has passed.
    """

    steps: tuple[VerificationStep, ...]
    refusal: UpdateRefused | None
    envelope: UpdateEnvelope | None
    manifest: UpdateManifest | None
    uids: tuple[bytes, ...]
    signers: tuple[UpdateKeyEntry, ...]

    def require(self) -> "Examined":
        """What was examined and not refused.

        Raises:
            UpdateRefused: a step has failed.
        """
        if self.refusal is not None:
            raise self.refusal
        if self.envelope is None or self.manifest is None:
            raise RuntimeError("an examination that is not over")
        return Examined(self.envelope, self.manifest, self.uids)


@dataclass(frozen=True, slots=True)
class Examined:
    """An update whose envelope is accepted.

    Attributes:
        envelope: the envelope.
        manifest: its manifest.
        uids: of the containers that it is about.
    """

    envelope: UpdateEnvelope
    manifest: UpdateManifest
    uids: tuple[bytes, ...]

    @property
    def number(self) -> Accepted:
        """Sequence number and digest of the manifest."""
        return Accepted(self.manifest.sequence_number, self.envelope.digest.value)


def examine(content: bytes, keys: UpdateKeys, target: Updatable | None = None) -> Examination:
    """Examine an envelope; no bytes of it make this raise.

    Args:
        content: untrusted bytes.
        keys: the keys that may sign updates.
        target: knows what was accepted before; None skips the last step.

    Raises:
        SequenceStoreError: it cannot be looked up what was accepted before.
    """
    return _Examiner(content, keys, target).run()


def require_newest(examined: Examined, target: Updatable) -> None:
    """Refuse an update that a newer one has overtaken, or that another one of its number was.

    Args:
        examined: what was accepted.
        target: knows the newest update of each container.

    Raises:
        UpdateRefused: older or reused-number.
        SequenceStoreError: it cannot be looked up what was accepted before.
    """
    for uid in examined.uids:
        try:
            require_not_overtaken(target.newest_update(uid), examined.number)
        except SequenceOvertaken as error:
            is_reused = error.found == error.newest
            reason = UpdateReason.REUSED_NUMBER if is_reused else UpdateReason.OLDER
            raise UpdateRefused(reason, "manifest", f"{show(uid)}: {error}", uid=uid) from None


class _Examiner:
    def __init__(self, content: bytes, keys: UpdateKeys, target: Updatable | None) -> None:
        self._content = content
        self._keys = keys
        self._target = target
        self._envelope: UpdateEnvelope | None = None
        self._manifest: UpdateManifest | None = None
        self._candidates: list[tuple[Signature, UpdateKeyEntry]] = []
        self._signers: tuple[UpdateKeyEntry, ...] = ()
        self._uids: tuple[bytes, ...] = ()

    def run(self) -> Examination:
        steps: list[VerificationStep] = []
        refusal = None
        for passed, check in _STEPS:
            if check is _Examiner.sequence and self._target is None:
                detail = "no record of accepted updates was given"
                steps.append(passed._replace(outcome=StepOutcome.SKIPPED, detail=detail))
                continue
            try:
                check(self)
            except UpdateRefused as error:
                refusal = error
                detail = ": ".join(filter(None, (error.place, error.problem)))
                steps.append(passed._replace(outcome=StepOutcome.FAILED, detail=detail))
                break
            steps.append(passed)
        return Examination(
            tuple(steps), refusal, self._envelope, self._manifest, self._uids, self._signers
        )

    def envelope(self) -> None:  # 1
        try:
            self._envelope = decode_envelope(self._content, MAX_ENVELOPE_BYTES)
        except EnvelopeError as error:
            raise _refused_form(UpdateReason.ENVELOPE, error) from None

    def digest(self) -> None:  # 2
        envelope = self._require_envelope()
        if not envelope.digest.is_of(envelope.manifest):
            raise UpdateRefused(
                UpdateReason.DIGEST, "", "the manifest is not the one that was signed"
            )

    def key(self) -> None:  # 3
        signatures = self._require_envelope().signatures
        for signature in signatures:
            algorithm = UpdateAlgorithm.of_number(signature.algorithm)
            if signature.tag == SIGN1_TAG and algorithm is not None:
                found = self._keys.candidates(algorithm, signature.kid)
                self._candidates += [(signature, entry) for entry in found]
        if not self._candidates:
            raise UpdateRefused(UpdateReason.KEY, "", _describe_missing_key(signatures, self._keys))

    def signature(self) -> None:  # 4
        envelope = self._require_envelope()
        self._signers = tuple(
            entry
            for signature, entry in self._candidates
            if entry.key.has_signed(signed_bytes(envelope, signature.protected), signature.proof)
        )
        if not self._signers:
            problem = "not made with an update key of this device, or changed since"
            raise UpdateRefused(UpdateReason.SIGNATURE, "", problem)

    def manifest(self) -> None:  # 5
        try:
            self._manifest = decode_manifest(self._require_envelope())
        except EnvelopeError as error:
            raise _refused_form(UpdateReason.MANIFEST, error) from None

    def profile(self) -> None:  # 6
        manifest = self._require_manifest()
        for objection in objections(self._require_envelope(), manifest):
            raise UpdateRefused(
                UpdateReason.PROFILE, objection.place, objection.problem, offset=objection.offset
            )
        self._uids = uids_of(manifest.components)

    def right(self) -> None:  # 7
        for uid in self._uids:
            if not any(entry.serves(uid) for entry in self._signers):
                problem = f"no key that has signed may update {show(uid)}"
                raise UpdateRefused(UpdateReason.RIGHT, "", problem, uid=uid)

    def sequence(self) -> None:  # 8
        if self._target is not None:
            require_newest(self.examined(), self._target)

    def examined(self) -> Examined:
        return Examined(self._require_envelope(), self._require_manifest(), self._uids)

    def _require_envelope(self) -> UpdateEnvelope:
        if self._envelope is None:
            raise RuntimeError("step 1 comes before this one")
        return self._envelope

    def _require_manifest(self) -> UpdateManifest:
        if self._manifest is None:
            raise RuntimeError("step 5 comes before this one")
        return self._manifest


_CHECKS: Final[tuple[Callable[[_Examiner], None], ...]] = (
    _Examiner.envelope,
    _Examiner.digest,
    _Examiner.key,
    _Examiner.signature,
    _Examiner.manifest,
    _Examiner.profile,
    _Examiner.right,
    _Examiner.sequence,
)
_STEPS: Final = tuple(
    (VerificationStep(number, check.__name__, StepOutcome.PASSED), check)
    for number, check in enumerate(_CHECKS, start=1)
)


def _refused_form(reason: UpdateReason, error: EnvelopeError) -> UpdateRefused:
    return UpdateRefused(reason, error.place, error.problem, offset=error.offset)


def _describe_missing_key(signatures: tuple[Signature, ...], keys: UpdateKeys) -> str:
    if not keys:
        return "this device has no update keys; write [[update.keys]] into its file"
    if not signatures:
        return "the envelope is not signed"
    algorithms = ", ".join(str(each.algorithm) for each in signatures)
    return f"no update key of this device is for the algorithm {algorithms}, or has the key id"
