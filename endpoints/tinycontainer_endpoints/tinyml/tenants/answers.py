"""What reads give: outputs, and tensors, the status and the last error as bytes (TC-TML-05)."""

import struct
from typing import Final

from tinycontainer.errors import DriverError

from ..model.graph import ELEMENT_TYPES, Tensor
from ..model.precheck import AcceptedModel
from ..protocol.codes import PROTOCOL_VERSION, ErrorCode, What, make_refusal, require
from ..protocol.frames import Select
from ..protocol.states import ContextState

_FIRST_OUTPUT: Final = Select(What.OUTPUT, 0, 0)
_NO_ERROR: Final = b"\0"
_ERROR_TEXT_BYTES: Final = 120
_LARGEST: Final = 0xFFFFFFFF
_TENSOR: Final = struct.Struct("<BBHIfi")
_STATUS: Final = struct.Struct("<BBBBIII")


class Answers:
    """What is selected, and the cursor in it."""

    def __init__(self) -> None:
        self._selected = _FIRST_OUTPUT
        self._answer = b""
        self._cursor = 0
        self._last_error = _NO_ERROR

    @property
    def selected_output(self) -> int | None:
        """The index of the output that is selected; None if something else is."""
        return self._selected.index if self._selected.what is What.OUTPUT else None

    def select(self, frame: Select, state: ContextState, model: AcceptedModel | None) -> None:
        """Choose what reads give from now on.

        Raises:
            DriverError: code 12, it needs a model; 1, the model has nothing of this index.
        """
        answer = b""  # an output is looked up at each read: it may not be computed yet
        if frame.what is What.STATUS:
            _check_index(frame, 1)
            answer = describe_status(state, model)
        elif frame.what is What.LAST_ERROR:
            _check_index(frame, 1)
            answer = self._last_error
        elif model is None:
            problem = f"SELECT {frame.what.name} needs a model: load one first"
            raise make_refusal(ErrorCode.INVALID_STATE, problem)
        else:
            tensors = model.inputs if frame.what is What.INPUT_INFO else model.outputs
            _check_index(frame, len(tensors))
            if frame.what is not What.OUTPUT:
                answer = describe_tensor(tensors[frame.index])
        self._selected = frame
        self._answer = answer
        self._cursor = frame.offset

    def read(self, size: int, output: bytes | None) -> bytes:
        """At most so many bytes from the cursor on.

        Args:
            size: how many.
            output: the selected output, or None if something else is selected.
        """
        answer = self._answer if output is None else output
        part = answer[self._cursor : self._cursor + size]
        self._cursor += len(part)
        return part

    def rewind(self) -> None:
        """Put the cursor at the begin."""
        self._cursor = 0

    def reset(self) -> None:
        """Select what a new context has selected."""
        self._selected = _FIRST_OUTPUT
        self._answer = b""
        self._cursor = 0

    def note_error(self, error: DriverError) -> None:
        """Remember a refusal for LAST_ERROR."""
        text = error.problem.encode("ascii", "replace")
        self._last_error = bytes([error.code]) + text[:_ERROR_TEXT_BYTES]


def describe_tensor(tensor: Tensor) -> bytes:
    """A tensor as INPUT_INFO and OUTPUT_INFO show it."""
    kind = ELEMENT_TYPES[tensor.type]
    rank = len(tensor.shape)
    scale = tensor.scales[0] if tensor.scales else 0.0
    zero_point = tensor.zero_points[0] if tensor.zero_points else 0
    head = _TENSOR.pack(kind, rank, 0, tensor.size_bytes, scale, zero_point)
    return head + struct.pack(f"<{rank}I", *tensor.shape) + tensor.name


def describe_status(state: ContextState, model: AcceptedModel | None) -> bytes:
    """A context as STATUS shows it."""
    if model is None:
        return _STATUS.pack(PROTOCOL_VERSION, state, 0, 0, 0, 0, 0)
    return _STATUS.pack(
        PROTOCOL_VERSION,
        state,
        len(model.inputs),
        len(model.outputs),
        model.model_bytes,
        model.arena_bytes,
        min(model.macs, _LARGEST),
    )


def _check_index(frame: Select, count: int) -> None:
    problem = f"SELECT {frame.what.name} has index {frame.index}; allowed are 0 to {count - 1}"
    require(frame.index < count, ErrorCode.INVALID_ARGUMENT, problem)
