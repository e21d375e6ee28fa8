"""One call of the device at a time, and none that leaves it torn (ADR 21).

A call that is interrupted, or that breaks off in any other way, is completed or undone before
anything else is done. Nothing here has to be reset for that: a call counts as in progress as long
as its frame is on a stack, and the device as sound only after a call has come to its end.
"""

import gc
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from threading import get_ident
from types import FrameType
from typing import Final

from tinycontainer.errors import TinyContainerError
from tinycontainer.trace import Tracer

from .interrupts import Interrupts, is_running

HEADROOM_FRAMES: Final = 150
"""Nested Python calls that a call of the device needs for itself, drivers of its own included."""

_OTHER_THREAD: Final = "another thread uses the device: only one can at a time"


class Management(AbstractContextManager[None]):
    """Encloses each call that changes the device.

    Args:
        tracer: keeps what belongs to the operator.
        interrupts: hold the operator's interrupt back.
        recover: completes or undoes what a call has left; it can be called at any time, and again
            if it is interrupted itself.
    """

    def __init__(self, tracer: Tracer, interrupts: Interrupts, recover: Callable[[], None]) -> None:
        self._tracer = tracer
        self._interrupts = interrupts
        self._recover = recover
        self._sound = True
        # One entry at most. `setdefault` finds out and enters in one step, whatever threads do.
        self._in_progress: dict[None, tuple[int, FrameType]] = {}

    def __enter__(self) -> None:
        """Begin a call.

        Raises:
            RuntimeError: one is in progress, in this thread or in another.
            RecursionError: Python's stack has too little room for one.
        """
        frame = sys._getframe(1)
        entry = (get_ident(), frame)
        while (found := self._in_progress.setdefault(None, entry)) is not entry:
            self._refuse_if_in_progress(*found)
            # It is over. If it has cleared itself meanwhile, the entry is that of another thread.
            if self._in_progress.get(None) is found:
                self._in_progress.clear()
        try:
            _require_headroom()
        except RecursionError:
            self._in_progress.clear()
            raise
        self._interrupts.hold(frame)
        self._make_sound()
        self._sound = False

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # A refusal has changed nothing. After anything else it is not known how far the call came.
        if kind is not None and not issubclass(kind, TinyContainerError):
            self._recover()
        self._sound = True
        self._in_progress.clear()
        try:
            self._interrupts.release()
        except KeyboardInterrupt:
            self._tracer.raise_failure(only_interrupts=True)  # it is one and the same to its host
            raise
        self._tracer.raise_failure(only_interrupts=kind is not None)

    def look(self) -> None:
        """Before the device is looked at: it is sound, unless a call of it is asking.

        Raises:
            RuntimeError: a call is in progress in another thread.
            KeyboardInterrupt: an operator interrupted what it completed.
        """
        found = self._in_progress.get(None)
        if found is not None and _is_in_progress(*found):
            if found[0] != get_ident():
                raise RuntimeError(_OTHER_THREAD)
            return
        if not self._sound:
            self._complete(found)
        self._tracer.raise_failure(only_interrupts=True)

    def _complete(self, over: tuple[int, FrameType] | None) -> None:
        """Complete what a call has left, as a call by itself: another thread may begin one now.

        Args:
            over: that call; None if it has cleared itself.

        Raises:
            RuntimeError: another thread has begun one.
        """
        entry = (get_ident(), sys._getframe())
        if over is not None and self._in_progress.get(None) is over:
            self._in_progress.clear()
        if self._in_progress.setdefault(None, entry) is not entry:
            raise RuntimeError(_OTHER_THREAD)
        self._make_sound()
        self._in_progress.clear()

    def _make_sound(self) -> None:
        if not self._sound:
            self._recover()
            self._sound = True

    def _refuse_if_in_progress(self, thread: int, frame: FrameType) -> None:
        if not _is_in_progress(thread, frame):
            return
        if thread == get_ident():
            raise RuntimeError("a driver or a sink cannot manage the device that calls it")
        raise RuntimeError(_OTHER_THREAD)


def _is_in_progress(thread: int, frame: FrameType) -> bool:
    if thread == get_ident():
        return is_running(frame, sys._getframe())
    # A frame that returns meanwhile no longer knows who called it, so the search would end there.
    top = _top_frame(thread)
    while not is_running(frame, top):
        before, top = top, _top_frame(thread)
        if top is before:
            return False
    return True


def _top_frame(thread: int) -> FrameType | None:
    """What another thread executes; None if it has ended."""
    # CPython holds a lock of its own in there. If it collected garbage meanwhile, finalizers would
    # let other threads run, and those that want the same lock would wait for each other for ever.
    was_collecting = gc.isenabled()
    gc.disable()
    try:
        return sys._current_frames().get(thread)
    finally:
        if was_collecting:
            gc.enable()


def _require_headroom() -> None:
    """Find out whether there is room for nested calls: a tenant must not be blamed for its lack.

    Raises:
        RecursionError: there is none.
    """
    with suppress(ValueError):
        # Calls that C code makes count as well, of which there is not more than one for each frame.
        sys._getframe((sys.getrecursionlimit() - HEADROOM_FRAMES) // 2)
        _nest_or_refuse()


def _nest_or_refuse() -> None:
    try:
        _nest(HEADROOM_FRAMES)
    except RecursionError:
        raise RecursionError(
            f"the device was called too deep in Python's stack: it needs {HEADROOM_FRAMES} frames"
        ) from None


def _nest(frames: int) -> None:
    if frames:
        _nest(frames - 1)
