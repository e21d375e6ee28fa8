"""Frames of the protocol as values: their form is checked here, their sense by the context."""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, TypeAlias

from .codes import (
    ENCODING_TFLITE,
    FRAME_BYTES,
    HASH_BYTES,
    ErrorCode,
    LoadFlag,
    Op,
    Scope,
    What,
    make_refusal,
    require,
)

MAX_RANK: Final = 8
_SELECTABLE: Final = frozenset(What)
_SCOPES: Final = frozenset(Scope)


@dataclass(frozen=True, slots=True)
class Load:
    """LOAD: begin a model of ``total`` bytes; ``digest`` is its SHA-256, if it was given."""

    total: int
    keep: bool
    digest: bytes | None
    data: bytes


@dataclass(frozen=True, slots=True)
class ModelData:
    """MDATA: more of the model."""

    data: bytes


@dataclass(frozen=True, slots=True)
class LoadCached:
    """LOADH: bind a model from the container's own cache."""

    digest: bytes


@dataclass(frozen=True, slots=True)
class Input:
    """INPUT: begin an input. ``type`` 255 and no ``dims`` mean the model's own."""

    index: int
    type: int
    dims: tuple[int, ...]
    total: int
    data: bytes


@dataclass(frozen=True, slots=True)
class InputData:
    """IDATA: more of the input."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Compute:
    """COMPUTE: run the model; ``timeout_ms`` 0 is the quota."""

    timeout_ms: int


@dataclass(frozen=True, slots=True)
class Select:
    """SELECT: what reads give from now on, from an offset in bytes."""

    what: What
    index: int
    offset: int


@dataclass(frozen=True, slots=True)
class Reset:
    """RESET: forget the inputs, or the model."""

    scope: Scope


Frame: TypeAlias = Load | ModelData | LoadCached | Input | InputData | Compute | Select | Reset


def parse_frame(data: bytes) -> Frame:
    """Take a frame apart.

    Args:
        data: 1 to 255 bytes, as a container wrote them.

    Raises:
        DriverError: code 1, its form is wrong; 2, an encoding other than 4; 6, no such operation.
    """
    sized = 1 <= len(data) <= FRAME_BYTES
    problem = f"the frame has {len(data)} bytes; allowed are 1 to {FRAME_BYTES}"
    require(sized, ErrorCode.INVALID_ARGUMENT, problem)
    parser = _PARSERS.get(data[0])
    if parser is None:
        problem = f"there is no operation {data[0]:#04x}"
        raise make_refusal(ErrorCode.UNSUPPORTED_OPERATION, problem)
    return parser(data)


def _require_length(data: bytes, size: int, *, exact: bool) -> None:
    fits = len(data) == size if exact else len(data) >= size
    amount = f"exactly {size}" if exact else f"at least {size}"
    problem = f"the {Op(data[0]).name} frame has {len(data)} bytes; it needs {amount}"
    require(fits, ErrorCode.INVALID_ARGUMENT, problem)


def _unpack_head(layout: str, data: bytes, *, exact: bool) -> tuple[int, ...]:
    """The numbers at a frame's begin."""
    _require_length(data, struct.calcsize(layout), exact=exact)
    return struct.unpack_from(layout, data)


def _require_zero(data: bytes, *reserved: int) -> None:
    clear = not any(reserved)
    problem = f"a reserved part of the {Op(data[0]).name} frame is not 0"
    require(clear, ErrorCode.INVALID_ARGUMENT, problem)


def _require_fit(data: bytes, inline: int, total: int, what: str) -> None:
    """The bytes that a frame brings along are not more than it announces."""
    problem = f"the {Op(data[0]).name} frame brings {inline} bytes of {what} of {total}"
    require(inline <= total, ErrorCode.INVALID_ARGUMENT, problem)


def _parse_load(data: bytes) -> Load:
    _, encoding, flags, reserved, total = _unpack_head("<BBBBI", data, exact=False)
    problem = f"the encoding is {encoding}; only {ENCODING_TFLITE}, tflite, is supported"
    require(encoding == ENCODING_TFLITE, ErrorCode.INVALID_ENCODING, problem)
    _require_zero(data, reserved, flags & ~int(LoadFlag.HASH | LoadFlag.KEEP))
    begin = 8
    digest = None
    if flags & LoadFlag.HASH:
        begin = 8 + HASH_BYTES
        _require_length(data, begin, exact=False)
        digest = data[8:begin]
    require(total > 0, ErrorCode.INVALID_ARGUMENT, "the model has 0 bytes; it needs at least 1")
    _require_fit(data, len(data) - begin, total, "a model")
    return Load(total, bool(flags & LoadFlag.KEEP), digest, data[begin:])


def _parse_model_data(data: bytes) -> ModelData:
    _require_length(data, 2, exact=False)
    return ModelData(data[1:])


def _parse_load_cached(data: bytes) -> LoadCached:
    _require_length(data, 4 + HASH_BYTES, exact=True)
    _require_zero(data, *data[1:4])
    return LoadCached(data[4:])


def _parse_input(data: bytes) -> Input:
    _, index, type_, rank, total = _unpack_head("<BBBBI", data, exact=False)
    problem = f"the input has {rank} dimensions; at most {MAX_RANK} are allowed"
    require(rank <= MAX_RANK, ErrorCode.INVALID_ARGUMENT, problem)
    end = 8 + 4 * rank
    _require_length(data, end, exact=False)
    dims = struct.unpack_from(f"<{rank}I", data, 8)
    _require_fit(data, len(data) - end, total, "an input")
    return Input(index, type_, dims, total, data[end:])


def _parse_input_data(data: bytes) -> InputData:
    _require_length(data, 2, exact=False)
    return InputData(data[1:])


def _parse_compute(data: bytes) -> Compute:
    _, reserved, timeout_ms = _unpack_head("<BBH", data, exact=True)
    _require_zero(data, reserved)
    return Compute(timeout_ms)


def _parse_select(data: bytes) -> Select:
    _, what, index, reserved, offset = _unpack_head("<BBBBI", data, exact=True)
    _require_zero(data, reserved)
    problem = f"SELECT chooses {what}; allowed are 0 to {max(_SELECTABLE)}"
    require(what in _SELECTABLE, ErrorCode.INVALID_ARGUMENT, problem)
    return Select(What(what), index, offset)


def _parse_reset(data: bytes) -> Reset:
    _, scope = _unpack_head("<BB", data, exact=True)
    problem = f"RESET chooses {scope}; allowed are 0 to {max(_SCOPES)}"
    require(scope in _SCOPES, ErrorCode.INVALID_ARGUMENT, problem)
    return Reset(Scope(scope))


_PARSERS: Final[Mapping[int, Callable[[bytes], Frame]]] = MappingProxyType(
    {
        Op.LOAD: _parse_load,
        Op.MDATA: _parse_model_data,
        Op.LOADH: _parse_load_cached,
        Op.INPUT: _parse_input,
        Op.IDATA: _parse_input_data,
        Op.COMPUTE: _parse_compute,
        Op.SELECT: _parse_select,
        Op.RESET: _parse_reset,
    }
)
