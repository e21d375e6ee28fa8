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
    refusal,
    require,
)

MAX_RANK: Final = 8
_SELECTABLE: Final = frozenset(What)
_SCOPES: Final = frozenset(Scope)
_FORM: Final = "a frame of the wrong length"


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


def parse(data: bytes) -> Frame:
    """Take a frame apart.

    Args:
        data: 1 to 255 bytes, as a container wrote them.

    Raises:
        DriverError: code 1, its form is wrong; 2, an encoding other than 4; 6, no such operation.
    """
    require(1 <= len(data) <= FRAME_BYTES, ErrorCode.INVALID_ARGUMENT, _FORM)
    parser = _PARSERS.get(data[0])
    if parser is None:
        raise refusal(ErrorCode.UNSUPPORTED_OPERATION, f"no operation {data[0]:#04x}")
    return parser(data)


def _fixed(layout: str, data: bytes, *, exact: bool) -> tuple[int, ...]:
    """The numbers at a frame's beginning."""
    size = struct.calcsize(layout)
    fits = len(data) == size if exact else len(data) >= size
    require(fits, ErrorCode.INVALID_ARGUMENT, _FORM)
    return struct.unpack_from(layout, data)


def _zero(*reserved: int) -> None:
    require(not any(reserved), ErrorCode.INVALID_ARGUMENT, "a reserved byte that is not 0")


def _load(data: bytes) -> Load:
    _, encoding, flags, reserved, total = _fixed("<BBBBI", data, exact=False)
    require(
        encoding == ENCODING_TFLITE, ErrorCode.INVALID_ENCODING, "an encoding other than tflite"
    )
    _zero(reserved, flags & ~int(LoadFlag.HASH | LoadFlag.KEEP))
    begin, digest = 8, None
    if flags & LoadFlag.HASH:
        begin, digest = 8 + HASH_BYTES, data[8 : 8 + HASH_BYTES]
        require(len(digest) == HASH_BYTES, ErrorCode.INVALID_ARGUMENT, _FORM)
    fits = total > 0 and len(data) - begin <= total
    require(fits, ErrorCode.INVALID_ARGUMENT, "a model of no bytes, or more bytes than it has")
    return Load(total, bool(flags & LoadFlag.KEEP), digest, data[begin:])


def _model_data(data: bytes) -> ModelData:
    require(len(data) > 1, ErrorCode.INVALID_ARGUMENT, _FORM)
    return ModelData(data[1:])


def _load_cached(data: bytes) -> LoadCached:
    require(len(data) == 4 + HASH_BYTES, ErrorCode.INVALID_ARGUMENT, _FORM)
    _zero(*data[1:4])
    return LoadCached(data[4:])


def _input(data: bytes) -> Input:
    _, index, type_, rank, total = _fixed("<BBBBI", data, exact=False)
    end = 8 + 4 * rank
    fits = rank <= MAX_RANK and len(data) >= end
    require(fits, ErrorCode.INVALID_ARGUMENT, _FORM)
    dims = struct.unpack_from(f"<{rank}I", data, 8)
    require(len(data) - end <= total, ErrorCode.INVALID_ARGUMENT, "more bytes than the input has")
    return Input(index, type_, dims, total, data[end:])


def _input_data(data: bytes) -> InputData:
    require(len(data) > 1, ErrorCode.INVALID_ARGUMENT, _FORM)
    return InputData(data[1:])


def _compute(data: bytes) -> Compute:
    _, reserved, timeout_ms = _fixed("<BBH", data, exact=True)
    _zero(reserved)
    return Compute(timeout_ms)


def _select(data: bytes) -> Select:
    _, what, index, reserved, offset = _fixed("<BBBBI", data, exact=True)
    _zero(reserved)
    require(what in _SELECTABLE, ErrorCode.INVALID_ARGUMENT, "nothing of this kind to select")
    return Select(What(what), index, offset)


def _reset(data: bytes) -> Reset:
    _, scope = _fixed("<BB", data, exact=True)
    require(scope in _SCOPES, ErrorCode.INVALID_ARGUMENT, "nothing of this kind to reset")
    return Reset(Scope(scope))


_PARSERS: Final[Mapping[int, Callable[[bytes], Frame]]] = MappingProxyType(
    {
        Op.LOAD: _load,
        Op.MDATA: _model_data,
        Op.LOADH: _load_cached,
        Op.INPUT: _input,
        Op.IDATA: _input_data,
        Op.COMPUTE: _compute,
        Op.SELECT: _select,
        Op.RESET: _reset,
    }
)
