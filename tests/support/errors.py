"""Catches the one error that a call must raise, so that a test can look at it."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import pytest

Parameters = ParamSpec("Parameters")
Raised = TypeVar("Raised", bound=Exception)


def catch_error(
    kind: type[Raised],
    call: Callable[Parameters, object],
    *arguments: Parameters.args,
    **options: Parameters.kwargs,
) -> Raised:
    """The error that a call raises; the test fails if there is none, or one of another kind."""
    with pytest.raises(kind) as caught:
        call(*arguments, **options)
    return caught.value
