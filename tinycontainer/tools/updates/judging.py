"""Whether a device would take an update: the steps of its judgement, with causes.

Steps 1 to 8 are those of `suit.verification`, made by the device's own code. The others are made
with the device's own processor and judgement of containers:

 9. identity   the conditions on vendor, class and device hold
10. payload    every payload is there, and fits
11. image      every image-match holds
12. uid        the metadata names the uid of its component
13. container  the device takes every container

Nothing is changed. Clause TC-UPD-28.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from tinycontainer.device.containers.judgement import LoadCheck, Sections, passed, refused
from tinycontainer.device.containers.limits import MAX_BUNDLE_BYTES
from tinycontainer.errors import LoadError, LoadReason, UpdateReason, UpdateRefused
from tinycontainer.interfaces.updating import ContainerChange
from tinycontainer.suit.processor import Processing, process
from tinycontainer.suit.verification import Examination, Examined, examine
from tinycontainer.text import show
from tinycontainer_tokens import StepOutcome, VerificationStep

from ..explain.admission import ExplainedCheck, explain_sections
from ..explain.explanation import Explanation
from .causes.refusal import RefusedUpdate, explain_refusal
from .known_device import KnownDevice
from .onlooker import Onlooker
from .opening import OpenRules, PayloadNotGiven, Payloads, bundle_of, identity_of, run

_COMMANDS: Final = ("identity", "payload", "image", "uid")
_CONTAINER: Final = "container"
_FIRST: Final = 9
_STEP_OF: Final = {
    UpdateReason.VENDOR: "identity",
    UpdateReason.CLASS: "identity",
    UpdateReason.DEVICE: "identity",
    UpdateReason.ABORTED: "identity",
    UpdateReason.PAYLOAD: "payload",
    UpdateReason.CAPACITY: "payload",
    UpdateReason.UID: "uid",
}
"""The step of each reason for which the processor refuses; `image` for the others."""


@dataclass(frozen=True, slots=True)
class JudgedContainer:
    """A container that an update changes, judged as the device would.

    Attributes:
        uid: its uid.
        is_deleted: whether the update deletes it.
        checks: all checks of its load; of a deletion, whether it is loaded.
    """

    uid: bytes
    is_deleted: bool
    checks: tuple[ExplainedCheck, ...]

    @property
    def refusal(self) -> LoadCheck | None:
        """The first check that failed; None if none has."""
        return next((each.check for each in self.checks if each.check.failed), None)


@dataclass(frozen=True, slots=True)
class JudgedStep:
    """A step of the judgement.

    Attributes:
        step: number, name and outcome.
        explanation: why it failed; None if it has not.
        containers: the containers that step 13 has judged.
    """

    step: VerificationStep
    explanation: Explanation | None = None
    containers: tuple[JudgedContainer, ...] = ()


@dataclass(frozen=True, slots=True)
class UpdateJudgement:
    """All that was found out about an update.

    Attributes:
        steps: in order.
        reason: why it is refused; None if nothing speaks against it.
        examined: what was accepted by steps 1 to 8; None if they have refused it.
        signers: names of the keys that have signed it, fit to be shown.
        is_repetition: whether all of it is there already.
    """

    steps: tuple[JudgedStep, ...]
    reason: UpdateReason | None
    examined: Examined | None
    signers: tuple[str, ...]
    is_repetition: bool = False

    @property
    def is_complete(self) -> bool:
        """Whether every step was made."""
        return all(each.step.outcome is not StepOutcome.SKIPPED for each in self.steps)


def judge_update(
    content: bytes, device: KnownDevice, payloads: Payloads, now_s: int = 0
) -> UpdateJudgement:
    """Judge an envelope as a device would; no bytes of it make this raise.

    Args:
        content: untrusted bytes.
        device: as far as it is known; without its file nobody asks who the update is for, and
            containers are not judged.
        payloads: those that the envelope leaves out.
        now_s: the device's time in Unix seconds.

    Raises:
        SequenceStoreError: it cannot be looked up what was accepted before.
    """
    examination = examine(content, device.keys, device.onlooker)
    return _Judge(content, device, payloads, now_s, examination).run()


@dataclass(frozen=True, slots=True)
class _Judge:
    content: bytes
    device: KnownDevice
    payloads: Payloads
    now_s: int
    examination: Examination

    def run(self) -> UpdateJudgement:
        refusal = self.examination.refusal
        steps = [JudgedStep(step) for step in self.examination.steps]
        signers = self._signers()
        if refusal is not None:
            steps[-1] = replace(steps[-1], explanation=self._explain(refusal))
            return UpdateJudgement(tuple(steps), refusal.reason, None, signers)
        examined = self.examination.require()
        try:
            changes = run(self._process(examined), self.payloads)
        except UpdateRefused as error:
            steps += self._refused_commands(error)
            return UpdateJudgement(tuple(steps), error.reason, examined, signers)
        except PayloadNotGiven as error:
            steps += self._unjudged(str(error))
            return UpdateJudgement(tuple(steps), None, examined, signers)
        steps += self._passed_commands()
        last = self._judge_containers(changes)
        steps.append(last)
        failed = last.step.outcome is StepOutcome.FAILED
        return UpdateJudgement(
            tuple(steps),
            UpdateReason.CONTAINER if failed else None,
            examined,
            signers,
            not failed and self._is_repetition(examined, changes),
        )

    def _signers(self) -> tuple[str, ...]:
        pairs = zip(self.device.keys, self.device.key_names, strict=True)
        return tuple(name for entry, name in pairs if entry in self.examination.signers)

    def _process(self, examined: Examined) -> Processing:
        rules = self.device.rules
        if rules is None:
            rules = OpenRules(identity_of(examined.manifest), self.device.keys)
        target = self.device.onlooker or Onlooker.of_nothing(MAX_BUNDLE_BYTES)
        return process(examined, rules, target)

    def _explain(self, refusal: UpdateRefused) -> Explanation:
        refused_update = RefusedUpdate(
            self.content, self.examination, refusal, self.device, self.payloads
        )
        return explain_refusal(refused_update)

    def _refused_commands(self, error: UpdateRefused) -> Iterator[JudgedStep]:
        failing = _STEP_OF.get(error.reason, "image")
        for number, name in enumerate(_COMMANDS, start=_FIRST):
            if name == failing:
                detail = ": ".join(filter(None, (error.place, error.problem)))
                step = VerificationStep(number, name, StepOutcome.FAILED, detail)
                yield JudgedStep(step, self._explain(error))
                return
            passed_until = "" if self._is_identity_skipped(name) else "up to the command that fails"
            yield self._passed(number, name, passed_until)

    def _passed_commands(self) -> Iterator[JudgedStep]:
        for number, name in enumerate(_COMMANDS, start=_FIRST):
            yield self._passed(number, name, "")

    def _passed(self, number: int, name: str, detail: str) -> JudgedStep:
        if self._is_identity_skipped(name):
            detail = "no device file was given"
            return JudgedStep(VerificationStep(number, name, StepOutcome.SKIPPED, detail))
        return JudgedStep(VerificationStep(number, name, StepOutcome.PASSED, detail))

    def _is_identity_skipped(self, name: str) -> bool:
        return name == "identity" and self.device.rules is None

    def _unjudged(self, problem: str) -> Iterator[JudgedStep]:
        """Identity was judged as far as the commands went, nothing else was."""
        yield self._passed(_FIRST, "identity", "up to the command that fetches")
        for number, name in enumerate((*_COMMANDS[1:], _CONTAINER), start=_FIRST + 1):
            yield JudgedStep(VerificationStep(number, name, StepOutcome.SKIPPED, problem))

    # Containers.

    def _judge_containers(self, changes: tuple[ContainerChange, ...]) -> JudgedStep:
        number = _FIRST + len(_COMMANDS)
        if self.device.setup is None or self.device.onlooker is None:
            detail = "no device file was given"
            step = VerificationStep(number, _CONTAINER, StepOutcome.SKIPPED, detail)
            return JudgedStep(step)
        judged = tuple(self._judge_container(change) for change in changes)
        first = next((each for each in judged if each.refusal is not None), None)
        if first is None or first.refusal is None:
            step = VerificationStep(number, _CONTAINER, StepOutcome.PASSED)
            return JudgedStep(step, None, judged)
        refusal = first.refusal
        detail = ": ".join(filter(None, (show(first.uid), str(refusal.reason), refusal.detail)))
        explanation = next(each.explanation for each in first.checks if each.check is refusal)
        step = VerificationStep(number, _CONTAINER, StepOutcome.FAILED, detail)
        return JudgedStep(step, explanation, judged)

    def _judge_container(self, change: ContainerChange) -> JudgedContainer:
        onlooker, setup = self.device.onlooker, self.device.setup
        if onlooker is None or setup is None:
            raise RuntimeError("containers are judged for a device")
        is_loaded = change.uid in onlooker.loaded
        if not change.sections:
            return JudgedContainer(change.uid, True, (_check_deletion(change.uid, is_loaded),))
        sections = Sections.of(bundle_of(change))
        checks = explain_sections(show(change.uid), sections, setup, self.now_s)
        if not is_loaded:
            checks = (self._check_slot(onlooker), *checks)
        return JudgedContainer(change.uid, False, checks)

    def _check_slot(self, onlooker: Onlooker) -> ExplainedCheck:
        """Whether all new containers find a slot."""
        examined = self.examination.require()
        coming = [uid for uid in examined.uids if uid not in onlooker.loaded]
        free = onlooker.slots - len(onlooker.loaded)
        if len(coming) <= free:
            return ExplainedCheck(passed("slot"))
        problem = f"new containers: {len(coming)}; free slots: {free}"
        refusal = LoadError(LoadReason.NO_SLOT, problem)
        expected = f"at most {onlooker.slots} containers on the device"
        cause = "delete a container first, or in an update before this one"
        return ExplainedCheck(refused("slot", refusal), Explanation(expected, problem, cause))

    def _is_repetition(self, examined: Examined, changes: tuple[ContainerChange, ...]) -> bool:
        onlooker = self.device.onlooker
        if onlooker is None:
            return False
        return all(
            onlooker.newest_update(change.uid) == examined.number
            and onlooker.loaded.get(change.uid) == (bundle_of(change) if change.sections else None)
            for change in changes
        )


def _check_deletion(uid: bytes, is_loaded: bool) -> ExplainedCheck:
    if is_loaded:
        return ExplainedCheck(passed("loaded"))
    refusal = LoadError(LoadReason.UNKNOWN_UID, "no container of this uid is loaded")
    explanation = Explanation(f"{show(uid)} is loaded", "it is not")
    return ExplainedCheck(refused("loaded", refusal), explanation)
