"""Record a run and repeat it exactly, on a machine without the data sources.

A device asks the world around it only through its clock, its drivers and its memory of accepted
tokens, and the world moves it only by management calls. A recorder keeps all of that, in order; a
player gives it back, and says where the replay does something else.
"""

from .devices import RecordedDevice
from .digest import Digest
from .header import Header
from .interrupts import InterruptGate
from .player import Player
from .recorder import Recorder
from .replay import replay
from .tape import TapeReader, TapeWriter

__all__ = [
    "Digest",
    "Header",
    "InterruptGate",
    "Player",
    "RecordedDevice",
    "Recorder",
    "TapeReader",
    "TapeWriter",
    "replay",
]
