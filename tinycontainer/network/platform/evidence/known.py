"""What is known of the events of a device, and how many of them a platform has."""

from dataclasses import dataclass
from typing import Final

MOST_EVENTS: Final = 10_000
"""That are kept of one device; the oldest go."""
PAGE: Final = 100
"""Events that are handed out at once."""


@dataclass(frozen=True, slots=True)
class ProvedUpTo:
    """How far the events of a device were proved.

    Attributes:
        number: of the newest event of them; 0 if there was none.
        chain: the chain value after it.
    """

    number: int
    chain: bytes
