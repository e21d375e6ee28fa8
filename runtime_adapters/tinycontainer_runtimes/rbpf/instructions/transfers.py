"""``call`` and ``exit``: both leave the run of steps, so that the machine takes over."""

from .step import Called, Exited


def call() -> int:
    """Let the machine call a helper; it goes on behind this instruction."""
    raise Called


def leave() -> int:
    """End the program; r0 is its result."""
    raise Exited
