"""The published table: what version 1 has, without a device that does it (TC-MGMT-07)."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from .message import Code, Method, Option
from .rights import Right

CONTAINER_PATH: Final = ("container", "")
DEVICE_ID_PATH: Final = ("device-id", "")
OPTIONS: Final = frozenset(
    {Option.ACTION, Option.METADATA, Option.DATA, Option.CODE, Option.UID, Option.STATUS}
)


class Action(IntEnum):
    """What is wanted of a container."""

    LOAD = 1
    START = 2
    IS_RUNNING = 3
    STOP = 4
    DELETE = 5


@dataclass(frozen=True, slots=True)
class PublishedRow:
    """One row of the published table.

    Attributes:
        method: the only one.
        needs: options that it needs.
        right: what the peer must be allowed to do.
        done: the code of the answer, if it is carried out.
    """

    method: Method
    needs: tuple[Option, ...]
    right: Right
    done: Code


_SECTIONS: Final = (Option.METADATA, Option.DATA, Option.CODE)
ROWS: Final = {
    Action.LOAD: PublishedRow(Method.POST, _SECTIONS, Right.LOAD, Code.CREATED),
    Action.START: PublishedRow(Method.PUT, (Option.UID,), Right.START, Code.CHANGED),
    Action.IS_RUNNING: PublishedRow(Method.GET, (Option.UID,), Right.READ, Code.CONTENT),
    Action.STOP: PublishedRow(Method.PUT, (Option.UID,), Right.STOP, Code.CHANGED),
    Action.DELETE: PublishedRow(Method.DELETE, (Option.UID,), Right.DELETE, Code.DELETED),
}
"""What the device serves and what an operator asks for."""
