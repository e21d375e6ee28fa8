"""Whether a device would load a container: every check of a load, none skipped for another's sake.

The checks are the device's own, in its order: bundle, capacity of each section, metadata, runtime,
caps, profile, tokens, the form that their
profile demands, admission of the code. A load ends at the first that fails; here all that can
still be judged are. Nothing is recorded: what a load would remember of sequences is not written.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from tinycontainer import metadata as metadata_codec
from tinycontainer.device.containers.controller import admit, missing_runtime
from tinycontainer.device.containers.limits import Capacity
from tinycontainer.device.containers.memory import Section, Slot
from tinycontainer.device.containers.verification import (
    TokenReport,
    examine,
    profile_of,
    riot_objections,
    unaccepted_profile,
)
from tinycontainer.device.device import Setup
from tinycontainer.errors import LoadError, LoadReason, MetadataError, SectionTooLarge
from tinycontainer.interfaces.runtime import Runtime
from tinycontainer.metadata import Bundle, Metadata
from tinycontainer.metadata.bundle import OVERHEAD_BYTES
from tinycontainer_tokens import Outcome

from ..artefact.artefact import MAX_FILE_BYTES, Artefact
from .causes import explain_token
from .contradictions import type_problem
from .explanation import Explanation
from .undecodable import undecodable
from .variants import accidents

_NOT_THERE: Final = "give --code and --data, or the bundle"


@dataclass(frozen=True, slots=True)
class Check:
    """One check of a load.

    Attributes:
        name: what was looked at, such as ``capacity of code``.
        outcome: how it ended.
        reason: the load's reason if it failed.
        detail: what is wrong, or why it was skipped.
        explanation: for a failure, why.
        report: the steps, if it is a token's.
    """

    name: str
    outcome: Outcome
    reason: LoadReason | None = None
    detail: str = ""
    explanation: Explanation | None = None
    report: TokenReport | None = None

    @property
    def failed(self) -> bool:
        """Whether a load ends here."""
        return self.outcome is Outcome.FAILED


@dataclass(frozen=True, slots=True)
class Sections:
    """A container that is to be loaded.

    Attributes:
        name: fit to be shown.
        metadata: the bytes.
        code, data: the sections; None if they are not at hand.
    """

    name: str
    metadata: bytes
    code: bytes | None
    data: bytes | None


def judge_bundle(name: str, content: bytes, setup: Setup, now_s: int) -> tuple[Check, ...]:
    """Make every check of a load of a bundle.

    Args:
        name: of the file, fit to be shown.
        content: untrusted bytes.
        setup: the device.
        now_s: its time in Unix seconds.
    """
    limit_bytes = setup.capacity.bundle_bytes + OVERHEAD_BYTES
    size = len(content)
    try:
        parts = Bundle.decode(content, max(size, limit_bytes))
    except MetadataError as error:
        why = undecodable(content, error).explanation
        return (_failed("bundle", LoadReason.BUNDLE, str(error), why),)
    first = _passed("bundle")
    if size > limit_bytes:
        problem = f"{size} bytes where at most {limit_bytes} are taken"
        why = Explanation(f"a bundle of at most {limit_bytes} bytes", f"{size} bytes")
        first = _failed("bundle", LoadReason.BUNDLE, problem, why)
    sections = Sections(name, parts.metadata, parts.code, parts.data)
    return (first, *judge_sections(sections, setup, now_s))


def judge_sections(sections: Sections, setup: Setup, now_s: int) -> tuple[Check, ...]:
    """Make every check of a load, section by section.

    Args:
        sections: the container.
        setup: the device.
        now_s: its time in Unix seconds.
    """
    checks = list(_capacity_checks(sections, setup.capacity))
    try:
        decoded = metadata_codec.decode(sections.metadata, max(len(sections.metadata), 1))
    except MetadataError as error:
        why = undecodable(sections.metadata, error).explanation
        return (*checks, _failed("metadata", LoadReason.METADATA, str(error), why))
    artefact = Artefact(sections.name, decoded, sections.code, sections.data)
    return (
        *checks,
        _passed("metadata"),
        _runtime_check(artefact, setup),
        *_cap_checks(decoded, setup),
        _profile_check(decoded, setup),
        *_token_checks(artefact, setup, now_s),
        *_form_checks(decoded, setup),
        _code_check(artefact, setup),
    )


def _capacity_checks(sections: Sections, capacity: Capacity) -> Iterator[Check]:
    slot = Slot(0, capacity)
    contents = {
        Section.METADATA: sections.metadata,
        Section.CODE: sections.code,
        Section.DATA: sections.data,
    }
    code_is_in = True
    for section, content in contents.items():
        name = f"capacity of {section}"
        if content is None:
            why = Explanation(f"the {section} section", "none at hand", _NOT_THERE)
            yield _failed(name, LoadReason.OUT_OF_ORDER, f"the {section} is not at hand", why)
            code_is_in = code_is_in and section is not Section.CODE
            continue
        if section is Section.DATA and not code_is_in:
            yield Check(name, Outcome.SKIPPED, detail="data is placed behind the code")
            continue
        try:
            _put(slot, section, content)
        except SectionTooLarge as error:
            yield _failed(name, error.reason, error.problem, _too_large(error, capacity))
            code_is_in = code_is_in and section is not Section.CODE
        else:
            yield _passed(name)


def _put(slot: Slot, section: Section, content: bytes) -> None:
    slot.open(section, len(content))
    if content:
        slot.write(content)


def _too_large(error: SectionTooLarge, capacity: Capacity) -> Explanation:
    shared = capacity.shared_bytes
    cause = None
    if shared is not None and error.section != Section.METADATA:
        cause = f"code, rounded up to 4, and data share {shared} bytes on this board"
    return Explanation(f"at most {error.allowed_bytes} bytes", f"{error.found_bytes} bytes", cause)


def _runtime_check(artefact: Artefact, setup: Setup) -> Check:
    kind = artefact.metadata.container.type
    if kind in setup.runtimes:
        return _passed("runtime")
    error = missing_runtime(kind, setup.runtimes)
    names = ", ".join(error.installed) or "none"
    contradiction = type_problem(artefact)
    cause = contradiction.problem if contradiction else "the device has no such runtime installed"
    why = Explanation(f"one of: {names}", f"{kind.name.lower()} ({kind.value})", cause)
    return _failed("runtime", error.reason, error.problem, why)


def _cap_checks(decoded: Metadata, setup: Setup) -> Iterator[Check]:
    excesses = tuple(setup.caps.of(decoded.uid).excesses(decoded.timing))
    if not excesses:
        yield _passed("caps")
    own = decoded.uid in setup.caps.by_uid
    whose = "the device file's cap for this uid" if own else "the device file's cap for everybody"
    for excess in excesses:
        why = Explanation(excess.allowed_words, excess.found_words, f"{whose} is lower ([caps])")
        yield _failed(f"caps: {excess.field}", LoadReason.CAP_EXCEEDED, str(excess), why)


def _token_checks(artefact: Artefact, setup: Setup, now_s: int) -> Iterator[Check]:
    keys, sequences = setup.trust.keys, setup.sequences
    reports = examine(
        artefact.metadata, artefact.code, artefact.data, setup.trust, now_s, sequences
    )
    for report in reports:
        if report.verification is None:
            detail = "absent, which this device forgives"
            yield Check(report.place, Outcome.SKIPPED, detail=detail, report=report)
            continue
        failure = report.verification.failure
        if failure is None:
            yield replace(_passed(report.place), report=report)
            continue
        detail = f"step {failure.number} ({failure.check}): {failure.detail}"
        why = explain_token(report, artefact, reports, keys, sequences)
        yield replace(_failed(report.place, LoadReason.TOKEN, detail, why), report=report)


def _profile_check(decoded: Metadata, setup: Setup) -> Check:
    profile = profile_of(decoded)
    problem = unaccepted_profile(profile, setup.trust)
    if problem is None:
        return _passed("profile")
    accepted = ", ".join(setup.trust.profiles)
    why = Explanation(f"tokens of {accepted}", f"tokens of {profile}")
    return _failed("profile", LoadReason.PROFILE, problem, why)


def _form_checks(decoded: Metadata, setup: Setup) -> Iterator[Check]:
    objections = tuple(riot_objections(decoded, profile_of(decoded), setup.sequences))
    if not objections:
        yield _passed("form")
    for objection in objections:
        why = Explanation("what riot-2024 allows", objection)
        yield _failed("form", LoadReason.PROFILE, objection, why)


def _code_check(artefact: Artefact, setup: Setup) -> Check:
    runtime = setup.runtimes.get(artefact.metadata.container.type)
    if runtime is None:
        return Check("code", Outcome.SKIPPED, detail="there is no runtime to judge it")
    if artefact.code is None:
        return Check("code", Outcome.SKIPPED, detail="it is not at hand")
    admits = _admission(runtime, setup.capacity)
    problem = admits(artefact.code)
    if problem is None:
        return _passed("code")
    contradiction = type_problem(artefact)
    cause = contradiction.problem if contradiction else _admissible_form(artefact.code, admits)
    expected = f"code that the runtime for {artefact.metadata.container.type.name.lower()} takes"
    why = Explanation(expected, problem, cause)
    return _failed("code", LoadReason.CODE_INADMISSIBLE, problem, why)


def _admission(runtime: Runtime, capacity: Capacity) -> Callable[[bytes], str | None]:
    def problem(code: bytes) -> str | None:
        try:
            admit(runtime, code, capacity.runtime)
        except LoadError as error:
            return error.problem
        return None

    return problem


def _admissible_form(code: bytes, problem: Callable[[bytes], str | None]) -> str | None:
    """Whether the code would be taken if its line breaks or its end were other ones."""
    for variant in accidents(code[:MAX_FILE_BYTES]):
        if variant.content and problem(variant.content) is None:
            return f"the runtime takes this code {variant.words}"
    return None


def _passed(name: str) -> Check:
    return Check(name, Outcome.PASSED)


def _failed(name: str, reason: LoadReason, detail: str, why: Explanation | None) -> Check:
    return Check(name, Outcome.FAILED, reason, detail, why)
