"""`DeviceState`: what a device asks of whatever remembers for it."""

from typing import Protocol

from tinycontainer_tokens import SequenceStore

from .remembered import Boot, SetAside, StateChange, StoredContainer, StoredEvents


class DeviceState(SequenceStore, Protocol):
    """What a device remembers across its runs.

    A failure is a `StateFileError`, and nothing has changed.
    """

    def record(self, change: StateChange) -> None:
        """Record a change: all of it, or nothing. When this returns, it outlasts a power cut.

        Raises:
            SequenceOvertaken: a newer token or update was accepted, or another of the same number.
            StateFileError: it cannot be recorded.
        """
        ...

    def containers(self) -> tuple[StoredContainer, ...]:
        """All containers, by slot."""
        ...

    def begin_boot(self, now_s: int) -> Boot:
        """Count a boot.

        Args:
            now_s: Unix seconds, as far as the host knows.

        Returns:
            What is remembered from now on: ``time_s`` is ``now_s``, or what was remembered if that
            is later.
        """
        ...

    def remembered(self) -> Boot:
        """The boots and the time; nothing is counted."""
        ...

    def events(self, since: int, most: int) -> StoredEvents:
        """Events that are kept.

        Args:
            since: only events with a higher number; 0 for all.
            most: the oldest of them, as many as this.
        """
        ...

    def event_chain(self, number: int) -> bytes:
        """The value of the hash chain over events, 32 bytes (see `extend_chain`).

        Args:
            number: the value after the event of this number; after the newest for a higher one,
                before the oldest that is kept for a lower one than that has.
        """
        ...

    def answer(self, peer: bytes, request_id: bytes) -> bytes | None:
        """What was answered to a peer's request; None if that is unknown, or no longer kept."""
        ...

    def device_id(self) -> bytes | None:
        """The identifier that the device was given; None if it was given none."""
        ...

    def set_aside(self, slot: int, problem: str) -> None:
        """Keep a container that cannot be restored, with the reason; its slot becomes empty.

        Args:
            slot: where it is.
            problem: why it cannot be restored.

        Raises:
            ValueError: the slot is empty.
        """
        ...

    def kept_aside(self) -> tuple[SetAside, ...]:
        """All containers that were set aside, the oldest first."""
        ...

    def close(self) -> None:
        """Let go of whatever holds it."""
        ...
