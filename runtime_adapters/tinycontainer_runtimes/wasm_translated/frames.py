"""Where translated code is: frames of Python say the line, and each line has its instruction."""

from collections.abc import Iterator, Sequence
from types import CodeType, FrameType, GeneratorType, TracebackType
from typing import Final, NamedTuple

from tinycontainer.interfaces.runtime import TrapFrame

from ..wasm.traps import MAX_WASM_FRAMES
from .flat import FlatLine, run_flat
from .machine import Call, CallRefused, WasmMachine
from .program import FILENAME, TranslatedModule

_FLAT_CODE: Final = run_flat.__code__
_REFUSES_OPERANDS: Final = WasmMachine.refuse_operands.__code__


class _Place(NamedTuple):
    """A call in progress.

    Attributes:
        frame: of its function.
        line: of Python in it.
        inner: code of what it called when an error was raised; None if it waits.
        inner_line: of Python in that.
    """

    frame: FrameType
    line: int
    inner: CodeType | None = None
    inner_line: int = 0


def find_left(error: BaseException, otherwise: int) -> int:
    """The fuel that was left where an error was raised.

    Args:
        error: that has ended a hook.
        otherwise: what is left if it was raised in no translated function.
    """
    places = [*_raised_places(error.__traceback__)]
    return int(places[-1].frame.f_locals.get("left", otherwise)) if places else otherwise


def find_frames(
    error: BaseException, outer: Sequence[Call], module: TranslatedModule
) -> tuple[TrapFrame, ...]:
    """The calls in progress, the innermost first, up to `MAX_WASM_FRAMES`.

    Args:
        error: that has ended the hook.
        outer: the calls that wait for those in which it was raised.
        module: whose functions they are.
    """
    raised = [*_raised_places(error.__traceback__)]
    if isinstance(error, CallRefused):
        raised.pop()  # it was not entered
    places = [*(each for call in outer for each in _waiting_places(call)), *raised]
    return tuple(_make_frame(each, module) for each in places[: -MAX_WASM_FRAMES - 1 : -1])


def _is_own(code: CodeType) -> bool:
    """Whether code is that of a function of the module, in either form."""
    return code is _FLAT_CODE or (code.co_filename == FILENAME and code.co_name[0] == "f")


def _raised_places(traceback: TracebackType | None) -> Iterator[_Place]:
    """Calls in which an error was raised, the outermost first."""
    while traceback is not None:
        inner = traceback.tb_next
        if _is_own(traceback.tb_frame.f_code):
            if inner is None:
                yield _Place(traceback.tb_frame, traceback.tb_lineno)
            else:
                code = inner.tb_frame.f_code
                yield _Place(traceback.tb_frame, traceback.tb_lineno, code, inner.tb_lineno)
        traceback = inner


def _waiting_places(call: Call) -> Iterator[_Place]:
    """Nested calls that wait, the outermost first."""
    found: object = call
    while isinstance(found, GeneratorType) and found.gi_frame is not None:
        if _is_own(found.gi_code):
            yield _Place(found.gi_frame, found.gi_frame.f_lineno)
        found = found.gi_yieldfrom


def _make_frame(place: _Place, module: TranslatedModule) -> TrapFrame:
    values = place.frame.f_locals
    if place.frame.f_code is _FLAT_CODE:
        return TrapFrame(values["function"].index, _find_flat_offset(values["line"], place))
    index = int(place.frame.f_code.co_name[1:])
    offsets = module.offsets[index - len(module.scanned.imports)]
    return TrapFrame(index, offsets[place.line - 1])


def _find_flat_offset(line: FlatLine, place: _Place) -> int:
    if place.inner is _REFUSES_OPERANDS:
        return line.begin
    if (
        place.inner is None
        or place.inner.co_filename != FILENAME
        or place.inner.co_name != line.name
    ):
        return line.offset  # of a call
    return line.offsets[place.inner_line - 1]
