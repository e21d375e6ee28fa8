"""Why a load is refused for something that is no token: a section, the type, the code."""

from collections.abc import Callable

from tinycontainer.device.containers.limits import MAX_BUNDLE_BYTES, Capacity
from tinycontainer.device.containers.memory import Section
from tinycontainer.errors import InadmissibleCode, LoadError, RuntimeMissing, SectionTooLarge

from ...artefact.artefact import Artefact
from ..contradictions import find_type_problem
from ..explanation import Explanation
from .variants import list_accidents


def explain_capacity(error: SectionTooLarge, capacity: Capacity) -> Explanation:
    """Explain why a section does not fit."""
    cause = None
    if capacity.shared_bytes is not None and error.section != Section.METADATA:
        shared = f"share {capacity.shared_bytes} bytes on this board"
        cause = f"code, rounded up to 4, and data {shared}"
    return Explanation(f"at most {error.allowed_bytes} bytes", f"{error.found_bytes} bytes", cause)


def explain_missing_runtime(error: RuntimeMissing, artefact: Artefact) -> Explanation:
    """Explain why no runtime fits: the device has none of this type, or the type is wrong."""
    contradiction = find_type_problem(artefact)
    cause = "the device has no such runtime installed"
    if contradiction is not None:
        cause = contradiction.problem
    installed = ", ".join(error.installed) or "none"
    found = f"{error.type_name} ({error.type_number})"
    return Explanation(f"one of: {installed}", found, cause)


def explain_code(
    error: LoadError,
    code: bytes,
    artefact: Artefact,
    refusal_of: Callable[[bytes], LoadError | None],
) -> Explanation:
    """Explain why a runtime does not admit code.

    Args:
        error: the refusal.
        code: what was refused.
        artefact: the container that it belongs to.
        refusal_of: asks the same runtime about other code; returns None if it admits that.
    """
    contradiction = find_type_problem(artefact)
    if contradiction is not None:
        cause: str | None = contradiction.problem
    else:
        variants = (each for each in list_accidents(code[:MAX_BUNDLE_BYTES]) if each.content)
        fitting = next((each for each in variants if refusal_of(each.content) is None), None)
        cause = f"the runtime admits this code {fitting.words}" if fitting else _remedy_of(error)
    kind = artefact.metadata.container.type.name.lower()
    return Explanation(f"code that the runtime for {kind} admits", error.problem, cause)


def _remedy_of(error: LoadError) -> str | None:
    """What the runtime itself says about how the code could be admitted."""
    refusal = error.__cause__
    return refusal.remedy or None if isinstance(refusal, InadmissibleCode) else None
