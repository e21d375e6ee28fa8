"""Which devices are asked for, in the address of a request."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Query

from ..fleet.choosing import DeviceChoice
from ..fleet.devices import read_query
from ..fleet.standing import Standing
from ..tables.rollouts import REASON_CHARACTERS
from .bodies import MAX_NUMBER
from .catalogue import UidDigits
from .fleet_bodies import LAST_S, QueryText


@dataclass(frozen=True, slots=True)
class DevicesAsked:
    """Which devices are meant: those of which all of this is true.

    Attributes:
        query: what is said of them; `version` is that of the container `uid` which they run.
        profile: its id.
        connected: whether a gateway reaches them.
        silent_s: for so many seconds they have not answered; they may never have.
        uid: of a container that is to be on them, or is; in hexadecimal digits.
        wanted: number of the release of a container that they are to run; 0 if they are to have
            none.
        state: how they stand with a container: the same one, if more is said of it.
        rollout: number of one that has failed on them.
        reason: why it has.
    """

    query: QueryText = ""
    profile: Annotated[int | None, Query(ge=1, le=MAX_NUMBER)] = None
    connected: Annotated[bool | None, Query(description="whether a gateway reaches them")] = None
    silent_s: Annotated[
        int | None, Query(ge=0, le=LAST_S, description="how long they have not answered")
    ] = None
    uid: Annotated[
        UidDigits | None, Query(description="of a container that is to be on them, or is")
    ] = None
    wanted: Annotated[
        int | None,
        Query(ge=0, lt=1 << 63, description="release that they are to run; 0 for none"),
    ] = None
    state: Annotated[Standing | None, Query(description="how they stand with a container")] = None
    rollout: Annotated[
        int | None, Query(ge=1, le=MAX_NUMBER, description="that has failed on them")
    ] = None
    reason: Annotated[
        str | None, Query(max_length=REASON_CHARACTERS, description="why the rollout has failed")
    ] = None

    def choice(self, now_s: float) -> DeviceChoice:
        """What is looked for.

        Raises:
            PlatformRefused: the query is none.
        """
        return DeviceChoice(
            query=read_query(self.query),
            profile_id=self.profile,
            is_connected=self.connected,
            silent_since_s=None if self.silent_s is None else now_s - self.silent_s,
            uid=None if self.uid is None else bytes.fromhex(self.uid),
            wanted=self.wanted,
            standing=self.state,
            rollout_id=self.rollout,
            reason=self.reason,
        )
