"""Version 1: the firmware's interface, as published (TC-MGMT-07 and TC-MGMT-08)."""

from collections.abc import Callable

from tinycontainer.device.containers.lifecycle import State
from tinycontainer.device.device import BareDevice
from tinycontainer.errors import TinyContainerError
from tinycontainer.state import MAX_DEVICE_ID_BYTES

from .identity import DeviceId
from .requests.bundles import find_uid
from .requests.message import (
    CoapAnswer,
    CoapRequest,
    Code,
    Format,
    Method,
    Option,
    from_uint,
    to_uint,
)
from .requests.published_table import CONTAINER_PATH, ROWS, Action
from .requests.rights import Right


class Published:
    """Answers requests of version 1.

    Args:
        device: the device.
        device_id: its identifier.
        may: whether the peer of a request has a right to a container.
    """

    def __init__(
        self,
        device: BareDevice,
        device_id: DeviceId,
        may: Callable[[CoapRequest, Right, bytes | None], bool],
    ) -> None:
        self._device = device
        self._device_id = device_id
        self._may = may

    def handle(self, request: CoapRequest) -> CoapAnswer:
        """Answer a request to one of the two resources."""
        if request.path == CONTAINER_PATH:
            return self._manage(request)
        return self._identify(request)

    def _manage(self, request: CoapRequest) -> CoapAnswer:
        number = request.option(Option.ACTION)
        if number is None or len(number) > 4 or from_uint(number) not in set(Action):
            return CoapAnswer(Code.BAD_OPTION)
        action = Action(from_uint(number))
        row = ROWS[action]
        if request.method is not row.method:
            return CoapAnswer(Code.METHOD_NOT_ALLOWED)
        given = [request.option(option) for option in row.needs]
        values = [value for value in given if value is not None]
        if len(values) < len(given):
            return CoapAnswer(Code.BAD_OPTION)
        uid = find_uid(values[0]) if action is Action.LOAD else values[0]
        if not self._may(request, row.right, uid):
            return CoapAnswer(Code.FORBIDDEN)
        try:
            options = self._do(action, values)
        except TinyContainerError:
            return CoapAnswer(Code.INTERNAL_ERROR)
        return CoapAnswer(row.done, options=options)

    def _do(self, action: Action, values: list[bytes]) -> tuple[tuple[int, bytes], ...]:
        """Carry an action out; the options of its answer."""
        device = self._device
        match action:
            case Action.LOAD:
                metadata, data, code = values
                device.load_sections(metadata, code, data)
            case Action.START:
                device.start(values[0])
            case Action.STOP:
                device.stop(values[0])
            case Action.DELETE:
                device.delete(values[0])
            case Action.IS_RUNNING:
                uid = values[0]
                is_running = uid in device and device[uid].state is State.RUNNING
                return ((Option.STATUS, to_uint(int(is_running))),)
        return ()

    def _identify(self, request: CoapRequest) -> CoapAnswer:
        match request.method:
            case Method.GET:
                if not self._may(request, Right.READ, None):
                    return CoapAnswer(Code.FORBIDDEN)
                found = self._device_id.read()
                if not found:
                    return CoapAnswer(Code.NOT_FOUND)
                return CoapAnswer(Code.CONTENT, found, Format.OCTETS)
            case Method.POST:
                if not self._may(request, Right.IDENTIFY, None) or self._device_id.is_fixed:
                    return CoapAnswer(Code.FORBIDDEN)
                if not request.payload:
                    return CoapAnswer(Code.BAD_REQUEST)
                if len(request.payload) > MAX_DEVICE_ID_BYTES:
                    size1 = (Option.SIZE1, to_uint(MAX_DEVICE_ID_BYTES))
                    return CoapAnswer(Code.TOO_LARGE, options=(size1,))
                try:
                    self._device_id.write(request.payload)
                except TinyContainerError:
                    return CoapAnswer(Code.INTERNAL_ERROR)
                return CoapAnswer(Code.CHANGED)
            case _:
                return CoapAnswer(Code.METHOD_NOT_ALLOWED)
