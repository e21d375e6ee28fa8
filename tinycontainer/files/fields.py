"""Field types that device file, manifest, script and options of the same form share.

A field keeps the text that its file holds, and its type refuses text of another form. The names of
calls, directions and types are the members of the metadata's enumerations, in lower case.
"""

import string
from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from tinycontainer.interfaces.syscalls import Syscall, mask_of
from tinycontainer.metadata.model import MAX_UINT32, UID_BYTES
from tinycontainer.text import show

_HEX_PREFIX = "hex:"
_SHOWN_BYTES = 40


def uid_from_text(text: str) -> bytes:
    """Read a uid: text, or ``hex:`` and hexadecimal digits (TC-TOOL-02).

    Raises:
        ValueError: the digits are not hexadecimal.
    """
    digits = text.removeprefix(_HEX_PREFIX)
    if digits == text:
        return text.encode()
    return bytes_from_hex(digits)


def bytes_from_hex(digits: str) -> bytes:
    """Read pairs of hexadecimal digits, of either case and with nothing between them.

    Raises:
        ValueError: it names what is wrong.
    """
    # bytes.fromhex alone would also accept blanks, and one uid would have many forms.
    if not all(digit in string.hexdigits for digit in digits):
        raise ValueError(f"{show(digits, _SHOWN_BYTES)} is not hexadecimal")
    if len(digits) % 2:
        raise ValueError(f"{show(digits, _SHOWN_BYTES)} has an odd number of digits")
    return bytes.fromhex(digits)


def check_uid(text: str) -> str:
    """Return text that is a uid.

    Raises:
        ValueError: it is none, or the uid has a length that metadata cannot hold.
    """
    uid = uid_from_text(text)
    if len(uid) not in UID_BYTES:
        raise ValueError(f"a uid has {UID_BYTES[0]} to {UID_BYTES[-1]} bytes, not {len(uid)}")
    return text


def mask_from_names(names: Iterable[str]) -> int:
    """Make the mask that allows these system calls.

    Args:
        names: as `SyscallName` has them.

    Raises:
        ValueError: a name is not that of a system call.
    """
    known = {call.name.lower(): call for call in Syscall}
    calls = []
    for name in names:
        if name not in known:
            raise ValueError(f"{show(name)} is none of {', '.join(known)}")
        calls.append(known[name])
    return mask_of(calls)


Uid = Annotated[str, AfterValidator(check_uid)]
"""A container's uid, in the form that `uid_from_text` reads."""

Uint32 = Annotated[int, Field(ge=0, le=MAX_UINT32)]
"""A number as metadata holds it."""

EndpointId = Uint32
"""How a container names an endpoint, or a device names a peer."""

ContainerTypeName = Literal[
    "undefined", "native", "shell", "bpf", "wasm", "javacard", "javascript", "python"
]
"""A member of `ContainerType`."""

SyscallName = Literal["heartbeat", "open", "close", "read", "write"]
"""A member of `Syscall`."""

DirectionName = Literal["in", "out", "both"]
"""A member of `Direction`, seen from the peer."""

PeerTypeName = Literal["container", "local", "remote"]
"""A member of `PeerType`."""

DriverPeerTypeName = Literal["local", "remote"]
"""A peer type that a driver serves; a peer container needs none."""
