"""The device's identifier: fixed by the device file, or set by a request (TC-MGMT-08)."""

from tinycontainer.state import MAX_DEVICE_ID_BYTES, DeviceState, StateChange


class DeviceId:
    """An identifier.

    Args:
        fixed: that of the device file; None if it has none.
        state: remembers one that was set.

    Attributes:
        is_fixed: whether it cannot be changed.
    """

    def __init__(self, fixed: bytes | None, state: DeviceState) -> None:
        self.is_fixed = fixed is not None
        self._fixed = fixed or b""
        self._state = state

    def read(self) -> bytes:
        """The identifier; empty if there is none."""
        return self._fixed if self.is_fixed else self._state.device_id() or b""

    def write(self, content: bytes) -> None:
        """Set it.

        Args:
            content: 1 to 64 bytes.

        Raises:
            StateFileError: it cannot be recorded.
        """
        if self.is_fixed or not 1 <= len(content) <= MAX_DEVICE_ID_BYTES:
            raise ValueError("the identifier is fixed, or it is not 1 to 64 bytes long")
        self._state.record(StateChange(device_id=content))
