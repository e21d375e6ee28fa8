"""Why a device would not load a container: what would have passed, and the likely cause.

The checks are the device's own (`device.containers.judgement`), made for an empty device. Nothing
is recorded: a load would remember the accepted sequences, this does not. Clause TC-LOAD-09.
"""

from dataclasses import dataclass
from typing import Final

from tinycontainer.device.containers.judgement import (
    CAPACITY_OF,
    Judgement,
    LoadCheck,
    Sections,
    admit,
    capacity_checks,
    decode_bundle,
    passed,
    refused,
)
from tinycontainer.device.containers.limits import Excess
from tinycontainer.device.setup import Setup
from tinycontainer.errors import (
    CapExceeded,
    LoadError,
    MetadataError,
    ProfileNotAccepted,
    RuntimeMissing,
    SectionTooLarge,
)
from tinycontainer.metadata import Bundle, Metadata

from ..artefact.artefact import Artefact
from .causes.load import explain_capacity, explain_code, explain_missing_runtime
from .causes.token import explain_token
from .explanation import Explanation
from .undecodable import explain_undecodable

_NOT_THERE: Final = "give --code and --data, or the bundle"


@dataclass(frozen=True, slots=True)
class ExplainedCheck:
    """One check of a load, explained.

    Attributes:
        check: how it ended.
        explanation: for a failure, what would have passed, and the likely cause.
    """

    check: LoadCheck
    explanation: Explanation | None = None


def explain_bundle(
    name: str, content: bytes, setup: Setup, now_s: int
) -> tuple[ExplainedCheck, ...]:
    """Make every check of a load of a bundle on an empty device, and explain what fails.

    Args:
        name: of the file, fit to be shown.
        content: untrusted bytes.
        setup: the device.
        now_s: its time in Unix seconds.
    """
    first = ExplainedCheck(passed("bundle"))
    try:
        parts = decode_bundle(content, setup.capacity)
    except LoadError as refusal:
        check = refused("bundle", refusal)
        try:  # a bundle that is too long is opened all the same, to judge its sections
            parts = Bundle.decode(content, max(len(content), setup.capacity.bundle_bytes))
        except MetadataError as error:
            return (ExplainedCheck(check, explain_undecodable(content, error).explanation),)
        longest = f"a bundle of at most {setup.capacity.bundle_bytes} bytes"
        first = ExplainedCheck(check, Explanation(longest, f"{len(content)} bytes"))
    return (first, *explain_sections(name, Sections.of(parts), setup, now_s))


def explain_sections(
    name: str, sections: Sections, setup: Setup, now_s: int
) -> tuple[ExplainedCheck, ...]:
    """Make every check of a load, section by section, on an empty device, and explain what fails.

    Args:
        name: of the container, fit to be shown.
        sections: the container.
        setup: the device.
        now_s: its time in Unix seconds.
    """
    judgement = Judgement(setup.rules, sections, now_s)
    checks = (*capacity_checks(sections, setup.capacity), *judgement.checks())
    explaining = _Explaining(name, sections, setup, judgement)
    return tuple(ExplainedCheck(check, explaining.explain(check)) for check in checks)


@dataclass(frozen=True, slots=True)
class _Explaining:
    """Explains the checks of a judgement that was made."""

    name: str
    sections: Sections
    setup: Setup
    judgement: Judgement

    def explain(self, check: LoadCheck) -> Explanation | None:
        """What would have passed, and the likely cause; None if the check did not fail."""
        refusal = check.refusal
        if refusal is None:
            return None
        match refusal:
            case SectionTooLarge():
                return explain_capacity(refusal, self.setup.capacity)
            case CapExceeded():
                return self._explain_cap(refusal)
            case ProfileNotAccepted():
                accepted = ", ".join(refusal.allowed)
                return Explanation(f"tokens of {accepted}", f"tokens of {refusal.found}")
        if check.name.startswith(CAPACITY_OF):
            section = check.name.removeprefix(CAPACITY_OF)
            return Explanation(f"the {section} section", "none at hand", _NOT_THERE)
        if self.judgement.metadata is None:
            error = refusal.__cause__
            if not isinstance(error, MetadataError):
                return None
            return explain_undecodable(self.sections.metadata, error).explanation
        return self._explain_contents(check, refusal, self.judgement.metadata)

    def _explain_contents(
        self, check: LoadCheck, refusal: LoadError, metadata: Metadata
    ) -> Explanation | None:
        artefact = Artefact(self.name, metadata, self.sections.code, self.sections.data)
        reports, setup = self.judgement.reports, self.setup
        if isinstance(refusal, RuntimeMissing):
            return explain_missing_runtime(refusal, artefact)
        if check.report is not None:
            keys = setup.trust.keys
            return explain_token(check.report, artefact, reports, keys, setup.sequences)
        if check.name == "code" and artefact.code is not None:
            return explain_code(refusal, artefact.code, artefact, self._refusal_of)
        expected = "what riot-2024 allows" if check.name == "form" else "a store that can be read"
        return Explanation(expected, refusal.problem)

    def _explain_cap(self, refusal: CapExceeded) -> Explanation:
        caps = self.setup.caps
        whose = "this uid" if self.judgement.uid in caps.by_uid else "everybody"
        excess = Excess(refusal.field, refusal.found, refusal.allowed)
        cause = f"the device file's cap for {whose} is lower ([caps])"
        return Explanation(excess.allowed_words, excess.found_words, cause)

    def _refusal_of(self, code: bytes) -> LoadError | None:
        """Why the same runtime does not admit other code; None if it does."""
        metadata = self.judgement.metadata
        runtime = None if metadata is None else self.setup.runtimes.get(metadata.container.type)
        try:
            if runtime is not None:
                admit(runtime, code, self.setup.capacity.runtime)
        except LoadError as error:
            return error
        return None
