"""Where pywasm is in a module: the calls in progress, read from its stack of labels.

A label is an instruction list with the index of its next instruction. Each call has one of its
function and one of each block in it. pywasm's instructions carry no place in the module; that is
looked up in what the module was prepared with, so nothing is noted while code runs.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

from tinycontainer.interfaces.runtime import TrapFrame

from ..wasm.traps import MAX_WASM_FRAMES
from .prepared import PreparedModule

_OF_FUNCTION: Final = 3
"""What pywasm calls ``carry`` in the label of a function; those of blocks have 0 or 1."""
_AFTER_ENTRY: Final = 1
"""Index in a function's list while its `Entry` is executed."""


def find_frames(labels: Sequence[Any], prepared: PreparedModule) -> tuple[TrapFrame, ...]:
    """The calls in progress, the innermost first, up to `MAX_WASM_FRAMES`.

    Args:
        labels: of the machine, as an exception has left them.
        prepared: what the instance was made from.

    Returns:
        The frames. A call that failed in the entry of its function has none of its own.
    """
    end = len(labels)
    if end and labels[-1].carry == _OF_FUNCTION and labels[-1].index == _AFTER_ENTRY:
        end -= 1
    frames: list[TrapFrame] = []
    while end > 0 and len(frames) < MAX_WASM_FRAMES:
        begin = end - 1
        while labels[begin].carry != _OF_FUNCTION:
            begin -= 1
        frames.append(_make_frame(labels[begin:end], prepared))
        end = begin
    return tuple(frames)


def _make_frame(labels: Sequence[Any], prepared: PreparedModule) -> TrapFrame:
    """The frame of a call, from its labels, the outermost first."""
    function: int = labels[0].instr[0].function
    places = [label.index - 1 for label in labels]
    lists = [
        int(inner.instr is not label.instr[place].args[1])
        for place, (label, inner) in zip(places, pairwise(labels), strict=False)
    ]
    places[0] -= 1  # the `Entry`
    offset = prepared.find_offset(function, places, lists)
    return TrapFrame(len(prepared.scanned.imports) + function, offset)
