"""Where a container trapped, in words for people.

Every text about a trap takes its place from `describe_frames`; symbols replace that function alone.
"""

from collections.abc import Iterable, Sequence

from tinycontainer.interfaces.runtime import TrapFrame


def to_pairs(frames: Iterable[TrapFrame]) -> tuple[tuple[int, int], ...]:
    """Frames as events have them."""
    return tuple((each.function, each.offset) for each in frames)


def from_pairs(pairs: Iterable[tuple[int, int]]) -> tuple[TrapFrame, ...]:
    """The frames of an event."""
    return tuple(TrapFrame(function, offset) for function, offset in pairs)


def describe_frames(frames: Sequence[TrapFrame]) -> str:
    """The place of a trap, such as ``at function 3, offset 0x1a2``.

    Args:
        frames: the calls in progress, the innermost first, which is the one that is described.

    Returns:
        The words, printable ASCII; none without frames.
    """
    if not frames:
        return ""
    return f"at function {frames[0].function}, offset {frames[0].offset:#x}"
