"""The suite: all cases in all variants against one implementation.

With it goes the strict list of the failures that are expected of one.
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
from ..peer import Peer, ProcessPeer
from ..protocol import HelloReply
from ..recipes.workshop import BUNDLES_DIRECTORY
from .trial import StepFailed, Trial, TrialVariant, greet

MAX_BUNDLE_BYTES: Final = 1 << 18
MAX_SILENCES: Final = 3
"""After so many requests without an answer the implementation is not asked any more."""


class CaseOutcome(StrEnum):
    """What became of a case."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    EXPECTED_FAILURE = "expected-failure"
    UNEXPECTED_PASS = "unexpected-pass"

    @property
    def is_good(self) -> bool:
        """Whether it keeps nobody from conforming."""
        return self not in (CaseOutcome.FAILED, CaseOutcome.UNEXPECTED_PASS)


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What became of a case, over all its variants.

    Attributes:
        case: which.
        outcome: over all variants.
        problems: one line per variant that failed or was skipped.
        variants: how many were judged.
        seconds: how long it took.
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
    """The file of all of them."""

    expected: list[ExpectedFailure] = Field(default_factory=list, max_length=MAX_CASES)


def read_expected(path: Path, cases: Iterable[Case]) -> dict[str, str]:
    """Read a file of expected failures: reasons by case.

    Raises:
        DeviceFileError: it cannot be used.
        CaseError: it names a case twice, or one that does not exist.
    """
    known = {case.id for case in cases}
    found: dict[str, str] = {}
    for entry in read_toml(path, ExpectedFailures).expected:
        if entry.case not in known:
            raise CaseError(f"{show(str(path))}: there is no case {show(entry.case, 80)}")
        if entry.case in found:
            raise CaseError(f"{show(str(path))}: {show(entry.case, 80)} stands twice")
        found[entry.case] = entry.reason
    return found


def read_bundles(directory: Path, cases: Iterable[Case]) -> dict[str, bytes]:
    """The bundles of cases, by file name.

    Raises:
        DeviceFileError: one cannot be read.
    """
    names = [
        case.bundle_name(container, profile)
        for case in cases
        for profile in case.profiles
        for container in case.containers
    ]
    root = directory / BUNDLES_DIRECTORY
    return {name: read_bounded(root / name, MAX_BUNDLE_BYTES) for name in names}


@dataclass
class Suite:
    """Judges one implementation.

    Attributes:
        start: starts the implementation.
        bundles: the files of the cases.
        timeout_s: for one request.
        expected: reasons of expected failures by case.
        hello: what the implementation said about itself, once it was asked.
    """

    start: Callable[[], Peer]
    bundles: Mapping[str, bytes]
    timeout_s: float
    expected: Mapping[str, str] = field(default_factory=dict)
    hello: HelloReply | None = None
    _peer: Peer | None = None
    _silences: int = 0

    def judge(self, cases: Sequence[Case], tell: Callable[[CaseResult], None]) -> list[CaseResult]:
        """Play cases one after the other.

        Args:
            cases: what to play.
            tell: hears of each result.
        """
        results = []
        try:
            for case in cases:
                results.append(self._judge_one(case))
                tell(results[-1])
        finally:
            self._end()
        return results

    def _judge_one(self, case: Case) -> CaseResult:
        began_s = time.monotonic()
        try:
            hello = self._conversation()[1]
        except (ProtocolError, Unsupported) as failure:
            self._lost(failure)
            return CaseResult(case, self._outcome(case, 1, 1), (str(failure),), 0, 0)
        failures: list[str] = []
        offered, missing = variants(case, hello), _missing(case, hello)
        skips: list[str] = [missing] if missing else []
        for variant in offered:
            try:
                self._play(case, variant)
            except Unsupported as unsupported:
                skips.append(f"[{variant}] {unsupported}")
            except (StepFailed, ProtocolError) as failure:
                failures.append(f"[{variant}] {failure}")
        judged = max(0, len(offered) - len(skips))
        outcome = self._outcome(case, len(failures), judged)
        seconds = time.monotonic() - began_s
        return CaseResult(case, outcome, tuple(failures + skips), judged, seconds)

    def _outcome(self, case: Case, failed: int, judged: int) -> CaseOutcome:
        if not judged:
            return CaseOutcome.SKIPPED
        if case.id in self.expected:
            return CaseOutcome.EXPECTED_FAILURE if failed else CaseOutcome.UNEXPECTED_PASS
        return CaseOutcome.FAILED if failed else CaseOutcome.PASSED

    def _play(self, case: Case, variant: TrialVariant) -> None:
        try:
            peer, hello = self._conversation()
            Trial(case, variant, peer, hello, self.bundles, self.timeout_s).play()
        except ProtocolError as error:
            self._lost(error)
            raise

    def _conversation(self) -> tuple[Peer, HelloReply]:
        if self._silences >= MAX_SILENCES:
            raise ProtocolError(f"not played: {MAX_SILENCES} requests had no answer")
        if self._peer is None:
            self._peer = self.start()
            self.hello = greet(self._peer, self.timeout_s)
        if self.hello is None:
            raise ProtocolError("the implementation has not said who it is")
        return self._peer, self.hello

    def _lost(self, error: Exception) -> None:
        """After a broken conversation the implementation is started anew for the next case."""
        self._silences += isinstance(error, Silence)
        self._end()

    def _end(self) -> None:
        peer, self._peer = self._peer, None
        if peer is not None:
            peer.end()


def _missing(case: Case, hello: HelloReply) -> str:
    """What an implementation lacks for a case; empty if nothing."""
    lacking = [ability for ability in case.needs if ability not in hello.abilities]
    if lacking:
        return f"the implementation does not offer {', '.join(lacking)}"
    return "" if variants(case, hello) else "the implementation offers no fitting profile, policy"


def variants(case: Case, hello: HelloReply) -> list[TrialVariant]:
    """How a case is played.

    Where time matters in every way that is offered, else in so many ways that every offered profile
    and every offered policy has its turn.
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


def process(command: Sequence[str]) -> Callable[[], Peer]:
    """What starts a command as an implementation."""
    return lambda: ProcessPeer(command)


def conforms(results: Sequence[CaseResult]) -> bool:
    """Whether an implementation conforms: nothing failed, and something was judged at all."""
    return all(result.outcome.is_good for result in results) and any(
        result.outcome is not CaseOutcome.SKIPPED for result in results
    )
