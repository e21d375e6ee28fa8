"""A statement of a device, and the events that it covers; and a device that states such things."""

from pathlib import Path

from support.project import Program
from tinycontainer.state import StoredEvent, extend_chain
from tinycontainer.tools.evidence import StatedContainer, Statement
from tinycontainer_tokens import Algorithm, KeyMaterial, key_files

KEY = KeyMaterial.from_private(bytes(range(32)))
PUBLIC = KEY.public_half()
OTHER = KeyMaterial.from_private(b"\7" * 32)
HMAC = KeyMaterial(Algorithm.HMAC_256, b"", bytes(range(32)))
NONCE = bytes(range(16))
START = bytes(32)


def event(number: int, uid: str = "box") -> StoredEvent:
    """An event about a container."""
    return StoredEvent(number, b'{"event":"loaded","uid":"%s"}' % uid.encode())


EVENTS = tuple(event(number, "box" if number % 2 else "other") for number in range(3, 9))
BEFORE = extend_chain(START, [event(1), event(2)])
"""The chain value before the first of them."""
STATEMENT = Statement(
    nonce=NONCE,
    boots=2,
    time_s=1_800_000_000,
    oldest_event=3,
    newest_event=8,
    containers=(
        StatedContainer(b"box", 2, b"\1" * 32, 7),
        StatedContainer(b"other", 1, b"\2" * 32, 0),
    ),
    device_id=b"desk",
    event_chain=extend_chain(BEFORE, EVENTS),
    trace_sha256=b"\3" * 32,
)


def let_it_sign(directory: Path, program: Program) -> KeyMaterial:
    """Give the device of a directory a key for evidence; returns its public half."""
    program.good("keygen", directory, "--evidence")
    file = directory / "device.toml"
    file.write_text(file.read_text() + '\n[evidence]\nkey = "evidence.pem"\n')
    return key_files.parse((directory / "evidence.pub").read_bytes())
