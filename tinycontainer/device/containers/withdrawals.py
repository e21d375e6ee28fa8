"""Withdrawals: the owner of a device takes back every right of a container, by one token alone.

The token is one of the mask that allows no call. It is judged as in a bundle, and its sequence
overtakes every mask token of before, so that no older bundle is accepted any more (ADR 42). Clauses
TC-TOK-33 and TC-LOAD-19.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from tinycontainer.errors import LoadError, LoadReason, TokenNotAccepted
from tinycontainer.interfaces.syscalls import mask_from_bytes
from tinycontainer.state import StoredContainer
from tinycontainer.trace import TraceEvent, Tracer
from tinycontainer.trace.events import Withdrawn
from tinycontainer_tokens import Accepted, Expectation, Kind, Profile, SequenceSubject, verify

from .change import ChangeInProgress
from .container import Container
from .journal import after_event
from .judgement import Rules, refusing_without_store
from .lifecycle import Event
from .records import deleting, record_refusal
from .verification import profile_refusal
from .versions import Versions

_PLACE: Final = "mask token"


class Withdrawals:
    """Takes back the rights of containers.

    Args:
        rules: what a token is judged by.
        epoch_s: the device's time in Unix seconds.
        find: finds a loaded container.
        versions: lets a container wind down, and nothing take its place.
        change: records what is accepted.
        tracer: records what happens.
    """

    def __init__(
        self,
        rules: Rules,
        epoch_s: Callable[[], int],
        find: Callable[[bytes], Container | None],
        versions: Versions,
        change: ChangeInProgress,
        tracer: Tracer,
    ) -> None:
        self._rules = rules
        self._epoch_s = epoch_s
        self._find = find
        self._versions = versions
        self._change = change
        self._tracer = tracer

    def withdraw(self, uid: bytes, token: bytes) -> Container | None:
        """Accept a withdrawal, and delete the container if it is loaded.

        Args:
            uid: of the container.
            token: untrusted bytes.

        Returns:
            The container, which is DELETING or STOPPING then; None if there is nothing to delete.

        Raises:
            LoadError: it is refused; nothing has changed.
        """
        subject = SequenceSubject(uid, Kind.MASK)
        try:
            with refusing_without_store():
                accepted = self._judge(uid, token)
                is_known = self._rules.sequences.newest(subject) == accepted
            container = self._find_staying(uid)
            _require_another(subject, accepted, container)
            told = () if is_known and container is None else _milestones(uid, accepted, container)
            self._make(subject, accepted, container, told)
        except LoadError as error:
            record_refusal(self._tracer, "withdraw", uid, error)
            raise
        return container

    def _judge(self, uid: bytes, token: bytes) -> Accepted:
        not_accepted = profile_refusal(Profile.RFC9052, self._rules.trust)
        if not_accepted is not None:
            raise not_accepted
        expected = Expectation(
            kind=Kind.MASK,
            profile=Profile.RFC9052,
            uid=uid,
            now_s=self._epoch_s(),
            audience=self._rules.trust.device_id,
        )
        found = verify(token, expected, self._rules.trust.keys, self._rules.sequences)
        if found.failure is not None:
            number, check, _, detail = found.failure
            raise TokenNotAccepted(_PLACE, number, check, detail)
        mask = mask_from_bytes(found.require().mask or b"")
        if mask:
            problem = f"{_PLACE}: allows {mask:#x}; that of a withdrawal allows no call"
            raise LoadError(LoadReason.BAD_REQUEST, problem)
        if found.accepted is None:
            raise RuntimeError("a mask token of rfc9052 has a sequence")
        return found.accepted

    def _find_staying(self, uid: bytes) -> Container | None:
        """The container with a uid, unless it leaves already and nothing takes its place."""
        container = self._find(uid)
        if container is None or (container.is_leaving and container.successor is None):
            return None
        return container

    def _make(
        self,
        subject: SequenceSubject,
        accepted: Accepted,
        container: Container | None,
        told: Sequence[TraceEvent],
    ) -> None:
        withdrawn = deque(event for event in told if isinstance(event, Withdrawn))

        def make() -> None:
            while withdrawn:  # once, also if this is done twice (ADR 21)
                self._tracer.mark(withdrawn.popleft())
            if container is not None:
                self._versions.supersede(container, None)

        def after() -> tuple[StoredContainer | int, ...]:
            return () if container is None else (after_event(container, Event.DELETE, None),)

        self._change.make(make, after, ((subject, accepted),), told=lambda: told)


def _require_another(
    subject: SequenceSubject, accepted: Accepted, container: Container | None
) -> None:
    """Refuse the mask token of the very container: its bundle could be loaded again.

    Raises:
        LoadError: it is that.
    """
    staying = None if container is None else container.successor or container
    if staying is not None and (subject, accepted) in staying.grant.accepted:
        number = accepted.sequence
        problem = f"{_PLACE}: is that of the loaded container; sign one with more than {number}"
        raise LoadError(LoadReason.TOKEN, problem)


def _milestones(
    uid: bytes, accepted: Accepted, container: Container | None
) -> tuple[TraceEvent, ...]:
    withdrawn = Withdrawn(uid, accepted.sequence)
    return (withdrawn,) if container is None else (withdrawn, deleting(container))
