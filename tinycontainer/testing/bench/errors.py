"""How a test on the bench fails: a step that was not met, or a bench that was used wrongly."""

from typing import Protocol


class StepNotMet(AssertionError):
    """The device did not do what a step of a test asks for; the text says what it did instead."""


class BenchMisused(Exception):
    """A test asks the bench for something that is not there; the text says what there is."""


class CaughtError(Protocol):
    """What pytest knows of an exception that has ended a test."""

    @property
    def value(self) -> BaseException:
        """The exception."""
        ...


def hides_frames(caught: CaughtError) -> bool:
    """Whether pytest leaves the frames of a module with this ``__tracebackhide__`` out.

    The place that matters is the line of the test; of any other error all is shown.
    """
    return isinstance(caught.value, StepNotMet | BenchMisused)
