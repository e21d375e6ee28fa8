"""A change of a container: recorded first, made then, and never half."""

from collections.abc import Callable
from contextlib import suppress

from tinycontainer_tokens import SequenceStore, SequenceStoreError

from .journal import AcceptedTokens, AfterChange, Journal, Told
from .judgement import refusing_without_store


class ChangeInProgress:
    """One change at a time.

    Args:
        sequences: what was accepted before.
        journal: records what is accepted and what the slots hold.
    """

    def __init__(self, sequences: SequenceStore, journal: Journal) -> None:
        self._sequences = sequences
        self._journal = journal
        self._change: tuple[AcceptedTokens, Callable[[], None]] | None = None

    def make(
        self,
        make: Callable[[], None],
        after: AfterChange | None,
        accepted: AcceptedTokens = (),
        told: Told | None = None,
    ) -> None:
        """Let a change be recorded, then make it.

        Args:
            make: makes it; an interrupt can let this be done twice (ADR 21).
            after: what slots hold then; None if that stays as it is recorded.
            accepted: what is accepted with it.
            told: the milestones that tell of it, which are marked when it is made; None for none.

        Raises:
            LoadError: it cannot be recorded; nothing has changed.
        """
        self._journal.begin_change()
        self._change = accepted, make
        try:
            with refusing_without_store():
                self._journal.record(accepted, after, told)
        except Exception:
            self._change = None
            raise
        make()
        self._change = None

    def recover(self) -> None:
        """Make an interrupted change whose tokens are recorded: without it, that would be half."""
        if self._change is None:
            return
        accepted, make = self._change
        with suppress(SequenceStoreError):
            if all(self._sequences.newest(subject) == each for subject, each in accepted):
                make()
        self._change = None  # only now: this may be interrupted, too
