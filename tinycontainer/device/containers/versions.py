"""Versions: a container takes the place of another one with its uid, perhaps until further notice.

The successor is judged while the old one goes on. What happens then is posted as a delete is: the
old one winds down, and when it is erased the successor lies in its slot. A successor that has to be
confirmed keeps the old one in mind until it has completed a loop (ADR 26).
"""

from collections.abc import Callable

from tinycontainer.errors import LoadError, LoadReason
from tinycontainer.text import show
from tinycontainer.trace import Tracer
from tinycontainer.trace.events import ReplacementConfirmed, ReplacementUndone, Replacing

from .change import ChangeInProgress
from .container import Container, Exit, ExitReason, Succession
from .journal import describe
from .judgement import Judgement, Rules, Sections, capacity_checks, decode_bundle, require_all
from .lifecycle import Event, State
from .memory import Slot
from .records import record_refusal


class Versions:
    """Puts one version of a container in the place of another.

    Args:
        rules: what they are judged by.
        epoch_s: the device's time in Unix seconds.
        find: finds a loaded container.
        change: lets the sequence store accept them.
        tracer: records what happens.
    """

    def __init__(
        self,
        rules: Rules,
        epoch_s: Callable[[], int],
        find: Callable[[bytes], Container | None],
        change: ChangeInProgress,
        tracer: Tracer,
    ) -> None:
        self._rules = rules
        self._epoch_s = epoch_s
        self._find = find
        self._change = change
        self._tracer = tracer

    def replace(self, bundle: bytes, within_ns: int | None) -> Container:
        """Let another version take the place of a container, which is DELETING or STOPPING then.

        Args:
            bundle: untrusted bytes; the successor.
            within_ns: how long it may take to complete a loop, or the old one comes back; None if
                it is final.

        Returns:
            The container that is replaced.

        Raises:
            LoadError: the successor is refused; nothing has changed.
        """
        uid = b""
        try:
            sections = Sections.of(decode_bundle(bundle, self._rules.capacity))
            require_all(capacity_checks(sections, self._rules.capacity))
            judgement = self.judgement(sections, to_confirm=within_ns is not None)
            try:
                approved = judgement.require()
            finally:
                uid = judgement.uid
            container = self.require_changeable(uid)
            successor = Container.approved(self._spare_slot(container, sections), approved)
            if container.state is State.RUNNING:
                kept = None if within_ns is None else container
                successor.succession = Succession(
                    starts=True, predecessor=kept, within_ns=within_ns or 0
                )
            starts = successor.succession is not None
            if within_ns is None:
                self._change.make(
                    lambda: self.supersede(container, successor),
                    lambda: (describe(successor, wants_to_run=starts),),
                    successor.grant.accepted,
                    told=lambda: (replacing(successor),),
                )
            else:  # what has to be confirmed is recorded with its confirmation
                self._change.make(lambda: self.supersede(container, successor), None)
        except LoadError as error:
            record_refusal(self._tracer, "replace", uid, error)
            raise
        return container

    def judgement(self, sections: Sections, *, to_confirm: bool) -> Judgement:
        """How the successor of a loaded container is judged.

        Args:
            sections: the successor.
            to_confirm: whether it has to be confirmed.
        """

        def require_replaceable(uid: bytes) -> None:
            container = self.require_changeable(uid)
            if to_confirm and container.state is not State.RUNNING:
                problem = "only the successor of a container that runs can be confirmed"
                raise LoadError(LoadReason.WRONG_STATE, problem)

        return Judgement(self._rules, sections, self._epoch_s(), require_replaceable)

    def require_changeable(self, uid: bytes) -> Container:
        """The container with a uid, if it can be changed or replaced.

        Raises:
            LoadError: it is not loaded, or not in a state for that.
        """
        container = self._find(uid)
        if container is None:
            raise LoadError(LoadReason.UNKNOWN_UID, f"no container {show(uid)} is loaded")
        if container.state not in (State.READY, State.RUNNING):
            raise LoadError(LoadReason.WRONG_STATE, f"not possible in state {container.state}")
        if container.is_unconfirmed:
            problem = "not possible until its last replacement is confirmed or undone"
            raise LoadError(LoadReason.WRONG_STATE, problem)
        if container.state is State.READY and container.is_to_run:
            problem = "not possible until the update that it is part of is complete"
            raise LoadError(LoadReason.WRONG_STATE, problem)
        return container

    def confirm(self, container: Container) -> bool:
        """Make a container final that has completed a loop.

        Returns:
            Whether it is; otherwise its tokens could not be accepted, and the old one comes back.
        """

        def make() -> None:
            is_new = container.is_unconfirmed
            _make_final(container)
            if is_new:  # an interrupt can let it be made twice (ADR 21)
                self._tracer.mark(ReplacementConfirmed(container.uid))

        try:
            self._change.make(
                make,
                lambda: (describe(container, wants_to_run=container.state is State.RUNNING),),
                container.grant.accepted,
                told=lambda: (ReplacementConfirmed(container.uid),),
            )
        except LoadError as error:
            record_refusal(self._tracer, "replace", container.uid, error)
            self.undo(container, error.problem)
            return False
        return True

    def undo(self, container: Container, problem: str) -> None:
        """Let the version of before take the place of one that is not confirmed.

        Args:
            container: DELETING or STOPPING afterwards.
            problem: why.
        """
        succession = container.succession
        if succession is None or succession.predecessor is None:
            return
        self._tracer.mark(ReplacementUndone(container.uid, problem))
        revived = succession.predecessor.revived(starts=container.predecessor_starts)
        end = Exit(ExitReason.UNCONFIRMED)
        container.apply(Event.DELETE, self._tracer, str(end), end, revived)

    def _spare_slot(self, container: Container, sections: Sections) -> Slot:
        slot = Slot(container.slot.number, self._rules.capacity)
        slot.fill(sections.contents())
        slot.uid = container.uid
        return slot

    def supersede(self, container: Container, successor: Container | None) -> None:
        """Let a container wind down, and another version take its place then.

        Args:
            container: DELETING or STOPPING afterwards.
            successor: what takes its place; None if it is deleted.
        """
        if container.is_leaving and container.successor is successor:
            return  # an interrupt lets it be done twice (ADR 21)
        if successor is None:
            container.apply(Event.DELETE, self._tracer, end=Exit(ExitReason.DELETED))
            return
        self._tracer.mark(replacing(successor))
        end = Exit(ExitReason.REPLACED)
        container.apply(Event.DELETE, self._tracer, str(end), end, successor)


def replacing(successor: Container) -> Replacing:
    """The event of a version that takes the place of another."""
    succession = successor.succession
    is_on_trial = succession is not None and succession.predecessor is not None
    return Replacing(successor.uid, succession.within_ns if succession and is_on_trial else 0)


def _make_final(container: Container) -> None:
    succession, container.succession = container.succession, None
    if succession is not None and succession.predecessor is not None:
        succession.predecessor.slot.erase()
