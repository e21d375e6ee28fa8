"""The suite: plays all cases in all variants against one implementation.

It also reads the list of failures that are expected of an implementation. That list is strict: an
expected failure that passes is a failure.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

from pydantic import Field

from tinycontainer.files.toml_file import Table, read_bounded, read_toml
from tinycontainer.text import show

from ..cases.case import MAX_CASES, Case
from ..errors import CaseError, ProtocolError, Silence, Unsupported
from ..peer import Peer
from ..protocol import NEW_IN, HelloReply
from ..recipes.workshop import BUNDLES_DIRECTORY, ENVELOPES_DIRECTORY
from .trial import StepFailed, Trial, TrialVariant, greet

MAX_BUNDLE_BYTES: Final = 1 << 18
MAX_SILENCES: Final = 3
"""After so many requests without an answer, the suite asks no more."""


class CaseOutcome(StrEnum):
    """How a case ended, over all its variants."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    EXPECTED_FAILURE = "expected-failure"
    UNEXPECTED_PASS = "unexpected-pass"

    @property
    def is_good(self) -> bool:
        """Whether an implementation with this outcome can conform."""
        return self not in (CaseOutcome.FAILED, CaseOutcome.UNEXPECTED_PASS)


@dataclass(frozen=True, slots=True)
class CaseResult:
    """The result of one case.

    Attributes:
        case: which case.
        outcome: over all variants.
        problems: one line per variant that failed or was skipped.
        variants: how many were judged.
        seconds: how long it took, in real time.
    """

    case: Case
    outcome: CaseOutcome
    problems: tuple[str, ...]
    variants: int
    seconds: float


class ExpectedFailure(Table):
    """A case that an implementation is known to fail."""

    case: str
    reason: str = Field(min_length=1, max_length=300)


class ExpectedFailures(Table):
    """A file of expected failures."""

    expected: list[ExpectedFailure] = Field(default_factory=list, max_length=MAX_CASES)


def read_expected(path: Path, cases: Iterable[Case]) -> dict[str, str]:
    """Read a file of expected failures: reasons by the id of their case.

    Args:
        path: the file.
        cases: all cases that there are.

    Raises:
        DeviceFileError: the file cannot be used.
        CaseError: it names a case twice, or one that does not exist.
    """
    known = {case.id for case in cases}
    found: dict[str, str] = {}
    for entry in read_toml(path, ExpectedFailures).expected:
        if entry.case not in known:
            raise CaseError(f"{show(str(path))}: there is no case {show(entry.case, 80)}")
        if entry.case in found:
            raise CaseError(f"{show(str(path))}: {show(entry.case, 80)} is listed twice")
        found[entry.case] = entry.reason
    return found


def read_bundles(directory: Path, cases: Iterable[Case]) -> dict[str, bytes]:
    """The bundles and the envelopes of cases, by file name.

    Raises:
        DeviceFileError: one cannot be read.
    """
    played = [(case, profile) for case in cases for profile in case.profiles]
    bundles = [
        case.bundle_name(each, profile) for case, profile in played for each in case.bundled()
    ]
    envelopes = [
        case.envelope_name(each.name, profile) for case, profile in played for each in case.updates
    ]
    return {
        name: read_bounded(directory / folder / name, MAX_BUNDLE_BYTES)
        for folder, names in ((BUNDLES_DIRECTORY, bundles), (ENVELOPES_DIRECTORY, envelopes))
        for name in names
    }


@dataclass
class Suite:
    """Judges one implementation.

    Attributes:
        start: starts the implementation.
        bundles: content of the bundles and envelopes of all cases, by file name.
        timeout_s: how long the answer to one request may take.
        expected: reasons of expected failures, by the id of their case.
        hello: what the implementation said about itself; None before the first answer.
    """

    start: Callable[[], Peer]
    bundles: Mapping[str, bytes]
    timeout_s: float
    expected: Mapping[str, str] = field(default_factory=dict)
    hello: HelloReply | None = None
    _peer: Peer | None = None
    _silences: int = 0

    def judge(
        self, cases: Sequence[Case], on_result: Callable[[CaseResult], None]
    ) -> list[CaseResult]:
        """Play cases one after the other.

        Args:
            cases: what to play.
            on_result: called with each result as soon as it is there.
        """
        results = []
        try:
            for case in cases:
                results.append(self._judge_case(case))
                on_result(results[-1])
        finally:
            self._end_peer()
        return results

    def _judge_case(self, case: Case) -> CaseResult:
        began_s = time.monotonic()
        try:
            _, hello = self._greeted_peer()
        except (ProtocolError, Unsupported) as failure:
            self._give_up_peer(failure)
            return CaseResult(case, self._outcome(case, failed=1, judged=1), (str(failure),), 0, 0)
        failures: list[str] = []
        variants = choose_variants(case, hello)
        missing = _describe_missing(case, hello)
        skips: list[str] = [missing] if missing else []
        for variant in variants:
            try:
                self._play(case, variant)
            except Unsupported as unsupported:
                skips.append(f"[{variant}] {unsupported}")
            except (StepFailed, ProtocolError) as failure:
                failures.append(f"[{variant}] {failure}")
        # Without any variant `skips` holds what is missing, although nothing was skipped.
        judged = max(0, len(variants) - len(skips))
        outcome = self._outcome(case, failed=len(failures), judged=judged)
        seconds = time.monotonic() - began_s
        return CaseResult(case, outcome, tuple(failures + skips), judged, seconds)

    def _outcome(self, case: Case, *, failed: int, judged: int) -> CaseOutcome:
        if not judged:
            return CaseOutcome.SKIPPED
        if case.id in self.expected:
            return CaseOutcome.EXPECTED_FAILURE if failed else CaseOutcome.UNEXPECTED_PASS
        return CaseOutcome.FAILED if failed else CaseOutcome.PASSED

    def _play(self, case: Case, variant: TrialVariant) -> None:
        try:
            peer, hello = self._greeted_peer()
            Trial(case, variant, peer, hello, self.bundles, self.timeout_s).play()
        except ProtocolError as error:
            self._give_up_peer(error)
            raise

    def _greeted_peer(self) -> tuple[Peer, HelloReply]:
        """The running implementation; one that does not run is started and greeted."""
        if self._silences >= MAX_SILENCES:
            raise ProtocolError(f"not played: {MAX_SILENCES} requests had no answer")
        if self._peer is None:
            self._peer = self.start()
            self.hello = greet(self._peer, self.timeout_s)
        if self.hello is None:
            raise ProtocolError("the implementation has not said who it is")
        return self._peer, self.hello

    def _give_up_peer(self, error: Exception) -> None:
        """End the implementation after a broken conversation; the next case starts it again."""
        self._silences += isinstance(error, Silence)
        self._end_peer()

    def _end_peer(self) -> None:
        peer = self._peer
        self._peer = None
        if peer is not None:
            peer.end()


def _describe_missing(case: Case, hello: HelloReply) -> str:
    """What an implementation lacks for a case; empty if nothing."""
    lacking = [ability for ability in case.needs if ability not in hello.abilities]
    if lacking:
        old = all(NEW_IN.get(ability, 1) > hello.protocol for ability in lacking)
        why = f", which protocol {hello.protocol} does not have" if old else ""
        return f"the implementation does not offer {', '.join(lacking)}{why}"
    if not choose_variants(case, hello):
        return "the implementation offers no fitting profile, policy"
    return ""


def choose_variants(case: Case, hello: HelloReply) -> list[TrialVariant]:
    """In which variants a case is played: of those that it names and the implementation offers.

    Where time matters, under every profile with every policy. Elsewhere so often that every profile
    and every policy is used once.
    """
    profiles = [each for each in case.profiles if each in hello.profiles]
    policies = [each for each in case.policies if each in hello.policies]
    if not profiles or not policies or not set(case.needs) <= set(hello.abilities):
        return []
    if case.group in ("scheduling", "timing"):
        return [TrialVariant(policy, profile) for profile in profiles for policy in policies]
    return [
        TrialVariant(policies[number % len(policies)], profiles[number % len(profiles)])
        for number in range(max(len(policies), len(profiles)))
    ]


class Verdict(StrEnum):
    """What results say about an implementation."""

    CONFORMS = "conforms"
    PASSED_IN_PART = "passed what was judged"
    FAILS = "does not conform"


@dataclass(frozen=True, slots=True)
class Conformance:
    """The verdict, and what is missing for a better one.

    Attributes:
        verdict: what the results say.
        not_judged: ids of cases of what the implementation announces that were not judged, or not
            in each of their variants.
        failing_as_expected: ids of cases that it is known to fail.
    """

    verdict: Verdict
    not_judged: tuple[str, ...] = ()
    failing_as_expected: tuple[str, ...] = ()

    def describe_missing(self) -> str:
        """What is missing, in words."""
        words = []
        if self.not_judged:
            words.append(
                f"{len(self.not_judged)} cases of what it announces were not judged"
                f" ({_first_of(self.not_judged)})"
            )
        if self.failing_as_expected:
            words.append(
                f"{len(self.failing_as_expected)} failed as expected"
                f" ({_first_of(self.failing_as_expected)})"
            )
        return "; ".join(words)


def judge_results(
    results: Sequence[CaseResult], cases: Sequence[Case], hello: HelloReply | None
) -> Conformance:
    """Whether an implementation conforms: in everything that it announces, not only where asked.

    Args:
        results: of the cases that were played.
        cases: all cases that there are.
        hello: what the implementation announces; None if it never did.
    """
    judged_any = any(result.outcome is not CaseOutcome.SKIPPED for result in results)
    if hello is None or not judged_any or not all(result.outcome.is_good for result in results):
        return Conformance(Verdict.FAILS)
    variants = {result.case.id: result.variants for result in results}
    not_judged = tuple(
        case.id for case in cases if variants.get(case.id, 0) < len(choose_variants(case, hello))
    )
    expected = tuple(
        result.case.id for result in results if result.outcome is CaseOutcome.EXPECTED_FAILURE
    )
    verdict = Verdict.PASSED_IN_PART if not_judged or expected else Verdict.CONFORMS
    return Conformance(verdict, not_judged, expected)


def _first_of(ids: Sequence[str]) -> str:
    return ids[0] if len(ids) == 1 else f"{ids[0]} and others"
