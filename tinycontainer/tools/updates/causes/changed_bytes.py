"""Which byte of something was changed, if its SHA-256 of before is known."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

_MOST_BYTES: Final = 1024
"""Longest content of which every other value of every byte is tried: about 0.3 s of hashing."""
_MOST_BYTES_BY_BIT: Final = 8192
"""Longest content of which every flipped bit is tried."""


@dataclass(frozen=True, slots=True)
class ChangedByte:
    """A byte that was changed.

    Attributes:
        offset: from the beginning of the content.
        found: its value now.
        before: its value before.
    """

    offset: int
    found: int
    before: int

    @property
    def words(self) -> str:
        """Both values, as in ``0x41 is there, 0x40 was signed``."""
        return f"{self.found:#04x} is there, {self.before:#04x} was signed"


def find_changed_byte(content: bytes, sha256: bytes) -> ChangedByte | None:
    """The one byte whose change explains another hash; None if there is no such byte.

    In content of more than 1 KiB only flipped bits are found, and nothing beyond 8 KiB.

    Args:
        content: as it is now.
        sha256: of what it was.
    """
    if len(content) > _MOST_BYTES_BY_BIT:
        return None
    running = hashlib.sha256()
    for offset, found in enumerate(content):
        rest = content[offset + 1 :]
        for before in _values(found, by_bit=len(content) > _MOST_BYTES):
            trial = running.copy()
            trial.update(bytes((before,)) + rest)
            if trial.digest() == sha256:
                return ChangedByte(offset, found, before)
        running.update(content[offset : offset + 1])
    return None


def _values(found: int, *, by_bit: bool) -> Iterable[int]:
    if by_bit:
        return (found ^ 1 << bit for bit in range(8))
    return (value for value in range(256) if value != found)
