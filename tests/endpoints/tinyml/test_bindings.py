"""The bindings of all languages make the same calls, byte for byte, as the C header does.

`tests/vectors/bindings` has one program in each language that uses all of its binding.
"""

import struct
from typing import Final

import pytest
from support.project import ROOT
from support.wasm.modules import RecordingNatives, Tenant

from tinycontainer.interfaces.runtime import Completed, Hook

BUILT: Final = ROOT / "tests" / "vectors" / "bindings"
OTHERS: Final = ("rust", "zig", "assemblyscript")
MODEL: Final = bytes(range(256)) * 2
BYTES: Final = bytes(each % 256 for each in range(300))


class Natives(RecordingNatives):
    """Takes all that is written, and gives three hundred bytes."""

    given = 0

    def write(self, fd: int, data: bytes, /) -> int:
        super().write(fd, data)
        return len(data)

    def read(self, fd: int, size: int, /) -> bytes | int:
        super().read(fd, size)
        answer = BYTES[self.given :][:size]
        self.given += len(answer)
        return answer


def calls_of(language: str) -> list[tuple[object, ...]]:
    """All calls of a program's start hook."""
    code = (BUILT / f"calls-{language}.wasm").read_bytes()
    tenant = Tenant(code, data=MODEL, natives=Natives)
    tenant.natives.answers["open"] = 7
    assert tenant.run(Hook.START).outcome == Completed()
    return tenant.natives.calls


def frames(calls: list[tuple[object, ...]]) -> list[bytes]:
    return [bytes(call[2]) for call in calls if call[0] == "write" and isinstance(call[2], bytes)]


def test_the_header_makes_the_frames_of_the_protocol() -> None:
    calls = calls_of("c")
    found = frames(calls)
    parts = [MODEL[at : at + 254] for at in range(0, len(MODEL), 254)]
    assert found == [
        struct.pack("<BBBBI", 0x10, 4, 2, 0, len(MODEL)),
        *(b"\x11" + part for part in parts),
        b"\x12\0\0\0" + BYTES[:32],
        struct.pack("<BBBBI", 0x20, 1, 255, 0, 300) + BYTES[:247],
        b"\x21" + BYTES[247:],
        struct.pack("<BBBBI", 0x20, 2, 255, 0, 4) + BYTES[:4],
        struct.pack("<BBH", 0x30, 0, 0x1234),
        struct.pack("<BBBBI", 0x40, 3, 3, 0, 0x01020304),
        struct.pack("<BBBBI", 0x40, 0, 2, 0, 0),
        b"\x7f\x01",
    ]
    logged = [call[1] for call in calls if call[0] == "log"]
    assert logged == [b"300", b"43", b"-2147483648", b"2147483647", b"0"]


@pytest.mark.parametrize("language", OTHERS)
def test_every_other_language_makes_the_same_calls(language: str) -> None:
    assert calls_of(language) == calls_of("c")
