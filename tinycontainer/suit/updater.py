"""The updater: an envelope from its first byte to the change of the device.

    examine -> process, with payloads from outside -> the device changes, or nothing does

Whatever refuses an update, the device records it with its reason. Clauses TC-UPD-05, TC-UPD-19 and
TC-UPD-24.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TypeAlias

from tinycontainer.errors import ContainerRefused, UpdateReason, UpdateRefused
from tinycontainer.interfaces.updating import ContainerChange, Updatable, UpdateSection
from tinycontainer.text import show

from .processor import PayloadRequest, process
from .rules import UpdateRules
from .verification import Examination, Examined, examine, require_newest

Fetch: TypeAlias = Callable[[PayloadRequest], "bytes | None"]
"""Fetches a payload; None if there is none to be had."""


@dataclass(frozen=True, slots=True)
class UpdateOutcome:
    """An update that was accepted.

    Attributes:
        sequence: its number.
        digest: SHA-256 of its manifest.
        uids: of the containers that it is about.
        is_repetition: whether all of it was there already, so that nothing has changed.
    """

    sequence: int
    digest: bytes
    uids: tuple[bytes, ...]
    is_repetition: bool


Updating: TypeAlias = Generator[PayloadRequest, "bytes | None", UpdateOutcome]
"""Asks for payloads, is sent each (None if there is none to be had), returns the outcome."""


def fetch_nothing(_request: PayloadRequest) -> None:
    """What fetches payloads where nothing can be fetched."""


class Updater:
    """Updates one device.

    Args:
        rules: who may update it, and what has to be fulfilled.
        target: the device.
    """

    def __init__(self, rules: UpdateRules, target: Updatable) -> None:
        self._rules = rules
        self._target = target

    def apply(self, content: bytes, fetch: Fetch = fetch_nothing) -> UpdateOutcome:
        """Apply an envelope, all of it or nothing.

        Args:
            content: untrusted bytes.
            fetch: fetches what the envelope does not carry.

        Raises:
            UpdateRefused: it is refused; nothing has changed.
            SequenceStoreError: it cannot be looked up what was accepted before.
        """
        updating = self.begin(self.examine(content).require())
        try:
            request = next(updating)
            while True:
                request = updating.send(fetch(request))
        except StopIteration as end:
            outcome: UpdateOutcome = end.value
            return outcome

    def examine(self, content: bytes) -> Examination:
        """Make the steps before anything is carried out; a refusal is recorded.

        Args:
            content: untrusted bytes.

        Raises:
            SequenceStoreError: it cannot be looked up what was accepted before.
        """
        found = examine(content, self._rules.keys, self._target)
        if found.refusal is not None:
            self._record(found.refusal)
        return found

    def begin(self, examined: Examined) -> Updating:
        """Carry out an envelope that was examined; the device changes at the end, in one step.

        Args:
            examined: what was accepted.

        Raises:
            UpdateRefused: it is refused; nothing has changed.
        """
        try:
            changes = yield from process(examined, self._rules, self._target)
            # Another update can have been accepted while payloads were fetched.
            require_newest(examined, self._target)
        except UpdateRefused as refusal:
            self._record(refusal)
            raise
        number = examined.number
        is_repetition = self._is_repetition(examined, changes)
        if not is_repetition:
            self._change(changes, examined)
        return UpdateOutcome(number.sequence, number.token_sha256, examined.uids, is_repetition)

    def _is_repetition(self, examined: Examined, changes: tuple[ContainerChange, ...]) -> bool:
        """Whether this update was accepted before, and what it brings is still there."""
        return all(
            self._target.newest_update(change.uid) == examined.number and self._is_there(change)
            for change in changes
        )

    def _is_there(self, change: ContainerChange) -> bool:
        if not change.sections:
            return self._target.installed(change.uid, UpdateSection.METADATA) is None
        return all(
            self._target.installed(change.uid, section) == content
            for section, content in change.sections.items()
        )

    def _change(self, changes: tuple[ContainerChange, ...], examined: Examined) -> None:
        try:
            self._target.change_together(changes, examined.number)
        except ContainerRefused as error:  # the device has recorded it
            place = show(error.uid) if error.uid else ""
            raise UpdateRefused(
                UpdateReason.CONTAINER, place, str(error), uid=error.uid, refusal=error.refusal
            ) from error

    def _record(self, refusal: UpdateRefused) -> None:
        problem = ": ".join(part for part in (refusal.place, refusal.problem) if part)
        self._target.refuse_update(refusal.uid, refusal.reason, problem)
