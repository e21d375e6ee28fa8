"""A trial: one case is played in one variant against one implementation."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Final, TypeVar, get_args

from tinycontainer.device.containers.limits import Policy
from tinycontainer.files.toml_file import Table
from tinycontainer.metadata import Bundle
from tinycontainer.text import show
from tinycontainer_tokens import Profile

from .. import protocol
from ..cases.case import Case
from ..cases.steps import (
    AdvanceStep,
    BeginStep,
    BootStep,
    BundleStep,
    BytesStep,
    DeleteStep,
    EndStep,
    JudgeExpectation,
    KillStep,
    LoadStep,
    ReconfigureStep,
    ReplaceStep,
    SectionName,
    SectionStep,
    StartStep,
    StateExpectation,
    Step,
    StopStep,
    StoreStep,
    UpdateStep,
    VerbStep,
)
from ..errors import CaseError, ProtocolError, ReportedFailure, Unsupported
from ..peer import Peer
from ..protocol import (
    HelloReply,
    JudgeReply,
    NothingReply,
    RequestRefused,
    StateReply,
    UpdateReply,
)
from ..recipes.device import describe_device, describe_updates
from .expectations import TrialRecord, check_expectation

_Reply = TypeVar("_Reply", bound=Table)
_EXTRA_S_PER_DEVICE_S: Final = 5
"""``advance`` may take so much longer than other requests, per second of device time."""
_BYTES_PER_REQUEST: Final = 1 << 12
_NEVER_REFUSED: Final = ("reset", "state", "events", "advance", "judge", "boot", "store")
"""Verbs that only ask, or that a judge needs to go on; by the protocol no device refuses them."""


class StepFailed(Exception):
    """An implementation does not do what a step expects.

    Attributes:
        number: of the step, from 1.
    """

    def __init__(self, number: int, problem: str) -> None:
        super().__init__(f"step {number}: {problem}")
        self.number = number


@dataclass(frozen=True, slots=True)
class TrialVariant:
    """Under which policy and profile a case is played."""

    policy: Policy
    profile: Profile

    def __str__(self) -> str:
        return f"{self.policy.value}, {self.profile.value}"


def greet(peer: Peer, timeout_s: float) -> HelloReply:
    """Begin a conversation, in the newest version of the protocol that both speak.

    An implementation that does not greet is asked in the next older version, and so on.

    Args:
        peer: an implementation that was just started.
        timeout_s: how long its answer may take.

    Raises:
        ProtocolError: the answer does not follow the protocol.
        Unsupported: it speaks no version of the protocol that is known here.
    """
    *newer, oldest = protocol.KNOWN_VERSIONS
    for version in newer:
        # What goes wrong here can be due to the version.
        with suppress(RequestRefused, ReportedFailure, Unsupported):
            return _greet_in(version, peer, timeout_s)
    try:
        return _greet_in(oldest, peer, timeout_s)
    except RequestRefused as refused:
        raise ProtocolError(f"the implementation refuses to talk: {refused}") from None


def _greet_in(version: int, peer: Peer, timeout_s: float) -> HelloReply:
    request = {"verb": "hello", "protocol": version}
    hello = protocol.parse_reply(peer.ask(request, timeout_s), HelloReply)
    if hello.protocol not in protocol.KNOWN_VERSIONS:
        raise ProtocolError(f"the implementation speaks protocol {hello.protocol}")
    return hello


@dataclass
class Trial:
    """One case in one variant against one implementation.

    Attributes:
        case: what is played.
        variant: under which policy and profile.
        peer: the implementation.
        hello: what it said about itself.
        bundles: content of the files of the directories ``bundles`` and ``envelopes``, by name.
        timeout_s: how long the answer to one request may take.
        record: what has happened so far.
    """

    case: Case
    variant: TrialVariant
    peer: Peer
    hello: HelloReply
    bundles: Mapping[str, bytes]
    timeout_s: float
    record: TrialRecord = field(init=False)

    def __post_init__(self) -> None:
        self.record = TrialRecord(self.case, self.hello)

    def play(self) -> None:
        """Play the whole case.

        Raises:
            StepFailed: a step does not go as the case expects.
            ProtocolError: the implementation does not follow the protocol.
            Unsupported: the implementation cannot do what the case needs.
            CaseError: a bundle is missing.
        """
        variant = self.variant
        device = describe_device(self.case.device, variant.policy, variant.profile)
        if "suit" in self.hello.abilities:  # to others the word is unknown
            device["update"] = describe_updates(self.case.device.update)
        self._ask("reset", NothingReply, device=device)
        for number, step in enumerate(self.case.steps, 1):
            try:
                problem = self._take_step(step)
            except ProtocolError as error:
                # The same type: the suite counts a `Silence` and ends the conversation.
                raise type(error)(f"step {number}: {error}") from None
            if problem is not None:
                raise StepFailed(number, problem)

    def _take_step(self, step: Step) -> str | None:
        """Take one step; the answer is what is wrong, or None."""
        if isinstance(step, VerbStep):
            return self._check_verb(step)
        if isinstance(step, StateExpectation):
            return self._check_state(step)
        if isinstance(step, JudgeExpectation):
            return self._check_judgement(step)
        self._fetch_events()
        return check_expectation(self.record, step)

    def _check_verb(self, step: VerbStep) -> str | None:
        problem = None
        try:
            if isinstance(step, UpdateStep):
                problem = self._check_update(step)
            else:
                self._perform(step)
        except RequestRefused as refused:
            return self._check_refusal(step, refused.reason)
        return problem if step.refused is None else f"{step.describe()} was not refused"

    def _check_refusal(self, step: VerbStep, reason: str) -> str | None:
        if step.refused is None:
            return f"{step.describe()} was refused: {reason}"
        if self.hello.reasons and step.refused != reason:
            return f"{step.describe()} was refused for {reason}, not for {step.refused}"
        return None

    def _check_update(self, step: UpdateStep) -> str | None:
        envelope = self._vector(self.case.envelope_name(step.update, self.variant.profile))
        found = self._ask("update", UpdateReply, envelope=envelope.hex())
        if found.repetition is step.repetition:
            return None
        return f"{step.describe()} was taken for {'a' if found.repetition else 'no'} repetition"

    def _check_state(self, step: StateExpectation) -> str | None:
        found = self._ask("state", StateReply, uid=self._uid(step.state))
        for word, wanted, given in (
            ("state", step.now, found.state),
            ("last exit", step.why, found.last_exit),
            ("loops", step.loops, found.loops),
        ):
            if wanted is not None and wanted != given:
                return f"{show(step.state)}: {word} is {given}, not {wanted}"
        return None

    def _check_judgement(self, step: JudgeExpectation) -> str | None:
        sections = self._sections(step.judge)
        found = self._ask("judge", JudgeReply, **sections, replaces=step.replaces).refusals
        reasons = [reason for reason, _ in groupby(found)]
        if self.hello.reasons and reasons != step.refusals:
            return f"{step.describe()}: would be refused for {reasons}, not for {step.refusals}"
        if bool(reasons) != bool(step.refusals):
            return f"{step.describe()}: would {'' if reasons else 'not '}be refused"
        return None

    # What the verbs of steps ask for.

    def _perform(self, step: VerbStep) -> None:
        match step:
            case LoadStep():
                self._command("load", **self._sections(step.load))
            case ReplaceStep():
                sections = self._sections(step.replace)
                self._command("replace", **sections, confirm_ms=step.confirm_ms)
            case BundleStep():
                self._command("bundle", bundle=self._file(step.bundle).hex())
            case SectionStep():
                size = step.size if step.of is None else len(self._part(step.of, step.section))
                self._command("section", section=step.section, size=size)
            case BytesStep():
                self._send_bytes(step)
            case ReconfigureStep():
                metadata = self._bundle(step.reconfigure).metadata
                self._command("reconfigure", metadata=metadata.hex())
            case AdvanceStep():
                more_s = step.advance / 1000 * _EXTRA_S_PER_DEVICE_S
                self._ask("advance", NothingReply, more_s, ms=step.advance)
            case StoreStep():
                self._command("store", works=step.store == "works")
            case BeginStep() | EndStep() | BootStep():
                self._command(step.key)
            case (
                StartStep(start=name)
                | StopStep(stop=name)
                | KillStep(kill=name)
                | DeleteStep(delete=name)
            ):
                self._command(step.key, uid=self._uid(name))

    def _send_bytes(self, step: BytesStep) -> None:
        content = self._part(step.bytes_of, step.part)
        first, last = step.take or (0, len(content))
        content = content[first:last]
        for at in range(0, len(content), _BYTES_PER_REQUEST):
            self._command("bytes", bytes=content[at : at + _BYTES_PER_REQUEST].hex())

    def _uid(self, name: str) -> str:
        return self.case.uid(name).hex()

    def _part(self, name: str, part: SectionName) -> bytes:
        bundle = self._bundle(name)
        return {"metadata": bundle.metadata, "code": bundle.code, "data": bundle.data}[part]

    def _sections(self, name: str) -> dict[str, Any]:
        return {part: self._part(name, part).hex() for part in get_args(SectionName)}

    def _bundle(self, name: str) -> Bundle:
        content = self._file(name)
        return Bundle.decode(content, len(content))

    def _file(self, name: str) -> bytes:
        recipe = next(each for each in self.case.containers if each.name == name)
        return self._vector(self.case.bundle_name(recipe, self.variant.profile))

    def _vector(self, file: str) -> bytes:
        if file not in self.bundles:
            raise CaseError(f"{self.case.id}: the file {file} is missing")
        return self.bundles[file]

    # Requests.

    def _fetch_events(self) -> None:
        happened = self.record.happened
        happened += self._ask("events", protocol.EventsReply).events
        # The protocol bounds one answer; without this bound a case of many steps has none.
        if len(happened) > protocol.MAX_EVENTS:
            raise ProtocolError(f"the implementation: more than {protocol.MAX_EVENTS} events")

    def _command(self, verb: str, **values: Any) -> None:
        self._ask(verb, NothingReply, **values)

    def _ask(self, verb: str, model: type[_Reply], more_s: float = 0, **values: Any) -> _Reply:
        line = self.peer.ask({"verb": verb, **values}, self.timeout_s + more_s)
        try:
            return protocol.parse_reply(line, model)
        except RequestRefused:
            if verb in _NEVER_REFUSED:
                raise ProtocolError(f"the implementation: {verb} cannot be refused") from None
            raise
