"""The inputs of one inference: announced by INPUT, filled by INPUT and IDATA."""

from ..model.graph import ELEMENT_TYPES, Tensor
from ..protocol.codes import ANY, ErrorCode, make_refusal, require
from ..protocol.frames import Input, InputData


class Inputs:
    """The inputs of a context. Each check raises before anything changes.

    Args:
        tensors: the inputs that the model has.
    """

    def __init__(self, tensors: tuple[Tensor, ...]) -> None:
        self._tensors = tensors
        self._complete: dict[int, bytes] = {}
        self._filling: int | None = None
        self._filled = bytearray()

    @property
    def are_complete(self) -> bool:
        """Whether every input is there."""
        return len(self._complete) == len(self._tensors)

    def join(self) -> bytes:
        """All inputs, one after the other, when they are complete."""
        return b"".join(self._complete[index] for index in range(len(self._tensors)))

    def forget(self) -> None:
        """Forget all inputs."""
        self._complete.clear()
        self._filling = None

    def check_begin(self, frame: Input) -> None:
        """Whether an input is the model's own (TC-TML-04).

        Raises:
            DriverError: code 1.
        """
        count = len(self._tensors)
        there = frame.index < count
        problem = f"there is no input {frame.index}; the model has {count}"
        require(there, ErrorCode.INVALID_ARGUMENT, problem)
        tensor = self._tensors[frame.index]
        kind = ELEMENT_TYPES[tensor.type]
        for subject, found, wanted, fits in (
            ("type", frame.type, int(kind), frame.type in (ANY, kind)),
            ("shape", frame.dims, tensor.shape, frame.dims in ((), tensor.shape)),
            ("length", frame.total, tensor.size_bytes, frame.total == tensor.size_bytes),
        ):
            problem = f"the {subject} of input {frame.index} is {found}; the model's is {wanted}"
            require(fits, ErrorCode.INVALID_ARGUMENT, problem)

    def begin(self, frame: Input) -> None:
        """Begin an input; it replaces the one before, complete or not."""
        self._complete.pop(frame.index, None)
        self._filling = frame.index
        self._filled = bytearray()
        self._fill(frame.index, frame.data)

    def add(self, frame: InputData) -> None:
        """Add to the input that was begun last.

        Raises:
            DriverError: code 12, none was begun; 1, more bytes than it has.
        """
        index = self._filling
        if index is None:
            problem = "IDATA has no input to add to: begin one by INPUT"
            raise make_refusal(ErrorCode.INVALID_STATE, problem)
        left = self._tensors[index].size_bytes - len(self._filled)
        problem = f"IDATA has {len(frame.data)} bytes; input {index} needs only {left} more"
        require(len(frame.data) <= left, ErrorCode.INVALID_ARGUMENT, problem)
        self._fill(index, frame.data)

    def _fill(self, index: int, data: bytes) -> None:
        self._filled += data
        if len(self._filled) == self._tensors[index].size_bytes:
            self._complete[index] = bytes(self._filled)
            self._filling = None
