"""The places of traps in lines of the source, for those who have debug files."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tinycontainer.interfaces.debug_info import Chain, DebugInfo, SourcePlace
from tinycontainer.interfaces.runtime import TrapFrame
from tinycontainer.text import show
from tinycontainer.trace import TraceEvent, describe_frames
from tinycontainer.trace.events import Loaded

from .symbol_directory import Symbols

_SHOWN_BYTES = 120


def find_places(frames: Iterable[TrapFrame], debug: DebugInfo) -> Chain:
    """The calls in progress at a trap, the innermost first, inlined functions included.

    Args:
        frames: where the hook trapped.
        debug: what is known of the code.

    Returns:
        Nothing if nothing is known of any frame; else a place for each, with at least the number of
        its function.
    """
    frames = tuple(frames)
    found = [debug.find(frame.offset) for frame in frames]
    if not any(found):
        return ()
    return tuple(
        place
        for frame, chain in zip(frames, found, strict=True)
        for place in chain or (SourcePlace(f"function {frame.function}"),)
    )


def describe_places(places: Chain, frames: Sequence[TrapFrame]) -> str:
    """The place of a trap and its callers in one line: ``at f (a.c:3), called by g (a.c:9)``.

    Args:
        places: as `find_places` found them.
        frames: what is described if nothing was found.

    Returns:
        Printable ASCII; nothing without frames.
    """
    if not places:
        return describe_frames(frames)
    return f"at {', called by '.join(show(str(place), _SHOWN_BYTES) for place in places)}"


class Symbolizer:
    """A sink that learns from loads which code a container has, and knows the places in it.

    Args:
        symbols: the debug files; nothing is known without them.
    """

    def __init__(self, symbols: Symbols | None = None) -> None:
        self._symbols = Symbols() if symbols is None else symbols
        self._code: dict[bytes, DebugInfo] = {}

    def __call__(self, event: TraceEvent) -> None:
        """Accept one event."""
        if isinstance(event, Loaded):
            self._code[event.uid] = self._symbols.find(event.code_sha256)

    def find(self, uid: bytes, frames: Iterable[TrapFrame]) -> Chain:
        """The calls in progress at a trap of a container, as `find_places` gives them."""
        return find_places(frames, self._code.get(uid, DebugInfo()))

    def describe(self, uid: bytes, frames: Sequence[TrapFrame]) -> str:
        """The place of a trap and its callers in one line."""
        return describe_places(self.find(uid, frames), frames)


def places_as_list(places: Chain) -> list[Mapping[str, Any]]:
    """Places for JSON; names in the form of all that is shown."""
    return [
        {"function": show(each.function), "file": show(each.file), "line": each.line}
        for each in places
    ]
