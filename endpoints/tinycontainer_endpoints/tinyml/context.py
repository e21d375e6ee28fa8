"""An execution context: what stands behind one open descriptor. Frames come in, answers go out."""

import math
import struct
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeVar

from tinycontainer.errors import DriverError
from tinycontainer.interfaces.driver import CallContext

from .model.graph import ELEMENT_TYPES, Tensor
from .model.precheck import AcceptedModel
from .processes.tenant import CheckedModel, Tenant
from .protocol import frames
from .protocol.codes import ANY, PROTOCOL_VERSION, ErrorCode, Scope, What, refusal, require
from .protocol.states import ContextEvent, ContextState, after

Result = TypeVar("Result")
_OUTPUT: Final = frames.Select(What.OUTPUT, 0, 0)


class ExecutionContext:
    """One descriptor's model, inputs and outputs.

    Args:
        tenant: the container's share of the service.
        slot: number of this context within it.
        call: the call in progress.
    """

    def __init__(self, tenant: Tenant, slot: int, call: CallContext) -> None:
        self._tenant, self._slot, self._call = tenant, slot, call
        self._terms = tenant.terms
        self._state = ContextState.EMPTY
        self._pending: frames.Load | None = None
        self._model_bytes = bytearray()
        self._model: CheckedModel | None = None
        self._inputs: dict[int, bytes] = {}
        self._filling: tuple[int, bytearray] | None = None
        self._outputs: tuple[bytes, ...] = ()
        self._timeout_ms = 0
        self._error = b"\0"
        self._selected, self._answer, self._cursor = _OUTPUT, b"", 0

    @property
    def state(self) -> ContextState:
        """What it is ready for."""
        return self._state

    def write(self, data: bytes) -> None:
        """Take a frame, whole or not at all.

        Raises:
            DriverError: with a code of the protocol; nothing has changed but what it says.
        """
        self._noting_errors(lambda: self._take(frames.parse(data)))

    def read(self, size: int) -> bytes:
        """What was selected, from the cursor on; nothing at its end.

        Raises:
            DriverError: with a code of the protocol.
        """
        return self._noting_errors(lambda: self._give(size))

    def close(self) -> None:
        """Drop the interpreter, and the model unless it is kept."""
        self._tenant.leave(self._slot)

    def _noting_errors(self, step: Callable[[], Result]) -> Result:
        try:
            return step()
        except DriverError as error:
            self._error = bytes([error.code]) + error.problem.encode("ascii", "replace")[:120]
            raise

    def _take(self, frame: frames.Frame) -> None:
        self._look()
        _TAKERS[type(frame)](self, frame)

    def _move(self, event: ContextEvent) -> None:
        self._state = after(self._state, event)

    # Models.

    def _load(self, frame: frames.Load) -> None:
        following = after(self._state, ContextEvent.BEGIN_MODEL)
        short = frame.total <= self._terms.quotas.model_bytes
        require(short, ErrorCode.TOO_LARGE, "a model beyond the quota")
        if len(frame.data) == frame.total:
            self._tenant.require_idle()
        self._state = following
        self._pending, self._model_bytes = frame, bytearray()
        self._add_to_model(frame.data)

    def _model_data(self, frame: frames.ModelData) -> None:
        following = after(self._state, ContextEvent.MODEL_DATA)
        total = self._pending.total if self._pending else 0
        fits = len(self._model_bytes) + len(frame.data) <= total
        require(fits, ErrorCode.INVALID_ARGUMENT, "more bytes than the model has")
        if len(self._model_bytes) + len(frame.data) == total:
            self._tenant.require_idle()
        self._state = following
        self._add_to_model(frame.data)

    def _add_to_model(self, data: bytes) -> None:
        self._model_bytes += data
        if self._pending is None or len(self._model_bytes) < self._pending.total:
            return
        content, self._model_bytes = bytes(self._model_bytes), bytearray()
        pending, self._pending = self._pending, None
        self._charge(len(content) * self._terms.cycles_per_model_byte)
        try:
            model = self._tenant.checked(content, pending.digest)
            self._tenant.load(self._slot, model, self._patience_ms())
            if pending.keep:
                self._tenant.keep(model)
        except DriverError:
            self._move(ContextEvent.REJECTED)
            raise
        self._move(ContextEvent.ACCEPTED)
        self._model = model

    def _load_cached(self, frame: frames.LoadCached) -> None:
        following = after(self._state, ContextEvent.BIND)
        model = self._tenant.cache.get(frame.digest)
        if model is None:
            raise refusal(ErrorCode.NOT_FOUND, "no such model in this container's cache")
        self._tenant.require_trusted(model.digest)
        self._charge(model.plan.model_bytes * self._terms.cycles_per_model_byte)
        self._tenant.load(self._slot, model, self._patience_ms())
        self._state, self._model = following, model

    def _bound(self) -> AcceptedModel:
        if self._model is None:
            raise refusal(ErrorCode.INVALID_STATE, "no model")
        return self._model.plan

    # Inputs.

    def _input(self, frame: frames.Input) -> None:
        following = after(self._state, ContextEvent.INPUT)
        plan = self._bound()
        require(frame.index < len(plan.inputs), ErrorCode.INVALID_ARGUMENT, "no such input")
        tensor = plan.inputs[frame.index]
        fits = (
            frame.type in (ANY, ELEMENT_TYPES[tensor.type])
            and frame.dims in ((), tensor.shape)
            and frame.total == tensor.size_bytes
        )
        require(fits, ErrorCode.INVALID_ARGUMENT, "another type, shape or size than the model's")
        if self._state is ContextState.DONE:
            self._forget_inputs()
        self._state = following
        self._inputs.pop(frame.index, None)
        self._filling = frame.index, bytearray()
        self._fill(frame.data)

    def _input_data(self, frame: frames.InputData) -> None:
        after(self._state, ContextEvent.INPUT_DATA)
        if self._filling is None:
            raise refusal(ErrorCode.INVALID_STATE, "no input was begun")
        index, filled = self._filling
        left = self._bound().inputs[index].size_bytes - len(filled)
        require(
            len(frame.data) <= left, ErrorCode.INVALID_ARGUMENT, "more bytes than the input has"
        )
        self._fill(frame.data)

    def _fill(self, data: bytes) -> None:
        plan = self._bound()
        if self._filling is None:
            return
        index, filled = self._filling
        filled += data
        if len(filled) == plan.inputs[index].size_bytes:
            self._inputs[index], self._filling = bytes(filled), None
        if len(self._inputs) == len(plan.inputs):
            self._move(ContextEvent.INPUTS_COMPLETE)

    def _forget_inputs(self) -> None:
        self._inputs, self._filling, self._outputs = {}, None, ()
        self._cursor = 0

    # Inference.

    def _compute(self, frame: frames.Compute) -> None:
        after(self._state, ContextEvent.COMPUTE)
        within = frame.timeout_ms <= self._terms.quotas.compute_ms
        require(within, ErrorCode.QUOTA, "a timeout beyond the quota")
        self._timeout_ms = frame.timeout_ms
        self._start()

    def _start(self) -> None:
        """Begin an inference, and in virtual time wait for it."""
        following = after(self._state, ContextEvent.COMPUTE)
        model, plan = self._model, self._bound()
        if model is None:
            return
        self._tenant.require_idle()
        self._tenant.require_trusted(model.digest)
        self._tenant.begin_inference(self._call.now_us())
        self._charge(plan.macs * self._terms.cycles_per_mac)
        inputs = b"".join(self._inputs[index] for index in range(len(plan.inputs)))
        self._state = following
        self._cursor = 0
        try:
            self._tenant.load(self._slot, model, self._patience_ms())
            self._tenant.run(self._slot, model, inputs, self._patience_ms())
        except DriverError:
            self._fail()
            raise
        if self._terms.virtual_time:
            self._collect(model, wait=True)

    def _look(self) -> None:
        """In wall time, see whether the inference under way has ended.

        Raises:
            DriverError: it failed; the container hears of it at this call.
        """
        if self._state is ContextState.COMPUTING and self._model is not None:
            self._collect(self._model, wait=False)

    def _collect(self, model: CheckedModel, *, wait: bool) -> None:
        try:
            given = self._tenant.outputs(model, wait=wait)
        except DriverError:
            self._fail()
            raise
        if given is None:
            return
        self._move(ContextEvent.ANSWERED)
        outputs, begin = [], 0
        for tensor in model.plan.outputs:
            outputs.append(given[begin : begin + tensor.size_bytes])
            begin += tensor.size_bytes
        self._outputs = tuple(outputs)

    def _fail(self) -> None:
        self._move(ContextEvent.FAILED)
        self._forget_inputs()

    def _charge(self, cycles: float) -> None:
        if self._terms.virtual_time:
            self._call.charge(math.ceil(cycles))

    def _patience_ms(self) -> int:
        """Real time to wait for the worker."""
        if self._terms.virtual_time:
            return self._terms.host_deadline_ms
        return self._timeout_ms or self._terms.quotas.compute_ms

    # Answers.

    def _select(self, frame: frames.Select) -> None:
        count = 1
        if frame.what in (What.OUTPUT, What.INPUT_INFO, What.OUTPUT_INFO):
            plan = self._bound()
            count = len(plan.inputs if frame.what is What.INPUT_INFO else plan.outputs)
        require(frame.index < count, ErrorCode.INVALID_ARGUMENT, "nothing of this index to select")
        self._answer = self._described(frame)
        self._selected, self._cursor = frame, frame.offset

    def _described(self, frame: frames.Select) -> bytes:
        match frame.what:
            case What.INPUT_INFO:
                return describe(self._bound().inputs[frame.index])
            case What.OUTPUT_INFO:
                return describe(self._bound().outputs[frame.index])
            case What.STATUS:
                return self._status()
            case What.LAST_ERROR:
                return self._error
        return b""

    def _status(self) -> bytes:
        plan = None if self._model is None else self._model.plan
        numbers = (0, 0, 0, 0, 0)
        if plan is not None:
            sizes = plan.model_bytes, plan.arena_bytes, min(plan.macs, 0xFFFFFFFF)
            numbers = len(plan.inputs), len(plan.outputs), *sizes
        return struct.pack("<BBBBIII", PROTOCOL_VERSION, self._state, *numbers)

    def _give(self, size: int) -> bytes:
        self._look()
        self._require_idle()
        answer = self._answer
        if self._selected.what is What.OUTPUT:
            if self._state is ContextState.PRIMED:
                self._timeout_ms = 0
                self._start()
                self._require_idle()
            done = self._state is ContextState.DONE
            require(done, ErrorCode.INVALID_STATE, "no outputs: nothing was computed")
            answer = self._outputs[self._selected.index]
        part = answer[self._cursor : self._cursor + size]
        self._cursor += len(part)
        return part

    def _require_idle(self) -> None:
        require(
            self._state is not ContextState.COMPUTING, ErrorCode.BUSY, "an inference is under way"
        )

    def _reset(self, frame: frames.Reset) -> None:
        event = (
            ContextEvent.RESET_INPUTS if frame.scope is Scope.INPUTS else ContextEvent.RESET_MODEL
        )
        self._move(event)
        self._forget_inputs()
        self._selected, self._answer = _OUTPUT, b""
        if frame.scope is Scope.MODEL:
            if self._model is not None:
                self._tenant.cache.pop(self._model.digest, None)
                self._tenant.forget(self._slot)
            self._model, self._pending, self._model_bytes = None, None, bytearray()


def describe(tensor: Tensor) -> bytes:
    """A tensor as INPUT_INFO and OUTPUT_INFO show it."""
    scale = tensor.scales[0] if tensor.scales else 0.0
    zero_point = tensor.zero_points[0] if tensor.zero_points else 0
    kind, rank = ELEMENT_TYPES[tensor.type], len(tensor.shape)
    head = struct.pack("<BBHIfi", kind, rank, 0, tensor.size_bytes, scale, zero_point)
    return head + struct.pack(f"<{rank}I", *tensor.shape) + tensor.name


_TAKERS: Final[Mapping[type, Callable[[ExecutionContext, Any], None]]] = MappingProxyType(
    {
        frames.Load: ExecutionContext._load,
        frames.ModelData: ExecutionContext._model_data,
        frames.LoadCached: ExecutionContext._load_cached,
        frames.Input: ExecutionContext._input,
        frames.InputData: ExecutionContext._input_data,
        frames.Compute: ExecutionContext._compute,
        frames.Select: ExecutionContext._select,
        frames.Reset: ExecutionContext._reset,
    }
)
