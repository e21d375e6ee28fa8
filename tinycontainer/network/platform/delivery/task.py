"""What a delivery is to reach."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tinycontainer_tokens.claims import MAX_UID_BYTES

from ...gateway.gateway_file import NAME

MAX_TOKEN_BYTES: Final = 1024
NONCE_BYTES: Final = 8
_NAME: Final = re.compile(NAME)
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


class DeliveryKind(StrEnum):
    """What a device is brought to."""

    DELIVER = "deliver"
    """To have this version of a container."""
    REMOVE = "remove"
    """Not to have the container."""
    WITHDRAW = "withdraw"
    """Not to have the container, as its maker has signed."""


@dataclass(frozen=True, slots=True)
class DeliveryTask:
    """What is to be reached.

    Attributes:
        kind: what the device is brought to.
        device: its name at the gateway.
        uid: of the container.
        nonce: 8 random bytes, drawn once. The ids of all changes follow from it, so that a change
            that is asked for again is the same one for the device.
        sha256: of the bundle, in small hexadecimal digits; only to deliver.
        bundle: reads it; only to deliver, and called only when it is needed.
        envelope: reads a SUIT envelope that brings the same bundle, for a device that takes those;
            None to load or replace.
        starts: whether the container is to run afterwards.
        confirm_ms: how long a version that replaces a running one may take to complete a loop;
            None if it is to stay in any case.
        token: of a withdrawal; at most `MAX_TOKEN_BYTES`.

    Raises:
        ValueError: one of these is out of its range.
    """

    kind: DeliveryKind
    device: str
    uid: bytes
    nonce: bytes
    sha256: str = ""
    bundle: Callable[[], bytes] = bytes
    envelope: Callable[[], bytes] | None = None
    starts: bool = False
    confirm_ms: int | None = None
    token: bytes = b""

    def __post_init__(self) -> None:
        if _NAME.fullmatch(self.device) is None:
            raise ValueError("device: is no name of a device")
        if not 1 <= len(self.uid) <= MAX_UID_BYTES:
            raise ValueError(f"uid: has not 1 to {MAX_UID_BYTES} bytes")
        if len(self.nonce) != NONCE_BYTES:
            raise ValueError(f"nonce: has not {NONCE_BYTES} bytes")
        if self.kind is DeliveryKind.DELIVER and _SHA256.fullmatch(self.sha256) is None:
            raise ValueError("sha256: is not 64 small hexadecimal digits")
        if self.confirm_ms is not None and self.confirm_ms < 1:
            raise ValueError("confirm_ms: is less than 1")
        is_withdrawal = self.kind is DeliveryKind.WITHDRAW
        if is_withdrawal and not 1 <= len(self.token) <= MAX_TOKEN_BYTES:
            raise ValueError(f"token: has not 1 to {MAX_TOKEN_BYTES} bytes")
