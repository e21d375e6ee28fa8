"""Admission of a module, the same on every engine: our own scan, then full type validation."""

from tinycontainer.interfaces.runtime import RuntimeLimits

from .scan import Module, scan
from .validator import Validator


def judge(code: bytes, limits: RuntimeLimits, validator: Validator) -> Module:
    """Judge untrusted code before any engine sees it.

    Args:
        code: what is offered as a module.
        limits: what it may ask for.
        validator: judges its types.

    Returns:
        What the scan learned of it.

    Raises:
        InadmissibleCode: with the place and the reason.
    """
    module = scan(code, limits)
    validator.validate(code)
    return module
