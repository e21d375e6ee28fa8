"""Where an instruction of a rewritten module is in the module as it was signed.

A rewritten body is the body as it came with code put in. So a place in it is found by how much was
put in before it. That is noted when the module is rewritten, in 8 bytes for each piece: to rewrite
it once more at a trap takes up to a second for 64 KiB, in the middle of a turn (ADR 31).
"""

import sys
from array import array
from bisect import bisect_right
from collections.abc import Iterable

from .lines import Insertion


class OriginalPlaces:
    """The way back from a rewritten module; nobody changes it once it is complete.

    Args:
        imported: how many functions the module imports.
    """

    __slots__ = ("_begins", "_entries", "_firsts", "_imported", "_put_in", "_starts")

    def __init__(self, imported: int) -> None:
        self._imported = imported
        # For each body: where it and its first instruction begin in the module as it came, and
        # which piece is its first one.
        self._starts = array("I")
        self._entries = array("I")
        self._firsts = array("I", [0])
        # For each piece: where it begins in its rewritten body, and how much was put in up to its
        # end.
        self._begins = array("I")
        self._put_in = array("I")

    def add(self, start: int, entry: int, insertions: Iterable[Insertion]) -> None:
        """Note the next function body.

        Args:
            start: where it begins in the module as it came, after its size.
            entry: where its first instruction begins there.
            insertions: what is put into it, in the order of the code.
        """
        put_in = 0
        for offset, added in insertions:
            self._begins.append(offset - start + put_in)
            put_in += len(added)
            self._put_in.append(put_in)
        self._starts.append(start)
        self._entries.append(entry)
        self._firsts.append(len(self._begins))

    @property
    def held_bytes(self) -> int:
        """What it holds of the host's memory."""
        of_bodies = self._starts, self._entries, self._firsts
        return sum(map(sys.getsizeof, (*of_bodies, self._begins, self._put_in)))

    def find(self, function: int, offset: int) -> int:
        """The offset of an instruction in the module as it came.

        Args:
            function: its index; one that the module defines.
            offset: of the instruction in the rewritten body, counted from where that begins.

        Returns:
            For code that was put in, the offset of the instruction that follows it; for the entry
            of the function, that of its first one.
        """
        body = function - self._imported
        first = self._firsts[body]
        following = bisect_right(self._begins, offset, first, self._firsts[body + 1])
        put_in = 0
        if following > first:
            last = following - 1
            before = self._put_in[last - 1] if last > first else 0
            put_in = min(before + offset - self._begins[last], self._put_in[last])
        return max(self._starts[body] + offset - put_in, self._entries[body])
