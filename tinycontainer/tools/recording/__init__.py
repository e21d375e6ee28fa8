"""Record a run and repeat it exactly, on a machine without the data sources.

A device asks the world around it only through its clock, its drivers and its memory of accepted
tokens, and the world changes it only by management calls. A recorder keeps all of that, in order; a
player repeats it, and reports where the replay does something else.
"""

from .player import Player
from .recorded_device import Digest, RecordedDevice
from .recorder import InterruptGate, Recorder
from .replay import replay
from .tape import Header, TapeReader, TapeWriter

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
