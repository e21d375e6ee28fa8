"""Whether a device would load a container: every check of a load, with the reason of each refusal.

The checks are the device's own steps in its order; the numbers are repeated below. A load ends at
the first that is refused. Here the others are made too, as far as they can be judged without it.

 1. bundle    one bundle of the right form, not longer than the device takes
 2. capacity  metadata, code and data fit into an empty slot
 3. metadata  it can be decoded
 4. runtime   the device runs this type of container
 5. caps      the timing stays within the device file's caps
 6. profile, tokens, form (`verification`, steps 1 to 3)
 7. code      the runtime admits it

Nothing is recorded: a load would remember the accepted sequences, this does not. Clause TC-LOAD-09.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tinycontainer import metadata as metadata_codec
from tinycontainer.device.containers.controller import admit, require_runtime
from tinycontainer.device.containers.limits import Capacity
from tinycontainer.device.containers.memory import Section, Slot
from tinycontainer.device.containers.verification import (
    TokenReport,
    form_refusals,
    profile_of,
    profile_refusal,
    verify_tokens,
)
from tinycontainer.device.device import Setup
from tinycontainer.errors import (
    LoadError,
    LoadReason,
    MetadataError,
    RuntimeMissing,
    SectionTooLarge,
)
from tinycontainer.metadata import Bundle
from tinycontainer_tokens import StepOutcome

from ..artefact.artefact import Artefact
from .causes.load import explain_capacity, explain_code, explain_missing_runtime
from .causes.token import explain_token
from .explanation import Explanation
from .undecodable import explain_undecodable

_NOT_THERE: Final = "give --code and --data, or the bundle"


@dataclass(frozen=True, slots=True)
class LoadCheck:
    """One check of a load.

    Attributes:
        name: what was looked at, such as ``capacity of code``.
        outcome: how it ended.
        detail: what is wrong, or why it was skipped.
        refusal: for a failure, the error that a load would end with.
        explanation: for a failure, what would have passed, and the likely cause.
        report: for a token, the steps of its verification.
    """

    name: str
    outcome: StepOutcome
    detail: str = ""
    refusal: LoadError | None = None
    explanation: Explanation | None = None
    report: TokenReport | None = None

    @property
    def failed(self) -> bool:
        """Whether a load ends here."""
        return self.refusal is not None

    @property
    def reason(self) -> LoadReason | None:
        """The reason that a load would name; None if it does not end here."""
        return None if self.refusal is None else self.refusal.reason


@dataclass(frozen=True, slots=True)
class Sections:
    """A container that is to be loaded.

    Attributes:
        name: fit to be shown.
        metadata: untrusted bytes.
        code: the code section; None if it is not at hand.
        data: the data section; None if it is not at hand.
    """

    name: str
    metadata: bytes
    code: bytes | None
    data: bytes | None


def judge_bundle(name: str, content: bytes, setup: Setup, now_s: int) -> tuple[LoadCheck, ...]:
    """Make every check of a load of a bundle on an empty device.

    Args:
        name: of the file, fit to be shown.
        content: untrusted bytes.
        setup: the device.
        now_s: its time in Unix seconds.
    """
    limit_bytes = setup.capacity.bundle_bytes
    size_bytes = len(content)
    try:
        # A bundle that is too long is opened all the same, to judge its sections.
        parts = Bundle.decode(content, max(size_bytes, limit_bytes))
    except MetadataError as error:
        refusal = LoadError.from_metadata_error(LoadReason.BUNDLE, error)
        return (_refused("bundle", refusal, explain_undecodable(content, error).explanation),)
    first = _passed("bundle")
    if size_bytes > limit_bytes:
        problem = f"{size_bytes} bytes where at most {limit_bytes} are allowed"
        why = Explanation(f"a bundle of at most {limit_bytes} bytes", f"{size_bytes} bytes")
        first = _refused("bundle", LoadError(LoadReason.BUNDLE, problem), why)
    sections = Sections(name, parts.metadata, parts.code, parts.data)
    return (first, *judge_sections(sections, setup, now_s))


def judge_sections(sections: Sections, setup: Setup, now_s: int) -> tuple[LoadCheck, ...]:
    """Make every check of a load, section by section, on an empty device.

    Args:
        sections: the container.
        setup: the device.
        now_s: its time in Unix seconds.
    """
    checks = list(_capacity_checks(sections, setup.capacity))
    try:
        # Too long metadata was refused above; it is decoded all the same, to judge its fields.
        decoded = metadata_codec.decode(sections.metadata, max(len(sections.metadata), 1))
    except MetadataError as error:
        refusal = LoadError.from_metadata_error(LoadReason.METADATA, error)
        why = explain_undecodable(sections.metadata, error).explanation
        return (*checks, _refused("metadata", refusal, why))
    artefact = Artefact(sections.name, decoded, sections.code, sections.data)
    return (
        *checks,
        _passed("metadata"),
        _runtime_check(artefact, setup),
        *_cap_checks(artefact, setup),
        *_token_checks(artefact, setup, now_s),
        _code_check(artefact, setup),
    )


def _capacity_checks(sections: Sections, capacity: Capacity) -> Iterator[LoadCheck]:  # 2
    slot = Slot(0, capacity)
    code_is_in = False
    for section, content in (
        (Section.METADATA, sections.metadata),
        (Section.CODE, sections.code),
        (Section.DATA, sections.data),
    ):
        name = f"capacity of {section}"
        if content is None:
            refusal = LoadError(LoadReason.OUT_OF_ORDER, f"the {section} is not at hand")
            why = Explanation(f"the {section} section", "none at hand", _NOT_THERE)
            yield _refused(name, refusal, why)
        elif section is Section.DATA and not code_is_in:
            # Where data begins, and so how much of it fits, depends on the code.
            yield LoadCheck(name, StepOutcome.SKIPPED, "data is placed after the code")
        else:
            try:
                slot.put(section, content)
            except SectionTooLarge as error:
                yield _refused(name, error, explain_capacity(error, capacity))
            else:
                yield _passed(name)
                code_is_in = section is Section.CODE


def _runtime_check(artefact: Artefact, setup: Setup) -> LoadCheck:  # 4
    try:
        require_runtime(artefact.metadata.container.type, setup.runtimes)
    except RuntimeMissing as error:
        return _refused("runtime", error, explain_missing_runtime(error, artefact))
    return _passed("runtime")


def _cap_checks(artefact: Artefact, setup: Setup) -> Iterator[LoadCheck]:  # 5
    uid = artefact.metadata.uid
    excesses = tuple(setup.caps.of(uid).excesses(artefact.metadata.timing))
    if not excesses:
        yield _passed("caps")
    whose = "this uid" if uid in setup.caps.by_uid else "everybody"
    cause = f"the device file's cap for {whose} is lower ([caps])"
    for excess in excesses:
        why = Explanation(excess.allowed_words, excess.found_words, cause)
        yield _refused(f"caps: {excess.field}", excess.refusal, why)


def _token_checks(artefact: Artefact, setup: Setup, now_s: int) -> Iterator[LoadCheck]:  # 6
    metadata = artefact.metadata
    profile = profile_of(metadata)
    not_accepted = profile_refusal(profile, setup.trust)
    if not_accepted is None:
        yield _passed("profile")
    else:
        accepted = ", ".join(not_accepted.allowed)
        why = Explanation(f"tokens of {accepted}", f"tokens of {not_accepted.found}")
        yield _refused("profile", not_accepted, why)
    reports = verify_tokens(
        metadata, artefact.code, artefact.data, setup.trust, now_s, setup.sequences
    )
    for report in reports:
        yield _token_check(report, artefact, reports, setup)
    form_is_right = True
    for refusal in form_refusals(metadata, profile, setup.sequences):
        form_is_right = False
        yield _refused("form", refusal, Explanation("what riot-2024 allows", refusal.problem))
    if form_is_right:
        yield _passed("form")


def _token_check(
    report: TokenReport, artefact: Artefact, reports: tuple[TokenReport, ...], setup: Setup
) -> LoadCheck:
    if report.verification is None:
        detail = "absent, which this device accepts"
        return LoadCheck(report.place, StepOutcome.SKIPPED, detail, report=report)
    refusal = report.refusal
    if refusal is None:
        return LoadCheck(report.place, StepOutcome.PASSED, report=report)
    detail = f"step {refusal.step_number} ({refusal.check}): {refusal.detail}"
    why = explain_token(report, artefact, reports, setup.trust.keys, setup.sequences)
    return LoadCheck(report.place, StepOutcome.FAILED, detail, refusal, why, report)


def _code_check(artefact: Artefact, setup: Setup) -> LoadCheck:  # 7
    container_type = artefact.metadata.container.type
    runtime = setup.runtimes.get(container_type)
    if runtime is None:
        return LoadCheck("code", StepOutcome.SKIPPED, "there is no runtime to judge it")
    if artefact.code is None:
        return LoadCheck("code", StepOutcome.SKIPPED, "it is not at hand")

    def refusal_of(code: bytes) -> LoadError | None:
        try:
            admit(runtime, code, setup.capacity.runtime)
        except LoadError as error:
            return error
        return None

    refusal = refusal_of(artefact.code)
    if refusal is None:
        return _passed("code")
    return _refused("code", refusal, explain_code(refusal, artefact.code, artefact, refusal_of))


def _passed(name: str) -> LoadCheck:
    return LoadCheck(name, StepOutcome.PASSED)


def _refused(name: str, refusal: LoadError, why: Explanation | None) -> LoadCheck:
    return LoadCheck(name, StepOutcome.FAILED, refusal.problem, refusal, why)
