"""A change of a container: accepted by the sequence store first, made then, and never half."""

from collections.abc import Callable
from contextlib import suppress

from tinycontainer_tokens import SequenceStore, SequenceStoreError

from .judgement import refusing_without_store
from .verification import Grant


class ChangeInProgress:
    """One change at a time.

    Args:
        sequences: what was accepted before.
    """

    def __init__(self, sequences: SequenceStore) -> None:
        self._sequences = sequences
        self._change: tuple[Grant, Callable[[], None]] | None = None

    def make(self, granted: Grant, make: Callable[[], None]) -> None:
        """Let the sequence store accept the tokens of a change, then make it.

        Args:
            granted: what its tokens allow.
            make: makes it; an interrupt can let this be done twice (ADR 21).

        Raises:
            LoadError: the store does not accept them; nothing has changed.
        """
        self._change = granted, make
        try:
            # It judges once more: another device may have accepted a newer token meanwhile.
            with refusing_without_store():
                self._sequences.accept(granted.accepted)
        except Exception:
            self._change = None
            raise
        make()
        self._change = None

    def recover(self) -> None:
        """Make an interrupted change whose tokens are recorded: without it, that would be half."""
        if self._change is None:
            return
        granted, make = self._change
        with suppress(SequenceStoreError):
            if all(self._sequences.newest(subject) == each for subject, each in granted.accepted):
                make()
        self._change = None  # only now: this may be interrupted, too
