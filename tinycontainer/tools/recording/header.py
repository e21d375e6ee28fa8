"""The first line of a recording."""

from dataclasses import asdict, dataclass
from typing import Any, Final

from tinycontainer.jsonl import whole_number

VERSION: Final = 1
_KEYS: Final = frozenset({"recording", "device_file", "wall", "epoch_s", "engine"})


@dataclass(frozen=True, slots=True)
class Header:
    """What a replay has to know before it begins.

    Attributes:
        device_file: SHA-256 of the device file, in hex.
        wall: whether the run was in wall time.
        epoch_s: Unix seconds at which the device's clock started.
        engine: what was told to run WebAssembly; None if the device file chose.
    """

    device_file: str
    wall: bool
    epoch_s: int
    engine: str | None = None

    def as_line(self) -> dict[str, Any]:
        """As it is written."""
        return {"recording": VERSION, **asdict(self)}

    @classmethod
    def from_line(cls, values: dict[str, Any]) -> "Header":
        """As it is read.

        Raises:
            ValueError: the line is no header, or one of another version.
        """
        version = values.get("recording")
        if type(version) is int and version != VERSION:
            raise ValueError(f"is a recording of version {version}, not {VERSION}")
        if values.keys() != _KEYS or type(version) is not int:
            raise ValueError("is not the first line of a recording")
        digest, wall = values["device_file"], values["wall"]
        engine = values["engine"]
        if (
            not isinstance(digest, str)
            or type(wall) is not bool
            or (engine is not None and not isinstance(engine, str))
        ):
            raise ValueError("is not the first line of a recording")
        return cls(digest, wall, whole_number(values["epoch_s"], range(1 << 62)), engine)
