"""What one container may use of the inference service."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from pydantic import Field

from ..options import Options


class Quotas(Options):
    """Quotas of each container.

    Attributes:
        model_bytes: longest model.
        cached_models: models kept after their descriptor closed.
        arena_bytes: tensors computed and alive at the same time.
        macs: multiply-accumulates of one inference.
        io_bytes: all inputs together, and all outputs together.
        descriptors: open at the same time.
        compute_ms: real time of one inference, and of one load.
        losses: times that a model may cost its process before it is locked out.
        inferences_per_second: of device time.
    """

    model_bytes: int = Field(default=64 * 1024, ge=64, le=1 << 24)
    cached_models: int = Field(default=2, ge=0, le=64)
    arena_bytes: int = Field(default=128 * 1024, ge=16, le=1 << 26)
    macs: int = Field(default=5_000_000, ge=1, le=1 << 32)
    io_bytes: int = Field(default=16 * 1024, ge=1, le=1 << 22)
    descriptors: int = Field(default=2, ge=1, le=16)
    compute_ms: int = Field(default=1000, ge=1, le=60_000)
    losses: int = Field(default=3, ge=1, le=1000)
    inferences_per_second: int = Field(default=10, ge=1, le=1_000_000)


BOARD_QUOTAS: Final[Mapping[str, Quotas]] = MappingProxyType(
    {
        "desk-ml": Quotas(
            model_bytes=512 * 1024,
            arena_bytes=256 * 1024,
            macs=16_000_000,
            io_bytes=32 * 1024,
        )
    }
)
"""Boards with quotas of their own: `desk-ml` has room for the models of MLPerf Tiny (TC-TML-26)."""


def quotas_of(board: str, given: Quotas) -> Quotas:
    """The quotas of a board, changed by what is given.

    Args:
        board: name of the board's capacities.
        given: what a device file says; what it leaves out is the board's.
    """
    usual = BOARD_QUOTAS.get(board, Quotas())
    return usual.model_copy(update=given.model_dump(exclude_unset=True))
