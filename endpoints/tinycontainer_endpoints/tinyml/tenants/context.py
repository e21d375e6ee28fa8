"""An execution context: what an open descriptor leads to. Frames come in, answers go out.

Each frame is checked in full before anything changes (TC-TML-01). `protocol.states` has the states.
"""

import math
from dataclasses import dataclass, field
from typing import assert_never

from tinycontainer.errors import DriverError
from tinycontainer.interfaces.driver import CallContext

from ..protocol import frames
from ..protocol.codes import ErrorCode, Scope, make_refusal, require
from ..protocol.states import ContextEvent, ContextState, find_next_state
from .answers import Answers
from .inputs import Inputs
from .tenant import Tenant
from .terms import TenantModel


@dataclass
class ModelUpload:
    """A model that is still coming.

    Attributes:
        frame: the LOAD that began it.
        content: what has come of it.
    """

    frame: frames.Load
    content: bytearray = field(default_factory=bytearray)

    @property
    def left_bytes(self) -> int:
        """How many bytes are still to come."""
        return self.frame.total - len(self.content)


class ExecutionContext:
    """One descriptor's model, inputs and outputs.

    Args:
        tenant: the container's share of the service.
        call: the call in progress.
    """

    def __init__(self, tenant: Tenant, call: CallContext) -> None:
        self._tenant = tenant
        self._terms = tenant.terms
        self._worker = tenant.worker
        self._number = tenant.enter_context()
        self._call = call
        self._state = ContextState.EMPTY
        self._upload: ModelUpload | None = None
        self._model: TenantModel | None = None
        self._inputs = Inputs(())
        self._outputs: tuple[bytes, ...] = ()
        self._timeout_ms = 0
        self._has_state = False
        self._answers = Answers()

    def write(self, data: bytes) -> None:
        """Accept a frame, whole or not at all.

        Raises:
            DriverError: with a code of the protocol; nothing has changed but what it says.
        """
        try:
            frame = frames.parse_frame(data)
            self._settle_inference()
            self._apply_frame(frame)
        except DriverError as error:
            self._answers.note_error(error)
            raise

    def read(self, size: int) -> bytes:
        """What was selected, from the cursor on; nothing at its end.

        Raises:
            DriverError: with a code of the protocol.
        """
        try:
            self._settle_inference()
            self._require_idle()
            index = self._answers.selected_output
            output = None if index is None else self._obtain_output(index)
        except DriverError as error:
            self._answers.note_error(error)
            raise
        return self._answers.read(size, output)

    def close(self) -> None:
        """Drop the interpreter, and the model unless it is kept (TC-TML-09)."""
        self._tenant.leave_context(self._number)

    def _apply_frame(self, frame: frames.Frame) -> None:
        match frame:
            case frames.Load():
                self._begin_model(frame)
            case frames.ModelData():
                self._continue_model(frame)
            case frames.LoadCached():
                self._bind_kept_model(frame)
            case frames.Input():
                self._begin_input(frame)
            case frames.InputData():
                self._continue_input(frame)
            case frames.Compute():
                self._compute(frame)
            case frames.Select():
                accepted = None if self._model is None else self._model.accepted
                self._answers.select(frame, self._state, accepted)
            case frames.Reset():
                self._reset(frame)
            case _:
                assert_never(frame)

    def _move(self, event: ContextEvent) -> None:
        self._state = find_next_state(self._state, event)

    def _charge(self, cycles: float) -> None:
        if self._terms.virtual_time:
            self._call.charge(math.ceil(cycles))

    def _require_model(self) -> TenantModel:
        if self._model is None:
            raise make_refusal(ErrorCode.INVALID_STATE, "the context has no model: load one first")
        return self._model

    # Models: LOAD, MDATA and LOADH.

    def _begin_model(self, frame: frames.Load) -> None:
        following = find_next_state(self._state, ContextEvent.BEGIN_MODEL)
        quota = self._terms.quotas.model_bytes
        problem = f"the model has {frame.total} bytes; the quota is {quota}"
        require(frame.total <= quota, ErrorCode.TOO_LARGE, problem)
        self._add_to_model(ModelUpload(frame), frame.data, following)

    def _continue_model(self, frame: frames.ModelData) -> None:
        following = find_next_state(self._state, ContextEvent.MODEL_DATA)
        if self._upload is None:
            raise make_refusal(ErrorCode.INVALID_STATE, "MDATA has no model to add to")
        left = self._upload.left_bytes
        problem = f"MDATA has {len(frame.data)} bytes; the model needs only {left} more"
        require(len(frame.data) <= left, ErrorCode.INVALID_ARGUMENT, problem)
        self._add_to_model(self._upload, frame.data, following)

    def _add_to_model(self, upload: ModelUpload, data: bytes, following: ContextState) -> None:
        """Add to a model; with its last byte judge and load it (TC-TML-03)."""
        if len(data) == upload.left_bytes:
            self._worker.require_idle()
        self._state = following
        self._upload = upload
        upload.content += data
        if upload.left_bytes == 0:
            self._upload = None
            self._finish_model(bytes(upload.content), upload.frame)

    def _finish_model(self, content: bytes, frame: frames.Load) -> None:
        self._charge(len(content) * self._terms.cycles_per_model_byte)
        try:
            model = self._tenant.judge_model(content, frame.digest)
            self._worker.load_model(self._number, model, self._choose_timeout_ms())
            if frame.keep:
                self._tenant.keep_model(model)
        except DriverError:
            self._move(ContextEvent.REJECTED)
            raise
        self._move(ContextEvent.ACCEPTED)
        self._bind_model(model)

    def _bind_kept_model(self, frame: frames.LoadCached) -> None:
        following = find_next_state(self._state, ContextEvent.BIND)
        model = self._tenant.find_kept_model(frame.digest)
        self._charge(model.accepted.model_bytes * self._terms.cycles_per_model_byte)
        self._worker.load_model(self._number, model, self._choose_timeout_ms())
        self._state = following
        self._bind_model(model)

    def _bind_model(self, model: TenantModel) -> None:
        self._model = model
        self._has_state = False
        self._inputs = Inputs(model.accepted.inputs)

    # Inputs: INPUT and IDATA.

    def _begin_input(self, frame: frames.Input) -> None:
        following = find_next_state(self._state, ContextEvent.INPUT)
        self._require_model()
        self._inputs.check_begin(frame)
        if self._state is ContextState.DONE:
            self._forget_round()
        self._state = following
        self._inputs.begin(frame)
        self._note_complete_inputs()

    def _continue_input(self, frame: frames.InputData) -> None:
        find_next_state(self._state, ContextEvent.INPUT_DATA)
        self._inputs.add(frame)
        self._note_complete_inputs()

    def _note_complete_inputs(self) -> None:
        if self._inputs.are_complete:
            self._move(ContextEvent.INPUTS_COMPLETE)

    def _forget_round(self) -> None:
        """Forget inputs and outputs: another round of them begins."""
        self._inputs.forget()
        self._outputs = ()
        self._answers.rewind()

    # Inference: COMPUTE, and the first read of an output.

    def _compute(self, frame: frames.Compute) -> None:
        find_next_state(self._state, ContextEvent.COMPUTE)
        quota_ms = self._terms.quotas.compute_ms
        problem = f"the timeout is {frame.timeout_ms} ms; the quota is {quota_ms} ms"
        require(frame.timeout_ms <= quota_ms, ErrorCode.QUOTA, problem)
        self._timeout_ms = frame.timeout_ms
        self._begin_inference()

    def _begin_inference(self) -> None:
        """Begin an inference, and in virtual time wait for it (TC-TML-07)."""
        following = find_next_state(self._state, ContextEvent.COMPUTE)
        model = self._require_model()
        self._worker.require_idle()
        self._tenant.require_trusted(model.digest)
        self._tenant.count_inference(self._call.now_us())
        self._charge(model.accepted.macs * self._terms.cycles_per_mac)
        self._state = following
        self._answers.rewind()
        timeout_ms = self._choose_timeout_ms()
        try:
            self._require_state(model)
            # The worker that had the model may have been lost since.
            self._worker.load_model(self._number, model, timeout_ms)
            self._worker.begin_inference(self._number, model, self._inputs.join(), timeout_ms)
        except DriverError:
            self._fail_inference()
            raise
        if self._terms.virtual_time:
            self._collect_outputs(model, wait=True)

    def _settle_inference(self) -> None:
        """In wall time, see whether the inference under way has ended (TC-TML-08).

        Raises:
            DriverError: it failed; the call in progress is refused instead.
        """
        if self._state is ContextState.COMPUTING:
            self._collect_outputs(self._require_model(), wait=False)

    def _collect_outputs(self, model: TenantModel, *, wait: bool) -> None:
        try:
            joined = self._worker.fetch_outputs(model, wait=wait)
        except DriverError:
            self._fail_inference()
            raise
        if joined is None:
            return
        self._move(ContextEvent.ANSWERED)
        self._has_state = model.accepted.is_stateful
        outputs = []
        begin = 0
        for tensor in model.accepted.outputs:
            outputs.append(joined[begin : begin + tensor.size_bytes])
            begin += tensor.size_bytes
        self._outputs = tuple(outputs)

    def _fail_inference(self) -> None:
        self._move(ContextEvent.FAILED)
        self._forget_round()
        self._forget_state()

    def _require_state(self, model: TenantModel) -> None:
        """Refuse to go on from a state that was lost with the worker (TC-TML-24).

        Raises:
            DriverError: code 5.
        """
        kept = not self._has_state or self._worker.has_loaded(self._number, model)
        problem = "the model's state was lost with its process: begin the sequence again"
        require(kept, ErrorCode.RUNTIME_ERROR, problem)

    def _forget_state(self) -> None:
        """Let the next inference begin with a state of zeros (TC-TML-24)."""
        self._has_state = False
        if self._model is not None and self._model.accepted.is_stateful:
            self._tenant.drop_model(self._number)

    def _choose_timeout_ms(self) -> int:
        """Real time to wait for the worker."""
        if self._timeout_ms and not self._terms.virtual_time:
            return self._timeout_ms
        return self._terms.longest_wait_ms

    # Outputs, and RESET.

    def _obtain_output(self, index: int) -> bytes:
        """An output; in PRIMED it is computed first."""
        if self._state is ContextState.PRIMED:
            self._timeout_ms = 0
            self._begin_inference()
            self._require_idle()
        done = self._state is ContextState.DONE
        problem = f"there is no output in the state {self._state.name}: give all inputs first"
        require(done, ErrorCode.INVALID_STATE, problem)
        return self._outputs[index]

    def _require_idle(self) -> None:
        idle = self._state is not ContextState.COMPUTING
        require(idle, ErrorCode.BUSY, "the inference is under way: read again later")

    def _reset(self, frame: frames.Reset) -> None:
        if frame.scope is Scope.INPUTS:
            self._move(ContextEvent.RESET_INPUTS)
            self._forget_state()
        else:
            self._move(ContextEvent.RESET_MODEL)
            self._forget_model()
        self._forget_round()
        self._answers.reset()

    def _forget_model(self) -> None:
        if self._model is not None:
            self._tenant.forget_kept_model(self._model.digest)
            self._tenant.drop_model(self._number)
        self._model = None
        self._inputs = Inputs(())
        self._upload = None
