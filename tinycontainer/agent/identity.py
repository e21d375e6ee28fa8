"""The device's identifier, which the device file fixes or somebody sets from afar (TC-MGMT-08)."""

from typing import Final

MAX_ID_BYTES: Final = 64


class DeviceId:
    """An identifier.

    Args:
        fixed: that of the device file; None if it has none.

    Attributes:
        is_fixed: whether it cannot be changed.
    """

    def __init__(self, fixed: bytes | None) -> None:
        self.is_fixed = fixed is not None
        self._content = fixed or b""

    def read(self) -> bytes:
        """The identifier; empty if there is none."""
        return self._content

    def write(self, content: bytes) -> None:
        """Set it.

        Args:
            content: 1 to 64 bytes.
        """
        if self.is_fixed or not 1 <= len(content) <= MAX_ID_BYTES:
            raise ValueError("the identifier is fixed, or it is not 1 to 64 bytes long")
        self._content = content
